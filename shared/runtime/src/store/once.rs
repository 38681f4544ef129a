//! What happens once: deliveries of webhooks, and things that were sent.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::{SignedDuration, Timestamp};

use super::error::failed;
use super::item::{Attributes, Draft, Key, Row, number, text};
use super::{Store, StoreError};

/// What is known of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It was not seen before.
    New,
    /// It was seen before, with the same body: the sender did not see our answer.
    Again,
    /// Its id was seen before with another body: a replay of the id, to be refused.
    OtherBody,
}

impl Store {
    /// Remembers a webhook's delivery for `keep` (longer than the time in which its signature is good) and says whether
    /// it was seen before. `body_digest` is the hex SHA-256 of the raw body.
    ///
    /// # Errors
    /// The store failed.
    pub async fn deliver(
        &self,
        instance: &str,
        webhook_id: &str,
        body_digest: &str,
        keep: Duration,
    ) -> Result<Delivery, StoreError> {
        let key = Key::new(format!("delivery#{instance}#{webhook_id}"), "delivery");
        let item = Draft::new(&key).with("body_digest", text(body_digest));
        Ok(match self.put_first("delivery", item, keep).await? {
            None => Delivery::New,
            Some(before) => match Row::read(before)?.maybe_text("body_digest") {
                Some(seen) if seen == body_digest => Delivery::Again,
                _ => Delivery::OtherBody,
            },
        })
    }

    /// Whether this is the first time for `what` of `scope` (a note on a ticket, a message, an event), and remembers it
    /// for `keep`. Ask before sending, and [`Store::forget_sent`] if the sending fails: a crash between the two loses
    /// one message instead of sending it twice.
    ///
    /// # Errors
    /// The store failed.
    pub async fn first_time(&self, scope: &str, what: &str, keep: Duration) -> Result<bool, StoreError> {
        let item = Draft::new(&sent_key(scope, what));
        Ok(self.put_first("marker", item, keep).await?.is_none())
    }

    /// Takes a marker back: what it stands for was not sent.
    ///
    /// # Errors
    /// The store failed.
    pub async fn forget_sent(&self, scope: &str, what: &str) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(sent_key(scope, what).attributes()))
            .send()
            .await
            .map_err(|e| failed("marker", &e))?;
        Ok(())
    }

    /// Puts an expiring item unless it is there; gives the one that is.
    async fn put_first(&self, what: &str, item: Draft, keep: Duration) -> Result<Option<Attributes>, StoreError> {
        let now = self.clock.now();
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        let until = now.checked_add(keep).unwrap_or(Timestamp::MAX);
        let writer = uuid::Uuid::new_v4().to_string();
        let item = item.with("ttl", number(until.as_second())).with("writer", text(&writer)).attributes();
        let sent = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR #ttl <= :now")
            .set_expression_attribute_names(Some(HashMap::from([("#ttl".to_owned(), "ttl".to_owned())])))
            .expression_attribute_values(":now", number(now.as_second()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let error = match sent {
            Ok(_) => return Ok(None),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                let before = refused.item.clone().unwrap_or_default();
                // Our own one, whose first answer was lost.
                let ours = before.get("writer").and_then(|v| v.as_s().ok()) == Some(&writer);
                Ok(if ours { None } else { Some(before) })
            }
            _ => Err(failed(what, &error)),
        }
    }
}

fn sent_key(scope: &str, what: &str) -> Key {
    Key::new(format!("sent#{scope}"), what)
}
