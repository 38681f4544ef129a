//! What sends on a channel.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use extoauth_core::notice::Notice;
use futures::future::BoxFuture;

use super::Channel;

/// How sending went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sending {
    /// It was taken.
    Sent,
    /// It was certainly not sent: why, without anything secret.
    NotSent(String),
    /// The answer was lost: it may have been sent.
    Unknown(String),
}

/// Sends notices on one channel.
pub trait Carrier: Send + Sync {
    /// The channel.
    fn channel(&self) -> Channel;

    /// Hands one notice over, once, without repeating anything that may have acted.
    fn carry<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Sending>;
}

/// What a failed call of AWS means for the message. An answer, be it a failure of the service, says that it was not taken;
/// so does a connection that never came about.
pub(super) fn judge<E: ProvideErrorMetadata, R>(service: &str, error: &SdkError<E, R>) -> Sending {
    match error {
        SdkError::ServiceError(answer) => {
            let meta = answer.err().meta();
            let code = meta.code().unwrap_or("no code");
            Sending::NotSent(format!("{service}: {code}: {}", meta.message().unwrap_or("no message")))
        }
        SdkError::ConstructionFailure(_) => Sending::NotSent(format!("{service}: the call could not be built")),
        // No time is set for reading, so a time that ended here is the one for connecting.
        SdkError::DispatchFailure(failure) if failure.is_timeout() || failure.is_user() || never_left(failure) => {
            Sending::NotSent(format!("{service}: no connection"))
        }
        SdkError::TimeoutError(_) => Sending::Unknown(format!("{service}: no answer in time")),
        _ => Sending::Unknown(format!("{service}: the connection failed before an answer came")),
    }
}

/// Whether the other side refused the connection, or could not be found.
fn never_left(failure: &aws_smithy_runtime_api::client::result::DispatchFailure) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
    let Some(connector) = failure.as_connector_error() else { return false };
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(connector);
    while let Some(error) = next {
        let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if kind.is_some_and(|kind| matches!(kind, ConnectionRefused | HostUnreachable | NetworkUnreachable)) {
            return true;
        }
        next = error.source();
    }
    false
}
