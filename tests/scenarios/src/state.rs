//! Two states of a sandbox compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// Fields that differ between two runs that did the same: times, and what is random.
const VOLATILE: &[&str] = &[
    "created",
    "lastUpdated",
    "created_at",
    "updated_at",
    "lastMembershipUpdated",
    "CreatedDate",
    "LastChangedDate",
    "LastAccessedDate",
    "DeletedDate",
    "MembershipId",
    "sha256",
    "secret_hash",
    "kid",
    "lastRotated",
    "nextRotation",
    "createdDateTime",
    "deletedDateTime",
    "startDateTime",
    "endDateTime",
    "hint",
    "expiresAt",
];
/// Systems whose objects are no part of an end state: tickets hold what was said on the way.
const LEFT_OUT: &[&str] = &["servicenow"];
/// Collections that only ever grow: what the vendors log, what logins left, and the bin where Entra keeps removed apps for
/// thirty days.
const LOGS: &[&str] = &["audit-logs", "deletedItems", "logs", "tokens"];
/// A secret's versions, by their ids.
const VERSIONS: &[&str] = &["SecretVersionsToStages", "VersionIdsToStages", "Versions"];
/// Fields by which an object is known.
const IDS: &[&str] = &["id", "TrustedTokenIssuerArn", "ARN"];
/// Further fields by which the same object is known.
const ALSO: &[&str] = &["appId", "keyId"];
/// Fields that name an object for people, the first that is there.
const NAMES: &[&str] = &["label", "name", "Name", "displayName", "value"];

/// A state without what two equal runs need not share: times are gone, secrets are marked, and the ids of objects that
/// are not in `start` are replaced by their names.
#[must_use]
pub fn comparable(state: &Value, start: &Value) -> Value {
    let known = ids(start);
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (id, name) in ids(state) {
        if !known.contains_key(&id) {
            names.insert(id, format!("<{name}>"));
        }
    }
    names.extend(versions(state));
    let mut plain = Map::new();
    for (system, objects) in state.as_object().into_iter().flatten() {
        if !LEFT_OUT.contains(&system.as_str()) {
            plain.insert(system.clone(), cleaned(objects, &names));
        }
    }
    Value::Object(plain)
}

/// Where two values differ, as lines for people; none: they are equal.
#[must_use]
pub fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare(String::new(), expected, found, &mut lines);
    lines
}

fn compare(at: String, expected: &Value, found: &Value, lines: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys {
                let side = |object: &Map<String, Value>| object.get(key).cloned().unwrap_or_default();
                compare(format!("{at}/{key}"), &side(one), &side(other), lines);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (n, (one, other)) in one.iter().zip(other).enumerate() {
                compare(format!("{at}/{n}"), one, other, lines);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            lines.extend(without(one, other).map(|item| format!("{at}: missing {item}")));
            lines.extend(without(other, one).map(|item| format!("{at}: too much {item}")));
        }
        (one, other) if one == other => {}
        (one, other) => lines.push(format!("{at}: {one} expected, found {other}")),
    }
}

/// What one list has and the other has not, equal items counted.
fn without<'v>(one: &'v [Value], other: &[Value]) -> impl Iterator<Item = &'v Value> {
    let mut rest: Vec<&Value> = one.iter().collect();
    for item in other {
        if let Some(at) = rest.iter().position(|mine| *mine == item) {
            rest.swap_remove(at);
        }
    }
    rest.into_iter()
}

/// Id to name of every object.
fn ids(value: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect(value, "", &mut found);
    found
}

