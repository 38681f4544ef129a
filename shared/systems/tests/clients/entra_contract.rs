//! What we send to Microsoft Graph, held against its metadata, and what we read, against recorded traffic. Both are
//! looked for as `contract` says; without them these tests say so and pass.

use std::collections::BTreeSet;

use extoauth_core::error::ErrorKind;
use serde_json::{Value, json};

use crate::contract::{Schemas, contracts};
use crate::entra::{app, client_spec, resource_spec, tenant};
use crate::vendor::{Act, Request, Vendor};

const RECORDED: [&str; 3] = ["app_create_and_credential", "delete_and_purge", "forbidden_2025"];

/// Method, path, query and answer of every recorded call.
fn recorded() -> Option<Vec<(String, url::Url, u16, Value)>> {
    let folder = contracts()?.join("recorded/entra");
    let mut all = Vec::new();
    for name in RECORDED {
        let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).expect("a recording");
        let calls: Vec<Value> = serde_json::from_str(&text).expect("JSON");
        for call in calls {
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            let status = call["response"]["status"]["code"].as_u64().and_then(|s| u16::try_from(s).ok());
            let url = text(&call["request"]["uri"]).parse().expect("a URL");
            all.push((
                text(&call["request"]["method"]),
                url,
                status.expect("a status"),
                call["response"]["body"].clone(),
            ));
        }
    }
    Some(all)
}

#[tokio::test]
async fn every_recorded_answer_is_understood() {
    let Some(recorded) = recorded() else { return };
    let mut read = 0;
    for (method, url, status, body) in recorded {
        let answer = if body.is_null() { String::new() } else { body.to_string() };
        let (_, entra) = tenant(move |_, _| Act::Answer(status, Vec::new(), answer.clone())).await;
        let segments: Vec<&str> = url.path_segments().expect("a path").skip(1).collect();
        let ends = "2100-12-31T00:00:00Z".parse().expect("a time");
        let done = match (method.as_str(), segments.as_slice()) {
            ("GET", ["applications"]) => entra.applications_displayed("azure-cli-test000001").await.map(|apps| {
                assert_eq!(Some(apps.len()), body["value"].as_array().map(Vec::len));
            }),
            ("GET", ["applications", id]) => entra.application(id).await.map(|app| {
                assert_eq!(app.passwords.len(), body["passwordCredentials"].as_array().map_or(0, Vec::len));
            }),
            ("POST", ["applications"]) => entra.put_client_app(&client_spec()).await.map(|made| {
                assert!(made.value.created.is_some() && !made.value.app_id.is_empty());
            }),
            ("POST", ["applications", id, "addPassword"]) => entra.add_password(id, "n", ends).await.map(|made| {
                assert_eq!((made.value.password.hint.len(), made.value.password.ends.is_some()), (3, true));
            }),
            ("POST", ["applications", id, "removePassword"]) => entra.remove_password(id, "k").await.map(drop),
            ("DELETE", ["applications", id]) => entra.delete_application(id).await.map(drop),
            ("DELETE", ["directory", "deletedItems", id]) => entra.purge_application(id).await.map(drop),
            other => panic!("{other:?}"),
        };
        match done {
            Ok(()) => assert!(status < 300),
            Err(e) => assert_eq!((status, e.kind), (403, ErrorKind::Forbidden), "{method} {url}: {e}"),
        }
        read += 1;
    }
    assert!(read >= 10, "only {read} recordings");
}

/// The body that a client sent last.
fn sent(vendor: &Vendor) -> Value {
    let calls = vendor.calls();
    calls
        .iter()
        .rev()
        .find(|c| c.path().starts_with("/v1.0/") && !c.body.is_empty())
        .map(Request::json)
        .expect("a body")
}

#[tokio::test]
async fn what_we_send_fits_the_metadata() {
    let Some(schemas) = Schemas::read("entra.openapi.json") else { return };
    assert!(
        !schemas.problems("microsoft.graph.application", &json!({"displayName": 5})).is_empty(),
        "the check checks"
    );
    let (vendor, entra) = tenant(|_, _| {
        let mut answer = app("o1");
        for (name, value) in [("keyId", "k1"), ("secretText", "s"), ("clientId", "p1"), ("principalId", "g1")] {
            answer[name] = value.into();
        }
        Act::json(200, answer)
    })
    .await;
    let mut problems = Vec::new();
    let mut check = |schema: &str, at: &str| {
        let body = sent(&vendor);
        let body = body.pointer(at).expect("a part");
        problems.extend(schemas.problems(&format!("microsoft.graph.{schema}"), body));
    };
    let seen = entra.put_resource_app(&resource_spec()).await.expect("an answer").value;
    check("application", "");
    entra.update_resource_app(&seen, &resource_spec(), "api://app-o1").await.expect("an answer");
    check("application", "");
    entra.expose("o1", "api://app-o1", &[]).await.expect("an answer");
    check("application", "");
    let scopes = BTreeSet::from(["9f5c4f5e-8a3c-4b8e-9d4a-1f1f1f1f1f1f".to_owned()]);
    entra.pre_authorize("o1", "app-o2", &scopes).await.expect("an answer");
    check("application", "");
    let seen = entra.put_client_app(&client_spec()).await.expect("an answer").value;
    check("application", "");
    entra.update_client_app(&seen, &client_spec()).await.expect("an answer");
    check("application", "");
    entra.create_service_principal("app-o1", true, &["x".to_owned()]).await.expect("an answer");
    check("servicePrincipal", "");
    entra.update_service_principal("p1", true, true).await.expect("an answer");
    check("servicePrincipal", "");
    let granted = entra.grant("p1", "p2", &scopes).await.expect("an answer").value;
    check("oAuth2PermissionGrant", "");
    entra.set_grant(&granted, &scopes).await.expect("an answer");
    check("oAuth2PermissionGrant", "");
    entra.assign("p1", "g1").await.expect("an answer");
    check("appRoleAssignment", "");
    entra.add_password("o1", "n", "2026-12-01T00:00:00Z".parse().expect("a time")).await.expect("an answer");
    check("passwordCredential", "/passwordCredential");
    assert!(problems.is_empty(), "{problems:#?}");
}
