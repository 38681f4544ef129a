//! Leases: who may write, with a number that grows with each holder.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValue;
use extoauth_core::engine::{Lease, Leases, LedgerError};
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use super::error::failed;
use super::item::{Key, Row, SCHEMA, moment, number, text};
use super::transact::Condition;
use super::{Store, StoreError};

/// Where a lease is.
pub(super) fn key_of(lease: &str) -> Key {
    Key::new(format!("lease#{lease}"), "lease")
}

/// That the lease is still its holder's. Its time may be over as long as nobody else has taken it.
pub(super) fn held(lease: &Lease) -> Condition {
    Condition::new(
        "fence = :fence AND holder = :holder",
        [(":fence", number(lease.fence)), (":holder", text(&lease.owner))],
    )
}

impl Store {
    /// Changes a lease's item if the condition holds; `None` if not.
    async fn lease(&self, key: &str, update: &str, condition: Condition) -> Result<Option<Lease>, StoreError> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_of(key).attributes()))
            .update_expression(update)
            .set_condition_expression(condition.expression)
            .set_expression_attribute_values(Some(condition.values))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match sent {
            Ok(done) => {
                let row = Row::read(done.attributes.unwrap_or_default())?;
                Ok(Some(Lease {
                    key: key.to_owned(),
                    fence: row.number("fence")?,
                    owner: row.text("holder")?.to_owned(),
                    until: row.moment("ends")?,
                }))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(failed("lease", &error)),
            },
        }
    }

    fn end(&self, ttl: Duration) -> Timestamp {
        let now = self.clock.now();
        SignedDuration::try_from(ttl).ok().and_then(|ttl| now.checked_add(ttl).ok()).unwrap_or(Timestamp::MAX)
    }
}

impl Leases for Store {
    fn acquire<'a>(
        &'a self,
        key: &'a str,
        owner: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Option<Lease>, LedgerError>> {
        async move {
            let condition = Condition::new(
                "attribute_not_exists(pk) OR ends <= :now OR holder = :holder",
                [
                    (":now", moment(self.clock.now())),
                    (":holder", text(owner)),
                    (":ends", moment(self.end(ttl))),
                    (":zero", number(0)),
                    (":one", number(1)),
                    (":schema", number(SCHEMA)),
                ],
            );
            let update = "SET holder = :holder, ends = :ends, schema_version = :schema, \
                          fence = if_not_exists(fence, :zero) + :one";
            Ok(self.lease(key, update, condition).await?)
        }
        .boxed()
    }

    fn renew<'a>(&'a self, lease: &'a Lease, ttl: Duration) -> BoxFuture<'a, Result<Lease, LedgerError>> {
        async move {
            let mut condition = held(lease);
            condition.values.insert(":ends".to_owned(), moment(self.end(ttl)));
            let renewed = self.lease(&lease.key, "SET ends = :ends", condition).await?;
            renewed.ok_or_else(|| LedgerError::Fenced(lease.key.clone()))
        }
        .boxed()
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<(), LedgerError>> {
        async move {
            // The item and its number stay: the number must grow with the next holder.
            let mut condition = held(lease);
            condition.values.insert(":ends".to_owned(), number(0));
            condition.values.insert(":nobody".to_owned(), text("-"));
            self.lease(&lease.key, "SET ends = :ends, holder = :nobody", condition).await?;
            Ok(())
        }
        .boxed()
    }
}
