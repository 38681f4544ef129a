//! The client of Microsoft Graph: what it sends, how it takes the answers, and the tenant for the other tests.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use extoauth_core::error::{CallResult, ErrorKind};
use extoauth_core::systems::{EntraSettings, Mode, SystemId, SystemKind};
use extoauth_systems::entra::{
    self, ClientAppSpec, PermissionScopeSpec, RequiredScope, ResourceAppSpec, TokenVersion, WebIdentity,
};
use extoauth_systems::http::Credential;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::vendor::{Act, Fixed, Request, Vendor};

pub const TENANT: &str = "11111111-2222-3333-4444-555555555555";
pub const TOKEN: &str = "/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token";
pub const SECRET: &str = r#"{"auth":"client_secret","client_id":"c1","client_secret":"canary-secret"}"#;

/// Stands for STS: the token says who the role is.
pub struct Role;

impl WebIdentity for Role {
    fn token<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, CallResult<SecretString>> {
        let payload = json!({"iss": "https://issuer.example", "sub": "arn:aws:iam::1:role/p", "aud": audience});
        let token = format!("h.{}.canary-signature", URL_SAFE_NO_PAD.encode(payload.to_string()));
        futures::future::ready(Ok(SecretString::from(token))).boxed()
    }
}

pub fn connect(vendor: &Vendor, credential: Arc<dyn Credential>) -> (entra::Read, entra::Write) {
    let settings = EntraSettings {
        tenant_id: TENANT.into(),
        authority: vendor.url.clone(),
        graph: vendor.url.clone(),
        mode: Mode::Manage,
        credential: "arn".into(),
        credential_read: None,
        notification_secret: None,
    };
    entra::connect(SystemId::new(SystemKind::Entra, "contoso"), &settings, credential, Arc::new(Role), &vendor.sender)
}

/// A token whose payload says these roles.
pub fn token(roles: &[&str]) -> Act {
    let payload = URL_SAFE_NO_PAD.encode(json!({"roles": roles}).to_string());
    Act::json(
        200,
        json!({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
        "access_token": format!("h.{payload}.canary-token")}),
    )
}

pub fn error(status: u16, code: &str, message: &str) -> Act {
    Act::json(
        status,
        json!({"error": {"code": code, "message": message, "innerError":
        {"date": "2026-05-07T06:53:44", "request-id": "r1", "client-request-id": "r1"}}}),
    )
    .with("request-id", "r1")
}

pub fn not_found(id: &str) -> Act {
    let text = "does not exist or one of its queried reference-property objects are not present.";
    error(404, "Request_ResourceNotFound", &format!("Resource '{id}' {text}"))
}

/// A tenant whose Graph is this function of the call and how many of this method and path were before it.
pub async fn tenant(graph: impl Fn(&Request, usize) -> Act + Send + Sync + 'static) -> (Vendor, entra::Write) {
    let counts: Mutex<std::collections::HashMap<String, usize>> = Mutex::default();
    let vendor = Vendor::start(move |request, _| {
        if request.path() == TOKEN {
            return token(&["Application.ReadWrite.OwnedBy"]);
        }
        let mut counts = counts.lock().expect("nobody panicked");
        let count = counts.entry(format!("{} {}", request.method, request.path())).or_default();
        *count += 1;
        graph(request, *count - 1)
    })
    .await;
    let write = connect(&vendor, Fixed::of(SECRET)).1;
    (vendor, write)
}

/// Method and path of the calls to Graph.
pub fn lines(vendor: &Vendor) -> Vec<String> {
    let graph = vendor.calls().into_iter().filter(|c| c.path().starts_with("/v1.0/"));
    graph.map(|c| format!("{} {}", c.method, &c.path()[5..])).collect()
}

pub fn resource_spec() -> ResourceAppSpec {
    ResourceAppSpec {
        unique_name: "extoauth-main-rs".into(),
        display_name: "dbt to Redshift".into(),
        tags: vec!["extoauth:main".into()],
        token_version: TokenVersion::V1,
        scope: PermissionScopeSpec {
            id: "9f5c4f5e-8a3c-4b8e-9d4a-1f1f1f1f1f1f".into(),
            value: "dbt-redshift".into(),
            display_name: "dbt-redshift".into(),
            description: "Sign in to Redshift".into(),
        },
        access_token_claims: vec!["upn".into(), "email".into()],
    }
}

