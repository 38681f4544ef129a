//! The stand-in's answers against Okta's API description and against recorded traffic, where these are at hand:
//! `CONTRACTS_DIR` (default `../shared/contracts` beside the workspace). Without the folder the tests skip and say so.

#[path = "okta/support.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value, json};
use support::{Okta, Reply, Setup, policy, rule, text};

fn contracts(file: &str) -> Option<String> {
    let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/contracts");
    let folder = std::env::var_os("CONTRACTS_DIR").map_or(default, PathBuf::from);
    let text = std::fs::read_to_string(folder.join(file));
    if text.is_err() {
        eprintln!("skipped: {} is not there (set CONTRACTS_DIR)", folder.join(file).display());
    }
    text.ok()
}

/// An API description, made into something a JSON Schema validator reads.
struct Description {
    paths: Value,
    components: Value,
}

impl Description {
    fn read(text: &str) -> Self {
        let whole: Value = serde_json::from_str(text).expect("JSON");
        let mut components = whole["components"].clone();
        for (_, schema) in components["schemas"].as_object_mut().expect("schemas") {
            adapt(schema);
        }
        Self { paths: whole["paths"].clone(), components }
    }

    /// What is wrong with an answer, by the schema of its operation and status.
    fn problems(&self, method: &str, template: &str, status: u16, body: &Value) -> Vec<String> {
        let answers = &self.paths[template][method.to_lowercase()]["responses"];
        let answer = &answers[status.to_string()];
        assert!(!answer.is_null(), "{method} {template} has no status {status} in the description");
        let mut schema = answer["content"]["application/json"]["schema"].clone();
        if schema.is_null() {
            return Vec::new();
        }
        adapt(&mut schema);
        schema["components"] = self.components.clone();
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        validator
            .iter_errors(&without_nulls(body))
            .map(|error| format!("{method} {template} {status}: {error} at {}", error.instance_path()))
            .collect()
    }
}

/// OpenAPI 3.0 to JSON Schema: `nullable`; variants told apart by a discriminator are cut (their `allOf` leads back to the
/// base, which a validator would follow for ever); of the applications the OpenID Connect one is meant.
fn adapt(schema: &mut Value) {
    match schema {
        Value::Array(list) => list.iter_mut().for_each(adapt),
        Value::Object(map) => {
            if map.get("$ref").is_some_and(|target| target == "#/components/schemas/Application") && map.len() == 1 {
                map.insert("$ref".to_owned(), json!("#/components/schemas/OpenIdConnectApplication"));
                return;
            }
            if map.remove("discriminator").is_some() {
                map.remove("oneOf");
            }
            // `format` and examples are no constraints here.
            for word in ["example", "examples", "format", "readOnly", "x-okta-lifecycle"] {
                if !map.get(word).is_some_and(Value::is_object) {
                    map.remove(word);
                }
            }
            // A pattern that refuses every duration, the recorded ones included.
            if map.get("pattern").and_then(Value::as_str).is_some_and(|pattern| pattern.starts_with("^P(?:$)")) {
                map.remove("pattern");
            }
            let nullable = map.remove("nullable") == Some(json!(true));
            map.values_mut().for_each(adapt);
            if nullable {
                let inner = std::mem::take(map);
                map.insert("anyOf".to_owned(), json!([{"type": "null"}, inner]));
            }
        }
        _ => {}
    }
}

/// Without its nulls: recordings have them where the description knows a type only. A required field that is null is
/// still found: as a missing one.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), without_nulls(value))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// Answers by method, template and status.
type Answers = BTreeMap<(String, String, u16), Value>;

struct Tour {
    okta: Okta,
    answers: Answers,
}

impl Tour {
    async fn go(&mut self, method: &str, template: &str, ids: &[&str], body: Option<Value>) -> Value {
        self.go_with(method, template, "", ids, body).await
    }

