//! The state store: one DynamoDB table with the string keys `pk` and `sk`.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `subject#<subject>` | `book#head` | number and hash of the last journal entry |
//! | | `book#intent#<address>`, `book#item#<address>` | open intents, inventory |
//! | | `journal#<number>` | journal, chained by hashes |
//! | `lease#<key>` | `lease` | who may write, and the fence |
//! | `request#<id>` | `request` | a request and where it stands |
//! | `due` | `<time>#<request>#<attempt>` | requests that the sweep must send, at that time |
//! | `integration` | `<name>` | desired state of an integration |
//! | `trust` | `<key>` | a trust and who stands on it |
//! | `alerts` | `<subject>#<hash of watch and key>` | what is watched and what was said of it |
//! | `notice#<id>` | `notice`, `to#<channel>` | a notice, and where it stands on each channel; expires (`ttl`) |
//! | `outbox#<channel>` | `<time>#<notice>` | notices that are due on a channel, at that time |
//! | `plan#<integration>` | `<digest>` | when a plan was shown |
//! | `delivery#<instance>#<webhook-id>` | `delivery` | deliveries seen; expires (`ttl`) |
//! | `sent#<scope>` | `<what>` | what was sent once; expires (`ttl`) |
//!
//! Every item has a `schema_version`. Only deliveries, markers and notices expire; DynamoDB deletes them late, so an expired one that is
//! still there counts as gone.

mod alerts;
mod error;
mod item;
mod leases;
mod ledger;
mod once;
mod outbox;
mod registry;
mod requests;
mod transact;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::Client;
use extoauth_core::clock::SharedClock;

use item::{Attributes, Key, Row, text};

pub use error::StoreError;
pub use once::Delivery;
pub use outbox::{Claim, Claimed, Outgoing, Settled};
pub use requests::{Due, Held, Placed};

/// The state store. Lives as long as the process; see the [module](self).
pub struct Store {
    client: Client,
    table: String,
    clock: SharedClock,
    /// The last journal entry of each subject, as this process knows it; appends of one subject go one by one.
    heads: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<ledger::Head>>>>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("table", &self.table).finish_non_exhaustive()
    }
}

impl Store {
    /// A store in `table`. No call is made.
    pub fn new(base: &SdkConfig, table: impl Into<String>, clock: SharedClock) -> Self {
        // Not bound by the invocation's deadline: the reserve before its end is there for these writes. They are short.
        let config = aws_sdk_dynamodb::config::Builder::from(base)
            .retry_config(RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(100)))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(2))
                    .operation_attempt_timeout(Duration::from_secs(3))
                    .operation_timeout(Duration::from_secs(10))
                    .build(),
            )
            .build();
        Self { client: Client::from_conf(config), table: table.into(), clock, heads: Mutex::default() }
    }

    /// One item, as it is now.
    async fn get(&self, what: &str, key: &Key) -> Result<Option<Row>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|e| error::failed(what, &e))?;
        found.item.map(Row::read).transpose()
    }

    /// The items of a partition whose sort key begins so, in order, as they are now.
    async fn prefixed(&self, what: &str, pk: &str, prefix: &str) -> Result<Vec<Row>, StoreError> {
        let (condition, values) = if prefix.is_empty() {
            ("pk = :pk", vec![(":pk", text(pk))])
        } else {
            ("pk = :pk AND begins_with(sk, :prefix)", vec![(":pk", text(pk)), (":prefix", text(prefix))])
        };
        let mut rows = Vec::new();
        let mut from: Option<Attributes> = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression(condition)
                .set_expression_attribute_values(Some(
                    values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
                ))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|e| error::failed(what, &e))?;
            for item in page.items.unwrap_or_default() {
                rows.push(Row::read(item)?);
            }
            from = page.last_evaluated_key.filter(|key| !key.is_empty());
            if from.is_none() {
                return Ok(rows);
            }
        }
    }
}
