//! Requests: stored once, sent at least once, changed by one at a time.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use extoauth_core::request::{RequestId, StoredRequest};
use jiff::{SignedDuration, Timestamp};

use super::error::failed;
use super::item::{Draft, Key, Row, json, number, text};
use super::transact::{Condition, Ending};
use super::{Store, StoreError};

const DUE: &str = "due";

/// How long after its storing a request may be unsent before the sweep sends it.
const OUTBOX_PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// A request as it was read, with what is needed to change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The request.
    pub request: StoredRequest,
    /// How often handling the present attempt has failed.
    pub failures: u32,
    /// Grows with each change; a change of an older one is refused.
    revision: u64,
    /// Its entry in the list of what the sweep must send.
    due: Option<String>,
}

impl Held {
    /// When the sweep sends it, unless something else happens before.
    pub fn due(&self) -> Option<Timestamp> {
        self.due.as_deref().and_then(time_of)
    }
}

/// What became of a request that was to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It is new, and stored.
    New(Held),
    /// One with this id was there; it is as it was.
    Existing(Held),
}

/// A request that the sweep must send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its id.
    pub request: RequestId,
    /// Since when.
    pub since: Timestamp,
    key: String,
}

fn key_of(id: &RequestId) -> Key {
    Key::new(format!("request#{id}"), "request")
}

/// Sort key in the list: by time, as text in the order of times.
fn due_key(at: Timestamp, id: &RequestId, attempt: u32) -> String {
    format!("{:015}#{id}#{attempt}", at.as_millisecond().max(0))
}

