//! Bad days of an Entra tenant: what people there do beside us, and what the directory does by itself.

mod beside;
mod drift;
mod hands;
mod issuer;
mod lag;
mod objects;
mod policy;
mod secret;
mod sign_in;

use extoauth_core::finding::Finding;
use extoauth_sandbox::seed;
use serde_json::{Value, json};

use crate::drive::Ended;
use crate::house::House;

/// The mark of the golden integration.
const MARK: &str = "extoauth:sandbox/integration/reporting-dev";
/// The same as the unique name of its client app.
const UNIQUE_NAME: &str = "extoauth-sandbox-integration-reporting-dev";
/// What the marks of all trusts begin with.
const TRUSTS: &str = "extoauth:sandbox/trust/";
/// The environment of the golden ticket.
const ENVIRONMENT: u64 = 90011;

/// All objects of a collection of the tenant.
fn all<'s>(state: &'s Value, collection: &str) -> &'s [Value] {
    let all = state["entra"][seed::ENTRA_NAME][collection].as_array();
    all.map(Vec::as_slice).unwrap_or_default()
}

/// A text of an object.
fn text<'v>(object: &'v Value, field: &str) -> &'v str {
    object[field].as_str().unwrap_or_else(|| panic!("no text `{field}` in {object}"))
}

/// What we keep in the tenant, as it is now.
struct Ours {
    /// The resource-server app.
    resource: Value,
    /// The client app of the golden integration.
    client: Value,
    /// Object id of the client's service principal.
    principal: String,
}

impl Ours {
    fn resource_path(&self) -> String {
        format!("applications/{}", text(&self.resource, "id"))
    }

    fn client_path(&self) -> String {
        format!("applications/{}", text(&self.client, "id"))
    }

    fn principal_path(&self) -> String {
        format!("servicePrincipals/{}", self.principal)
    }

    /// The client's secrets.
    fn passwords(&self) -> &[Value] {
        self.client["passwordCredentials"].as_array().map(Vec::as_slice).unwrap_or_default()
    }
}

fn has_tag(app: &Value, fits: impl Fn(&str) -> bool) -> bool {
    app["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).any(fits)
}

/// The service principal of an app.
fn principal_of<'s>(state: &'s Value, app: &Value) -> Option<&'s Value> {
    all(state, "servicePrincipals").iter().find(|principal| principal["appId"] == app["appId"])
}

/// Where an environment points.
fn connection_of(state: &Value, environment: u64) -> Value {
    let all = state["dbt"][seed::DBT_NAME]["environments"].as_array().cloned().unwrap_or_default();
    let one = all.iter().find(|one| one["id"] == environment).expect("the environment");
    one["connection_id"].clone()
}

/// The one OAuth configuration of dbt that was not there at start.
fn configuration(house: &House, state: &Value) -> Value {
    let all =
        |state: &Value| state["dbt"][seed::DBT_NAME]["oauth-configurations"].as_array().cloned().unwrap_or_default();
    let before = all(&house.start);
    let new: Vec<Value> =
        all(state).into_iter().filter(|one| !before.iter().any(|old| old["id"] == one["id"])).collect();
    assert_eq!(new.len(), 1, "one configuration: {new:#?}");
    new.into_iter().next().expect("one")
}

/// The finding of a check.
fn finding<'e>(ended: &'e Ended, check: &str) -> &'e Finding {
    let all = &ended.report.findings;
    all.iter().find(|finding| finding.check == check).unwrap_or_else(|| panic!("no `{check}` in {all:#?}"))
}

/// Whether there is a finding of a check.
fn has_finding(ended: &Ended, check: &str) -> bool {
    ended.report.findings.iter().any(|finding| finding.check == check)
}

impl House {
    /// What we keep in the tenant now.
    async fn ours(&self) -> Ours {
        let state = self.state().await;
        let apps = all(&state, "applications");
        let one = |fits: &dyn Fn(&str) -> bool| {
            let found: Vec<&Value> = apps.iter().filter(|app| has_tag(app, fits)).collect();
            assert_eq!(found.len(), 1, "one app: {found:#?}");
            found[0].clone()
        };
        let client = one(&|tag| tag == MARK);
        let principal = principal_of(&state, &client).map(|principal| text(principal, "id").to_owned());
        Ours {
            resource: one(&|tag| tag.starts_with(TRUSTS)),
            client,
            principal: principal.expect("the client's service principal"),
        }
    }

