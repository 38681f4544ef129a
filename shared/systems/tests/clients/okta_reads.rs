//! What an observation reads of Okta besides what a recipe does: who is assigned, signing keys, endpoints, excluded people.

use crate::vendor::{Act, SSWS, Vendor};
use extoauth_core::error::ErrorKind;
use extoauth_systems::okta::{LogFilter, NextPage};
use serde_json::json;

#[tokio::test]
async fn the_first_users_of_an_app_come_with_their_accounts() {
    let vendor = Vendor::start(|request, _| {
        let next = format!("<https://acme.okta.com{}&after=x>; rel=\"next\"", request.target);
        Act::json(
            200,
            json!([
                {"id": "00u1", "scope": "GROUP", "status": "ACTIVE", "credentials": {"userName": "one@app"},
                 "profile": {"name": "canary-name"},
                 "_embedded": {"user": {"id": "00u1", "status": "SUSPENDED", "profile": {"email": "one@example.com"}}}},
                {"id": "00u2", "_links": {}},
            ]),
        )
        .with("link", next)
    })
    .await;
    let (okta, _) = vendor.okta(SSWS);
    let page = okta.first_app_users("0oa1", 100).await.expect("a page");
    assert_eq!(vendor.calls()[0].target, "/api/v1/apps/0oa1/users?limit=100&expand=user");
    assert!(!page.complete, "more follow, and are not asked for");
    assert_eq!(vendor.calls().len(), 1);
    let (one, other) = (&page.users[0], &page.users[1]);
    assert_eq!((one.scope.as_deref(), one.user_name.as_deref()), (Some("GROUP"), Some("one@app")));
    let account = one.account.as_ref().expect("an account");
    assert_eq!((account.status.as_deref(), &account.profile["email"]), (Some("SUSPENDED"), &json!("one@example.com")));
    assert!(other.account.is_none() && other.user_name.is_none());
    assert!(!format!("{page:?}").contains("canary"), "profiles are not printed");
}

#[tokio::test]
async fn signing_keys_are_counted_on_the_own_host_only() {
    let vendor = Vendor::start(|_, _| {
        Act::json(200, json!({"keys": [{"kid": "1", "use": "sig"}, {"kid": "2"}, {"kid": "3", "use": "enc"}]}))
    })
    .await;
    let (okta, _) = vendor.okta(SSWS);
    let own = format!("{}oauth2/aus1/v1/keys", vendor.url);
    assert_eq!(okta.signing_keys(&own).await.expect("keys"), 2);
    assert!(!vendor.calls()[0].headers.contains_key("authorization"), "our credential stays here");
    for elsewhere in ["https://evil.example/keys", &own.replace("https", "http"), "no URL"] {
        let error = okta.signing_keys(elsewhere).await.expect_err("another host");
        assert_eq!(error.kind, ErrorKind::Refused, "{elsewhere}");
    }
    assert_eq!(vendor.calls().len(), 1);
    assert_eq!(okta.oauth_url("aus1", "token").expect("a URL"), format!("{}oauth2/aus1/v1/token", vendor.url));
    okta.oauth_url("..", "token").expect_err("no id");
}

#[tokio::test]
async fn a_rule_tells_whom_it_excludes() {
    let vendor = Vendor::start(|_, _| {
        Act::json(
            200,
            json!([{"id": "0pr1", "conditions": {"people": {
                "users": {"exclude": ["00u1"]}, "groups": {"include": ["EVERYONE"], "exclude": ["00g1"]}}}}]),
        )
    })
    .await;
    let (okta, _) = vendor.okta(SSWS);
    let rules = okta.rules("aus1", "00p1").await.expect("rules");
    assert_eq!(
        (&rules[0].users_excluded[..], &rules[0].groups_excluded[..]),
        (&["00u1".into()][..], &["00g1".into()][..])
    );
}

#[tokio::test]
async fn the_log_is_read_in_pages_that_can_be_kept() {
    let vendor = Vendor::start(|request, _| {
        let next = format!("<https://acme.okta.com/api/v1/logs?after={}>; rel=\"next\"", request.target.len());
        Act::json(200, json!([{"uuid": "u1", "eventType": "policy.rule.update", "actor": {"id": "00u1"}}, {}]))
            .with("link", next)
    })
    .await;
    let (okta, _) = vendor.okta(SSWS);
    let filter = LogFilter {
        since: "2026-03-01T10:00:00Z".parse().expect("a time"),
        until: None,
        events: &["policy.rule.update"],
        target: Some("0pr1"),
        latest_first: true,
    };
    let page = okta.watching().log(&filter, None).await.expect("a page");
    assert_eq!(
        vendor.calls()[0].target,
        "/api/v1/logs?since=2026-03-01T10%3A00%3A00Z&limit=1000&filter=target.id+eq+%220pr1%22+and+%28eventType+eq+\
         %22policy.rule.update%22%29&sortOrder=DESCENDING"
    );
    assert_eq!((page.items.len(), page.items[0].actor.id.as_str()), (2, "00u1"));
    let elsewhere = page.next.expect("a next page");
    let error = okta.watching().log(&filter, Some(&elsewhere)).await.expect_err("another host than the org's");
    assert_eq!(error.kind, ErrorKind::Refused);
    let kept = json!(format!("{}api/v1/logs?after=7", vendor.url)).to_string();
    let kept: NextPage = serde_json::from_str(&kept).expect("a place that was kept");
    okta.watching().log(&filter, Some(&kept)).await.expect("the next page");
    assert_eq!(vendor.calls()[1].target, "/api/v1/logs?after=7");
}

#[tokio::test]
async fn refresh_tokens_say_whose_they_are_and_when_they_end() {
    let vendor = Vendor::start(|_, _| {
        Act::json(
            200,
            json!([{"id": "oar1", "userId": "00u1", "expiresAt": "2026-03-01T10:00:00.000Z"}, {"id": "oar2"}]),
        )
    })
    .await;
    let (okta, _) = vendor.okta(SSWS);
    let page = okta.refresh_tokens("aus1", "0oa1", None).await.expect("a page");
    assert_eq!(vendor.calls()[0].target, "/api/v1/authorizationServers/aus1/clients/0oa1/tokens?limit=200");
    assert_eq!(page.items[0].ends, "2026-03-01T10:00:00Z".parse().ok());
    assert_eq!((page.items[1].user.as_deref(), page.next), (None, None));
}
