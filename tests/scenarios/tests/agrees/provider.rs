//! The identity providers: what has to be known of each to play the same at all of them.

use extoauth_core::ids::TrustKey;
use extoauth_core::systems::Idp;
use extoauth_sandbox::seed;

/// An identity provider.
pub struct Provider {
    /// Which.
    pub idp: Idp,
    /// What its golden tickets begin with, and its kind in dbt.
    pub kind: &'static str,
    /// Name of its system in the configuration.
    pub system: &'static str,
    /// Variables in which our ticket differs from the golden one.
    pub variables: &'static [(&'static str, &'static str)],
    /// Project and development environment.
    pub environment: (u64, u64),
}

/// Okta. With another claim than the usual one, so that the recipe writes a claim, too.
pub const OKTA: Provider = Provider {
    idp: Idp::Okta,
    kind: "okta",
    system: seed::OKTA_NAME,
    variables: &[("user_claim", "login")],
    environment: (70_001, 90_001),
};

/// Entra ID.
pub const ENTRA: Provider = Provider {
    idp: Idp::Entra,
    kind: "entra",
    system: seed::ENTRA_NAME,
    variables: &[],
    environment: (70_002, 90_011),
};

/// All of them.
pub const PROVIDERS: [&Provider; 2] = [&OKTA, &ENTRA];

impl Provider {
    /// The name of one of its golden tickets.
    pub fn ticket(&self, what: &str) -> String {
        format!("{}-{what}", self.kind)
    }

    /// The trust of its golden tickets.
    pub fn trust(&self) -> TrustKey {
        TrustKey::new(self.idp, self.system, seed::REDSHIFT_NAME)
    }
}
