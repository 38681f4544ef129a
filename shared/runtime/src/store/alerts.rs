//! Alerts: what is watched, stored together with the notices that it causes, all or nothing.

use aws_sdk_dynamodb::types::TransactWriteItem;
use extoauth_core::alert::{About, Alert, Alerts, Next};
use extoauth_core::engine::LedgerError;
use futures::FutureExt;
use futures::future::BoxFuture;
use sha2::{Digest, Sha256};

use super::item::{Draft, Key, json, number};
use super::transact::{Condition, Ending};
use super::{Store, StoreError};

/// One partition, so that the calendar finds all of them. They are few and small: a subject has a handful.
const ALERTS: &str = "alerts";

/// `<subject>#<hash of watch and key>`: the same matter of the same watch is in one place, whatever its key holds.
fn key_of(alert: &Alert) -> Key {
    let mut hash = Sha256::new();
    hash.update(alert.watch.len().to_be_bytes());
    hash.update(&alert.watch);
    hash.update(&alert.matter.key);
    let name: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Key::new(ALERTS, format!("{}#{name}", alert.matter.about))
}

impl Store {
    /// All alerts, by subject.
    ///
    /// # Errors
    /// The store failed.
    pub async fn alerts(&self) -> Result<Vec<Alert>, StoreError> {
        self.prefixed("alerts", ALERTS, "").await?.iter().map(|row| row.json("body")).collect()
    }

    async fn read_alerts(&self, about: &About) -> Result<Vec<Alert>, StoreError> {
        let rows = self.prefixed("alerts of a subject", ALERTS, &format!("{about}#")).await?;
        let alerts: Vec<Alert> = rows.iter().map(|row| row.json("body")).collect::<Result<_, _>>()?;
        // A system's name may hold the mark that ends a subject.
        Ok(alerts.into_iter().filter(|alert| alert.matter.about == *about).collect())
    }

    async fn store_next(&self, next: &Next) -> Result<bool, StoreError> {
        let mut actions = vec![match next {
            Next::Keep { alert, .. } => {
                let condition = match alert.revision {
                    0 | 1 => Condition::absent(),
                    revision => Condition::new("revision = :before", [(":before", number(revision - 1))]),
                };
                let item =
                    Draft::new(&key_of(alert)).with("revision", number(alert.revision)).with("body", json(alert)?);
                self.put(item.attributes(), condition)?
            }
            Next::Forget { alert, .. } => {
                let condition = Condition::new("revision = :before", [(":before", number(alert.revision))]);
                self.delete_if(&key_of(alert), condition)?
            }
        }];
        if let Some(notice) = next.notice() {
            let outgoing: Vec<TransactWriteItem> = self.outgoing(notice)?;
            actions.extend(outgoing);
        }
        match self.transact("store the alert", actions).await? {
            Ending::Done => Ok(true),
            // The alert is not as it was read, or its notice is there: somebody else has stored the same.
            Ending::Refused(_) => Ok(false),
        }
    }
}

impl Alerts for Store {
    fn alerts_of<'a>(&'a self, about: &'a About) -> BoxFuture<'a, Result<Vec<Alert>, LedgerError>> {
        async move { Ok(self.read_alerts(about).await?) }.boxed()
    }

    fn store<'a>(&'a self, next: &'a Next) -> BoxFuture<'a, Result<bool, LedgerError>> {
        async move { Ok(self.store_next(next).await?) }.boxed()
    }
}
