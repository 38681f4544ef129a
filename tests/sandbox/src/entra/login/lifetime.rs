//! How long an access token lives.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

/// The bounds of a policy (Microsoft identity platform, "Configurable token lifetimes").
const LEAST: u64 = 10 * 60;
const MOST: u64 = 24 * 60 * 60;

/// Lifetime by a token lifetime policy; without one a random time from 60 to 90 minutes, as Entra spreads load.
pub(super) fn of_access_token(policy: Option<&Value>) -> Duration {
    let by_policy = policy.and_then(access_token_seconds);
    Duration::from_secs(by_policy.unwrap_or_else(|| {
        let (random, _) = Uuid::new_v4().as_u64_pair();
        3600 + random % 1801
    }))
}

/// `AccessTokenLifetime` of the one JSON text in `definition`.
fn access_token_seconds(policy: &Value) -> Option<u64> {
    let definition: Value = serde_json::from_str(policy["definition"][0].as_str()?).ok()?;
    let seconds = timespan(definition["TokenLifetimePolicy"]["AccessTokenLifetime"].as_str()?)?;
    Some(seconds.clamp(LEAST, MOST))
}

/// A time span as .NET writes it: `[D.]HH:MM:SS`.
fn timespan(text: &str) -> Option<u64> {
    let (days, clock) = match text.split_once('.') {
        Some((days, clock)) if clock.contains(':') => (days.parse().ok()?, clock),
        _ => (0, text),
    };
    let mut parts = clock.split(':');
    let mut part = || parts.next()?.parse::<u64>().ok();
    let (hours, minutes, seconds) = (part()?, part()?, part()?);
    Some(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn policies_set_the_lifetime() {
        let policy = |life: &str| {
            let text = json!({"TokenLifetimePolicy": {"Version": 1, "AccessTokenLifetime": life}}).to_string();
            of_access_token(Some(&json!({"definition": [text]}))).as_secs()
        };
        assert_eq!(policy("1:00:00"), 3600);
        assert_eq!(policy("0.02:30:00"), 9000);
        assert_eq!((policy("00:01:00"), policy("2.00:00:00")), (LEAST, MOST));
        for _ in 0..50 {
            assert!((3600..=5400).contains(&of_access_token(None).as_secs()));
        }
    }
}
