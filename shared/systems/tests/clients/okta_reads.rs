//! What an observation reads of Okta besides what a recipe does: who is assigned, signing keys, endpoints, excluded people.

use crate::vendor::{Act, SSWS, Vendor};
use extoauth_core::error::ErrorKind;
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
