//! Integrations and trusts as a whole, and the plans that were shown.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use extoauth_core::engine::{Draft as JournalDraft, LedgerError};
use extoauth_core::ids::{IntegrationName, Subject, TrustKey};
use extoauth_core::registry::{CheckRecord, IntegrationRecord, Registry, TrustRecord};
use extoauth_core::rights::SystemRights;
use extoauth_core::systems::SystemId;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;

use super::error::failed;
use super::item::{Draft, Key, Row, SCHEMA, json, moment, number, text};
use super::{Store, StoreError};

fn integration_key(name: &IntegrationName) -> Key {
    Key::new("integration", name.as_str())
}

fn trust_key(key: &TrustKey) -> Key {
    Key::new("trust", key.as_str())
}

fn plan_key(integration: &IntegrationName, digest: &str) -> Key {
    Key::new(format!("plan#{integration}"), digest)
}

fn check_key(integration: &IntegrationName) -> Key {
    Key::new("check", integration.as_str())
}

fn rights_key(system: &SystemId) -> Key {
    Key::new("rights", system.to_string())
}

fn owners(row: &Row) -> Result<BTreeSet<IntegrationName>, StoreError> {
    row.texts("owners").into_iter().map(|name| IntegrationName::try_from(name).map_err(StoreError::Failed)).collect()
}

fn trust(row: &Row) -> Result<TrustRecord, StoreError> {
    let mut record: TrustRecord = row.json("body")?;
    // A set of its own, so that two integrations can join and leave at the same moment.
    record.owners = owners(row)?;
    Ok(record)
}

impl Store {
    /// All trusts, by key.
    ///
    /// # Errors
    /// The store failed.
    pub async fn trusts(&self) -> Result<Vec<TrustRecord>, StoreError> {
        self.prefixed("trusts", "trust", "").await?.iter().map(trust).collect()
    }

    /// When the journal of a subject got its last entry; `None`: it has none. One small read, however long the journal.
    ///
    /// # Errors
    /// The store failed.
    pub async fn last_change(&self, subject: &Subject) -> Result<Option<Timestamp>, StoreError> {
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :journal)")
            .expression_attribute_values(":pk", text(format!("subject#{subject}")))
            .expression_attribute_values(":journal", text("journal#"))
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(1)
            .send()
            .await
            .map_err(|e| failed("last journal entry", &e))?;
        let Some(last) = found.items.unwrap_or_default().pop() else { return Ok(None) };
        Ok(Some(Row::read(last)?.json::<JournalDraft>("draft")?.at))
    }

    /// Stores a record in place of the one before.
    async fn replace(&self, what: &str, key: &Key, record: &impl Serialize) -> Result<(), StoreError> {
        let item = Draft::new(key).with("body", json(record)?).attributes();
        let sent = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        sent.map_err(|e| failed(what, &e))?;
        Ok(())
    }

    async fn remove(&self, what: &str, key: &Key) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .send()
            .await
            .map_err(|e| failed(what, &e))?;
        Ok(())
    }

    async fn join(&self, joining: &TrustRecord) -> Result<TrustRecord, StoreError> {
        let names: Vec<String> = joining.owners.iter().map(ToString::to_string).collect();
        let terms = TrustRecord { owners: BTreeSet::new(), ..joining.clone() };
        // A set cannot be empty; who joins with nobody only makes the trust.
        let (add, names) = if names.is_empty() { ("", None) } else { (" ADD owners :owners", Some(names)) };
        let done = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(trust_key(&joining.key).attributes()))
            .update_expression(format!(
                "SET body = if_not_exists(body, :body), schema_version = if_not_exists(schema_version, :schema){add}"
            ))
            .set_expression_attribute_values(Some(
                [
                    (":body", Some(json(&terms)?)),
                    (":schema", Some(number(SCHEMA))),
                    (":owners", names.map(AttributeValue::Ss)),
                ]
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect(),
            ))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(|e| failed("join the trust", &e))?;
        trust(&Row::read(done.attributes.unwrap_or_default())?)
    }

    async fn leave(&self, key: &TrustKey, owner: &IntegrationName) -> Result<BTreeSet<IntegrationName>, StoreError> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(trust_key(key).attributes()))
            .update_expression("DELETE owners :owners")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":owners", AttributeValue::Ss(vec![owner.to_string()]))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match sent {
            Ok(done) => owners(&Row::read(done.attributes.unwrap_or_default())?),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(BTreeSet::new()),
                _ => Err(failed("leave the trust", &error)),
            },
        }
    }
}