    async fn go_with(&mut self, method: &str, template: &str, query: &str, ids: &[&str], body: Option<Value>) -> Value {
        let mut path = String::new();
        let mut ids = ids.iter();
        for part in template.split('/').skip(1) {
            let part = if part.starts_with('{') { ids.next().expect("enough ids") } else { part };
            path.push('/');
            path.push_str(part);
        }
        path.push_str(query);
        let reply: Reply = self.okta.call(method, &path, body).await;
        let value = if reply.text.is_empty() { Value::Null } else { reply.json() };
        self.answers.insert((method.to_owned(), template.to_owned(), reply.status.as_u16()), value.clone());
        value
    }
}

const APP: &str = "/api/v1/apps/{appId}";
const SERVER: &str = "/api/v1/authorizationServers/{authServerId}";

/// Calls each operation that the description has and the stand-in does.
async fn tour() -> (Okta, Answers) {
    let okta = Okta::new();
    let setup = okta.setup().await;
    okta.login(&setup).await;
    let mut tour = Tour { okta, answers: Answers::new() };
    apps(&mut tour, &setup).await;
    servers(&mut tour, &setup).await;
    people(&mut tour, &setup).await;
    refused(&mut tour, &setup).await;
    teardown(&mut tour, &setup).await;
    (tour.okta, tour.answers)
}

async fn apps(tour: &mut Tour, setup: &Setup) {
    let app = [setup.app.as_str()];
    tour.go_with("GET", "/api/v1/apps", "?q=dbt", &[], None).await;
    let spare = tour.go("POST", "/api/v1/apps", &[], Some(support::app("spare"))).await;
    let spare = text(&spare["id"]);
    tour.go("GET", APP, &app, None).await;
    tour.go("PUT", APP, &[&spare], Some(support::app("renamed"))).await;
    let secrets = format!("{APP}/credentials/secrets");
    tour.go("GET", &secrets, &app, None).await;
    let second = text(&tour.go("POST", &secrets, &app, Some(json!({}))).await["id"]);
    let one = format!("{secrets}/{{secretId}}");
    tour.go("GET", &one, &[&setup.app, &second], None).await;
    for change in ["deactivate", "activate", "deactivate"] {
        tour.go("POST", &format!("{one}/lifecycle/{change}"), &[&setup.app, &second], None).await;
    }
    tour.go("DELETE", &one, &[&setup.app, &second], None).await;
    tour.go_with("GET", &format!("{APP}/groups"), "?limit=200", &app, None).await;
    let group = format!("{APP}/groups/{{groupId}}");
    tour.go("PUT", &group, &[&setup.app, &setup.group], Some(json!({"priority": 1, "profile": {}}))).await;
    tour.go("GET", &group, &[&setup.app, &setup.group], None).await;
    let users = tour.go("GET", &format!("{APP}/users"), &app, None).await;
    tour.go("GET", &format!("{APP}/users/{{userId}}"), &[&setup.app, &text(&users[0]["id"])], None).await;
    let tokens = tour.go("GET", &format!("{APP}/tokens"), &app, None).await;
    let token = text(&tokens[0]["id"]);
    tour.go("GET", &format!("{APP}/tokens/{{tokenId}}"), &[&setup.app, &token], None).await;
    let of_server = format!("{SERVER}/clients");
    tour.go("GET", &of_server, &[&setup.server], None).await;
    tour.go("GET", &format!("{of_server}/{{clientId}}/tokens"), &[&setup.server, &setup.app], None).await;
    let one = format!("{of_server}/{{clientId}}/tokens/{{tokenId}}");
    tour.go("GET", &one, &[&setup.server, &setup.app, &token], None).await;
    tour.go("DELETE", &one, &[&setup.server, &setup.app, &token], None).await;
    let (client, ..) = tour.okta.org.service_app();
    let grants = tour.go("GET", &format!("{APP}/grants"), &[&client], None).await;
    tour.go("GET", &format!("{APP}/grants/{{grantId}}"), &[&client, &text(&grants[0]["id"])], None).await;
    let body = json!({"scopeId": "okta.users.manage", "issuer": "https://acme.okta.com"});
    tour.go("POST", &format!("{APP}/grants"), &[&client], Some(body)).await;
    let roles = "/oauth2/v1/clients/{clientId}/roles";
    let role = tour.go("POST", roles, &[&client], Some(json!({"type": "HELP_DESK_ADMIN"}))).await;
    tour.go("GET", &format!("{roles}/{{roleId}}"), &[&client, &text(&role["id"])], None).await;
    tour.go("DELETE", &format!("{roles}/{{roleId}}"), &[&client, &text(&role["id"])], None).await;
    tour.go("PUT", &format!("{APP}/policies/{{policyId}}"), &[&setup.app, "rst1a2b3c4D5e6F7g8h9"], None).await;
}

