//! Failures of the state store.

use std::error::Error;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use extoauth_core::engine::LedgerError;
use thiserror::Error;

/// Why the state store did not do it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Somebody else changed the item since it was read: read again.
    #[error("somebody else changed it meanwhile")]
    Changed,
    /// The item was written by a later version of extoauth: this one leaves it alone.
    #[error("{item} has the schema {schema} of a later version")]
    Newer {
        /// Its key.
        item: String,
        /// The schema that it has.
        schema: u64,
    },
    /// The store failed.
    #[error("{0}")]
    Failed(String),
}

impl From<StoreError> for LedgerError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

/// An SDK error without the items that it may carry.
pub(super) fn failed<E, R>(what: &str, error: &SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata + Error,
{
    let why = match error {
        SdkError::ServiceError(service) => {
            let meta = service.err().meta();
            format!("{}: {}", meta.code().unwrap_or("no code"), meta.message().unwrap_or("no message"))
        }
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::ResponseError(_) => "the answer could not be read".to_owned(),
        SdkError::ConstructionFailure(_) => "the call could not be built".to_owned(),
        _ => "the connection failed".to_owned(),
    };
    StoreError::Failed(format!("{what}: {why}"))
}
