//! A good answer.

use bytes::Bytes;
use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::systems::SystemId;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

use super::call::{Call, Repeat, Written};
use super::endpoint::Endpoint;

/// A good answer. May hold secrets: no `Debug`.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Bytes,
    pub(crate) request_id: Option<String>,
    system: SystemId,
    operation: &'static str,
    object: String,
    repeat: Repeat,
}

impl Reply {
    pub(super) fn new(
        to: &Endpoint,
        call: &Call<'_>,
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        request_id: Option<String>,
    ) -> Self {
        Self {
            status,
            headers,
            body,
            request_id,
            system: to.system.clone(),
            operation: call.operation,
            object: call.object.clone(),
            repeat: call.repeat,
        }
    }

    /// The body, read into a type. The text of the error is the path of the field at fault, never its value.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> CallResult<T> {
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        serde_path_to_error::deserialize(&mut reader).map_err(|e| {
            let kind = match self.repeat {
                Repeat::Safe => ErrorKind::Unavailable,
                Repeat::Repeatable | Repeat::Once => ErrorKind::Ambiguous,
            };
            let message = format!("the answer has not the expected form at `{}`", e.path());
            CallError {
                status: Some(self.status.as_u16()),
                request_id: self.request_id.clone(),
                ..CallError::new(kind, self.system.clone(), self.operation, message).on(self.object.clone())
            }
        })
    }

    /// The body as a result of a write.
    pub(crate) fn written<T: DeserializeOwned>(self) -> CallResult<Written<T>> {
        Ok(Written { value: self.json()?, request_id: self.request_id })
    }

    /// The result of a write whose answer holds nothing.
    pub(crate) fn done(self) -> Written<()> {
        Written { value: (), request_id: self.request_id }
    }
}
