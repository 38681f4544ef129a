//! The identity providers: what has to be known of each to play the same days on all of them. A third one gets its line
//! here.

use extoauth_core::ids::TrustKey;
use extoauth_core::systems::Idp;
use extoauth_sandbox::seed;
use extoauth_scenarios::cost::{ENTRA_CHAIN, OKTA_CHAIN};

use crate::cells::Place;

/// An identity provider as the matrix sees it.
pub struct Provider {
    /// Which.
    pub idp: Idp,
    /// What its golden tickets begin with, and its systems' kind in the sandbox.
    pub kind: &'static str,
    /// Name of its system in the configuration.
    pub system: &'static str,
    /// Calls of a first run by system.
    pub first: &'static [(&'static str, usize)],
    /// Calls of the same request once more under another ticket: all of them read.
    pub repeat: &'static [(&'static str, usize)],
    /// Calls of a `verify`: what is compared, and what is judged.
    pub verify: &'static [(&'static str, usize)],
    /// The longest chain of dependent calls of a first run.
    pub chain: u32,
    /// The same of a `verify`, reading the ticket included.
    pub verify_chain: u32,
    /// Systems of whose calls every one is struck by every fault. The first provider is played whole; with another one the
    /// calls to the systems behind it are the same ones.
    struck: Option<&'static [&'static str]>,
}

/// Okta.
pub const OKTA: Provider = Provider {
    idp: Idp::Okta,
    kind: "okta",
    system: seed::OKTA_NAME,
    first: &[
        ("dbt", 16),
        ("identitystore", 10),
        ("okta", 32),
        ("redshift", 6),
        ("secretsmanager", 7),
        ("servicenow", 2),
        ("sso-admin", 8),
    ],
    repeat: &[
        ("dbt", 10),
        ("identitystore", 10),
        ("okta", 23),
        ("redshift", 3),
        ("secretsmanager", 6),
        ("servicenow", 2),
        ("sso-admin", 6),
    ],
    verify: &[
        ("dbt", 8),
        ("identitystore", 5),
        ("okta", 21),
        ("redshift", 2),
        ("secretsmanager", 6),
        ("servicenow", 2),
        ("sso-admin", 5),
    ],
    chain: OKTA_CHAIN,
    verify_chain: 11,
    struck: None,
};

/// Entra ID.
pub const ENTRA: Provider = Provider {
    idp: Idp::Entra,
    kind: "entra",
    system: seed::ENTRA_NAME,
    first: &[
        ("dbt", 15),
        ("entra", 40),
        ("identitystore", 10),
        ("redshift", 6),
        ("secretsmanager", 7),
        ("servicenow", 2),
        ("sso-admin", 11),
    ],
    repeat: &[
        ("dbt", 9),
        ("entra", 27),
        ("identitystore", 10),
        ("redshift", 3),
        ("secretsmanager", 6),
        ("servicenow", 2),
        ("sso-admin", 6),
    ],
    verify: &[
        ("dbt", 7),
        ("entra", 24),
        ("identitystore", 5),
        ("redshift", 2),
        ("secretsmanager", 6),
        ("servicenow", 2),
        ("sso-admin", 5),
    ],
    chain: ENTRA_CHAIN,
    verify_chain: 11,
    struck: Some(&["entra", "secretsmanager"]),
};

/// All of them.
pub const PROVIDERS: [&Provider; 2] = [&OKTA, &ENTRA];

impl Provider {
    /// The name of one of its golden tickets.
    pub fn ticket(&self, what: &str) -> String {
        format!("{}-{what}", self.kind)
    }

    /// The integration of its first golden ticket.
    pub fn integration(&self) -> &'static str {
        match self.idp {
            Idp::Okta => "analytics-dev",
            Idp::Entra => "reporting-dev",
        }
    }

    /// Project and development environment of that.
    pub fn environment(&self) -> (u64, u64) {
        match self.idp {
            Idp::Okta => (70_001, 90_001),
            Idp::Entra => (70_002, 90_011),
        }
    }

    /// The trust of all of its golden tickets.
    pub fn trust(&self) -> TrustKey {
        TrustKey::new(self.idp, self.system, seed::REDSHIFT_NAME)
    }

    /// Whether faults strike this call.
    pub fn strikes(&self, place: &Place) -> bool {
        self.struck.is_none_or(|systems| systems.contains(&place.system.as_str()))
    }
}