pub fn client_spec() -> ClientAppSpec {
    ClientAppSpec {
        unique_name: "extoauth-main-analytics".into(),
        display_name: "dbt analytics".into(),
        tags: vec!["extoauth:analytics".into()],
        redirect_uris: vec!["https://ab123.us1.dbt.com/complete/entra".into()],
        required_access: vec![RequiredScope {
            resource_app_id: entra::GRAPH_APP_ID.into(),
            scope_id: entra::GRAPH_OPENID.into(),
        }],
    }
}

pub fn app(id: &str) -> Value {
    json!({"id": id, "appId": format!("app-{id}"), "displayName": "x", "signInAudience": "AzureADMyOrg", "tags": [],
        "api": {"requestedAccessTokenVersion": null, "oauth2PermissionScopes": [], "preAuthorizedApplications": []}})
}

#[tokio::test]
async fn an_application_is_made_by_its_unique_name() {
    let (vendor, entra) = tenant(|r, _| match r.method.as_str() {
        "PATCH" if r.path().ends_with("analytics')") => Act::Answer(204, Vec::new(), String::new()),
        "PATCH" => Act::json(201, app("o1")),
        _ => Act::json(200, app("o2")),
    })
    .await;
    let made = entra.put_resource_app(&resource_spec()).await.expect("made").value;
    assert_eq!((made.id.as_str(), made.token_version), ("o1", TokenVersion::V1));
    let found = entra.put_client_app(&client_spec()).await.expect("updated").value;
    assert_eq!(found.id, "o2", "an upsert that found one is followed by a read");
    let calls = vendor.calls();
    let put = calls.iter().find(|c| c.method == "PATCH").expect("a PATCH");
    assert_eq!(put.path(), "/v1.0/applications(uniqueName='extoauth-main-rs')");
    assert_eq!(put.headers["prefer"], "create-if-missing");
    assert!(put.headers["authorization"].starts_with("Bearer h."));
    let body = put.json();
    assert_eq!(
        (&body["signInAudience"], &body["api"]["requestedAccessTokenVersion"]),
        (&json!("AzureADMyOrg"), &json!(1))
    );
    assert_eq!(body["api"]["oauth2PermissionScopes"][0]["type"], "User");
    assert_eq!(lines(&vendor).len(), 3);
}

#[tokio::test]
async fn keys_and_filters_are_quoted() {
    let (vendor, entra) = tenant(|r, _| match r.path().starts_with("/v1.0/groups") {
        true => Act::json(
            200,
            json!({"value": [{"id": "g", "displayName": "o'neil & co"}, {"id": "h", "displayName": "O'Neil & Co"}]}),
        ),
        false => not_found("x"),
    })
    .await;
    let absent = entra.application_named("a'b/c?d").await.expect_err("none");
    assert!(absent.is_not_found() && absent.request_id.as_deref() == Some("r1"));
    let groups = entra.groups_named("O'Neil & Co").await.expect("groups");
    assert_eq!(groups.iter().map(|g| g.id.as_str()).collect::<Vec<_>>(), ["h"]);
    entra.application("../groups").await.expect_err("no id");
    assert_eq!(entra.application("..").await.expect_err("no id").kind, ErrorKind::Refused);
    let paths: Vec<_> = vendor.calls().iter().map(|c| c.path().to_owned()).collect();
    assert!(paths.contains(&"/v1.0/applications(uniqueName='a''b%2Fc%3Fd')".to_owned()), "{paths:?}");
    assert!(paths.contains(&"/v1.0/applications/..%2Fgroups".to_owned()), "{paths:?}");
}

#[tokio::test]
async fn lists_are_read_to_the_end_but_only_from_graph() {
    let (vendor, entra) = tenant(|r, _| match r.target.contains("skiptoken") {
        false => Act::json(200, json!({"value": [{"id": "a", "principalId": "g1"}],
            "@odata.nextLink": format!("https://{}/v1.0/servicePrincipals/p/appRoleAssignedTo?$skiptoken=2", r.headers["host"])})),
        true => Act::json(200, json!({"value": [{"id": "b", "principalId": "g2"}],
            "@odata.nextLink": "https://evil.example/v1.0/servicePrincipals"})),
    })
    .await;
    let error = entra.assignments("p").await.expect_err("another host");
    assert_eq!((error.kind, lines(&vendor).len()), (ErrorKind::Refused, 2));
}

