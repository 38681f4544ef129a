//! Which change of an object breaks a login, and which link it is.

use extoauth_core::finding::Severity::{Critical, Ok, Unknown, Warning};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::testing::{group, ids, judge, objects, observed, view, with};
use crate::checks::testing::unread;
use crate::observe::{SecretProof, Seen};

#[test]
fn a_healthy_one_is_ok() {
    let findings = judge(&with(&[]), &observed());
    let bad: Vec<_> = findings.iter().filter(|f| matches!(f.severity, Critical | Warning | Unknown)).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!(ids(&findings, Ok).len(), super::CHECKS.len(), "a line for each but the lifetimes, two principals");
}

/// Single changes that end every login, and the check that names the link.
#[test]
fn what_breaks_a_login() {
    let table: Vec<(&str, Value, &str)> = vec![
        ("/resource", Value::Null, "server_app"),
        ("/resource/isDisabled", json!(true), "server_app"),
        ("/client", Value::Null, "client_app"),
        ("/client/isDisabled", json!(true), "client_app"),
        ("/client/signInAudience", json!("PersonalMicrosoftAccount"), "client_app"),
        ("/client_principal", Value::Null, "principals"),
        ("/client_principal/accountEnabled", json!(false), "principals"),
        ("/resource_principal", Value::Null, "principals"),
        ("/resource_principal/accountEnabled", json!(false), "principals"),
        ("/resource/identifierUris", json!([]), "application_id_uri"),
        ("/resource/identifierUris", json!(["api://other"]), "application_id_uri"),
        ("/resource/api/oauth2PermissionScopes", json!([]), "scope"),
        ("/resource/api/oauth2PermissionScopes/0/isEnabled", json!(false), "scope"),
        ("/resource/api/oauth2PermissionScopes/0/value", json!("dbt"), "scope"),
        ("/assignments", json!([]), "client_assigned"),
        ("/assignments/0/principalId", json!("g2"), "client_assigned"),
        ("/grants", json!([]), "consent"),
        ("/grants/0/scope", json!("other"), "consent"),
        ("/grants/1/scope", json!("openid profile"), "consent"),
        ("/grants/1/scope", json!("offline_access"), "consent"),
        ("/grants/0/consentType", json!("Principal"), "consent"),
        ("/grants/0/resourceId", json!("old"), "consent"),
        ("/client/passwordCredentials", json!([]), "client_secrets"),
        ("/client/passwordCredentials/0/endDateTime", json!("2026-03-01T00:00:00Z"), "secret_end"),
        (
            "/resource/optionalClaims/accessToken/0",
            json!({"name": "aud", "additionalProperties": ["use_guid"]}),
            "token_version",
        ),
    ];
    let mut observed = observed();
    observed.idp.secret = Seen::There(SecretProof::Refused);
    for (pointer, value, check) in table {
        let mut view = with(&[(pointer, value.clone())]);
        view.others = vec![group("g2", "g2", &[])];
        let findings = judge(&view, &observed);
        assert_eq!(ids(&findings, Critical).first(), Some(&check), "{pointer} = {value}: {findings:#?}");
    }
}

/// Single changes that end none.
#[test]
fn what_breaks_none() {
    let table: Vec<(&str, Value, Option<&str>)> = vec![
        ("/resource/displayName", json!("x"), None),
        ("/resource/signInAudience", json!("AzureADMultipleOrgs"), Some("server_app")),
        ("/resource/api/requestedAccessTokenVersion", Value::Null, None),
        ("/resource/optionalClaims", Value::Null, None),
        ("/resource/api/oauth2PermissionScopes/0/type", json!("Admin"), Some("scope")),
        ("/client/displayName", json!("x"), None),
        ("/client/signInAudience", json!("AzureADMultipleOrgs"), Some("client_app")),
        ("/client/requiredResourceAccess", json!([]), Some("client_app")),
        ("/client/web/redirectUris", json!([]), None),
        ("/client_principal/appRoleAssignmentRequired", json!(false), Some("principals")),
        ("/resource_principal/appRoleAssignmentRequired", json!(true), Some("principals")),
        ("/grants/1/scope", json!("openid offline_access"), None),
        ("/client/passwordCredentials/0/endDateTime", json!("2026-03-20T00:00:00Z"), Some("secret_end")),
    ];
    for (pointer, value, warns) in table {
        let findings = judge(&with(&[(pointer, value.clone())]), &observed());
        assert!(ids(&findings, Critical).is_empty(), "{pointer} = {value}: {findings:#?}");
        assert_eq!(ids(&findings, Warning), warns.into_iter().collect::<Vec<_>>(), "{pointer} = {value}");
    }
}

#[test]
fn version_2_changes_issuer_and_audience() {
    let view = with(&[("/resource/api/requestedAccessTokenVersion", json!(2))]);
    let mut observed = observed();
    observed.idp.issuer = Seen::There("https://login.microsoftonline.com/t/v2.0".into());
    let findings = judge(&view, &observed);
    assert_eq!(ids(&findings, Critical), ["token_version"], "{findings:#?}");
    observed.center.issuer = unread();
    assert!(ids(&judge(&view, &observed), Unknown).contains(&"token_version"));
}

#[test]
fn the_claim_must_be_in_the_token() {
    let view = with(&[("/resource/optionalClaims/accessToken", json!([]))]);
    let mut observed = observed();
    for (claim, says) in [("upn", Ok), ("email", Critical), ("preferred_username", Critical), ("oid", Ok)] {
        observed.trust.claim = claim.into();
        if let Seen::There(issuer) = &mut observed.center.issuer {
            issuer.claim = claim.into();
        }
        assert!(ids(&judge(&view, &observed), says).contains(&"claim_in_token"), "{claim}");
    }
}

