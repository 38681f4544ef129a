//! What Entra has instead of a client's token lifetimes.

use extoauth_core::finding::Finding;

use crate::checks::Rule;
use crate::observe::{EntraView, Observed};

pub const ID: &str = "token_lifetimes";

pub fn run(_: &EntraView, observed: &Observed) -> Vec<Finding> {
    let asked = observed.desired.lifetimes;
    let resource = observed.idp.system.to_string();
    let rule = Rule {
        check: ID,
        row: "R20",
        resource: &resource,
        expected: format!(
            "access tokens of {} minutes, refresh tokens of {} days that end after {} idle days",
            asked.access_minutes, asked.refresh_days, asked.idle_days
        ),
    };
    vec![rule.info(
        "Entra ID has no such setting for a client: unless a policy of the tenant says otherwise, access tokens live 60 to 90 \
         minutes, and refresh tokens until they were not used for 90 days",
        "developers sign in again after 90 days without dbt, or when Conditional Access asks them to",
        "nothing; where sessions must be shorter, set a sign-in frequency in Conditional Access",
    )]
}