fn time_of(due: &str) -> Option<Timestamp> {
    Timestamp::from_millisecond(due.split('#').next()?.parse().ok()?).ok()
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn held(row: &Row) -> Result<Held, StoreError> {
    let mut request: StoredRequest = row.json("body")?;
    // Marked by whoever sent the message, without rewriting the body.
    request.queued = row.flag("queued");
    Ok(Held {
        request,
        failures: u32::try_from(row.number("failures")?).unwrap_or(u32::MAX),
        revision: row.number("revision")?,
        due: row.maybe_text("due_key").map(str::to_owned),
    })
}

impl Store {
    /// A request.
    ///
    /// # Errors
    /// The store failed.
    pub async fn request(&self, id: &RequestId) -> Result<Option<Held>, StoreError> {
        self.get("request", &key_of(id)).await?.map(|row| held(&row)).transpose()
    }

    /// Stores a request unless one with its id is there, together with the note that its message is not sent yet: a
    /// crash before the sending loses nothing, the sweep sends it a minute later.
    ///
    /// # Errors
    /// The store failed.
    pub async fn place(&self, request: StoredRequest) -> Result<Placed, StoreError> {
        let due = due_key(later(request.updated, OUTBOX_PATIENCE), &request.id, request.attempt);
        let new = Held { request, failures: 0, revision: 1, due: Some(due.clone()) };
        let actions = vec![
            self.put(self.row(&new)?.attributes(), Condition::absent())?,
            self.put(due_row(&due, &new.request.id).attributes(), Condition::default())?,
        ];
        // Twice: the one that is in the way may be forgotten between the two looks, though nothing does that today.
        for _ in 0..2 {
            match self.transact("store the request", actions.clone()).await? {
                Ending::Done => return Ok(Placed::New(new)),
                Ending::Refused(_) => {
                    if let Some(there) = self.request(&new.request.id).await? {
                        return Ok(Placed::Existing(there));
                    }
                }
            }
        }
        Err(StoreError::Changed)
    }

    /// Replaces a request by its next attempt, together with the note that its message is not sent yet. The count of
    /// failures begins anew.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if it is not any more as it was read.
    pub async fn place_next(&self, before: &Held, request: StoredRequest) -> Result<Held, StoreError> {
        let due = due_key(later(request.updated, OUTBOX_PATIENCE), &request.id, request.attempt);
        let next = Held { request, failures: 0, revision: before.revision + 1, due: Some(due.clone()) };
        let unchanged = Condition::new("revision = :revision", [(":revision", number(before.revision))]);
        let mut actions = vec![
            self.put(self.row(&next)?.attributes(), unchanged)?,
            self.put(due_row(&due, &next.request.id).attributes(), Condition::default())?,
        ];
        if let Some(old) = before.due.as_ref().filter(|old| **old != due) {
            actions.push(self.delete(&Key::new(DUE, old))?);
        }
        match self.transact("store the next attempt", actions).await? {
            Ending::Done => Ok(next),
            Ending::Refused(_) => Err(StoreError::Changed),
        }
    }

    /// Stores where a request stands. `due` is when the sweep sends it again, unless it is saved before: for one that
    /// waits, when to look again.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if it is not any more as it was read.
    pub async fn save(
        &self,
        before: &Held,
        mut request: StoredRequest,
        due: Option<Timestamp>,
    ) -> Result<Held, StoreError> {
        // Whoever works on it has its message.
        request.queued = true;
        let due = due.map(|at| due_key(at, &request.id, request.attempt));
        let next = Held { request, failures: before.failures, revision: before.revision + 1, due };
        let key = key_of(&next.request.id);
        let mut values = vec![
            (":before", number(before.revision)),
            (":revision", number(next.revision)),
            (":body", json(&next.request)?),
            (":queued", AttributeValue::Bool(true)),
        ];
        let mut update = "SET revision = :revision, body = :body, queued = :queued".to_owned();
        match &next.due {
            Some(due) => {
                values.push((":due", text(due)));
                update.push_str(", due_key = :due");
            }
            None => update.push_str(" REMOVE due_key"),
        }
        let condition = Condition {
            expression: Some("revision = :before".to_owned()),
            values: values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        };
        let mut actions = vec![self.update(&key, &update, condition)?];
        if let Some(due) = &next.due {
            actions.push(self.put(due_row(due, &next.request.id).attributes(), Condition::default())?);
        }
        if let Some(old) = before.due.as_ref().filter(|old| Some(*old) != next.due.as_ref()) {
            actions.push(self.delete(&Key::new(DUE, old))?);
        }
        match self.transact("store where the request stands", actions).await? {
            Ending::Done => Ok(next),
            Ending::Refused(_) => Err(StoreError::Changed),
        }
    }

    /// Notes that the request's message was sent. Nothing happens if somebody works on it already.
    ///
    /// # Errors
    /// The store failed; the sweep then sends a second message, which does no harm.
    pub async fn mark_queued(&self, held: &Held) -> Result<(), StoreError> {
        match &held.due {
            Some(due) => self.mark_sent(&held.request.id, due, None).await,
            None => Ok(()),
        }
    }

    /// Notes that the sweep sent the request's message, and that it shall look again at `again` if nobody has worked on
    /// it until then.
    ///
    /// # Errors
    /// The store failed.
    pub async fn mark_resent(&self, due: &Due, again: Timestamp) -> Result<(), StoreError> {
        self.mark_sent(&due.request, &due.key, Some(again)).await
    }

    async fn mark_sent(&self, id: &RequestId, due: &str, again: Option<Timestamp>) -> Result<(), StoreError> {
        let attempt = due.rsplit('#').next().and_then(|n| n.parse().ok()).unwrap_or_default();
        let next = again.map(|at| due_key(at, id, attempt)).filter(|next| next != due);
        let mut condition =
            Condition::new("due_key = :due", [(":due", text(due)), (":queued", AttributeValue::Bool(true))]);
        let update = match &next {
            Some(next) => {
                condition.values.insert(":next".to_owned(), text(next));
                "SET queued = :queued, due_key = :next"
            }
            None => "SET queued = :queued REMOVE due_key",
        };
        let mut actions = vec![self.update(&key_of(id), update, condition)?, self.delete(&Key::new(DUE, due))?];
        if let Some(next) = &next {
            actions.push(self.put(due_row(next, id).attributes(), Condition::default())?);
        }
        match self.transact("note that the request was sent", actions).await? {
            Ending::Done => Ok(()),
            // Somebody has saved it since, with another entry or none: this one, if it is still there, is stray.
            Ending::Refused(_) => self.remove_due(due).await,
        }
    }

    async fn remove_due(&self, due: &str) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(Key::new(DUE, due).attributes()))
            .send()
            .await
            .map_err(|e| failed("list of what is due", &e))?;
        Ok(())
    }

    /// Requests that must be sent by `now`, the longest due first, at most `limit` (and at most a page of 1 MB).
    ///
    /// # Errors
    /// The store failed.
    pub async fn due(&self, now: Timestamp, limit: u16) -> Result<Vec<Due>, StoreError> {
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk < :now")
            .expression_attribute_values(":pk", text(DUE))
            .expression_attribute_values(":now", text(format!("{:015}", now.as_millisecond().saturating_add(1))))
            .consistent_read(true)
            .limit(i32::from(limit))
            .send()
            .await
            .map_err(|e| failed("list of what is due", &e))?;
        found
            .items
            .unwrap_or_default()
            .into_iter()
            .map(|item| {
                let row = Row::read(item)?;
                let key = row.text("sk")?.to_owned();
                Ok(Due {
                    request: row.text("request")?.parse().map_err(StoreError::Failed)?,
                    since: time_of(&key).unwrap_or(now),
                    key,
                })
            })
            .collect()
    }

    /// Counts a failed handling of the present attempt and gives the count. A pause is no failure.
    ///
    /// # Errors
    /// The store failed.
    pub async fn count_failure(&self, id: &RequestId) -> Result<u32, StoreError> {
        let done = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_of(id).attributes()))
            .update_expression("ADD failures :one")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(|e| failed("count a failure", &e))?;
        let row = Row::read(done.attributes.unwrap_or_default())?;
        Ok(u32::try_from(row.number("failures")?).unwrap_or(u32::MAX))
    }

    fn row(&self, held: &Held) -> Result<Draft, StoreError> {
        let draft = Draft::new(&key_of(&held.request.id))
            .with("revision", number(held.revision))
            .with("failures", number(held.failures))
            .with("queued", AttributeValue::Bool(held.request.queued))
            .with("body", json(&held.request)?);
        Ok(match &held.due {
            Some(due) => draft.with("due_key", text(due)),
            None => draft,
        })
    }
}

fn due_row(due: &str, id: &RequestId) -> Draft {
    Draft::new(&Key::new(DUE, due)).with("request", text(id.to_string()))
}