#[test]
fn what_dbt_asks_for_must_be_a_name_of_the_app() {
    let table = [("api://other", Critical), ("api://5e5e0000-0000-4000-8000-000000000000/", Critical), ("", Critical)];
    for (uri, says) in table {
        let mut observed = observed();
        if let Seen::There(configuration) = &mut observed.dbt.configuration {
            configuration.application_id_uri = Some(uri.into());
        }
        assert_eq!(ids(&judge(&with(&[]), &observed), says), ["application_id_uri"], "{uri}");
    }
}

#[test]
fn other_ways_in_count() {
    let direct = json!([{"id": "a", "principalId": "dev1", "principalType": "User"},
        {"id": "b", "principalId": "g9", "principalType": "Group"}]);
    let mut view = with(&[("/assignments", direct)]);
    let says =
        |view: &_| judge(view, &observed()).into_iter().find(|f| f.check == "client_assigned").map(|f| f.severity);
    assert_eq!(says(&view), Some(Unknown), "the other group was not read");
    view.others = vec![group("g9", "g9", &["dev2"])];
    assert_eq!(says(&view), Some(Warning));
    view.others = vec![group("g9", "g9", &[])];
    assert_eq!(says(&view), Some(Critical));
    view.groups[0].id = Seen::Gone;
    view.groups[0].members = Seen::Gone;
    assert_eq!(says(&view), Some(Critical));
}

#[test]
fn consent_of_users_and_pre_authorization_count() {
    let own = |user: &str, resource: &str, scope: &str| {
        json!({"id": format!("{user}{resource}"), "clientId": "clp", "resourceId": resource, "consentType": "Principal",
            "principalId": user, "scope": scope})
    };
    let graph = objects()["grants"][1].clone();
    let of_both = json!([graph, own("dev1", "rsp", "dbt-redshift"), own("dev2", "rsp", "dbt-redshift")]);
    let says = |view: &_| judge(view, &observed()).into_iter().find(|f| f.check == "consent").map(|f| f.severity);
    assert_eq!(says(&with(&[("/grants", of_both)])), Some(Warning));
    let of_one = json!([graph, own("dev1", "rsp", "dbt-redshift")]);
    assert_eq!(says(&with(&[("/grants", of_one)])), Some(Critical));
    let entry = json!([{"appId": super::super::testing::ENTRA_CLIENT, "delegatedPermissionIds": ["s1"]}]);
    let listed = ("/resource/api/preAuthorizedApplications", entry);
    assert_eq!(says(&with(&[listed.clone(), ("/grants", json!([graph]))])), Some(Ok));
    assert_eq!(says(&with(&[listed, ("/grants", json!([]))])), Some(Critical), "Graph's scopes are not covered");
}

/// What each check needs to say `ok`, by the names in [`objects`].
const NEEDS: [(&str, &[&str]); 9] = [
    ("server_app", &["resource"]),
    ("client_app", &["client"]),
    ("application_id_uri", &["resource"]),
    ("scope", &["resource"]),
    ("client_assigned", &["client_principal", "assignments"]),
    ("consent", &["client_principal", "resource_principal", "resource", "grants", "graph_principal"]),
    ("client_secrets", &["client"]),
    ("secret_end", &["client"]),
    ("token_version", &["resource"]),
];

proptest! {
    /// Whatever was read or not: nothing panics, and nothing is called fine that was not read.
    #[test]
    fn nothing_is_said_of_what_was_not_read(states in proptest::collection::vec(0_u8..3, 12)) {
        const NAMES: [&str; 7] =
            ["resource", "client", "resource_principal", "client_principal", "graph_principal", "assignments", "grants"];
        let mut all = objects();
        for (name, state) in NAMES.iter().zip(&states) {
            if *state == 1 {
                all[*name] = Value::Null;
            }
        }
        let mut view = view(&all);
        let mut unread_ones = Vec::new();
        for (name, state) in NAMES.iter().zip(&states) {
            if *state != 2 {
                continue;
            }
            unread_ones.push(*name);
            match *name {
                "resource" => view.resource = unread(),
                "client" => view.client = unread(),
                "resource_principal" => view.resource_principal = unread(),
                "client_principal" => view.client_principal = unread(),
                "graph_principal" => view.graph_principal = unread(),
                "assignments" => view.assignments = unread(),
                _ => view.grants = unread(),
            }
        }
        let mut observed = observed();
        match states[7] {
            1 => { view.groups[0].id = Seen::Gone; view.groups[0].members = Seen::Gone; }
            2 => { view.groups[0].id = unread(); view.groups[0].members = unread(); }
            _ => {}
        }
        match states[8] { 1 => view.secret.version = None, 2 => view.secret.hint = unread(), _ => {} }
        match states[9] { 1 => observed.idp.secret = Seen::Gone, 2 => observed.idp.secret = unread(), _ => {} }
        match states[10] { 1 => observed.center.issuer = Seen::Gone, 2 => observed.center.issuer = unread(), _ => {} }
        match states[11] { 1 => observed.dbt.configuration = Seen::Gone, 2 => observed.dbt.configuration = unread(), _ => {} }
        for finding in judge(&view, &observed) {
            let needs = NEEDS.iter().find(|(id, _)| *id == finding.check).map_or(&[][..], |(_, needs)| *needs);
            let blind = needs.iter().any(|need| unread_ones.contains(need));
            prop_assert!(!(blind && finding.severity == Ok), "{finding:?}");
        }
    }
}