#[tokio::test]
async fn members_are_users_and_no_more_than_asked() {
    let (vendor, entra) = tenant(|r, _| Act::json(200, json!({"value": [
        {"@odata.type": "#microsoft.graph.group", "id": "g2"},
        {"@odata.type": "#microsoft.graph.user", "id": "u1", "userPrincipalName": "dev1@example.com", "accountEnabled": true},
        {"@odata.type": "#microsoft.graph.user", "id": "u2", "userPrincipalName": "x_y.com#EXT#@t", "mail": "x@y.com"},
        {"@odata.type": "#microsoft.graph.user", "id": "u3", "userPrincipalName": null}],
        "@odata.nextLink": format!("https://{}/v1.0/more", r.headers["host"])})))
    .await;
    let members = entra.members("g1", 2).await.expect("members");
    assert_eq!((members.len(), members[0].enabled, members[0].guest, members[1].guest), (2, Some(true), false, true));
    assert_eq!(lines(&vendor).len(), 1);
}

#[tokio::test]
async fn who_changed_an_object_is_asked_of_the_audits() {
    let (vendor, tenant) = tenant(|request, _| {
        if request.path().ends_with("/tokenLifetimePolicies") {
            return error(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");
        }
        let entry = |id: &str| json!({"id": id, "initiatedBy": {"user": {"userPrincipalName": "ada@example.com"}}});
        Act::json(200, json!({"value": [entry("1"), entry("2"), entry("3")]}))
    })
    .await;
    let since = "2026-03-01T10:00:00.5Z".parse().expect("a time");
    let found = tenant.audits_of("o'1", since, 2).await.expect("entries");
    assert_eq!(found.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    let calls = vendor.calls();
    let asked = calls.iter().find(|call| call.path() == "/v1.0/auditLogs/directoryAudits").expect("the call");
    let asked = asked.target.replace("%20", " ").replace("%27", "'").replace("%3A", ":").replace("%2F", "/");
    let filter = "activityDateTime ge 2026-03-01T10:00:00Z and targetResources/any%28t:t/id eq 'o''1'%29";
    assert!(asked.contains(filter), "{asked}");
    let refused = tenant.token_lifetime_policies_of("o1").await.expect_err("no right");
    assert!(refused.message.contains("Policy.Read.All"), "{}", refused.message);
}

#[tokio::test]
async fn a_refusal_names_the_right() {
    let (_, entra) =
        tenant(|_, _| error(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."))
            .await;
    let scopes = BTreeSet::from(["dbt-redshift".to_owned()]);
    let table = [
        (entra.grant("p1", "p2", &scopes).await.map(drop), "DelegatedPermissionGrant.ReadWrite.All"),
        (entra.assign("p1", "g1").await.map(drop), "AppRoleAssignment.ReadWrite.All"),
        (entra.groups_named("g").await.map(drop), "GroupMember.Read.All"),
        (entra.password_rules().await.map(drop), "Policy.Read.All"),
        (entra.put_client_app(&client_spec()).await.map(drop), "Application.ReadWrite.OwnedBy"),
        (entra.applications_displayed("x").await.map(drop), "Application.Read.All"),
    ];
    for (answer, right) in table {
        let error = answer.expect_err("forbidden");
        assert_eq!(error.kind, ErrorKind::Forbidden);
        assert!(error.message.contains(right), "{error}");
    }
}

#[tokio::test]
async fn a_secret_is_shown_once_and_never_made_twice() {
    let (vendor, entra) = tenant(|r, _| match r.path().contains("/o1/") {
        true => Act::json(
            200,
            json!({"keyId": "k1", "displayName": "n", "hint": "abc", "secretText": "abc-canary",
            "endDateTime": "2026-12-01T00:00:00Z", "startDateTime": "2026-08-01T00:00:00.1234567Z"}),
        ),
        false => Act::Reset,
    })
    .await;
    let ends = "2026-12-01T00:00:00.5Z".parse().expect("a time");
    let made = entra.add_password("o1", "extoauth/a/1", ends).await.expect("made").value;
    assert_eq!((made.password.key_id.as_str(), made.password.hint.as_str()), ("k1", "abc"));
    assert_eq!(made.secret.expose_secret(), "abc-canary");
    assert!(!format!("{made:?}").contains("canary"));
    let call = vendor.calls().into_iter().find(|c| c.path().ends_with("/addPassword")).expect("a call");
    assert_eq!(
        call.json(),
        json!({"passwordCredential": {"displayName": "extoauth/a/1", "endDateTime": "2026-12-01T00:00:00Z"}})
    );
    let lost = entra.add_password("o2", "extoauth/a/2", ends).await.expect_err("lost");
    assert_eq!((lost.kind, lines(&vendor).len()), (ErrorKind::Ambiguous, 2));
}

#[tokio::test]
async fn a_policy_says_what_to_ask_for() {
    let (_, entra) = tenant(|_, _| {
        let text = "Credential lifetime exceeds the max value allowed as per assigned policy 'p1'.";
        Act::json(
            400,
            json!({"error": {"code": "CredentialInvalidLifetimeAsPerAppPolicy", "message": text,
            "details": [{"code": "InvalidKeyEndDate", "message": text, "target": "EndDate"}], "innerError": {}}}),
        )
    })
    .await;
    let ends = "2026-12-01T00:00:00Z".parse().expect("a time");
    let error = entra.add_password("o1", "n", ends).await.expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.contains("policy 'p1'") && error.message.contains("exemption"), "{error}");
}

#[tokio::test]
async fn what_policies_say() {
    let (_, entra) = tenant(|r, _| {
        let cap = |days: &str| json!([{"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": days}]);
        match r.path().ends_with("/appManagementPolicies") {
            true => Act::json(200, json!({"value": [{"id": "own", "isEnabled": true, "restrictions": {"passwordCredentials": cap("P7D")}}]})),
            false => Act::json(200, json!({"id": "d", "isEnabled": true, "applicationRestrictions": {"passwordCredentials": cap("P30D")}})),
        }
    })
    .await;
    assert_eq!(entra.password_rules().await.expect("rules").longest, Some(SignedDuration::from_hours(30 * 24)));
    let own = entra.password_rules_of("o1").await.expect("rules").expect("own rules");
    assert_eq!((own.longest, own.policy.as_deref()), (Some(SignedDuration::from_hours(7 * 24)), Some("own")));
}

#[tokio::test]
async fn what_is_there_already_is_read() {
    let (vendor, entra) = tenant(|r, _| match (r.method.as_str(), r.path()) {
        ("POST", "/v1.0/servicePrincipals") => error(409, "Request_MultipleObjectsWithSameKeyValue", "… is already in use."),
        ("POST", "/v1.0/oauth2PermissionGrants") => {
            error(409, "Request_MultipleObjectsWithSameKeyValue", "Permission entry already exists.")
        }
        ("POST", _) => error(400, "Request_BadRequest", "Permission being assigned already exists on the object"),
        (_, "/v1.0/oauth2PermissionGrants") => Act::json(200, json!({"value": [
            {"id": "x", "clientId": "p1", "resourceId": "p2", "consentType": "Principal", "scope": "a"},
            {"id": "y", "clientId": "p1", "resourceId": "p2", "consentType": "AllPrincipals", "scope": " a  b "}]})),
        (_, path) if path.ends_with("appRoleAssignedTo") => Act::json(200, json!({"value": [
            {"id": "as", "principalId": "g1", "principalType": "Group", "appRoleId": "00000000-0000-0000-0000-000000000000"}]})),
        _ => Act::json(200, json!({"id": "p1", "appId": "a1", "accountEnabled": true, "appRoleAssignmentRequired": false})),
    })
    .await;
    let principal = entra.create_service_principal("a1", true, &[]).await.expect("the one that is there").value;
    assert_eq!((principal.id.as_str(), principal.assignment_required), ("p1", false));
    let scopes = BTreeSet::from(["b".to_owned(), "c".to_owned()]);
    let grant = entra.grant("p1", "p2", &scopes).await.expect("the one that is there").value;
    assert_eq!((grant.id.as_str(), grant.scopes), ("y", BTreeSet::from(["a".to_owned(), "b".to_owned()])));
    assert_eq!(entra.assign("p1", "g1").await.expect("the one that is there").value.id, "as");
    assert_eq!(lines(&vendor).len(), 6);
}

#[tokio::test]
async fn writes_to_one_application_wait_for_each_other() {
    let busy = Arc::new(Mutex::new((0_usize, 0_usize)));
    let seen = Arc::clone(&busy);
    // The vendor answers at once, so that what overlaps is told by the order of reads and writes below.
    let (vendor, entra) = tenant(move |r, _| {
        let mut busy = busy.lock().expect("nobody panicked");
        if r.method == "GET" {
            busy.0 += 1;
            busy.1 = busy.1.max(busy.0);
            return Act::json(200, app("o1"));
        }
        busy.0 -= 1;
        Act::Answer(204, Vec::new(), String::new())
    })
    .await;
    let scopes = BTreeSet::from(["s".to_owned()]);
    let all = ["c1", "c2", "c3", "c4"].map(|client| entra.pre_authorize("o1", client, &scopes));
    for answer in futures::future::join_all(all).await {
        answer.expect("pre-authorized");
    }
    assert_eq!(seen.lock().expect("nobody panicked").1, 1, "a read-merge-write is not interrupted by another one");
    assert_eq!(lines(&vendor).len(), 8);
}

#[tokio::test]
async fn an_enabled_scope_is_disabled_before_it_changes() {
    let (vendor, entra) = tenant(|r, n| match (r.method.as_str(), n) {
        ("GET", _) => {
            let mut app = app("o1");
            app["api"]["oauth2PermissionScopes"] = json!([{"id": "s0", "value": "dbt-redshift", "type": "Admin", "isEnabled": true}]);
            Act::json(200, app)
        }
        // The replica of the second PATCH does not know of the first.
        ("PATCH", 1) => error(400, "CannotDeleteOrUpdateEnabledEntitlement",
            "Property api.oauth2PermissionScopes is invalid: Permission (scope or role) cannot be deleted or updated unless disabled first."),
        _ => Act::Answer(204, Vec::new(), String::new()),
    })
    .await;
    let seen = entra.application("o1").await.expect("read");
    let after = entra.update_resource_app(&seen, &resource_spec(), "api://app-o1").await.expect("changed").value;
    assert!(after.scopes[0].enabled && after.scopes[0].for_users && after.scopes[0].id == "s0");
    assert_eq!(after.identifier_uris, ["api://app-o1"]);
    let patches: Vec<_> = vendor.calls().iter().filter(|c| c.method == "PATCH").map(Request::json).collect();
    assert_eq!(patches.len(), 3);
    assert_eq!(patches[0]["api"]["oauth2PermissionScopes"][0]["isEnabled"], false);
    assert_eq!(patches[2]["api"]["oauth2PermissionScopes"][0]["isEnabled"], true);
}

#[tokio::test]
async fn limits_with_and_without_a_time() {
    let (vendor, entra) = tenant(|_, n| match n {
        0 => error(429, "TooManyRequests", "Too many requests.").with("Retry-After", 0),
        1 => error(429, "TooManyRequests", "Too many requests."),
        _ => Act::json(200, app("o1")),
    })
    .await;
    let start = std::time::Instant::now();
    entra.application("o1").await.expect("read at last");
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(lines(&vendor).len(), 3);
}

#[tokio::test]
async fn discovery_documents() {
    let vendor = Vendor::start(|r, _| {
        let base = format!("https://{}", r.headers["host"]);
        let document = |issuer: &str, token: String| {
            Act::json(
                200,
                json!({"issuer": issuer, "authorization_endpoint": format!("{base}/{TENANT}/oauth2/v2.0/authorize"),
                "token_endpoint": token}),
            )
        };
        match r.path().contains("/v2.0/.well-known/") {
            true => document("https://login.example/t/v2.0", format!("{base}{TOKEN}")),
            false => document("https://sts.windows.net/t/", "https://elsewhere.example/token".into()),
        }
    })
    .await;
    let (read, _) = connect(&vendor, Fixed::of(SECRET));
    let v2 = read.metadata(TokenVersion::V2).await.expect("metadata");
    assert_eq!((v2.issuer.as_str(), v2.token_url.ends_with(TOKEN)), ("https://login.example/t/v2.0", true));
    let error = read.metadata(TokenVersion::V1).await.expect_err("an endpoint elsewhere");
    assert_eq!(error.kind, ErrorKind::Refused);
    read.metadata(TokenVersion::V2).await.expect("metadata");
    let read_v2 = vendor.calls().iter().filter(|c| c.path().contains("/v2.0/")).count();
    assert_eq!(read_v2, 1, "kept");
}

/// Steps of a run are polled together, perhaps on several threads.
#[tokio::test]
async fn every_call_can_be_sent_to_another_thread() {
    fn sendable(_: impl Send) {}
    let (_, entra) = tenant(|_, _| not_found("x")).await;
    let scopes = BTreeSet::new();
    sendable(entra.application_named("x"));
    sendable(entra.put_resource_app(&resource_spec()));
    sendable(entra.pre_authorize("o", "c", &scopes));
    sendable(entra.create_service_principal("a", true, &[]));
    sendable(entra.grant("p", "q", &scopes));
    sendable(entra.assign("p", "g"));
    sendable(entra.remove_password("o", "k"));
    sendable(entra.purge_application("o"));
    sendable(entra.metadata(TokenVersion::V1));
    sendable(entra.password_rules_of("o"));
    sendable(entra.rights());
}
