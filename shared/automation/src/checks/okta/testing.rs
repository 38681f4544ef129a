//! A healthy Okta side for the tests of its checks.

use extoauth_core::finding::{Finding, Severity};
use extoauth_core::systems::Idp;
use extoauth_systems::okta::{App, AuthorizationServer, Claim, Policy, Rule, ServerScope};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::checks::testing::healthy;
use crate::observe::okta::{Assigned, AssignedUser, SecretView, WantedGroup};
use crate::observe::{Observed, OktaView, Seen};

/// Id of the assigned group.
pub const GROUP: &str = "00g1";

/// Fields to change, as JSON pointers.
pub type Changes<'c> = [(&'c str, Value)];

fn changed<T: DeserializeOwned>(mut raw: Value, changes: &Changes<'_>) -> T {
    for (pointer, value) in changes {
        let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
        raw.pointer_mut(parent).expect("a parent")[field] = value.clone();
    }
    serde_json::from_value(raw).expect("an object of Okta's")
}

/// The app as the recipe leaves it, with changes.
pub fn app(changes: &Changes<'_>) -> App {
    let raw = json!({
        "id": "0oa1", "label": "dbt", "status": "ACTIVE", "name": "oidc_client",
        "credentials": {"userNameTemplate": {"template": "${source.login}"}, "oauthClient": {
            "client_id": "0oa1", "token_endpoint_auth_method": "client_secret_basic", "pkce_required": false}},
        "settings": {"implicitAssignment": false, "oauthClient": {
            "application_type": "web", "redirect_uris": ["https://ab123.us1.dbt.com/complete/okta"],
            "response_types": ["code"], "grant_types": ["authorization_code", "refresh_token"],
            "consent_method": "TRUSTED", "issuer_mode": "ORG_URL", "wildcard_redirect": "DISABLED",
            "dpop_bound_access_tokens": false, "refresh_token": {"rotation_type": "STATIC"}}},
    });
    changed(raw, changes)
}

/// The authorization server, with changes.
pub fn server(changes: &Changes<'_>) -> AuthorizationServer {
    let audience = healthy(Idp::Okta).trust.audience;
    let raw = json!({"id": "aus1", "name": "dbt", "status": "ACTIVE", "issuerMode": "ORG_URL",
        "issuer": "https://acme.okta.com/oauth2/aus1", "audiences": [audience]});
    changed(raw, changes)
}

fn list<T: DeserializeOwned>(objects: &[Value]) -> Seen<Vec<T>> {
    let each = objects.iter().enumerate().map(|(place, object)| {
        let mut object = object.clone();
        if object.get("id").is_none() {
            object["id"] = format!("id{place}").into();
        }
        serde_json::from_value(object).expect("an object of Okta's")
    });
    Seen::There(each.collect())
}

/// Scopes, besides those that every server has.
pub fn scopes(own: &[Value]) -> Seen<Vec<ServerScope>> {
    let system = ["openid", "offline_access"].map(|name| json!({"name": name, "system": true}));
    list(&[&system, own].concat())
}

/// Claims.
pub fn claims(own: &[Value]) -> Seen<Vec<Claim>> {
    list(own)
}

/// Policies.
pub fn policies(own: &[Value]) -> Seen<Vec<Policy>> {
    list(own)
}

/// Our rule, with changes.
pub fn rules(changes: &Changes<'_>) -> Seen<Vec<Rule>> {
    let raw = json!({"id": "0pr1", "name": "dbt", "status": "ACTIVE", "priority": 1,
        "conditions": {"people": {"users": {"exclude": []}, "groups": {"include": ["EVERYONE"]}},
            "grantTypes": {"include": ["authorization_code"]}, "scopes": {"include": ["*"]}},
        "actions": {"token": {"accessTokenLifetimeMinutes": 60, "refreshTokenLifetimeMinutes": 129_600,
            "refreshTokenWindowMinutes": 129_600}}});
    Seen::There(vec![changed(raw, changes)])
}

/// The Okta side as the recipe leaves it.
pub fn view() -> OktaView {
    let user = |id: &str| AssignedUser { id: id.into(), name: format!("{id}@example.com"), active: true };
    let created = "2026-02-01T10:00:00Z".parse().ok();
    OktaView {
        app: Seen::There(app(&[])),
        secrets: Seen::There(vec![SecretView { id: "ocs1".into(), active: true, created, of_dbt: Some(true) }]),
        groups: Seen::There(vec![GROUP.into()]),
        wanted: vec![WantedGroup { name: "analysts".into(), id: Some(GROUP.into()) }],
        assigned: Seen::There(Assigned { users: vec![user("00u1"), user("00u2")], complete: true }),
        server: Seen::There(server(&[])),
        scopes: scopes(&[json!({"name": "session:role-any", "consent": "IMPLICIT", "metadataPublish": "ALL_CLIENTS"})]),
        claims: claims(&[json!({"name": "sub", "status": "ACTIVE", "claimType": "RESOURCE",
            "valueType": "EXPRESSION", "value": "(appuser != null) ? appuser.userName : app.clientId"})]),
        policies: policies(&[json!({"id": "00p1", "name": "dbt", "priority": 1, "status": "ACTIVE",
            "conditions": {"clients": {"include": ["0oa1"]}}})]),
        rules: rules(&[]),
        policy: Some("00p1".into()),
        rule: Some("0pr1".into()),
        members: [].into(),
    }
}

/// The integration around it.
pub fn observed() -> Observed {
    healthy(Idp::Okta)
}

/// The severities of a check.
pub fn run_on(view: &OktaView, observed: &Observed, run: fn(&OktaView, &Observed) -> Vec<Finding>) -> Vec<Severity> {
    run(view, observed).iter().map(|finding| finding.severity).collect()
}

/// The severities of a check in a healthy integration.
pub fn severities(view: &OktaView, run: fn(&OktaView, &Observed) -> Vec<Finding>) -> Vec<Severity> {
    run_on(view, &observed(), run)
}
