//! Notices on their way: one entry for each channel, so that each fails alone.
//!
//! ```text
//! pending ──claim──► sending ──► sent
//!    ▲                 │ ├─────► failed    refused too often; alarmed
//!    └──not sent───────┘ └─────► unknown   nobody can say whether it was sent, and twice is worse; alarmed
//! pending ────────────────────► off       the deployment does not use this channel
//! pending ────────────────────► stale     an incident that was mended before it was opened
//! ```
//! An entry that is `sending` is due again after a while: whoever finds it there knows that its sender has died.

use aws_sdk_dynamodb::types::TransactWriteItem;
use extoauth_core::notice::Notice;
use jiff::{SignedDuration, Timestamp};

use super::error::failed;
use super::item::{Draft, Key, Row, json, number, text};
use super::transact::{Condition, Ending};
use super::{Store, StoreError};
use crate::notices::Channel;

/// How long it is remembered who was told what: longer than any secret lives between two rotations that are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 800);

/// A notice that is due on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Id of the notice.
    pub notice: String,
    /// The channel.
    pub channel: Channel,
    /// Since when it is due.
    pub since: Timestamp,
    /// Its entry in the list of what is due.
    due: String,
}

/// A notice that this process, and no other, sends now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The notice.
    pub notice: Notice,
    /// The channel.
    pub channel: Channel,
    /// Which try this is, from 1.
    pub tries: u32,
    due: String,
}

/// What a claim gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is ours to send.
    Ours(Box<Claimed>),
    /// It is ours to settle: its last sender died while it sent.
    Interrupted(Box<Claimed>),
    /// Somebody else has it, or it is settled.
    Gone,
}

/// What became of a notice on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It was sent.
    Sent,
    /// It was not sent; another try is due then.
    Again(Timestamp, String),
    /// It was not sent and is not tried again.
    Failed(String),
    /// Nobody can say whether it was sent.
    Unknown(String),
    /// The deployment does not use the channel.
    Off,
    /// What it tells is over.
    Stale,
}

impl Settled {
    fn state(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Again(..) => "pending",
            Self::Failed(_) => "failed",
            Self::Unknown(_) => "unknown",
            Self::Off => "off",
            Self::Stale => "stale",
        }
    }

    fn why(&self) -> &str {
        match self {
            Self::Again(_, why) | Self::Failed(why) | Self::Unknown(why) => why,
            Self::Sent | Self::Off | Self::Stale => "",
        }
    }
}

fn notice_key(id: &str) -> Key {
    Key::new(format!("notice#{id}"), "notice")
}

fn entry_key(id: &str, channel: Channel) -> Key {
    Key::new(format!("notice#{id}"), format!("to#{channel}"))
}

/// A partition for each channel: one that is down and far behind does not hide the others.
fn list_of(channel: Channel) -> String {
    format!("outbox#{channel}")
}

fn due_key(at: Timestamp, id: &str) -> String {
    format!("{:015}#{id}", at.as_millisecond().max(0))
}

fn listed(due: &str, id: &str, channel: Channel) -> Draft {
    Draft::new(&Key::new(list_of(channel), due)).with("notice", text(id))
}

impl Store {
    /// The writes that put a notice on its way, on every channel: to be done together with what causes it. They are refused
    /// if there is a notice of this id.
    pub(super) fn outgoing(&self, notice: &Notice) -> Result<Vec<TransactWriteItem>, StoreError> {
        let until = notice.at.checked_add(KEPT).unwrap_or(Timestamp::MAX).as_second();
        let body = Draft::new(&notice_key(&notice.id)).with("body", json(notice)?).with("ttl", number(until));
        let mut actions = vec![self.put(body.attributes(), Condition::absent())?];
        for channel in Channel::ALL {
            let due = due_key(notice.at, &notice.id);
            let entry = Draft::new(&entry_key(&notice.id, channel))
                .with("state", text("pending"))
                .with("tries", number(0))
                .with("due_key", text(&due))
                .with("ttl", number(until));
            actions.push(self.put(entry.attributes(), Condition::absent())?);
            actions.push(self.put(listed(&due, &notice.id, channel).attributes(), Condition::default())?);
        }
        Ok(actions)
    }

