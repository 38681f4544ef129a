//! What only Okta knows: rows of the manual that are Okta's.

mod access_rule;
mod claim_in_token;
mod client_app;
mod client_assigned;
mod client_secrets;
mod decision;
#[cfg(test)]
mod properties;
mod refresh_rotation;
mod scope;
mod secret_end;
mod server_app;
#[cfg(test)]
mod testing;
pub mod token_lifetimes;

use extoauth_core::finding::Finding;

use super::{ProviderCheck, Rule};
use crate::observe::{OktaView, Seen, Unread};

/// The checks of the Okta side, along the way of a login.
pub const CHECKS: &[ProviderCheck<OktaView>] = &[
    ProviderCheck { id: client_app::ID, run: client_app::run },
    ProviderCheck { id: client_assigned::ID, run: client_assigned::run },
    ProviderCheck { id: client_secrets::ID, run: client_secrets::run },
    ProviderCheck { id: server_app::ID, run: server_app::run },
    ProviderCheck { id: scope::ID, run: scope::run },
    ProviderCheck { id: access_rule::ID, run: access_rule::run },
    ProviderCheck { id: claim_in_token::ID, run: claim_in_token::run },
    ProviderCheck { id: token_lifetimes::ID, run: token_lifetimes::run },
    ProviderCheck { id: refresh_rotation::ID, run: refresh_rotation::run },
    ProviderCheck { id: secret_end::ID, run: secret_end::run },
];

/// Address of the app.
const APP: &str = "okta.app";
/// Address of the authorization server.
const SERVER: &str = "okta.server";
/// Address of the access policy.
const POLICY: &str = "okta.server.policy";
/// Address of its rule.
const RULE: &str = "okta.server.policy.rule";
/// Where the app is in the console.
const APP_PLACE: &str = "Applications > Applications > the app > General";

/// What was read, or the finding that it was not. `owner`: the check that says why it is gone.
fn read<'s, T>(rule: &Rule<'_>, seen: &'s Seen<T>, owner: &str) -> Result<&'s T, Finding> {
    match seen {
        Seen::There(value) => Ok(value),
        Seen::Gone => Err(rule.unknown(&Unread::because(
            "what it is read from is not there",
            format!("see `{owner}`: it says what is missing"),
        ))),
        Seen::Unread(why) => Err(rule.unknown(why)),
    }
}

/// Some names, and how many more there are.
fn names<'n>(all: impl IntoIterator<Item = &'n str>) -> String {
    const SHOWN: usize = 5;
    let all: Vec<&str> = all.into_iter().collect();
    let shown = all.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match all.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}