fn collect(value: &Value, collection: &str, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| collect(one, collection, found)),
        Value::Object(object) => {
            let id = IDS.iter().find_map(|name| object.get(*name)).and_then(scalar);
            let name = NAMES.iter().find_map(|name| object.get(*name)).and_then(Value::as_str).unwrap_or_default();
            if let Some(id) = id {
                found.insert(id, format!("{collection} {name}"));
            }
            for field in ALSO {
                if let Some(id) = object.get(*field).and_then(scalar).filter(|_| !name.is_empty()) {
                    // A credential's name ends in the version that holds its value, which is random.
                    let name = name.split('#').next().unwrap_or_default();
                    found.entry(id).or_insert_with(|| format!("{field} of {name}"));
                }
            }
            object.iter().for_each(|(key, inner)| collect(inner, key, found));
        }
        _ => {}
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The versions of all secrets, which are random, by their stages.
fn versions(state: &Value) -> BTreeMap<String, String> {
    let regions = state["secretsmanager"].as_object().into_iter().flat_map(|regions| regions.values());
    let secrets = regions.flat_map(|region| region["SecretList"].as_array().into_iter().flatten());
    let mut found = BTreeMap::new();
    for secret in secrets {
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        for (version, shown) in secret["Versions"].as_object().into_iter().flatten() {
            let stages = shown["VersionStages"].to_string();
            let number = numbers.entry(stages.clone()).or_default();
            *number += 1;
            found.insert(version.clone(), format!("<version {number} of {stages}>"));
        }
    }
    found
}

fn cleaned(value: &Value, names: &BTreeMap<String, String>) -> Value {
    match value {
        Value::Object(object) => {
            let kept =
                object.iter().filter(|(key, _)| !VOLATILE.contains(&key.as_str()) && !LOGS.contains(&key.as_str()));
            let clean = |(key, inner): (&String, &Value)| {
                let inner = if VERSIONS.contains(&key.as_str()) { &staged(inner) } else { inner };
                (renamed(key, names), cleaned(inner, names))
            };
            kept.map(clean).collect::<Map<_, _>>().into()
        }
        Value::Array(all) => {
            // A deleted secret is kept for its recovery window; nobody can read it any more.
            let kept = all.iter().filter(|one| one.get("DeletedDate").is_none_or(Value::is_null));
            let mut all: Vec<Value> = kept.map(|one| cleaned(one, names)).collect();
            // Order follows the ids, which are random.
            all.sort_by_key(Value::to_string);
            all.into()
        }
        Value::String(text) => renamed(text, names).into(),
        Value::Number(number) => match names.get(&number.to_string()) {
            Some(name) => name.as_str().into(),
            None => value.clone(),
        },
        other => other.clone(),
    }
}

/// Of a secret's versions those that have a stage: AWS hides the others and deletes them by itself (Secrets Manager User
/// Guide, "What's in a Secrets Manager secret?").
fn staged(versions: &Value) -> Value {
    let Some(versions) = versions.as_object() else { return versions.clone() };
    let stages = |version: &Value| version.get("VersionStages").unwrap_or(version).as_array().map_or(1, Vec::len);
    versions
        .iter()
        .filter(|(_, version)| stages(version) > 0)
        .map(|(id, version)| (id.clone(), version.clone()))
        .collect()
}

/// The text with every new id in it replaced.
fn renamed(text: &str, names: &BTreeMap<String, String>) -> String {
    if let Some(name) = names.get(text) {
        return name.clone();
    }
    // Short ids are numbers: inside a text they would be found by chance.
    let inside = names.iter().filter(|(id, _)| id.len() > 12 && text.contains(id.as_str()));
    inside.fold(text.to_owned(), |text, (id, name)| text.replace(id, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn new_objects_are_known_by_name() {
        let start = json!({"okta": {"acme": {"apps": [{"id": "0oa00000000000000old", "label": "old"}]}}});
        let run = |id: &str, connection: u64| {
            json!({
                "okta": {"acme": {"apps": [
                    {"id": "0oa00000000000000old", "label": "old"},
                    {"id": id, "label": "new", "created": id, "_links": {"self": format!("https://acme/apps/{id}")}},
                ]}},
                "dbt": {"acme": {"connections": [{"id": connection, "name": "c"}],
                    "environments": [{"id": 1, "name": "e", "connection_id": connection}]}},
            })
        };
        let one = comparable(&run("0oa1aaaaaaaaaaaaaaaa", 100_001), &start);
        let other = comparable(&run("0oa2bbbbbbbbbbbbbbbb", 100_007), &start);
        assert_eq!(differences(&one, &other), Vec::<String>::new());
        assert!(one.to_string().contains("0oa00000000000000old"));
        let less = comparable(&start, &start);
        assert_eq!(differences(&one["okta"], &less["okta"]).len(), 1);
    }
}
