//! Requests and answers of Graph against its API description, and answers against recorded traffic, where these are at
//! hand: `CONTRACTS_DIR` (default `../shared/contracts` beside the workspace). Without the folder the tests skip and say
//! so.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Entra, How, Reply, scope, text};

fn contracts(file: &str) -> Option<Value> {
    let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/contracts");
    let folder = std::env::var_os("CONTRACTS_DIR").map_or(default, PathBuf::from);
    match std::fs::read_to_string(folder.join(file)) {
        Ok(text) => Some(serde_json::from_str(&text).expect("JSON")),
        Err(_) => {
            eprintln!("skipped: {} is not there (set CONTRACTS_DIR)", folder.join(file).display());
            None
        }
    }
}

/// The description, and what was found against it.
struct Check {
    entra: Entra,
    description: Value,
    calls: usize,
    problems: Vec<String>,
}

impl Check {
    fn judge(&mut self, what: &str, schema: &Value, value: &Value) {
        let mut schema = schema.clone();
        schema["components"] = self.description["components"].clone();
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let found = validator.iter_errors(value).map(|error| format!("{what}: {error} at {}", error.instance_path()));
        self.problems.extend(found);
    }

    /// A call; `template` is the path of the description, its parameters are filled from `ids`.
    async fn go(&mut self, method: &str, template: &str, ids: &[&str], body: Option<Value>) -> Value {
        self.go_as(&How::default(), method, template, ids, body).await
    }

    async fn go_as(&mut self, how: &How, method: &str, template: &str, ids: &[&str], body: Option<Value>) -> Value {
        let (mut path, mut rest, mut ids) = (String::new(), template, ids.iter());
        while let Some((before, after)) = rest.split_once('{') {
            path.push_str(before);
            path.push_str(ids.next().expect("enough ids"));
            rest = after.split_once('}').expect("a closing brace").1;
        }
        path.push_str(rest);
        let operation = self.description["paths"][template][method.to_lowercase()].clone();
        assert!(operation.is_object(), "{method} {template} is not in the description");
        let reply: Reply = self.entra.call_as(how, method, &path, body.clone()).await;
        self.calls += 1;
        let status = reply.status.as_u16().to_string();
        let what = format!("{method} {template} {status}");
        if let Some(body) = body.filter(|_| reply.status.is_success()) {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if schema.is_object() {
                self.judge(&format!("{what} (request)"), schema, &body);
            }
        }
        let value: Value = if reply.text.is_empty() { Value::Null } else { reply.expect(reply.status.as_u16()) };
        let answer = match operation["responses"].get(&status) {
            Some(answer) => answer.clone(),
            None if reply.status.is_success() => {
                self.problems.push(format!("{what}: no such status in the description"));
                return value;
            }
            None => self.description["components"]["responses"]["error"].clone(),
        };
        let schema = &answer["content"]["application/json"]["schema"];
        match (schema.is_object(), value.is_null()) {
            (true, _) => self.judge(&what, schema, &value),
            (false, false) => self.problems.push(format!("{what}: a body where the description has none")),
            (false, true) => {}
        }
        value
    }
}

const APP: &str = "/applications/{application-id}";
const PRINCIPAL: &str = "/servicePrincipals/{servicePrincipal-id}";