impl Registry for Store {
    fn integration<'a>(
        &'a self,
        name: &'a IntegrationName,
    ) -> BoxFuture<'a, Result<Option<IntegrationRecord>, LedgerError>> {
        async move {
            let found = self.get("integration", &integration_key(name)).await?;
            Ok(found.map(|row| row.json("body")).transpose()?)
        }
        .boxed()
    }

    fn integrations(&self) -> BoxFuture<'_, Result<Vec<IntegrationRecord>, LedgerError>> {
        async move {
            // One partition, so the sort key orders them.
            let rows = self.prefixed("integrations", "integration", "").await?;
            Ok(rows.iter().map(|row| row.json("body")).collect::<Result<_, StoreError>>()?)
        }
        .boxed()
    }

    fn put_integration<'a>(&'a self, record: &'a IntegrationRecord) -> BoxFuture<'a, Result<(), LedgerError>> {
        async move { Ok(self.replace("store the integration", &integration_key(&record.desired.name), record).await?) }
            .boxed()
    }

    fn remove_integration<'a>(&'a self, name: &'a IntegrationName) -> BoxFuture<'a, Result<(), LedgerError>> {
        async move {
            self.remove("forget the integration's last check", &check_key(name)).await?;
            Ok(self.remove("forget the integration", &integration_key(name)).await?)
        }
        .boxed()
    }

    fn trust<'a>(&'a self, key: &'a TrustKey) -> BoxFuture<'a, Result<Option<TrustRecord>, LedgerError>> {
        async move { Ok(self.get("trust", &trust_key(key)).await?.map(|row| trust(&row)).transpose()?) }.boxed()
    }

    fn join_trust<'a>(&'a self, joining: &'a TrustRecord) -> BoxFuture<'a, Result<TrustRecord, LedgerError>> {
        async move { Ok(self.join(joining).await?) }.boxed()
    }

    fn leave_trust<'a>(
        &'a self,
        key: &'a TrustKey,
        owner: &'a IntegrationName,
    ) -> BoxFuture<'a, Result<BTreeSet<IntegrationName>, LedgerError>> {
        async move { Ok(self.leave(key, owner).await?) }.boxed()
    }

    fn remove_trust<'a>(&'a self, key: &'a TrustKey) -> BoxFuture<'a, Result<(), LedgerError>> {
        async move {
            // DynamoDB drops a set with its last member; one that has joined meanwhile keeps the trust.
            let sent = self
                .client
                .delete_item()
                .table_name(&self.table)
                .set_key(Some(trust_key(key).attributes()))
                .condition_expression("attribute_not_exists(owners)")
                .send()
                .await;
            match sent {
                Ok(_) => Ok(()),
                Err(error) => match error.as_service_error() {
                    Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
                    _ => Err(failed("forget the trust", &error).into()),
                },
            }
        }
        .boxed()
    }

    fn plan_shown<'a>(
        &'a self,
        integration: &'a IntegrationName,
        digest: &'a str,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<(), LedgerError>> {
        async move {
            let item = Draft::new(&plan_key(integration, digest)).with("at", moment(at)).attributes();
            let sent = self
                .client
                .put_item()
                .table_name(&self.table)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(pk)")
                .send()
                .await;
            match sent {
                Ok(_) => Ok(()),
                Err(error) => match error.as_service_error() {
                    Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
                    _ => Err(failed("remember the plan", &error).into()),
                },
            }
        }
        .boxed()
    }

    fn plan_shown_at<'a>(
        &'a self,
        integration: &'a IntegrationName,
        digest: &'a str,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, LedgerError>> {
        async move {
            let found = self.get("plan", &plan_key(integration, digest)).await?;
            Ok(found.map(|row| row.moment("at")).transpose()?)
        }
        .boxed()
    }

    fn last_check<'a>(
        &'a self,
        integration: &'a IntegrationName,
    ) -> BoxFuture<'a, Result<Option<CheckRecord>, LedgerError>> {
        async move {
            let found = self.get("last check", &check_key(integration)).await?;
            Ok(found.map(|row| row.json("body")).transpose()?)
        }
        .boxed()
    }

    fn put_check<'a>(
        &'a self,
        integration: &'a IntegrationName,
        record: &'a CheckRecord,
    ) -> BoxFuture<'a, Result<(), LedgerError>> {
        async move { Ok(self.replace("store the check", &check_key(integration), record).await?) }.boxed()
    }

    fn rights<'a>(&'a self, system: &'a SystemId) -> BoxFuture<'a, Result<Option<SystemRights>, LedgerError>> {
        async move {
            let found = self.get("rights", &rights_key(system)).await?;
            Ok(found.map(|row| row.json("body")).transpose()?)
        }
        .boxed()
    }

    fn put_rights<'a>(&'a self, rights: &'a SystemRights) -> BoxFuture<'a, Result<(), LedgerError>> {
        async move { Ok(self.replace("store the rights", &rights_key(&rights.system), rights).await?) }.boxed()
    }
}
