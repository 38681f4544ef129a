//! The HTTP API: takes requests, says where they stand, and tells what is stored of integrations. See
//! `docs/openapi.yaml`.
//!
//! Accepted means stored *and* queued. A request is stored together with the note that its message was not sent yet,
//! then sent, then the note is taken away. If the process ends in between, the sweep sends it. If the queue refuses, the
//! answer is 503: the request is stored and will be sent by the sweep, but we do not say "accepted" of what is not
//! queued; the caller may post it again, which sends it again and makes nothing twice.

mod answer;
mod calendar;
mod ports;
mod report;
mod routes;
mod stored;
mod submit;
#[cfg(test)]
mod tests;

use extoauth_core::clock::SharedClock;
use extoauth_core::policy::Policy;
use extoauth_core::systems::SystemsConfig;
use http::{Method, Request};

pub use answer::Answer;
pub use ports::{Caller, Door, Outbox, Placing, Refusal, State};

use answer::problem;
use routes::Route;

/// Largest body that is read, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// The API, with what it stands on.
pub struct Intake<D, S, O> {
    /// Name of the deployment.
    pub deployment: String,
    /// Tells who calls.
    pub door: D,
    /// Keeps requests.
    pub state: S,
    /// Sends their messages.
    pub outbox: O,
    /// The systems that a request may name.
    pub systems: SystemsConfig,
    /// What a request may ask.
    pub policy: Policy,
    /// The present.
    pub clock: SharedClock,
}

impl<D: Door, S: State, O: Outbox> Intake<D, S, O> {
    /// Answers a call. `body` holds the raw bytes, as they were signed.
    pub async fn answer(&self, call: &Request<Vec<u8>>) -> Answer {
        let Some(route) = Route::of(call.uri().path()) else {
            return problem(404, "There is nothing at this path.");
        };
        let allowed = route.method();
        if call.method() != allowed {
            let detail = format!("This path takes {allowed} only.");
            return problem(405, detail).header(http::header::ALLOW, allowed.as_str());
        }
        if call.body().len() > MAX_BODY {
            return problem(413, format!("The body is over {} KiB.", MAX_BODY / 1024));
        }
        if allowed == Method::POST && !is_json(call) {
            return problem(415, "The body must be application/json.");
        }
        match route {
            Route::Requests => self.submit(call).await,
            Route::Request(id) => self.report(call, id).await,
            Route::Integrations => self.list(call).await,
            Route::Integration(name) => self.show(call, name).await,
            Route::Calendar => self.calendar(call).await,
            Route::Explain => self.explain(call).await,
            Route::Profiles(name) => self.profiles(call, name).await,
            Route::System(kind, name) => self.rights(call, kind, name).await,
        }
    }
}

/// Whether the body says that it is JSON; parameters such as `charset` do not matter.
fn is_json(call: &Request<Vec<u8>>) -> bool {
    let given =
        call.headers().get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}