async fn applications(check: &mut Check) -> (String, String, String) {
    let upsert = How { headers: vec![("prefer", "create-if-missing".to_owned())], ..How::default() };
    let by_name = "/applications(uniqueName='{uniqueName}')";
    let scopes = [scope("0b5e0f9c-1c7d-4e8f-9a0b-1c2d3e4f5a6b", "dbt-redshift", true)];
    let body = json!({
        "displayName": "rs", "signInAudience": "AzureADMyOrg",
        "api": {"requestedAccessTokenVersion": 1, "oauth2PermissionScopes": scopes},
        "optionalClaims": {"accessToken": [{"name": "upn", "essential": false}]},
    });
    let made = check.go_as(&upsert, "PATCH", by_name, &["rs"], Some(body)).await;
    check.go_as(&upsert, "PATCH", by_name, &["rs"], Some(json!({"displayName": "rs"}))).await;
    check.go("GET", by_name, &["rs"], None).await;
    check.go("PATCH", by_name, &["none"], Some(json!({"displayName": "rs"}))).await;
    let (id, app_id) = (text(&made["id"]), text(&made["appId"]));
    check.go("GET", "/applications(appId='{appId}')", &[&app_id], None).await;
    let uris = json!({"identifierUris": [format!("api://{app_id}")]});
    check.go("PATCH", APP, &[&id], Some(uris)).await;
    check.go("GET", APP, &[&id], None).await;
    check.go("GET", "/applications", &[], None).await;
    check.go("GET", "/applications/delta()", &[], None).await;
    check.go("GET", "/servicePrincipals/delta()", &[], None).await;
    check.go("GET", "/oauth2PermissionGrants/delta()", &[], None).await;
    let client = json!({
        "displayName": "client", "signInAudience": "AzureADMyOrg",
        "web": {"redirectUris": ["https://ab123.us1.dbt.com/complete/entra"]},
        "requiredResourceAccess": [{"resourceAppId": app_id, "resourceAccess": [
            {"id": "0b5e0f9c-1c7d-4e8f-9a0b-1c2d3e4f5a6b", "type": "Scope"}]}],
    });
    let client = check.go("POST", "/applications", &[], Some(client)).await;
    let client_id = text(&client["id"]);
    check.go("POST", "/applications", &[], Some(json!({}))).await;
    let password = json!({"passwordCredential": {"displayName": "x", "endDateTime": "2100-12-31T11:59:59Z"}});
    let add = format!("{APP}/addPassword");
    let made = check.go("POST", &add, &[&client_id], Some(password)).await;
    check.go("GET", APP, &[&client_id], None).await;
    check.go("POST", &format!("{APP}/removePassword"), &[&client_id], Some(json!({"keyId": made["keyId"]}))).await;
    let (certificate, _) = check.entra.tenant.automation_certificate();
    use base64::Engine as _;
    let key = base64::engine::general_purpose::STANDARD.encode(certificate);
    let keys = json!({"keyCredentials": [{"type": "AsymmetricX509Cert", "usage": "Verify", "key": key}]});
    check.go("PATCH", APP, &[&client_id], Some(keys)).await;
    let federated = format!("{APP}/federatedIdentityCredentials");
    let body = json!({"name": "aws", "issuer": "https://issuer.example.com", "subject": "role",
        "audiences": ["api://AzureADTokenExchange"]});
    let credential = text(&check.go("POST", &federated, &[&client_id], Some(body)).await["id"]);
    check.go("GET", &federated, &[&client_id], None).await;
    let one = format!("{federated}/{{federatedIdentityCredential-id}}");
    check.go("GET", &one, &[&client_id, &credential], None).await;
    check.go("PATCH", &one, &[&client_id, &credential], Some(json!({"subject": "other"}))).await;
    check.go("DELETE", &one, &[&client_id, &credential], None).await;
    let me = check.entra.automation_principal().await;
    let owner = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{me}")});
    check.go("POST", &format!("{APP}/owners/$ref"), &[&client_id], Some(owner)).await;
    check.go("GET", &format!("{APP}/owners"), &[&client_id], None).await;
    check.go("DELETE", &format!("{APP}/owners/{{directoryObject-id}}/$ref"), &[&client_id, &me], None).await;
    check.go("GET", &format!("{APP}/appManagementPolicies"), &[&client_id], None).await;
    (id, app_id, client_id)
}

