//! The stand-in's answers against dbt's published API description. The description lies beside the project
//! (`CONTRACTS_DIR`, by default `../shared/contracts` from the workspace's root) and is not part of it: without the
//! folder these tests say that they skip.

use std::path::PathBuf;

use extoauth_sandbox::dbt::Unconfirmed;
use serde_json::{Map, Value, json};

use crate::client::{Client, okta_configuration, redshift_connection};

/// Required fields that dbt nevertheless gives as null (a development environment has no credentials, an account no
/// lock). The description has lost every `nullable` mark.
const NULL_THOUGH_REQUIRED: &[&str] = &[
    "credentials",
    "project",
    "fusion_readiness",
    "connection",
    "docs_job",
    "freshness_job",
    "repository",
    "billing_email_address",
    "copilot_locked_until",
    "enterprise_login_slug",
    "lock_cause",
    "lock_reason",
    "run_locked_until",
    "starter_repo_url",
    "trial_end_date",
    "unlocked_at",
    "vanity_subdomain",
];

/// Schemas named in the description.
struct Contract {
    schemas: Value,
}

impl Contract {
    fn load() -> Option<Self> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = root.join(std::env::var_os("CONTRACTS_DIR").unwrap_or_else(|| "../shared/contracts".into()));
        let path = folder.join("dbt.openapi.yaml");
        let Ok(text) = std::fs::read_to_string(&path) else {
            eprintln!("skipped: {} is not there", path.display());
            return None;
        };
        let document: Value = serde_yaml_ng::from_str(&text).expect("YAML");
        let mut schemas = document["components"]["schemas"].clone();
        for schema in schemas.as_object_mut().expect("schemas").values_mut() {
            allow_null(schema);
        }
        // An environment nests credentials of its own adapter, though the description names PostgreSQL's.
        schemas["EnvironmentV3Response"]["properties"]["credentials"] =
            json!({"anyOf": [{"$ref": "#/components/schemas/CredentialsResponse"}, {"type": "null"}]});
        schemas["UserCredentialsResponse"]["properties"]["credentials"] =
            json!({"$ref": "#/components/schemas/CredentialsResponse"});
        // The credentials of the adapters overlap: Redshift's are valid as others' too.
        for name in ["CredentialsResponse", "CredentialsResponseList"] {
            schemas[name] = json!({"$ref": "#/components/schemas/RedshiftCredentials"});
        }
        Some(Self { schemas })
    }

    fn faults(&self, schema: &str, instance: &Value) -> Vec<String> {
        let root = json!({"$ref": format!("#/components/schemas/{schema}"), "components": {"schemas": self.schemas}});
        let validator = jsonschema::draft202012::new(&root).expect("a JSON Schema 2020-12");
        validator.iter_errors(instance).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    fn check(&self, schema: &str, instance: &Value) {
        let faults = self.faults(schema, instance);
        assert!(faults.is_empty(), "{schema}: {faults:#?}\n{instance:#}");
    }
}

