//! When the client secret ends that dbt uses.

use extoauth_core::finding::Finding;
use jiff::{SignedDuration, Timestamp};

use super::NOBODY;
use crate::checks::Rule;
use crate::observe::{EntraView, Observed, SecretProof, Seen, Unread};

pub const ID: &str = "secret_end";

/// With so many days left somebody should act: it is one of the days on which people are told anyway.
const SOON: i64 = 30;

pub fn run(view: &EntraView, observed: &Observed) -> Vec<Finding> {
    let rule = Rule {
        check: ID,
        row: "R20",
        resource: "entra.client_secret",
        expected: format!("the client secret that dbt uses does not end within {SOON} days"),
    };
    let app = match &view.client {
        Seen::There(app) => app,
        Seen::Gone => return Vec::new(),
        Seen::Unread(why) => return vec![rule.unknown(why)],
    };
    let fix = "ask for `rotate_secret`, which replaces it without an interruption";
    let Some(used) = view.secret.among(&app.passwords) else {
        let why = Unread::because("the client secret that dbt uses is not among the client app's", fix);
        return vec![rule.unknown(&why)];
    };
    let Some(end) = used.ends else {
        return vec![rule.info("it has no end", "nobody is told to replace it", fix)];
    };
    let left = end.duration_since(observed.now);
    if left <= SignedDuration::ZERO {
        let found = format!("it ended on {}", day(end));
        if observed.idp.secret.there() == Some(&SecretProof::Proved) {
            return vec![rule.warning(found, "Entra still takes it", fix)];
        }
        return vec![rule.critical(
            found,
            format!("{NOBODY}: the token request ends with AADSTS7000222, the secret has expired"),
            fix,
        )];
    }
    let days = left.as_hours() / 24;
    let found = format!("it ends on {}; days left: {days}", day(end));
    vec![if days <= SOON {
        rule.warning(found, "from that day on nobody can connect to Redshift from dbt", fix)
    } else {
        rule.ok(found)
    }]
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}