async fn servers(tour: &mut Tour, setup: &Setup) {
    let server = [setup.server.as_str()];
    let body = json!({"name": "spare", "description": "test", "audiences": ["whatever"], "issuerMode": "ORG_URL"});
    let list = "/api/v1/authorizationServers";
    tour.go("POST", list, &[], Some(body.clone())).await;
    tour.go_with("GET", list, "?limit=200&q=spare", &[], None).await;
    tour.go("GET", SERVER, &server, None).await;
    tour.go("PUT", SERVER, &server, Some(body)).await;
    let keys = tour.go("GET", &format!("{SERVER}/credentials/keys"), &server, None).await;
    tour.go("GET", &format!("{SERVER}/credentials/keys/{{keyId}}"), &[&setup.server, &text(&keys[0]["kid"])], None)
        .await;
    tour.go("POST", &format!("{SERVER}/credentials/lifecycle/keyRotate"), &server, Some(json!({"use": "sig"}))).await;
    let scope =
        json!({"name": "test:something", "displayName": "x", "description": "y", "metadataPublish": "ALL_CLIENTS"});
    let claim = json!({"name": "test", "status": "ACTIVE", "claimType": "RESOURCE", "valueType": "GROUPS", "value": "Every",
        "group_filter_type": "EQUALS", "conditions": {}, "alwaysIncludeInToken": true});
    for (kind, id, body) in [("scopes", "scopeId", scope), ("claims", "claimId", claim)] {
        let all = format!("{SERVER}/{kind}");
        let made = text(&tour.go("POST", &all, &server, Some(body.clone())).await["id"]);
        tour.go("GET", &all, &server, None).await;
        let one = format!("{all}/{{{id}}}");
        tour.go("GET", &one, &[&setup.server, &made], None).await;
        tour.go("PUT", &one, &[&setup.server, &made], Some(body)).await;
        tour.go("DELETE", &one, &[&setup.server, &made], None).await;
    }
    let policies = format!("{SERVER}/policies");
    let made = text(&tour.go("POST", &policies, &server, Some(policy("spare", "ALL_CLIENTS"))).await["id"]);
    tour.go("GET", &policies, &server, None).await;
    let one = format!("{policies}/{{policyId}}");
    tour.go("GET", &one, &[&setup.server, &made], None).await;
    tour.go("PUT", &one, &[&setup.server, &made], Some(policy("renamed", "ALL_CLIENTS"))).await;
    let rules = format!("{one}/rules");
    let rule_id =
        text(&tour.go("POST", &rules, &[&setup.server, &made], Some(rule("spare", 60, 0, 10_080))).await["id"]);
    tour.go("GET", &rules, &[&setup.server, &made], None).await;
    let one_rule = format!("{rules}/{{ruleId}}");
    tour.go("GET", &one_rule, &[&setup.server, &made, &rule_id], None).await;
    tour.go("PUT", &one_rule, &[&setup.server, &made, &rule_id], Some(rule("renamed", 60, 0, 10_080))).await;
    for change in ["deactivate", "activate"] {
        tour.go("POST", &format!("{one_rule}/lifecycle/{change}"), &[&setup.server, &made, &rule_id], None).await;
        tour.go("POST", &format!("{one}/lifecycle/{change}"), &[&setup.server, &made], None).await;
    }
    tour.go("DELETE", &one_rule, &[&setup.server, &made, &rule_id], None).await;
    tour.go("DELETE", &one, &[&setup.server, &made], None).await;
}

