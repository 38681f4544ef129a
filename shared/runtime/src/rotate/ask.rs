//! A rotation that no ticket asks for, but policy.

use extoauth_core::ids::IntegrationName;
use extoauth_core::request::{Action, Content, RequestId, Status, StoredRequest};
use jiff::Timestamp;

use crate::store::{Placed, Store, StoreError};

/// Why policy asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion<'a> {
    /// This version, the current one, ends within the policy's `rotate_days_before`.
    Ends(&'a str),
    /// A rotation that nobody asked for has made this version the current one: the old one must end after its grace.
    Begun(&'a str),
}

impl Occasion<'_> {
    fn key(self) -> String {
        match self {
            Self::Ends(version) => format!("ends/{version}"),
            Self::Begun(version) => format!("begun/{version}"),
        }
    }
}

/// Stores a `rotate_secret` request of policy, once an integration and occasion; the next sweep sends it. One that has
/// failed is asked for again; any other one is left as it is. A rotation that ended after `since` has done what is asked.
///
/// # Errors
/// The store failed; [`StoreError::Changed`] if somebody else works on the request.
pub async fn ask_rotation(
    store: &Store,
    integration: &IntegrationName,
    occasion: Occasion<'_>,
    since: Timestamp,
    now: Timestamp,
) -> Result<RequestId, StoreError> {
    let content = Content::of_policy(Action::RotateSecret, integration, &occasion.key());
    let request = StoredRequest { created: since, ..StoredRequest::new(content.clone(), None, now) };
    match store.place(request).await? {
        Placed::New(held) => Ok(held.request.id),
        Placed::Existing(held) if held.request.status == Status::Failed => {
            let next = held.request.next_attempt(content, None, now);
            Ok(store.place_next(&held, next).await?.request.id)
        }
        Placed::Existing(held) => Ok(held.request.id),
    }
}
