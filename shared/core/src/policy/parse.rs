//! Reading the policy: every problem at once.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Bounds, LifetimeBounds, NameKind, NameTemplate, Policy, SecretDays};
use crate::problem::Problems;

/// Bounds of which one side may be absent.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `min` and `max`")]
struct GivenBounds {
    min: Option<u32>,
    max: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object of bounds")]
struct GivenLifetimes {
    access_minutes: Option<GivenBounds>,
    refresh_days: Option<GivenBounds>,
    idle_days: Option<GivenBounds>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `default` and `max`")]
struct GivenSecretDays {
    default: Option<u32>,
    max: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Switch {
    On,
    Off,
}

impl Policy {
    /// Reads the JSON of `EXTOAUTH_POLICY`.
    ///
    /// # Errors
    /// Every problem, with its key.
    pub fn parse(json: &str) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        match serde_json::from_str(json) {
            Ok(Value::Object(keys)) => return Self::from_keys(keys),
            Ok(_) => problems.add("policy", "must be a JSON object"),
            Err(error) => problems.add("policy", format!("is not JSON: {error}")),
        }
        Err(problems)
    }

    fn from_keys(mut keys: Map<String, Value>) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let base = Self::default();
        let mut read = Reader { keys: &mut keys, problems: &mut problems };
        let lifetimes: GivenLifetimes = read.key("lifetimes").unwrap_or_default();
        let secret_days: GivenSecretDays = read.key("secret_days").unwrap_or_default();
        let names: BTreeMap<String, String> = read.key("names").unwrap_or_default();
        let mut thresholds: Vec<u32> = read.key("thresholds").unwrap_or(base.thresholds);
        thresholds.sort_unstable_by(|a, b| b.cmp(a));
        thresholds.dedup();
        let rotate: Option<u32> = read.key("rotate_days_before");
        let mut policy = Self {
            requesters: read.key::<BTreeSet<String>>("requesters").unwrap_or_default(),
            requester_groups: read.key("requester_groups").unwrap_or_default(),
            freeze: read.key("freeze").unwrap_or_default(),
            writes: !matches!(read.key("writes"), Some(Switch::Off)),
            protected: read.key("protected").unwrap_or_default(),
            owners: read.key("owners").unwrap_or_default(),
            reactions: read.key("reactions").unwrap_or_default(),
            thresholds,
            lifetimes: bounds_of_lifetimes(lifetimes, &mut problems),
            secret_days: days_of_secrets(secret_days, &mut problems),
            rotate_days_before: base.rotate_days_before,
            names: templates(names, &mut problems),
        };
        policy.rotate_days_before = days_of_rotation(rotate, policy.secret_days, &mut problems);
        for unknown in keys.keys() {
            problems.add(unknown, "is not a key of the policy");
        }
        for (n, freeze) in policy.freeze.iter().enumerate() {
            if freeze.from >= freeze.to {
                problems.add(format!("freeze.{n}"), "`from` must be before `to`");
            }
        }
        problems.or(policy)
    }
}

/// Takes keys out one by one, so that what is left over is unknown.
struct Reader<'a> {
    keys: &'a mut Map<String, Value>,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    fn key<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let value = self.keys.remove(key).filter(|value| !value.is_null())?;
        match serde_path_to_error::deserialize(value) {
            Ok(value) => Some(value),
            Err(error) => {
                let path = error.path().to_string().replace('[', ".").replace(']', "");
                let field = format!("{key}.{}", path.trim_matches('.'));
                self.problems.add(field.trim_end_matches('.'), without_value(&error.into_inner()));
                None
            }
        }
    }
}

/// The error without the value at fault: what stands here by mistake may be a secret.
fn without_value(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(", expected ") {
        Some((start, expected)) if start.starts_with("invalid ") => format!("must be {expected}"),
        _ => text,
    }
}

fn bounds_of_lifetimes(given: GivenLifetimes, problems: &mut Problems) -> LifetimeBounds {
    let mut bounds = |key: &str, given: Option<GivenBounds>, limit: Bounds| {
        let given = given.unwrap_or_default();
        let bounds = Bounds { min: given.min.unwrap_or(limit.min), max: given.max.unwrap_or(limit.max) };
        let field = format!("lifetimes.{key}");
        if bounds.min > bounds.max {
            problems.add(field, "`min` must not be over `max`");
        } else if !limit.holds(bounds.min) || !limit.holds(bounds.max) {
            problems.add(field, format!("must be within {} and {}, the vendor's limits", limit.min, limit.max));
        }
        bounds
    };
    let limits = LifetimeBounds::LIMITS;
    LifetimeBounds {
        access_minutes: bounds("access_minutes", given.access_minutes, limits.access_minutes),
        refresh_days: bounds("refresh_days", given.refresh_days, limits.refresh_days),
        idle_days: bounds("idle_days", given.idle_days, limits.idle_days),
    }
}

/// A policy that gives only a maximum below the usual default lowers the default with it.
fn days_of_secrets(given: GivenSecretDays, problems: &mut Problems) -> SecretDays {
    let base = SecretDays::default();
    let max = given.max.unwrap_or(base.max);
    let default = given.default.unwrap_or(base.default.min(max));
    if max == 0 || max > base.max {
        problems.add("secret_days.max", format!("must be 1 to {}", base.max));
    }
    if default == 0 || default > max {
        problems.add("secret_days.default", format!("must be 1 to {max}"));
    }
    SecretDays { default, max }
}

/// A window as long as a secret lives would rotate it all the time.
fn days_of_rotation(given: Option<u32>, secrets: SecretDays, problems: &mut Problems) -> u32 {
    let most = secrets.default.saturating_sub(1).max(1);
    let days = given.unwrap_or(super::ROTATE_DAYS_BEFORE.min(most));
    if days == 0 || days > most {
        problems.add("rotate_days_before", format!("must be 1 to {most}, less than `secret_days.default`"));
    }
    days
}

fn templates(given: BTreeMap<String, String>, problems: &mut Problems) -> BTreeMap<NameKind, NameTemplate> {
    let mut names = BTreeMap::new();
    for (key, text) in given {
        let field = format!("names.{key}");
        let Some(kind) = NameKind::of_key(&key) else {
            let known: Vec<&str> = NameKind::ALL.iter().map(|kind| kind.key()).collect();
            problems.add(field, format!("is none of {}", known.join(", ")));
            continue;
        };
        match NameTemplate::parse(kind, &text) {
            Ok(template) => {
                names.insert(kind, template);
            }
            Err(problem) => problems.add(field, problem),
        }
    }
    names
}
