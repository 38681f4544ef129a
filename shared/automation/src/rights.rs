//! Our rights in an integration's systems, by feature, as a check has just met them: no call is made for them. A token that
//! says what it holds is believed; elsewhere a read that worked shows its right, and one that was refused its absence.

use std::collections::BTreeSet;

use extoauth_core::engine::Port;
use extoauth_core::rights::{Right, RightState, SystemRights};
use extoauth_core::systems::Mode;

use crate::observe::{Observed, Seen};
use crate::preflight::entra as tenant;
use crate::systems::{EntraPort, OktaPort, Systems};

/// The rights in every system of an integration.
pub async fn of(systems: &Systems, observed: &Observed) -> Vec<SystemRights> {
    let mut all = Vec::new();
    if let Some(port) = &systems.okta {
        all.push(told(port, observed, in_okta(port).await));
    }
    if let Some(port) = &systems.entra {
        all.push(told(port, observed, in_entra(port).await));
    }
    all.push(told(&systems.dbt, observed, in_dbt(observed, systems.dbt.mode)));
    all.push(told(&systems.identity_center, observed, in_identity_center(observed, systems.identity_center.mode)));
    all.push(told(&systems.redshift, observed, in_redshift(observed, systems.redshift.mode)));
    all
}

fn told<R, W>(port: &Port<R, W>, observed: &Observed, rights: Vec<Right>) -> SystemRights {
    SystemRights { system: port.id.clone(), at: observed.now, rights }
}

async fn in_okta(port: &OktaPort) -> Vec<Right> {
    match port.read().granted_rights().await {
        Ok(rights) => rights,
        Err(error) => vec![Right::new("signing in", "the credential", RightState::Missing, error.to_string())],
    }
}

async fn in_entra(port: &EntraPort) -> Vec<Right> {
    let granted = match port.read().rights().await {
        Ok(granted) => granted,
        Err(error) => {
            return vec![Right::new("signing in", "the credential", RightState::Missing, error.to_string())];
        }
    };
    tenant::FEATURES
        .iter()
        .map(|(feature, any_of)| {
            let name = any_of.join(" or ");
            let (state, detail) = match &granted {
                None => (RightState::Unknown, "the token does not say what it holds: it shows in use"),
                Some(granted) if holds(granted, any_of) => (RightState::Have, ""),
                Some(_) => {
                    (RightState::Missing, "an administrator grants it as an application permission, with consent")
                }
            };
            Right::new(*feature, name, state, detail)
        })
        .collect()
}

fn holds(granted: &BTreeSet<String>, any_of: &[&str]) -> bool {
    any_of.iter().any(|right| granted.contains(*right))
}

fn in_dbt(observed: &Observed, mode: Mode) -> Vec<Right> {
    let dbt = &observed.dbt;
    let mut rights =
        vec![read("OAuth configurations", "read", &dbt.configuration), read("connections", "read", &dbt.connection)];
    rights.extend(dbt.environments.first().map(|one| read("environments", "read", &one.environment)));
    let made = !matches!(dbt.configuration, Seen::Unread(_));
    rights.push(write("writing OAuth configurations, connections and environments", "Account Admin", mode, made));
    rights
}

fn in_identity_center(observed: &Observed, mode: Mode) -> Vec<Right> {
    let center = &observed.center;
    vec![
        read("the instance", "sso:DescribeInstance", &center.instance),
        read("trusted token issuers", "sso:DescribeTrustedTokenIssuer", &center.issuer),
        read("how many issuers there are", "sso:ListTrustedTokenIssuers", &center.issuers),
        read("users", "identitystore:GetUserId, identitystore:ListUsers", &center.people),
        write(
            "writing trusted token issuers",
            "sso:CreateTrustedTokenIssuer, sso:UpdateTrustedTokenIssuer, sso:DeleteTrustedTokenIssuer, sso:TagResource",
            mode,
            center.issuer.there().is_some(),
        ),
    ]
}

fn in_redshift(observed: &Observed, mode: Mode) -> Vec<Right> {
    let application = &observed.warehouse.application;
    vec![
        read("the IdC application", "redshift:DescribeRedshiftIdcApplications", application),
        write(
            "accepting an issuer",
            "redshift:ModifyRedshiftIdcApplication, sso:PutApplicationGrant",
            mode,
            application.there().is_some(),
        ),
    ]
}

fn read<T>(feature: &str, name: &str, seen: &Seen<T>) -> Right {
    match seen {
        Seen::There(_) | Seen::Gone => Right::new(feature, name, RightState::Have, ""),
        Seen::Unread(why) if why.refused => Right::new(feature, name, RightState::Missing, why.why.clone()),
        Seen::Unread(why) => Right::new(feature, name, RightState::Unknown, why.why.clone()),
    }
}

/// No vendor tells beforehand whether a write is allowed; where an object of ours is there, we have written it.
fn write(feature: &str, name: &str, mode: Mode, ours_is_there: bool) -> Right {
    let (state, detail) = match (mode, ours_is_there) {
        (Mode::Manage, true) => (RightState::Have, "used when the integration was made"),
        (Mode::Manage, false) => (RightState::Unknown, "it shows with the first write"),
        (Mode::Handoff | Mode::Observe, _) => (RightState::Unknown, "not needed: a person writes there"),
    };
    Right::new(feature, name, state, detail)
}
