//! What we send, held against the vendors' own API descriptions, and what we read, against recorded traffic.
//!
//! The descriptions are not part of this project. They are looked for in `CONTRACTS_DIR`, by default
//! `../shared/contracts` beside the workspace; without them these tests say so and pass.

use std::path::PathBuf;

use extoauth_systems::dbt::{Connection, ConnectionSpec, Environment, OauthConfigurationSpec};
use extoauth_systems::okta::{AppSpec, ClaimSpec, EVERYONE, PolicySpec, RuleSpec, ScopeSpec, ServerSpec};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use crate::vendor::{Act, Request, SSWS, Vendor};

pub fn contracts() -> Option<PathBuf> {
    let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/contracts");
    let folder = std::env::var_os("CONTRACTS_DIR").map_or(default, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no API descriptions in {}", folder.display());
    None
}

/// The component schemas of an API description.
pub struct Schemas(Value);

impl Schemas {
    pub fn read(name: &str) -> Option<Self> {
        let text = std::fs::read_to_string(contracts()?.join(name)).expect("a description");
        let document: Value = match name.ends_with(".json") {
            true => serde_json::from_str(&text).expect("JSON"),
            false => serde_yaml_ng::from_str(&text).expect("YAML"),
        };
        Some(Self(document["components"].clone()))
    }

    /// The problems of a value, as the schema sees it.
    pub fn problems(&self, schema: &str, value: &Value) -> Vec<String> {
        assert!(self.0["schemas"].get(schema).is_some(), "the description has no schema {schema}");
        let root = json!({"$ref": format!("#/components/schemas/{schema}"), "components": self.0});
        let validator = jsonschema::draft202012::new(&root).expect("a schema");
        validator.iter_errors(value).map(|e| format!("{schema}: {} at {}", e, e.instance_path())).collect()
    }
}

/// The recorded good answers of Okta: method, path template, path, body.
fn recorded() -> Option<Vec<(String, String, String, String)>> {
    let text = std::fs::read_to_string(contracts()?.join("recorded/okta.jsonl")).expect("recordings");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let field = |call: &Value, name: &str| call[name].as_str().unwrap_or_default().to_owned();
    let good = lines.filter(|call| call["status"].as_u64().is_some_and(|s| s < 300));
    Some(
        good.map(|c| (field(&c, "method"), field(&c, "template"), field(&c, "path"), field(&c, "response_body")))
            .collect(),
    )
}

/// The segments of a recorded path that are ids.
fn ids(path: &str) -> Vec<String> {
    path.split('?').next().unwrap_or_default().split('/').skip(4).step_by(2).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_recorded_body_of_okta_that_we_read_is_understood() {
    let Some(recorded) = recorded() else { return };
    let mut read = 0;
    for (method, template, path, body) in recorded {
        let answer = body.clone();
        let vendor = Vendor::start(move |_, _| Act::Answer(200, Vec::new(), answer.clone())).await;
        let (okta, write) = vendor.okta(SSWS);
        let ids = ids(&path);
        let id = |at: usize| ids.get(at).map(String::as_str).unwrap_or_default();
        let server = template.replace("/default", "/{aus}");
        let done = match (method.as_str(), server.as_str()) {
            ("GET", "/api/v1/apps") => okta.apps_starting_with("x").await.map(drop),
            ("GET", "/api/v1/apps/{0oa}") => okta.app(id(0)).await.map(|app| assert_eq!(app.id, id(0))),
            ("POST", "/api/v1/apps") | ("PUT", "/api/v1/apps/{0oa}") if body.contains("oidc_client") => {
                let spec = AppSpec::web("x", "https://b", "ORG_URL");
                write.create_app(&spec, &SecretString::from("s")).await.map(|made| {
                    assert!(made.value.client_id.is_some(), "{body}");
                    assert!(made.value.client_secret.is_some() || !body.contains("client_secret\""), "{body}");
                })
            }
            ("GET", "/api/v1/apps/{0oa}/credentials/secrets") => okta.client_secrets(id(0)).await.map(|secrets| {
                assert!(secrets.iter().all(|s| s.is_active() && s.value.is_some() && s.created.is_some()));
            }),
            ("GET", "/api/v1/apps/{0oa}/groups") => okta.app_groups(id(0)).await.map(drop),
            ("PUT", "/api/v1/apps/{0oa}/groups/{00g}") => write.assign_group(id(0), id(1)).await.map(drop),
            ("GET", "/api/v1/groups") => okta.groups_named("Everyone").await.map(drop),
            ("GET", "/api/v1/authorizationServers") => okta.authorization_servers("x").await.map(drop),
            ("GET", "/api/v1/authorizationServers/{aus}") => okta.authorization_server(id(0)).await.map(|server| {
                assert!(!server.issuer.is_empty() && !server.issuer.ends_with('/') && !server.audiences.is_empty());
            }),
            ("POST", "/api/v1/authorizationServers") => {
                write.create_authorization_server(&server_spec()).await.map(drop)
            }
            ("GET", "/api/v1/authorizationServers/{aus}/scopes") => okta.scopes(id(0)).await.map(|scopes| {
                assert!(scopes.iter().any(|s| s.name == "openid" && s.system));
            }),
            ("POST", "/api/v1/authorizationServers/{aus}/scopes") => {
                write.create_scope(id(0), &scope_spec()).await.map(drop)
            }
            ("GET", "/api/v1/authorizationServers/{aus}/claims") => okta.claims(id(0)).await.map(|claims| {
                assert!(claims.iter().any(|c| c.name == "sub" && c.claim_type.as_deref() == Some("RESOURCE")));
            }),
            ("POST", "/api/v1/authorizationServers/{aus}/claims") => {
                write.create_claim(id(0), &claim_spec()).await.map(drop)
            }
            ("GET", "/api/v1/authorizationServers/{aus}/policies") => okta.policies(id(0)).await.map(|policies| {
                assert!(policies.iter().all(|p| !p.clients.is_empty() && p.priority.is_some()));
            }),
            ("POST", "/api/v1/authorizationServers/{aus}/policies") => {
                write.create_policy(id(0), &policy_spec()).await.map(|p| assert!(!p.value.clients.is_empty()))
            }
            ("POST", "/api/v1/authorizationServers/{aus}/policies/{00p}/rules") => {
                write.create_rule(id(0), id(1), &rule_spec()).await.map(|rule| {
                    assert!(rule.value.access_minutes.is_some() && !rule.value.grant_types.is_empty());
                })
            }
            ("POST", "/api/v1/apps/{0oa}/lifecycle/deactivate") => write.deactivate_app(id(0)).await.map(drop),
            _ => continue,
        };
        done.unwrap_or_else(|e| panic!("{method} {template}: {e}\n{body}"));
        read += 1;
    }
    assert!(read >= 25, "only {read} recordings were of a kind that we read");
}

fn server_spec() -> ServerSpec {
    ServerSpec {
        name: "extoauth main".into(),
        description: "made by extoauth".into(),
        audience: "https://wg.example.com".into(),
        issuer_mode: "ORG_URL".into(),
    }
}

fn scope_spec() -> ScopeSpec {
    ScopeSpec::published("session:role-any", "Warehouse session", "made by extoauth")
}

fn claim_spec() -> ClaimSpec {
    ClaimSpec { name: "email".into(), value: "user.email".into() }
}

fn policy_spec() -> PolicySpec {
    PolicySpec { name: "analytics-dev".into(), description: "made by extoauth".into(), clients: vec!["0oa1".into()] }
}

fn rule_spec() -> RuleSpec {
    RuleSpec {
        name: "dbt".into(),
        groups: vec![EVERYONE.into()],
        grant_types: vec!["authorization_code".into()],
        scopes: vec!["*".into()],
        access_minutes: 60,
        refresh_minutes: 129_600,
        idle_minutes: 129_600,
    }
}

/// The body that a client sent last.
fn sent(vendor: &Vendor) -> Value {
    let calls = vendor.calls();
    calls.iter().rev().find(|c| !c.body.is_empty()).map(Request::json).expect("a call with a body")
}

#[tokio::test]
async fn what_we_create_at_okta_fits_its_description() {
    let Some(schemas) = Schemas::read("okta.openapi.json") else { return };
    assert!(!schemas.problems("OpenIdConnectApplication", &json!({"label": 5})).is_empty(), "the check checks");
    let vendor = Vendor::start(|_, _| Act::json(200, json!({"id": "x1"}))).await;
    let (_, okta) = vendor.okta(SSWS);
    let mut problems = Vec::new();
    let mut check = |schema: &str| problems.extend(schemas.problems(schema, &sent(&vendor)));

    let mut app = AppSpec::web("extoauth analytics-dev", "https://b/complete/okta", "ORG_URL");
    app.profile.insert("extoauth".into(), "analytics-dev".into());
    app.admin_note = Some("made by extoauth".into());
    okta.create_app(&app, &SecretString::from("0123456789abcdef")).await.expect("an answer");
    check("OpenIdConnectApplication");
    okta.create_client_secret("x1", &SecretString::from("0123456789abcdef")).await.expect("an answer");
    check("OAuth2ClientSecretRequestBody");
    okta.create_authorization_server(&server_spec()).await.expect("an answer");
    check("AuthorizationServer");
    okta.create_scope("x1", &scope_spec()).await.expect("an answer");
    check("OAuth2Scope");
    okta.create_claim("x1", &claim_spec()).await.expect("an answer");
    check("OAuth2Claim");
    okta.create_policy("x1", &policy_spec()).await.expect("an answer");
    check("AuthorizationServerPolicy");
    okta.create_rule("x1", "x2", &rule_spec()).await.expect("an answer");
    check("AuthorizationServerPolicyRuleRequest");
    assert!(problems.is_empty(), "{problems:#?}");
}

/// A full replace echoes what was read; so each recorded object of a kind, read and replaced, must still fit.
#[tokio::test]
async fn what_we_replace_at_okta_fits_its_description() {
    let (Some(schemas), Some(recorded)) = (Schemas::read("okta.openapi.json"), recorded()) else { return };
    let mut problems = Vec::new();
    let mut replaced = 0;
    for (method, template, path, body) in recorded {
        if method != "GET" && method != "POST" && method != "PUT" {
            continue;
        }
        let parsed: Value = serde_json::from_str(&body).unwrap_or_default();
        let server = template.replace("/default", "/{aus}");
        let one = |template: &str| server == template;
        let answer = body.clone();
        let vendor = Vendor::start(move |_, _| Act::Answer(200, Vec::new(), answer.clone())).await;
        let (_, okta) = vendor.okta(SSWS);
        let mut schema = "";
        if one("/api/v1/apps/{0oa}") && body.contains("\"oidc_client\"") {
            let current = serde_json::from_value(parsed).expect("an app");
            okta.replace_app(&current, &AppSpec::web("x", "https://b", "ORG_URL")).await.expect("an answer");
            schema = "OpenIdConnectApplication";
        } else if one("/api/v1/authorizationServers/{aus}") {
            let current = serde_json::from_value(parsed).expect("a server");
            okta.replace_authorization_server(&current, &server_spec()).await.expect("an answer");
            schema = "AuthorizationServer";
        } else if one("/api/v1/authorizationServers/{aus}/scopes/{scp}") {
            let current = serde_json::from_value(parsed).expect("a scope");
            okta.replace_scope("x", &current, &scope_spec()).await.expect("an answer");
            schema = "OAuth2Scope";
        } else if one("/api/v1/authorizationServers/{aus}/claims/{ocl}") {
            let current = serde_json::from_value(parsed).expect("a claim");
            okta.replace_claim("x", &current, &claim_spec()).await.expect("an answer");
            schema = "OAuth2Claim";
        } else if one("/api/v1/authorizationServers/{aus}/policies/{00p}") {
            let current = serde_json::from_value(parsed).expect("a policy");
            okta.replace_policy("x", &current, &policy_spec()).await.expect("an answer");
            schema = "AuthorizationServerPolicy";
        } else if one("/api/v1/authorizationServers/{aus}/policies/{00p}/rules/{0pr}") {
            let current = serde_json::from_value(parsed).expect("a rule");
            okta.replace_rule("x", "y", &current, &rule_spec()).await.expect("an answer");
            schema = "AuthorizationServerPolicyRuleRequest";
        }
        if !schema.is_empty() {
            problems.extend(schemas.problems(schema, &sent(&vendor)).into_iter().map(|p| format!("{path}: {p}")));
            replaced += 1;
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
    assert!(replaced >= 10, "only {replaced} objects were replaced");
}

fn connection_spec() -> ConnectionSpec {
    ConnectionSpec {
        name: "extoauth analytics-dev".into(),
        hostname: "wg.example.com".into(),
        port: 5439,
        dbname: "dev".into(),
        oauth_configuration_id: Some(777),
        private_link_endpoint_id: Some("ple1".into()),
        is_ssh_tunnel_enabled: false,
    }
}

#[tokio::test]
async fn what_we_send_to_dbt_fits_its_description() {
    let Some(schemas) = Schemas::read("dbt.openapi.yaml") else { return };
    assert!(!schemas.problems("EnvironmentV3Request", &json!({})).is_empty(), "the check checks");
    let vendor = Vendor::start(|_, _| Act::json(200, json!({"data": {"id": 7, "project_id": 70001}}))).await;
    let (_, dbt) = vendor.dbt();
    let mut problems = Vec::new();
    let mut check = |schema: &str| problems.extend(schemas.problems(schema, &sent(&vendor)));

    let secret = SecretString::from("0123456789abcdef");
    for kind in ["okta", "entra"] {
        let spec = OauthConfigurationSpec {
            kind: kind.into(),
            name: "extoauth analytics-dev".into(),
            client_id: "0oa1".into(),
            authorize_url: "https://acme.okta.com/oauth2/aus1/v1/authorize".into(),
            token_url: "https://acme.okta.com/oauth2/aus1/v1/token".into(),
            redirect_uri: "https://b/complete/okta".into(),
            application_id_uri: (kind == "entra").then(|| "api://x".into()),
        };
        dbt.create_oauth_configuration(&spec, &secret).await.expect("an answer");
        check("OAuthConfigurationRequest");
        dbt.update_oauth_configuration(7, &spec, None).await.expect("an answer");
        check("OAuthConfigurationRequest");
        assert!(sent(&vendor).get("client_secret").is_none(), "an update without a secret does not name it");
    }
    dbt.create_connection(&connection_spec()).await.expect("an answer");
    check("AccountConnectionCreateBodyRequest");
    let other = json!({"id": 7, "name": "x", "adapter_version": "redshift_v0", "config": {}});
    let current: Connection = serde_json::from_value(other).expect("a connection");
    dbt.update_connection(&current, &connection_spec()).await.expect("an answer");
    check("AccountConnectionUpdateBodyRequest");

    let mut environment = Map::new();
    for (name, value) in [("id", json!(90001)), ("project_id", json!(70001)), ("name", json!("Development"))] {
        environment.insert(name.into(), value);
    }
    for (name, value) in [("dbt_version", json!("latest")), ("type", json!("development")), ("state", json!(1))] {
        environment.insert(name.into(), value);
    }
    for (name, value) in [("use_custom_branch", false), ("supports_docs", false), ("enable_dbt_state", true)] {
        environment.insert(name.into(), value.into());
    }
    environment.insert("credentials".into(), json!({"id": 1}));
    environment.insert("custom_branch".into(), Value::Null);
    let current: Environment = serde_json::from_value(environment.into()).expect("an environment");
    dbt.repoint_environment(&current, Some(7)).await.expect("an answer");
    check("EnvironmentV3Request");
    assert!(problems.is_empty(), "{problems:#?}");
    let paths: Vec<_> = vendor.calls().iter().map(|c| c.path().to_owned()).collect();
    assert!(paths.iter().all(|p| p.starts_with("/api/v3/accounts/54321/") && p.ends_with('/')), "{paths:?}");
}
