//! A system as the sender reaches it.

use std::sync::Arc;

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::systems::SystemId;
use url::Url;

use super::call::Call;
use super::gate::Gate;
use super::reply::Reply;
use super::sender::Sender;
use super::vendor::Vendor;

/// One system with one credential.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) system: SystemId,
    pub(crate) base: Url,
    pub(crate) vendor: &'static dyn Vendor,
    pub(crate) gate: Arc<Gate>,
    pub(crate) sender: Arc<Sender>,
}

impl Endpoint {
    pub(crate) async fn send(&self, call: &Call<'_>) -> CallResult<Reply> {
        // Boxed: a call's future is large, and every client's would hold it whole.
        Box::pin(self.sender.send(self, call)).await
    }

    /// A URL of this system from path segments, each encoded. A segment that is empty or only dots would name another
    /// object (the collection, or its parent), so it is refused.
    pub(crate) fn url(&self, operation: &'static str, segments: &[&str]) -> CallResult<Url> {
        self.build(operation, segments, false)
    }

    /// The same with a slash at the end.
    pub(crate) fn url_slash(&self, operation: &'static str, segments: &[&str]) -> CallResult<Url> {
        self.build(operation, segments, true)
    }

    fn build(&self, operation: &'static str, segments: &[&str], slash: bool) -> CallResult<Url> {
        let refuse = |what: &str| CallError::new(ErrorKind::Refused, self.system.clone(), operation, what);
        if segments.iter().any(|s| s.is_empty() || s.chars().all(|c| c == '.')) {
            return Err(refuse("an id is empty or not a name"));
        }
        let mut url = self.base.clone();
        {
            let mut path = url.path_segments_mut().map_err(|()| refuse("the configured URL has no path"))?;
            path.pop_if_empty().extend(segments);
            if slash {
                path.push("");
            }
        }
        Ok(url)
    }

    /// Refuses a URL that is not https on this system's own host and port.
    pub(super) fn check(&self, operation: &str, url: &Url) -> CallResult<()> {
        let same = url.scheme() == "https"
            && url.host() == self.base.host()
            && url.port_or_known_default() == self.base.port_or_known_default()
            && url.username().is_empty()
            && url.password().is_none();
        if same {
            return Ok(());
        }
        let host = url.host_str().unwrap_or("no host");
        let message = format!("`{}://{host}` is not the configured https host of this system", url.scheme());
        Err(CallError::new(ErrorKind::Refused, self.system.clone(), operation, message))
    }
}
