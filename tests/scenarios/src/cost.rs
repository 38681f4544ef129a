//! What a provisioning run may cost, in one place: the recipe's tests assert it, and the benchmarks divide by it.

/// The longest chain of dependent remote calls of a first run, from reading the ticket to the last read-back, with the
/// sign-ins. The state store is not in it.
pub const LONGEST_CHAIN: u32 = OKTA_CHAIN + 2;

/// The part of it that carries a request with Okta out; before it the configuration is read from its secret, after it the
/// ticket is told.
pub const OKTA_CHAIN: u32 = 22;

/// The same with Entra ID.
pub const ENTRA_CHAIN: u32 = 24;
