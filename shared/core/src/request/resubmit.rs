//! What a request means that has been here before.

use super::{Content, Status, StoredRequest};

/// What to do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is the one that we have.
    Duplicate,
    /// Another try, under the same id.
    NextAttempt,
    /// Something else is asked under the same ticket and action; the fields say what.
    Conflict(Vec<String>),
}

/// Compares a request with the one that is stored under its id. `delivery` is the `webhook-id` that it came with.
///
/// | stored | the same is asked | something else is asked |
/// |---|---|---|
/// | not ended | duplicate | conflict |
/// | succeeded, of an action that only reads | next attempt | conflict |
/// | succeeded | duplicate | conflict |
/// | failed | next attempt | next attempt |
///
/// The same delivery again is always a duplicate: its sender did not see our answer.
pub fn resubmit(stored: &StoredRequest, content: &Content, delivery: Option<&str>) -> Decision {
    let fields = stored.content.differences(content);
    if fields.is_empty() && delivery.is_some() && stored.delivery.as_deref() == delivery {
        return Decision::Duplicate;
    }
    match stored.status {
        Status::Failed => Decision::NextAttempt,
        _ if !fields.is_empty() => Decision::Conflict(fields),
        Status::Succeeded if content.action.is_repeatable() => Decision::NextAttempt,
        Status::Succeeded | Status::Accepted | Status::Running | Status::Paused | Status::Waiting => {
            Decision::Duplicate
        }
    }
}
