//! Transactions: all actions or none, each with its condition.

use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update};
use tokio::time::sleep;
use uuid::Uuid;

use super::error::failed;
use super::item::{Attributes, Key};
use super::{Store, StoreError};

/// Tries of a transaction that met another one on the same items.
const TRIES: u32 = 10;

/// How a transaction ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Everything is stored.
    Done,
    /// Nothing is stored: the conditions of these actions do not hold.
    Refused(Vec<usize>),
}

/// A condition with its values.
#[derive(Clone, Default)]
pub(super) struct Condition {
    pub(super) expression: Option<String>,
    pub(super) values: Attributes,
}

impl Condition {
    pub(super) fn new<const N: usize>(expression: &str, values: [(&str, AttributeValue); N]) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { expression: Some(expression.to_owned()), values }
    }

    pub(super) fn absent() -> Self {
        Self::new("attribute_not_exists(pk)", [])
    }

    fn values(self) -> Option<Attributes> {
        Some(self.values).filter(|values| !values.is_empty())
    }
}

impl Store {
    pub(super) fn put(&self, item: Attributes, condition: Condition) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .set_condition_expression(condition.expression.clone())
            .set_expression_attribute_values(condition.values())
            .build()
            .map_err(|e| StoreError::Failed(e.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    pub(super) fn delete(&self, key: &Key) -> Result<TransactWriteItem, StoreError> {
        self.delete_if(key, Condition::default())
    }

    pub(super) fn delete_if(&self, key: &Key, condition: Condition) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .set_condition_expression(condition.expression.clone())
            .set_expression_attribute_values(condition.values())
            .build()
            .map_err(|e| StoreError::Failed(e.to_string()))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// `condition` holds the values of the update too.
    pub(super) fn update(
        &self,
        key: &Key,
        update: &str,
        condition: Condition,
    ) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .update_expression(update)
            .set_condition_expression(condition.expression.clone())
            .set_expression_attribute_values(condition.values())
            .build()
            .map_err(|e| StoreError::Failed(e.to_string()))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    pub(super) fn check(&self, key: &Key, condition: Condition) -> Result<TransactWriteItem, StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .set_condition_expression(condition.expression.clone())
            .set_expression_attribute_values(condition.values())
            .build()
            .map_err(|e| StoreError::Failed(e.to_string()))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// Does all actions or none. One that meets another transaction on the same items is tried again; a lost answer is
    /// no problem, since the SDK repeats with the token that DynamoDB remembers for ten minutes.
    pub(super) async fn transact(&self, what: &str, actions: Vec<TransactWriteItem>) -> Result<Ending, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let sent = self
                .client
                .transact_write_items()
                .set_transact_items(Some(actions.clone()))
                .client_request_token(Uuid::new_v4().to_string())
                .send()
                .await;
            let error = match sent {
                Ok(_) => return Ok(Ending::Done),
                Err(error) => error,
            };
            let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
            else {
                return Err(failed(what, &error));
            };
            let codes: Vec<&str> =
                cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None")).collect();
            let refused: Vec<usize> = codes
                .iter()
                .enumerate()
                .filter(|(_, code)| **code == "ConditionalCheckFailed")
                .map(|(n, _)| n)
                .collect();
            if !refused.is_empty() {
                return Ok(Ending::Refused(refused));
            }
            let passing = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
            if tries == TRIES || !codes.iter().any(|code| passing.contains(code)) {
                return Err(StoreError::Failed(format!("{what}: the transaction was cancelled: {codes:?}")));
            }
            sleep(pause(tries)).await;
        }
    }
}

/// Grows with the tries; by chance, so that two that met do not meet again.
fn pause(tries: u32) -> Duration {
    let chance = u64::from(Uuid::new_v4().as_bytes()[0]);
    Duration::from_millis(u64::from(tries) * (10 + chance / 8))
}
