//! How old dbt's client secret is (row R04). Okta's secrets never end by themselves, so nothing breaks when one is too
//! old; that is why nobody notices.

use extoauth_core::finding::Finding;
use jiff::Timestamp;

use super::{APP, read};
use crate::checks::Rule;
use crate::observe::okta::SecretView;
use crate::observe::{Observed, OktaView, Unread};

pub const ID: &str = "secret_end";

/// Days before the agreed age at which it is told.
const NOTICE: i64 = 30;

pub fn run(view: &OktaView, observed: &Observed) -> Vec<Finding> {
    let allowed = i64::from(observed.desired.secret_days);
    let rule = Rule {
        check: ID,
        row: "R04",
        resource: APP,
        expected: format!("a client secret that is not older than {allowed} days"),
    };
    let secrets = match read(&rule, &view.secrets, "client_app") {
        Ok(secrets) => secrets,
        Err(unknown) => return vec![unknown],
    };
    let Some((secret, created)) = of_dbt(secrets) else {
        let why =
            Unread::because("Okta names no active client secret with the day it was made", "see `client_secrets`");
        return vec![rule.unknown(&why)];
    };
    let age = days(created, observed.now);
    let found = format!("{} is {age} days old, of {}", secret.id, created.strftime("%Y-%m-%d"));
    let fix = "submit the request `rotate_secret`";
    let effect = "none on logins: Okta's secrets do not end. Whoever ever read it can still use it";
    vec![if age > allowed {
        rule.warning(found, effect, fix)
    } else if age > allowed - NOTICE {
        let left = allowed - age;
        rule.info(found, format!("in {left} days it is older than agreed; logins go on"), fix)
    } else {
        rule.ok(found)
    }]
}

/// The active secret that dbt has; where that is not known, the oldest active one.
fn of_dbt(secrets: &[SecretView]) -> Option<(&SecretView, Timestamp)> {
    let active = || secrets.iter().filter(|secret| secret.active);
    let known = active().find(|secret| secret.of_dbt == Some(true));
    let secret = known.or_else(|| active().filter(|s| s.created.is_some()).min_by_key(|s| s.created))?;
    Some((secret, secret.created?))
}

fn days(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_hours().div_euclid(24)
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Info, Ok, Unknown, Warning};

    use super::*;
    use crate::checks::okta::testing::{observed, run_on, view};
    use crate::observe::Seen;

    #[test]
    fn each_age() {
        let mut observed = observed();
        observed.desired.secret_days = 180;
        let now = observed.now;
        let secret = |days: i64, active, of_dbt| SecretView {
            id: format!("ocs{days}"),
            active,
            created: now.checked_sub(jiff::SignedDuration::from_hours(days * 24)).ok(),
            of_dbt,
        };
        let dateless = SecretView { created: None, ..secret(0, true, Some(true)) };
        for (secrets, expected) in [
            (Seen::There(vec![secret(0, true, Some(true))]), Ok),
            (Seen::There(vec![secret(150, true, Some(true))]), Ok),
            (Seen::There(vec![secret(151, true, Some(true))]), Info),
            (Seen::There(vec![secret(180, true, Some(true))]), Info),
            (Seen::There(vec![secret(181, true, Some(true))]), Warning),
            (Seen::There(vec![secret(400, true, Some(false)), secret(3, true, Some(true))]), Ok),
            (Seen::There(vec![secret(400, true, None), secret(3, true, None)]), Warning),
            (Seen::There(vec![secret(400, false, None)]), Unknown),
            (Seen::There(vec![dateless]), Unknown),
            (Seen::There(vec![]), Unknown),
            (Seen::Gone, Unknown),
            (Seen::default(), Unknown),
        ] {
            let mut view = view();
            view.secrets = secrets;
            assert_eq!(run_on(&view, &observed, run), [expected], "{:?}", view.secrets);
        }
    }
}