    /// What is due on a channel by `now`, the longest due first, at most `limit`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn outbox(&self, channel: Channel, now: Timestamp, limit: u16) -> Result<Vec<Outgoing>, StoreError> {
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk < :now")
            .expression_attribute_values(":pk", text(list_of(channel)))
            .expression_attribute_values(":now", text(format!("{:015}", now.as_millisecond().saturating_add(1))))
            .consistent_read(true)
            .limit(i32::from(limit))
            .send()
            .await
            .map_err(|e| failed("list of notices to send", &e))?;
        let read = |item| {
            let row = Row::read(item)?;
            let due = row.text("sk")?.to_owned();
            let since = due.split('#').next().and_then(|ms| ms.parse().ok());
            let since = since.and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(now);
            Ok(Outgoing { notice: row.text("notice")?.to_owned(), channel, since, due })
        };
        found.items.unwrap_or_default().into_iter().map(read).collect()
    }

    /// Takes a due notice for this process. If it is not settled until `until`, whoever looks then finds it interrupted.
    ///
    /// # Errors
    /// The store failed.
    pub async fn claim(&self, due: &Outgoing, until: Timestamp) -> Result<Claim, StoreError> {
        let Outgoing { notice: id, channel, due: old, .. } = due;
        let key = entry_key(id, *channel);
        let entry = self.get("notice to send", &key).await?;
        let Some(entry) = entry.filter(|entry| entry.maybe_text("due_key") == Some(old)) else {
            // Settled, or claimed by somebody else since the list was read: this place in the list is stray.
            return self.unlist(*channel, old).await.map(|()| Claim::Gone);
        };
        let interrupted = entry.text("state")? == "sending";
        let tries = entry.number("tries")?;
        let Some(body) = self.get("notice", &notice_key(id)).await? else {
            return self.unlist(*channel, old).await.map(|()| Claim::Gone);
        };
        let notice: Notice = body.json("body")?;
        let next = due_key(until, id);
        let condition = Condition::new(
            "due_key = :due AND tries = :tries",
            [
                (":due", text(old)),
                (":tries", number(tries)),
                (":next", text(&next)),
                (":more", number(tries + 1)),
                (":sending", text("sending")),
            ],
        );
        let mut actions = vec![
            self.update_named(&key, "SET #state = :sending, tries = :more, due_key = :next", condition)?,
            self.put(listed(&next, id, *channel).attributes(), Condition::default())?,
        ];
        if next != *old {
            actions.push(self.delete(&Key::new(list_of(*channel), old))?);
        }
        match self.transact("take a notice to send", actions).await? {
            Ending::Refused(_) => Ok(Claim::Gone),
            Ending::Done => {
                let tries = u32::try_from(tries + 1).unwrap_or(u32::MAX);
                let claimed = Box::new(Claimed { notice, channel: *channel, tries, due: next });
                Ok(if interrupted { Claim::Interrupted(claimed) } else { Claim::Ours(claimed) })
            }
        }
    }

    /// Stores what became of a notice that was claimed. Nothing happens if somebody else has it by now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn settle(&self, claimed: &Claimed, settled: &Settled) -> Result<(), StoreError> {
        let Claimed { notice, channel, due, .. } = claimed;
        let mut condition = Condition::new(
            "due_key = :due",
            [(":due", text(due)), (":state", text(settled.state())), (":why", text(settled.why()))],
        );
        let next = match settled {
            Settled::Again(at, _) => Some(due_key(*at, &notice.id)),
            _ => None,
        };
        let update = match &next {
            Some(next) => {
                condition.values.insert(":next".to_owned(), text(next));
                "SET #state = :state, why = :why, due_key = :next"
            }
            None => "SET #state = :state, why = :why REMOVE due_key",
        };
        let mut actions = vec![self.update_named(&entry_key(&notice.id, *channel), update, condition)?];
        if let Some(next) = &next {
            actions.push(self.put(listed(next, &notice.id, *channel).attributes(), Condition::default())?);
        }
        if next.as_ref() != Some(due) {
            actions.push(self.delete(&Key::new(list_of(*channel), due))?);
        }
        self.transact("note what became of a notice", actions).await?;
        Ok(())
    }

    /// The state of a notice on each channel, by name: what an operator looks at, and what tests compare.
    ///
    /// # Errors
    /// The store failed.
    pub async fn notice_states(&self, id: &str) -> Result<Vec<(Channel, String)>, StoreError> {
        let rows = self.prefixed("states of a notice", &format!("notice#{id}"), "to#").await?;
        let one = |row: &Row| {
            let channel = Channel::of_name(row.text("sk")?.trim_start_matches("to#"));
            let channel = channel.ok_or_else(|| StoreError::Failed("a notice has an unknown channel".into()))?;
            Ok((channel, row.text("state")?.to_owned()))
        };
        rows.iter().map(one).collect()
    }

    async fn unlist(&self, channel: Channel, due: &str) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(Key::new(list_of(channel), due).attributes()))
            .send()
            .await
            .map_err(|e| failed("list of notices to send", &e))?;
        Ok(())
    }

    /// An update that says `#state` for `state`, which DynamoDB reserves (developer guide, "Reserved words in DynamoDB").
    fn update_named(&self, key: &Key, update: &str, condition: Condition) -> Result<TransactWriteItem, StoreError> {
        let mut action = self.update(key, update, condition)?;
        if let Some(update) = action.update.as_mut() {
            update.expression_attribute_names = Some([("#state".to_owned(), "state".to_owned())].into());
        }
        Ok(action)
    }
}
