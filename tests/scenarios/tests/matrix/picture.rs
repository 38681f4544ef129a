//! What a run leaves, in a form in which two runs can be compared.

use std::collections::BTreeSet;

use extoauth_scenarios::state::{comparable, differences};
use serde_json::{Map, Value, json};

use crate::house::House;

/// Objects, inventory and open ends after a run.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Objects and inventory with new ids replaced by names.
    pub shown: Value,
    /// What is wrong with it, whatever another run left.
    pub faulty: Vec<String>,
}

/// Collections whose new objects must be in the inventory themselves, with the field of their id. What is below them goes
/// with them.
const OWN: [(&str, &str, &str); 7] = [
    ("okta", "apps", "id"),
    ("okta", "authorizationServers", "id"),
    ("entra", "applications", "id"),
    ("dbt", "oauth-configurations", "id"),
    ("dbt", "connections", "id"),
    ("sso-admin", "TrustedTokenIssuers", "TrustedTokenIssuerArn"),
    ("secretsmanager", "SecretList", "ARN"),
];

/// Systems in which no object that was there before may have changed in any way.
const FOREIGN: [&str; 5] = ["okta", "entra", "sso-admin", "secretsmanager", "identitystore"];

impl House {
    /// What is there now.
    pub async fn picture(&self) -> Picture {
        let state = self.state().await;
        let books = self.books().await;
        let mut inventory = Map::new();
        let mut faulty = Vec::new();
        for (subject, book) in &books {
            let mut items = Map::new();
            for item in book.items.values() {
                let told = json!({
                    "kind": item.kind, "system": item.system, "identity": item.identity,
                    "ownership": item.ownership, "written": item.written,
                });
                items.insert(item.address.to_string(), told);
            }
            if !items.is_empty() {
                inventory.insert(subject.to_string(), Value::Object(items));
            }
            faulty.extend(book.intents.keys().map(|address| format!("{subject}: the intent of {address} is open")));
        }
        let inventory = Value::Object(inventory);
        faulty.extend(self.orphans(&state, &inventory));
        faulty.extend(self.touched(&state));
        faulty.extend(self.secrets_differ(&state));
        // First, so that the real objects' names win over those of their records.
        let mut all = Map::from_iter([("_inventory".to_owned(), inventory)]);
        all.extend(state.as_object().expect("a state is an object").clone());
        Picture { shown: comparable(&Value::Object(all), &self.start), faulty }
    }

    /// New objects that the inventory does not name.
    pub fn orphans(&self, state: &Value, inventory: &Value) -> Vec<String> {
        let recorded = inventory.to_string();
        let mut orphans = Vec::new();
        for (system, collection, field) in OWN {
            let before: BTreeSet<String> = objects(&self.start, system, collection, field).map(|(id, _)| id).collect();
            for (id, object) in objects(state, system, collection, field) {
                if !before.contains(&id) && !recorded.contains(&id) {
                    orphans.push(format!("orphan in {system} {collection}: {object}"));
                }
            }
        }
        orphans
    }

    /// Objects that were there at start and have changed, byte by byte.
    fn touched(&self, state: &Value) -> Vec<String> {
        let mut touched = Vec::new();
        for system in FOREIGN {
            for (name, collections) in self.start[system].as_object().into_iter().flatten() {
                for (collection, before) in collections.as_object().into_iter().flatten() {
                    // It follows from the list of issuers of the Redshift application, whose other entries are compared.
                    if collection == "Grants" {
                        continue;
                    }
                    let now = state[system][name][collection].as_array().cloned().unwrap_or_default();
                    let before = before.as_array().into_iter().flatten();
                    let gone = before.filter(|object| !now.iter().any(|one| same(one, object)));
                    touched.extend(gone.map(|object| format!("touched in {system} {collection}: {object}")));
                }
            }
        }
        touched
    }

    /// The client secrets that the identity providers, dbt and Secrets Manager hold must be the same ones.
    fn secrets_differ(&self, state: &Value) -> Option<String> {
        let of = |system: &str, collection: &str, field: &str| -> BTreeSet<String> {
            let digests = |all: &Value| -> BTreeSet<String> {
                objects(all, system, collection, "")
                    .filter_map(|(_, object)| object[field]["sha256"].as_str().map(str::to_owned))
                    .collect()
            };
            digests(state).difference(&digests(&self.start)).cloned().collect()
        };
        let mut providers = of("okta", "secrets", "client_secret");
        providers.extend(entra_secrets(state).difference(&entra_secrets(&self.start)).cloned());
        let dbt = of("dbt", "oauth-configurations", "client_secret");
        let stored = of("secretsmanager", "SecretList", "SecretString");
        (providers != dbt || providers != stored)
            .then(|| format!("secrets differ: providers {providers:?}, dbt {dbt:?}, Secrets Manager {stored:?}"))
    }
}

/// Digests of the client secrets of all apps of the tenant.
fn entra_secrets(state: &Value) -> BTreeSet<String> {
    let apps = objects(state, "entra", "applications", "id");
    let passwords = apps.flat_map(|(_, app)| app["passwordCredentials"].as_array().into_iter().flatten());
    passwords.filter_map(|password| password["secretText"]["sha256"].as_str().map(str::to_owned)).collect()
}

/// Read and written by nobody but the vendor itself: when a secret was last read.
fn same(one: &Value, other: &Value) -> bool {
    const BY_READING: [&str; 1] = ["LastAccessedDate"];
    let (mut one, mut other) = (one.clone(), other.clone());
    for field in BY_READING {
        for object in [&mut one, &mut other] {
            if let Some(object) = object.as_object_mut() {
                object.remove(field);
            }
        }
    }
    one == other
}

fn objects<'v>(
    state: &'v Value,
    system: &str,
    collection: &'v str,
    field: &'v str,
) -> impl Iterator<Item = (String, &'v Value)> {
    let named = state[system].as_object().into_iter().flat_map(|systems| systems.values());
    named.flat_map(move |one| one[collection].as_array().into_iter().flatten()).map(move |object| {
        let id = match &object[field] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        (id, object)
    })
}

impl Picture {
    /// What is wrong with this picture if it should be like another.
    pub fn unlike(&self, expected: &Self) -> Vec<String> {
        let mut wrong = self.faulty.clone();
        wrong.extend(differences(&expected.shown, &self.shown));
        wrong
    }

    /// Asserts that it is like another.
    pub fn must_be(&self, expected: &Self, after: &str) {
        let wrong = self.unlike(expected);
        assert!(wrong.is_empty(), "{after}:\n{}", wrong.join("\n"));
    }
}