    /// How many objects of each collection of the tenant are not there at start.
    async fn made_in_entra(&self) -> Vec<(&'static str, usize)> {
        let state = self.state().await;
        // Our own rights are no part of what we make.
        let is_right = |object: &Value| object["principalDisplayName"] == "extoauth";
        let count = |of: &Value, name: &str| all(of, name).iter().filter(|object| !is_right(object)).count();
        let new = |name: &'static str| (name, count(&state, name) - count(&self.start, name));
        let collections = ["applications", "servicePrincipals", "oauth2PermissionGrants", "appRoleAssignedTo"];
        let secrets = |of: &Value| {
            let apps = all(of, "applications").iter();
            apps.map(|app| app["passwordCredentials"].as_array().map_or(0, Vec::len)).sum::<usize>()
        };
        let secrets = secrets(&state) - secrets(&self.start);
        collections.into_iter().map(new).chain([("passwords", secrets)]).collect()
    }

    /// Asserts that each object of one integration is there once.
    async fn has_one_of_each(&self, when: &str) {
        let expected = [
            ("applications", 2),
            ("servicePrincipals", 2),
            ("oauth2PermissionGrants", 2),
            ("appRoleAssignedTo", 1),
            ("passwords", 1),
        ];
        assert_eq!(self.made_in_entra().await, expected, "{when}");
    }

    /// The writes since the calls were last forgotten.
    fn writes(&self) -> Vec<String> {
        let calls = self.calls().into_iter().filter(|call| call.write);
        calls.map(|call| format!("{} {} {}", call.system, call.method, call.path)).collect()
    }

    /// Asserts that a request failed with this code before any write, and that its message holds these texts.
    fn stopped_before_harm(&self, ended: &Ended, code: &str, texts: &[&str]) {
        let error = ended.error();
        assert_eq!(error.code, code, "{error:?}");
        for text in texts {
            assert!(error.message.contains(text), "`{text}` is missing: {error:?}");
        }
        assert!(!error.fix.is_empty(), "{error:?}");
        assert_eq!(self.writes(), Vec::<String>::new());
    }

    /// What is stored as the golden integration's client secret.
    async fn stored(&self, state: &Value) -> Value {
        let all =
            |state: &Value| state["secretsmanager"][seed::REGION]["SecretList"].as_array().cloned().unwrap_or_default();
        let before = all(&self.start);
        let is_new = |one: &Value| !before.iter().any(|old| old["ARN"] == one["ARN"]);
        let new: Vec<Value> =
            all(state).into_iter().filter(|one| is_new(one) && one["DeletedDate"].is_null()).collect();
        assert_eq!(new.len(), 1, "one secret: {new:#?}");
        new.into_iter().next().expect("one")
    }

    /// Asserts that Entra, Secrets Manager and dbt know the same one secret of ours, and gives the credential.
    async fn knows_one_secret(&self, others: &[&str], when: &str) -> Value {
        let state = self.state().await;
        let ours = self.ours().await;
        let is_theirs = |password: &&Value| others.iter().any(|id| password["keyId"] == *id);
        let passwords: Vec<&Value> = ours.passwords().iter().filter(|one| !is_theirs(one)).collect();
        assert_eq!(passwords.len(), 1, "{when}: one credential of ours: {passwords:#?}");
        let digest = &passwords[0]["secretText"]["sha256"];
        assert!(digest.is_string(), "{passwords:?}");
        let (stored, dbt) = (self.stored(&state).await, configuration(self, &state));
        assert_eq!(&stored["SecretString"]["sha256"], digest, "{when}: Secrets Manager");
        assert_eq!(&dbt["client_secret"]["sha256"], digest, "{when}: dbt");
        assert_eq!(dbt["client_id"], ours.client["appId"], "{when}: dbt's client");
        passwords[0].clone()
    }

    /// Adds a secret to an app by hand: its key id and its value.
    async fn add_password(&self, app: &str, credential: Value) -> (String, String) {
        let body = json!({"passwordCredential": credential});
        let made = self.entra("POST", &format!("{app}/addPassword"), body).await;
        (text(&made, "keyId").to_owned(), text(&made, "secretText").to_owned())
    }
}