fn allow_null(schema: &mut Value) {
    let required: Vec<String> = schema["required"].as_array().into_iter().flatten().map(text).collect();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (name, property) in properties {
        if !required.contains(name) || NULL_THOUGH_REQUIRED.contains(&name.as_str()) {
            *property = json!({"anyOf": [property.take(), {"type": "null"}]});
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

async fn prepared() -> (Client, Value, Value) {
    let client = Client::new();
    let configuration = client.data("POST", "/oauth-configurations/", Some(&okta_configuration())).await;
    let connection = client.data("POST", "/connections/", Some(&redshift_connection(&configuration["id"]))).await;
    (client, configuration["id"].clone(), connection["id"].clone())
}

#[tokio::test]
async fn answers_fit_the_description() {
    let Some(contract) = Contract::load() else { return };
    let (client, configuration, connection) = prepared().await;
    let mut entra = okta_configuration();
    entra["type"] = json!("entra");
    entra["extra_data"] = json!({"application_id_uri": "api://x"});
    client.data("POST", "/oauth-configurations/", Some(&entra)).await;
    let grants = json!({"name": "t", "permission_grants": [{"permission_set": "job_admin", "project_id": 70001}]});
    let checks = [
        ("GET", "/oauth-configurations/".to_owned(), None, "OAuthConfigurationListEnveloped"),
        ("GET", format!("/oauth-configurations/{configuration}/"), None, "OAuthConfigurationEnveloped"),
        ("POST", "/oauth-configurations/".into(), Some(entra), "OAuthConfigurationEnveloped"),
        ("GET", format!("/connections/{connection}/"), None, "AccountConnectionDetailResponse"),
        ("PATCH", format!("/connections/{connection}/"), Some(json!({"name": "x"})), "AccountConnectionDetailResponse"),
        ("GET", "/projects/".into(), None, "ProjectListEnveloped"),
        ("GET", "/projects/70001/".into(), None, "ProjectEnveloped"),
        ("GET", "/projects/70001/environments/".into(), None, "EnvironmentV3ListEnveloped"),
        ("GET", "/environments/".into(), None, "EnvironmentV3ListEnveloped"),
        ("GET", "/projects/70001/environments/90002/".into(), None, "EnvironmentV3Enveloped"),
        ("GET", "/projects/70001/credentials/".into(), None, "CredentialsResponseListEnveloped"),
        ("GET", "/projects/70001/credentials/83001/".into(), None, "CredentialsResponseEnveloped"),
        ("GET", "/projects/70001/extended-attributes/85001/".into(), None, "ExtendedAttributesResponse"),
        ("GET", "/private-endpoints/".into(), None, "PrivateEndpointListResponse"),
        ("POST", "/service-tokens/".into(), Some(grants), "DetailCreateServiceTokenResponse"),
        ("GET", "/service-tokens/".into(), None, "ListServiceTokenResponse"),
        ("GET", "/audit-logs/".into(), None, "PublicAuditLogListEnveloped"),
    ];
    for (method, path, body, schema) in checks {
        let (status, answer) = client.call(method, &path, body.as_ref()).await;
        assert_eq!(status, 200, "{method} {path}: {answer}");
        contract.check(schema, &answer);
    }
    let (_, accounts) = client.send("GET", "/api/v3/accounts/", None).await;
    contract.check("AccountListEnveloped", &accounts);
    // The description says that the list's `data` is an object; the Terraform provider decodes an array.
    for row in client.data("GET", "/connections/", None).await.as_array().expect("a list") {
        contract.check("AccountConnectionList", row);
    }
    let (_, missing) = client.call("GET", "/connections/1/", None).await;
    contract.check("NotFound", &missing);
    let (user, token) = client.account.developer_token("dev2@example.com").expect("seeded");
    let path = format!("/api/v3/users/{user}/credentials/");
    let (_, links) = client.with_token(&token).send("GET", &path, None).await;
    contract.check("UserCredentialsListEnveloped", &links);
}

/// What the description refuses in a body, the stand-in refuses; what it takes, the stand-in takes.
#[tokio::test]
async fn bodies_are_judged_alike() {
    let Some(contract) = Contract::load() else { return };
    let (client, configuration, connection) = prepared().await;
    let variant = |body: &Value, change: &str| {
        let mut body: Map<String, Value> = body.as_object().expect("an object").clone();
        match change.split_once('=') {
            Some((key, value)) => drop(body.insert(key.into(), serde_json::from_str(value).expect("JSON"))),
            None => drop(body.remove(change)),
        }
        Value::Object(body)
    };
    let environment = json!({
        "account_id": 54321, "project_id": 70001, "name": "Development", "dbt_version": "latest",
        "type": "development", "use_custom_branch": false, "supports_docs": false, "state": 1,
        "connection_id": connection,
    });
    let table: [(&str, String, &str, Value, &[&str]); 4] = [
        (
            "POST",
            "/oauth-configurations/".into(),
            "OAuthConfigurationRequest",
            okta_configuration(),
            &["name=\"\"", "client_secret=\"\"", "client_id=1", "type", "account_id", "name", "token_url=\"\""],
        ),
        (
            "POST",
            "/connections/".into(),
            "AccountConnectionCreateBodyRequest",
            redshift_connection(&configuration),
            &["surprise=1", "config", "name", "adapter_version=\"oracle_v0\"", "is_ssh_tunnel_enabled=\"no\""],
        ),
        (
            "PATCH",
            format!("/connections/{connection}/"),
            "AccountConnectionUpdateBodyRequest",
            json!({"name": "y", "oauth_configuration_id": configuration, "config": {"dbname": "dev"}}),
            &["adapter_version=\"redshift_v0\"", "name", "config={\"port\": 5440}", "name=7"],
        ),
        (
            "POST",
            "/projects/70001/environments/90001/".into(),
            "EnvironmentV3Request",
            environment,
            &["dbt_version", "type=\"staging\"", "name=\"\"", "use_custom_branch", "connection_id", "state"],
        ),
    ];
    for (method, path, schema, good, changes) in table {
        contract.check(schema, &good);
        let (status, answer) = client.call(method, &path, Some(&good)).await;
        assert_eq!(status, 200, "{method} {path}: {answer}");
        for change in changes {
            let body = variant(&good, change);
            let expected = if contract.faults(schema, &body).is_empty() { 200 } else { 400 };
            let (status, answer) = client.call(method, &path, Some(&body)).await;
            assert_eq!(status, expected, "{method} {path} with {change}: {answer}");
        }
    }
}

/// Where the description says 200 and practice may say otherwise, both can be had.
#[tokio::test]
async fn unconfirmed_statuses() {
    let client = Client::new();
    client.account.set_unconfirmed(Unconfirmed { created_is_201: true, ..Unconfirmed::default() });
    assert_eq!(client.call("POST", "/oauth-configurations/", Some(&okta_configuration())).await.0, 201);
    assert_eq!(client.call("POST", "/connections/", Some(&redshift_connection(&Value::Null))).await.0, 201);
}
