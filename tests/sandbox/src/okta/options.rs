//! What can be different about an org, at start and while it runs.

use std::time::Duration;

/// Rate limits per minute, by bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimits {
    /// Headers only; nothing is refused.
    Generous,
    /// The numbers of a Workforce org (last table Okta published, removed 2025-12).
    Workforce,
    /// The numbers of an Integrator Free org.
    Free,
}

/// What kind of key the seeded service app has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA, 2048 bits (RS256).
    Rsa,
    /// P-256 (ES256).
    Ec,
}

/// The settings of an org. [`Default`] is what the sandbox starts with.
#[derive(Clone, Debug)]
pub struct OrgOptions {
    /// Whether the org has API Access Management. Without it every call to authorization servers is answered 401
    /// `E0000015`.
    pub api_access_management: bool,
    /// Whether the seeded service app's token requests need a DPoP proof ("Require DPoP header in token requests").
    pub dpop: bool,
    /// The service app's key; read at start only.
    pub service_key: KeyKind,
    /// A custom domain, such as `login.example.com`: the default issuer mode becomes `CUSTOM_URL`.
    pub custom_domain: Option<String>,
    /// What is created stays invisible for this long: reads, sub-resources and references answer as if it did not
    /// exist. The fault `lag` does the same for one call.
    pub lag: Option<Duration>,
    /// Which limits are enforced.
    pub rate_limits: RateLimits,
    /// How long a write of access policies or rules holds its authorization server. Another such write meanwhile is
    /// answered 423 `E0000239` (recorded on group rules; whether these endpoints answer so is UNCONFIRMED).
    pub policy_write: Option<Duration>,
}

impl Default for OrgOptions {
    fn default() -> Self {
        Self {
            api_access_management: true,
            dpop: true,
            service_key: KeyKind::Rsa,
            custom_domain: None,
            lag: None,
            rate_limits: RateLimits::Generous,
            policy_write: None,
        }
    }
}