async fn principals(check: &mut Check, app_id: &str, client: &str) {
    let client = text(&check.go("GET", APP, &[client], None).await["appId"]);
    let resource = text(&check.go("POST", "/servicePrincipals", &[], Some(json!({"appId": app_id}))).await["id"]);
    let client = text(&check.go("POST", "/servicePrincipals", &[], Some(json!({"appId": client}))).await["id"]);
    check.go("POST", "/servicePrincipals", &[], Some(json!({"appId": app_id}))).await;
    check.go("GET", "/servicePrincipals", &[], None).await;
    check.go("GET", "/servicePrincipals(appId='{appId}')", &[app_id], None).await;
    check.go("PATCH", PRINCIPAL, &[&client], Some(json!({"appRoleAssignmentRequired": true}))).await;
    check.go("GET", PRINCIPAL, &[&client], None).await;
    check.go("GET", &format!("{PRINCIPAL}/owners"), &[&client], None).await;
    let grant =
        json!({"clientId": client, "consentType": "AllPrincipals", "resourceId": resource, "scope": "dbt-redshift"});
    let grants = "/oauth2PermissionGrants";
    let made = text(&check.go("POST", grants, &[], Some(grant.clone())).await["id"]);
    check.go("POST", grants, &[], Some(grant)).await;
    check.go("GET", grants, &[], None).await;
    check.go("GET", &format!("{PRINCIPAL}/oauth2PermissionGrants"), &[&client], None).await;
    let one = "/oauth2PermissionGrants/{oAuth2PermissionGrant-id}";
    check.go("GET", one, &[&made], None).await;
    check.go("PATCH", one, &[&made], Some(json!({"scope": "a"}))).await;
    check.go("DELETE", one, &[&made], None).await;
    let me = check.entra.automation_principal().await;
    check.go("GET", &format!("{PRINCIPAL}/appRoleAssignments"), &[&me], None).await;
    let role = json!({"principalId": client, "resourceId": check.entra.graph_principal().await,
        "appRoleId": "df021288-bdef-4463-88db-98f22de89214"});
    check.go("POST", &format!("{PRINCIPAL}/appRoleAssignments"), &[&client], Some(role)).await;
    check.go("DELETE", PRINCIPAL, &[&client], None).await;
}

async fn policies(check: &mut Check, app: &str) {
    let default = "/policies/defaultAppManagementPolicy";
    check.go("GET", default, &[], None).await;
    let restriction = json!({"isEnabled": true, "applicationRestrictions": {"passwordCredentials": [
        {"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": "P180D"}]}});
    check.go("PATCH", default, &[], Some(restriction)).await;
    check.go("GET", default, &[], None).await;
    check.go("POST", &format!("{APP}/addPassword"), &[app], Some(json!({}))).await;
    let inner = json!({"TokenLifetimePolicy": {"Version": 1, "AccessTokenLifetime": "1:00:00"}}).to_string();
    let bodies = [
        ("tokenLifetimePolicies", "tokenLifetimePolicy", json!({"displayName": "x", "definition": [inner]})),
        ("appManagementPolicies", "appManagementPolicy", json!({"displayName": "x", "isEnabled": true})),
    ];
    for (set, id, body) in bodies {
        let all = format!("/policies/{set}");
        let made = text(&check.go("POST", &all, &[], Some(body)).await["id"]);
        check.go("GET", &all, &[], None).await;
        let one = format!("{all}/{{{id}-id}}");
        check.go("GET", &one, &[&made], None).await;
        check.go("PATCH", &one, &[&made], Some(json!({"displayName": "y"}))).await;
        if set == "tokenLifetimePolicies" {
            let of_app = format!("{APP}/{set}");
            let reference = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/policies/{set}/{made}")});
            check.go("POST", &format!("{of_app}/$ref"), &[app], Some(reference)).await;
            check.go("GET", &of_app, &[app], None).await;
            check.go("DELETE", &format!("{of_app}/{{tokenLifetimePolicy-id}}/$ref"), &[app, &made], None).await;
        }
        check.go("DELETE", &one, &[&made], None).await;
    }
}

async fn bin(check: &mut Check, app: &str) {
    check.go("DELETE", APP, &[app], None).await;
    check.go("GET", APP, &[app], None).await;
    check.go("GET", "/directory/deletedItems/microsoft.graph.application", &[], None).await;
    check.go("GET", "/directory/deletedItems/microsoft.graph.servicePrincipal", &[], None).await;
    let one = "/directory/deletedItems/{directoryObject-id}";
    check.go("GET", one, &[app], None).await;
    check.go("POST", &format!("{one}/restore"), &[app], None).await;
    check.go("DELETE", APP, &[app], None).await;
    check.go("DELETE", one, &[app], None).await;
}

#[tokio::test]
async fn requests_and_answers_fit_the_description() {
    let Some(description) = contracts("entra.openapi.json") else { return };
    let mut check = Check { entra: Entra::new(), description, calls: 0, problems: Vec::new() };
    let (app, app_id, client) = applications(&mut check).await;
    principals(&mut check, &app_id, &client).await;
    policies(&mut check, &client).await;
    bin(&mut check, &app).await;
    assert!(check.calls > 65, "{} calls", check.calls);
    assert!(check.problems.is_empty(), "{}", check.problems.join("\n"));
}

