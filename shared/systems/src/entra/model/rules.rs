//! What a tenant's app management policies say about client secrets.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde_json::Value;

use super::items;
use crate::http::{flag, text, time};

/// Rules about client secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PasswordRules {
    /// No secret may be added at all.
    pub forbidden: bool,
    /// The longest life of a secret.
    pub longest: Option<SignedDuration>,
    /// Name or id of the policy that says so, for the person who must be asked.
    pub policy: Option<String>,
}

/// What the tenant's default policy says to an app that is made at this moment.
pub(in crate::entra) fn tenant_rules(raw: &Value, now: Timestamp) -> PasswordRules {
    if flag(raw, "/isEnabled") != Some(true) {
        return PasswordRules::default();
    }
    rules(raw, items(raw, "/applicationRestrictions/passwordCredentials"), Some(now))
}

/// What the policies assigned to an app say; `None` where none is in force. `made`: when the app was made, where that
/// is known.
pub(in crate::entra) fn own_rules(policies: &[Value], made: Option<Timestamp>) -> Option<PasswordRules> {
    let own = policies.iter().filter(|p| flag(p, "/isEnabled") == Some(true));
    own.map(|p| rules(p, items(p, "/restrictions/passwordCredentials"), made)).reduce(|a, b| PasswordRules {
        forbidden: a.forbidden || b.forbidden,
        longest: a.longest.into_iter().chain(b.longest).min(),
        policy: a.policy.or(b.policy),
    })
}

/// Whether a rule of these policies depends on when the app was made.
pub(in crate::entra) fn has_dated_restriction(policies: &[Value]) -> bool {
    let all = policies.iter().flat_map(|p| items(p, "/restrictions/passwordCredentials"));
    all.into_iter().any(|r| time(r, "/restrictForAppsCreatedAfterDateTime").is_some())
}

fn rules(policy: &Value, restrictions: &[Value], made: Option<Timestamp>) -> PasswordRules {
    let mut rules = PasswordRules::default();
    for restriction in restrictions {
        let is_on = text(restriction, "/state").as_deref() != Some("disabled");
        let after = time(restriction, "/restrictForAppsCreatedAfterDateTime");
        let is_meant = after.zip(made).is_none_or(|(after, made)| made > after);
        if !is_on || !is_meant {
            continue;
        }
        match text(restriction, "/restrictionType").as_deref() {
            // Whether we are among the exempt actors cannot be read; so the answer to the attempt decides.
            Some("passwordAddition") => rules.forbidden |= !has_exemptions(restriction),
            Some("passwordLifetime") => {
                let longest = text(restriction, "/maxLifetime").and_then(|life| duration(&life));
                rules.longest = rules.longest.into_iter().chain(longest).min();
            }
            _ => {}
        }
    }
    if rules.forbidden || rules.longest.is_some() {
        rules.policy = text(policy, "/displayName").or_else(|| text(policy, "/id"));
    }
    rules
}

fn has_exemptions(restriction: &Value) -> bool {
    !items(restriction, "/excludeActors/customSecurityAttributes").is_empty()
}

/// An ISO 8601 duration (`P180D`, `P4DT12H30M5S`), a year and a month being those that begin now.
fn duration(text: &str) -> Option<SignedDuration> {
    let span: Span = text.parse().ok()?;
    let now = Timestamp::now().to_zoned_datetime(TimeZone::UTC).datetime();
    span.to_duration(now).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(restrictions: Value) -> Value {
        json!({"id": "p1", "displayName": "Default app management tenant policy", "isEnabled": true,
            "applicationRestrictions": {"passwordCredentials": restrictions}})
    }

    #[test]
    fn the_default_policy() {
        let now: Timestamp = "2026-08-01T00:00:00Z".parse().expect("a time");
        let cap = json!({"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": "P30D",
            "restrictForAppsCreatedAfterDateTime": "2024-01-01T00:00:00Z"});
        let found = tenant_rules(&policy(json!([cap])), now);
        assert_eq!(found.longest, Some(SignedDuration::from_hours(720)));
        assert_eq!((found.forbidden, found.policy.as_deref()), (false, Some("Default app management tenant policy")));

        let block = json!({"restrictionType": "passwordAddition", "state": "enabled", "maxLifetime": null,
            "restrictForAppsCreatedAfterDateTime": null});
        assert!(tenant_rules(&policy(json!([block])), now).forbidden);
        let later = json!({"restrictionType": "passwordAddition", "state": "enabled",
            "restrictForAppsCreatedAfterDateTime": "2030-01-01T00:00:00Z"});
        let off = json!({"restrictionType": "passwordAddition", "state": "disabled"});
        let exempt = json!({"restrictionType": "passwordAddition", "state": "enabled",
            "excludeActors": {"customSecurityAttributes": [{"id": "x"}]}});
        assert_eq!(tenant_rules(&policy(json!([later, off, exempt])), now), PasswordRules::default());
        let mut shut = policy(json!([block]));
        shut["isEnabled"] = false.into();
        assert_eq!(tenant_rules(&shut, now), PasswordRules::default());
        assert_eq!(tenant_rules(&json!({"isEnabled": true}), now), PasswordRules::default());
    }

    #[test]
    fn an_apps_own_policy() {
        let of = |days: &str| {
            json!({"id": days, "isEnabled": true, "restrictions":
                {"passwordCredentials": [{"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": days}]}})
        };
        assert_eq!(own_rules(&[], None), None);
        let found = own_rules(&[of("P90D"), of("P1D")], None).expect("rules");
        assert_eq!(found.longest, Some(SignedDuration::from_hours(24)));
        assert!(!has_dated_restriction(&[of("P1D")]));
    }

    #[test]
    fn durations() {
        assert_eq!(duration("P4DT12H30M5S"), Some(SignedDuration::new(4 * 86_400 + 45_005, 0)));
        assert!(duration("P1Y").is_some_and(|d| d >= SignedDuration::from_hours(365 * 24)));
        assert_eq!(duration("soon"), None);
    }
}
