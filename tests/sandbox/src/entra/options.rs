//! What can be different about a tenant, at start and while it runs.

use std::time::Duration;

/// The settings of a tenant. [`Default`] is what the sandbox starts with.
#[derive(Clone, Debug)]
pub struct TenantOptions {
    /// What is created stays invisible for this long: reads answer 404, sub-resources and references with the texts that
    /// Graph has for them. The fault `lag` does the same for one call.
    pub lag: Option<Duration>,
    /// During the lag every second read of an object by its id finds it, as reads do that are served by replicas in turn
    /// (reported since 2025-11).
    pub flapping: bool,
    /// Whether what lies in the bin still holds its `uniqueName` and `identifierUris`, so that the same cannot be made
    /// anew. What Graph does is UNCONFIRMED.
    pub bin_holds_names: bool,
    /// `signInAudience` and token version of an application that is made without them. Recordings of 2022 and the
    /// samples of the reference have `AzureADandPersonalMicrosoftAccount` and 2; newer type descriptions say
    /// `AzureADMyOrg` (then no version at all). Which one a tenant gets is UNCONFIRMED.
    pub personal_accounts_by_default: bool,
    /// Whether people may consent to permissions themselves where these are not for administrators.
    pub user_consent: bool,
    /// Whether `sts.windows.net` serves the discovery document of its issuer. UNCONFIRMED; if not, it answers 404.
    pub sts_host_serves_discovery: bool,
    /// Seconds in the `Retry-After` of a 429; none: the header is absent, as it sometimes is.
    pub retry_after: Option<u32>,
}

impl Default for TenantOptions {
    fn default() -> Self {
        Self {
            lag: None,
            flapping: false,
            bin_holds_names: true,
            personal_accounts_by_default: true,
            user_consent: true,
            sts_host_serves_discovery: true,
            retry_after: Some(2),
        }
    }
}
