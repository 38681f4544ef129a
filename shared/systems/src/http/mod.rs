//! The only code that sends a request to Okta, dbt and ServiceNow.
//!
//! A [`Sender`] lives as long as the process. It knows the invocation's [`Deadline`], keeps one gate per system and
//! credential, retries what may be retried (the table is in `policy`), refuses every URL outside the system's own
//! host, and turns each failure into a [`CallError`](extoauth_core::error::CallError) that holds no secret.

mod call;
mod counters;
mod credential;
mod deadline;
mod endpoint;
mod gate;
mod json;
mod limits;
mod policy;
mod reply;
mod scrub;
mod sender;
mod stored;
mod vendor;

use std::time::Duration;

pub(crate) use call::Call;
pub use call::{Repeat, Written};
pub use counters::Counters;
pub use credential::Credential;
pub(crate) use credential::parse as parse_credential;
pub use deadline::Deadline;
pub(crate) use endpoint::Endpoint;
pub(crate) use json::{flag, integer, merge, null_default, strip_nulls, text, texts, time};
pub(crate) use limits::{link_next, retry_after, until_reset};
pub(crate) use policy::Throttle;
pub(crate) use reply::Reply;
pub(crate) use scrub::Scrub;
pub use sender::Sender;
pub(crate) use stored::Stored;
pub(crate) use vendor::{Answer, Authorization, Authorizer, Refusal, Vendor};

/// The process's HTTP client: https only, no redirects, connection and idle limits.
///
/// Proxy and certificate authorities come from the environment as reqwest does by itself (`HTTPS_PROXY`,
/// `SSL_CERT_FILE`). Build it once: each build reads the machine's root certificates again. Idle connections are
/// dropped early, because a function is frozen between invocations and a connection that died meanwhile would lose a
/// call.
///
/// # Errors
/// When no TLS configuration can be built, as with no readable root certificate.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .user_agent(concat!("extoauth/", env!("CARGO_PKG_VERSION")))
        .https_only(true)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(Duration::from_secs(10))
        .pool_idle_timeout(Duration::from_secs(20))
        .build()
}