/// What a recorded value has and an answer lacks, or has as another type.
fn missing(recorded: &Value, answer: &Value, path: &str, found: &mut Vec<String>) {
    match (recorded, answer) {
        (Value::Object(recorded), Value::Object(answer)) => {
            for (key, value) in recorded {
                match answer.get(key) {
                    None => found.push(format!("{path}.{key}")),
                    Some(other) => missing(value, other, &format!("{path}.{key}"), found),
                }
            }
        }
        (Value::Array(recorded), Value::Array(answer)) => {
            if let (Some(recorded), Some(answer)) = (recorded.first(), answer.first()) {
                missing(recorded, answer, &format!("{path}[]"), found);
            }
        }
        (Value::Null, _) | (_, Value::Null) => {}
        (recorded, answer) => {
            if std::mem::discriminant(recorded) != std::mem::discriminant(answer) {
                found.push(format!("{path}: {answer} is of another type than {recorded}"));
            }
        }
    }
}

/// Plays recorded calls, the ids of that tenant replaced by those of this one.
async fn replay(file: &str, entra: &Entra, how: &How) {
    let Some(recorded) = contracts(&format!("recorded/entra/{file}")) else { return };
    let mut ids: Vec<(String, String)> = Vec::new();
    // In the recordings a credential is removed that another call had made.
    let mut last_key = String::new();
    let mut problems = Vec::new();
    for call in recorded.as_array().expect("calls") {
        let (request, response) = (&call["request"], &call["response"]);
        let method = text(&request["method"]);
        let uri = text(&request["uri"]);
        let known = |ids: &[(String, String)], text: &str| {
            ids.iter().fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
        };
        let path = known(&ids, uri.strip_prefix("https://graph.microsoft.com/v1.0").expect("Graph"));
        let mut body = (!request["body"].is_null()).then(|| request["body"].clone());
        if let Some(body) = body.as_mut() {
            // The recorded dates are long past.
            if let Some(password) = body.get_mut("passwordCredential").and_then(Value::as_object_mut) {
                password.remove("startDateTime");
                password.insert("endDateTime".to_owned(), json!("2100-12-31T11:59:59Z"));
            }
            if body.get("keyId").is_some() {
                body["keyId"] = json!(last_key);
            }
        }
        let what = format!("{method} {path}");
        if path.contains("/7d3b61db-") && ids.is_empty() {
            // The application that this recording deletes was made in another.
            ids.push(("7d3b61db-172a-4c80-bbcb-80376d7591d3".to_owned(), text(&entra.app("x").await["id"])));
        }
        let reply = entra.call_as(how, &method, &known(&ids, &path), body).await;
        if Some(u64::from(reply.status.as_u16())) != response["status"]["code"].as_u64() {
            problems.push(format!("{what}: {} {}", reply.status, reply.text));
        }
        // Headers of the transport say nothing of Graph.
        let transport = ["transfer-encoding", "vary"];
        for (name, value) in response["headers"].as_object().expect("headers") {
            let ours = reply.header(name);
            let exact = matches!(name.as_str(), "content-type" | "odata-version" | "x-ms-resource-unit");
            if !transport.contains(&name.as_str()) && (ours.is_empty() || (exact && value != ours)) {
                problems.push(format!("{what}: header {name} is {ours:?}, not {value}"));
            }
        }
        let body: Value = if reply.text.is_empty() { Value::Null } else { reply.expect(reply.status.as_u16()) };
        assert_eq!(body.is_null(), response["body"].is_null(), "{what}");
        missing(&response["body"], &body, &what, &mut problems);
        for key in ["id", "appId"] {
            if let (Some(theirs), Some(ours)) = (response["body"][key].as_str(), body[key].as_str()) {
                ids.push((theirs.to_owned(), ours.to_owned()));
            }
        }
        if let Some(key) = body["keyId"].as_str() {
            last_key = key.to_owned();
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[tokio::test]
async fn recorded_calls_are_answered_alike() {
    let entra = Entra::new();
    replay("app_create_and_credential.json", &entra, &How::default()).await;
    replay("delete_and_purge.json", &entra, &How::default()).await;
    // A client without any permission.
    let (id, app_id, _) = entra.pair("powerless").await;
    let made = entra.post(&format!("/applications/{id}/addPassword"), json!({})).await.expect(200);
    let token = entra.token_of(&app_id, &text(&made["secretText"])).await.expect("a token");
    replay("forbidden_2025.json", &entra, &How { token: Some(token), ..How::default() }).await;
}