async fn people(tour: &mut Tour, setup: &Setup) {
    let groups = "/api/v1/groups";
    tour.go_with("GET", groups, "?q=Everyone", &[], None).await;
    let body = json!({"profile": {"name": "spare", "description": ""}});
    let made = text(&tour.go("POST", groups, &[], Some(body)).await["id"]);
    let one = "/api/v1/groups/{groupId}";
    tour.go("GET", one, &[&made], None).await;
    tour.go("PUT", one, &[&made], Some(json!({"profile": {"name": "renamed", "description": "x"}}))).await;
    tour.go("GET", "/api/v1/groups/{groupId}/apps", &[&setup.group], None).await;
    tour.go("DELETE", one, &[&made], None).await;
    let tokens = tour.go("GET", "/api/v1/api-tokens", &[], None).await;
    let token = [text(&tokens[0]["id"])];
    tour.go("GET", "/api/v1/api-tokens/{apiTokenId}", &[&token[0]], None).await;
    let body = json!({"name": "renamed", "network": {"connection": "ANYWHERE"}, "clientName": "Okta API"});
    tour.go("PUT", "/api/v1/api-tokens/{apiTokenId}", &[&token[0]], Some(body)).await;
    tour.go("GET", "/api/v1/logs", &[], None).await;
}

async fn refused(tour: &mut Tour, setup: &Setup) {
    tour.go("GET", APP, &["0oadoesnotexist00000"], None).await;
    let secrets = format!("{APP}/credentials/secrets");
    tour.go("POST", &secrets, &[&setup.app], Some(json!({"client_secret": "x"}))).await;
    tour.go("POST", "/api/v1/apps", &[], Some(json!({"signOnMode": "OPENID_CONNECT"}))).await;
    tour.okta.org.configure(|options| options.api_access_management = false);
    tour.go("POST", "/api/v1/authorizationServers", &[], Some(json!({}))).await;
    tour.okta.org.configure(|options| options.api_access_management = true);
}

async fn teardown(tour: &mut Tour, setup: &Setup) {
    for change in ["deactivate", "activate", "deactivate"] {
        tour.go("POST", &format!("{APP}/lifecycle/{change}"), &[&setup.app], None).await;
        tour.go("POST", &format!("{SERVER}/lifecycle/{change}"), &[&setup.server], None).await;
    }
    tour.go("DELETE", &format!("{APP}/groups/{{groupId}}"), &[&setup.app, &setup.group], None).await;
    tour.go("DELETE", SERVER, &[&setup.server], None).await;
    tour.go("DELETE", APP, &[&setup.app], None).await;
}

