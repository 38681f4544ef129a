//! What a provisioning run may cost, in one place: the recipes' tests assert it, and the benchmarks divide by it.
//!
//! A chain is the longest one of dependent remote calls of a first run, with the sign-ins; the state store is not in it.

/// The part of it that carries a request with Okta out: from reading the ticket to the last read-back.
pub const OKTA_CHAIN: u32 = 22;

/// The same with Entra ID, signed in by certificate or client secret: by the function's own role it is one call more.
pub const ENTRA_CHAIN: u32 = 24;

/// A whole run by that part of it: before it the configuration is read from its secret, after it the ticket is told.
pub const fn whole(chain: u32) -> u32 {
    chain + 2
}