#[tokio::test]
async fn answers_fit_the_description() {
    let Some(text) = contracts("okta.openapi.json") else { return };
    let description = Description::read(&text);
    let (_, answers) = tour().await;
    // Recorded, but not in the description: roles of clients (another document), and 401 for a missing licence.
    let outside = |template: &str, status: u16| template.starts_with("/oauth2/") || matches!(status, 401);
    let mut problems = Vec::new();
    for ((method, template, status), body) in &answers {
        if !outside(template, *status) {
            problems.extend(description.problems(method, template, *status, body));
        }
    }
    assert!(answers.len() > 70, "{} operations", answers.len());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[tokio::test]
async fn oauth_answers_fit_the_description() {
    let Some(text_of) = contracts("okta-oauth.openapi.json") else { return };
    let description = Description::read(&text_of);
    let okta = Okta::new();
    let setup = okta.setup().await;
    let tokens = okta.login(&setup).await;
    let refreshed = okta.refresh(&setup, &tokens["refresh_token"]).await.expect(200);
    let path = |name: &str| format!("/oauth2/{}/v1/{name}", setup.server);
    let client = Some((setup.app.as_str(), setup.secret.as_str()));
    let access = text(&refreshed["access_token"]);
    let live = okta.form(&path("introspect"), client, &[("token", &access)]).await.expect(200);
    let dead = okta.form(&path("introspect"), client, &[("token", "dummy")]).await.expect(200);
    let wrong = okta.form(&path("introspect"), Some((&setup.app, "wrong")), &[("token", "dummy")]).await.expect(401);
    let keys = okta.get(&path("keys")).await.expect(200);
    let info = okta.call_as(&format!("Bearer {access}"), "GET", &path("userinfo"), None).await.expect(200);
    let well_known = |name: &str| format!("/oauth2/{}/.well-known/{name}", setup.server);
    let oauth = okta.get(&well_known("oauth-authorization-server")).await.expect(200);
    let oidc = okta.get(&well_known("openid-configuration")).await.expect(200);
    let org = okta.get("/.well-known/openid-configuration").await.expect(200);
    let server = "/oauth2/{authorizationServerId}";
    let mut problems = Vec::new();
    for (method, template, status, body) in [
        ("POST", format!("{server}/v1/token"), 200, &tokens),
        ("POST", format!("{server}/v1/token"), 200, &refreshed),
        ("POST", format!("{server}/v1/introspect"), 200, &live),
        ("POST", format!("{server}/v1/introspect"), 200, &dead),
        ("POST", format!("{server}/v1/introspect"), 401, &wrong),
        ("GET", format!("{server}/v1/keys"), 200, &keys),
        ("GET", format!("{server}/v1/userinfo"), 200, &info),
        ("GET", format!("{server}/.well-known/oauth-authorization-server"), 200, &oauth),
        ("GET", format!("{server}/.well-known/openid-configuration"), 200, &oidc),
        ("GET", "/.well-known/openid-configuration".to_owned(), 200, &org),
    ] {
        problems.extend(description.problems(method, &template, status, body));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Fields whose presence depends on the request or on the org, not on the kind of object.
const UNSTABLE: [&str; 1] = ["inlineHook"];

/// Keys that the recording has and the answer lacks, with their paths. Lists are compared by their first objects; where
/// one side has none there is nothing to compare.
fn missing(recorded: &Value, answer: &Value, path: &str, found: &mut Vec<String>) {
    match (recorded, answer) {
        (Value::Object(recorded), Value::Object(answer)) => {
            for (key, value) in recorded {
                let at = format!("{path}.{key}");
                match answer.get(key) {
                    None if UNSTABLE.contains(&key.as_str()) => {}
                    None => found.push(at),
                    Some(other) => missing(value, other, &at, found),
                }
            }
        }
        (Value::Array(recorded), Value::Array(answer)) => {
            if let (Some(recorded), Some(answer)) = (recorded.first(), answer.first()) {
                missing(recorded, answer, &format!("{path}[]"), found);
            }
        }
        (Value::Object(map), other) if !map.is_empty() && !other.is_null() => {
            found.push(format!("{path} is no object"))
        }
        _ => {}
    }
}

#[tokio::test]
async fn answers_have_what_recordings_have() {
    let Some(recorded) = contracts("recorded/okta.jsonl") else { return };
    let (_, answers) = tour().await;
    let shape = |template: &str| {
        let parts =
            template.split('/').map(|part| if part.starts_with('{') || part == "default" { "{}" } else { part });
        parts.collect::<Vec<_>>().join("/")
    };
    let known: BTreeMap<_, _> = answers
        .iter()
        .map(|((method, template, status), body)| ((method.clone(), shape(template), *status), body))
        .collect();
    let (mut problems, mut compared) = (Vec::new(), 0);
    for line in recorded.lines() {
        let call: Map<String, Value> = serde_json::from_str(line).expect("a recorded call");
        let field = |name: &str| call.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut template = shape(field("template"));
        for id in ["JBCUYUC7IRCVGS27IFCE2SKO", "I5JE6VKQL5GUKTKCIVJFGSCJKBPUCRCNJFHA", "abcdefghijk0123456789"] {
            template = template.replace(id, "{}");
        }
        let status = call["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or_default();
        let Some(answer) = known.get(&(field("method").to_owned(), template, status)) else { continue };
        let body: Value = serde_json::from_str(field("response_body")).unwrap_or_default();
        // Apps of other kinds than ours were recorded, too.
        if body["signOnMode"].is_string() && body["signOnMode"] != "OPENID_CONNECT" {
            continue;
        }
        compared += 1;
        let mut found = Vec::new();
        missing(&body, answer, "", &mut found);
        problems
            .extend(found.into_iter().map(|path| format!("{} {} {status}: {path}", field("method"), field("path"))));
    }
    assert!(compared > 60, "{compared} recordings compared");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
