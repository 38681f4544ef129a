//! Journal, intents and inventory of a subject.

use std::sync::{Arc, PoisonError};

use aws_sdk_dynamodb::types::TransactWriteItem;
use extoauth_core::engine::{
    Book, Draft, Event, Intent, InventoryChange, InventoryItem, JournalEntry, Lease, Ledger, LedgerError, chain,
};
use extoauth_core::ids::{Address, Subject};
use futures::FutureExt;
use futures::future::BoxFuture;
use uuid::Uuid;

use super::item::{self, Key, Row, json, number, text};
use super::leases;
use super::transact::{Condition, Ending};
use super::{Store, StoreError};

/// Further tries after another process has written to the same journal.
const TRIES: u32 = 5;

/// The last entry of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    seq: u64,
    hash: String,
}

impl Head {
    fn before_the_first() -> Self {
        Self { seq: 0, hash: chain::GENESIS.to_owned() }
    }

    fn of(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { seq: row.number("seq")?, hash: row.text("entry_hash")?.to_owned() })
    }
}

fn partition(subject: &Subject) -> String {
    format!("subject#{subject}")
}

fn head_key(subject: &Subject) -> Key {
    Key::new(partition(subject), "book#head")
}

fn entry_key(subject: &Subject, seq: u64) -> Key {
    // As text in the order of numbers.
    Key::new(partition(subject), format!("journal#{seq:012}"))
}

fn intent_key(subject: &Subject, address: &Address) -> Key {
    Key::new(partition(subject), format!("book#intent#{address}"))
}

fn item_key(subject: &Subject, address: &Address) -> Key {
    Key::new(partition(subject), format!("book#item#{address}"))
}

/// A journal entry on its way: what is the same for every try.
struct Entry<'a> {
    subject: &'a Subject,
    kind: &'a str,
    draft: Draft,
    text: String,
    inventory: InventoryChange,
    lease: &'a Lease,
    /// Tells this append from one of another process with the same content.
    writer: Uuid,
}

impl Store {
    fn head_of(&self, subject: &Subject) -> Arc<tokio::sync::Mutex<Option<Head>>> {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.entry(partition(subject)).or_default().clone()
    }

    async fn read_head(&self, subject: &Subject) -> Result<Head, StoreError> {
        match self.get("journal head", &head_key(subject)).await? {
            Some(row) => Head::of(&row),
            None => Ok(Head::before_the_first()),
        }
    }

    async fn append_entry(&self, entry: Entry<'_>) -> Result<JournalEntry, LedgerError> {
        let head = self.head_of(entry.subject);
        let mut head = head.lock().await;
        for _ in 0..TRIES {
            let last = match head.take() {
                Some(known) => known,
                None => self.read_head(entry.subject).await?,
            };
            let sealed = chain::seal(&last.hash, last.seq + 1, entry.draft.clone(), &entry.text);
            let (actions, lease_at) = self.actions(&entry, &last, &sealed)?;
            match self.transact("journal", actions).await? {
                Ending::Done => {
                    *head = Some(Head { seq: sealed.seq, hash: sealed.hash.clone() });
                    return Ok(sealed);
                }
                // The head is read again: it was not kept when it was taken above.
                Ending::Refused(refused) if !refused.contains(&lease_at) => {
                    // It may be our own entry that stands there: stored, and its answer lost.
                    if self.is_stored(&entry, &sealed).await? {
                        return Ok(sealed);
                    }
                }
                Ending::Refused(_) => return Err(LedgerError::Fenced(entry.lease.key.clone())),
            }
        }
        Err(LedgerError::Store(format!("the journal of {} is written to by others all the time", entry.subject)))
    }

    async fn is_stored(&self, entry: &Entry<'_>, sealed: &JournalEntry) -> Result<bool, StoreError> {
        let found = self.get("journal entry", &entry_key(entry.subject, sealed.seq)).await?;
        Ok(found.is_some_and(|row| {
            row.maybe_text("entry_hash") == Some(&sealed.hash)
                && row.maybe_text("writer") == Some(&entry.writer.to_string())
        }))
    }

    /// The actions of one append, and which of them checks the lease.
    fn actions(
        &self,
        entry: &Entry<'_>,
        last: &Head,
        sealed: &JournalEntry,
    ) -> Result<(Vec<TransactWriteItem>, usize), StoreError> {
        let Entry { subject, kind, draft, inventory, lease, .. } = entry;
        let own = item::Draft::new(&entry_key(subject, sealed.seq))
            .with("seq", number(sealed.seq))
            .with("previous_hash", text(&sealed.previous))
            .with("entry_hash", text(&sealed.hash))
            .with("writer", text(entry.writer.to_string()))
            .with("draft", text(&entry.text));
        let head =
            item::Draft::new(&head_key(subject)).with("seq", number(sealed.seq)).with("entry_hash", text(&sealed.hash));
        let as_known = if last.seq == 0 {
            Condition::absent()
        } else {
            Condition::new(
                "seq = :seq AND entry_hash = :hash",
                [(":seq", number(last.seq)), (":hash", text(&last.hash))],
            )
        };
        let mut actions = vec![
            self.put(own.attributes(), Condition::absent())?,
            self.put(head.attributes(), as_known)?,
            self.check(&leases::key_of(&lease.key), leases::held(lease))?,
        ];
        match (draft.event, draft.intent) {
            (Event::Intent, Some(id)) => {
                let key = intent_key(subject, &draft.address);
                let intent = Intent { id, address: draft.address.clone(), kind: (*kind).to_owned(), at: draft.at };
                let row = item::Draft::new(&key).with("body", json(&intent)?);
                actions.push(self.put(row.attributes(), Condition::default())?);
            }
            (Event::Intent, None) | (Event::Failure, _) => {}
            (Event::Outcome | Event::Recorded, _) => actions.push(self.delete(&intent_key(subject, &draft.address))?),
        }
        match inventory {
            InventoryChange::Keep => {}
            InventoryChange::Put(of) => {
                let made = item::Draft::new(&item_key(subject, &of.address)).with("body", json(of)?);
                actions.push(self.put(made.attributes(), Condition::default())?);
            }
            InventoryChange::Remove(address) => actions.push(self.delete(&item_key(subject, address))?),
        }
        Ok((actions, 2))
    }

    async fn read_book(&self, subject: &Subject) -> Result<Book, StoreError> {
        let mut book = Book::default();
        for row in self.prefixed("inventory", &partition(subject), "book#").await? {
            let sk = row.text("sk")?;
            if sk.starts_with("book#intent#") {
                let intent: Intent = row.json("body")?;
                book.intents.insert(intent.address.clone(), intent);
            } else if sk.starts_with("book#item#") {
                let item: InventoryItem = row.json("body")?;
                book.items.insert(item.address.clone(), item);
            }
        }
        Ok(book)
    }

    /// Checks that nothing of a subject's journal was changed, taken out or cut off, and gives the number of entries.
    ///
    /// # Errors
    /// Where it does not hold, or the store failed.
    pub async fn verify_chain(&self, subject: &Subject) -> Result<u64, StoreError> {
        let rows = self.prefixed("journal", &partition(subject), "journal#").await?;
        let mut links = Vec::with_capacity(rows.len());
        for row in &rows {
            links.push(chain::Link {
                seq: row.number("seq")?,
                previous: row.text("previous_hash")?,
                hash: row.text("entry_hash")?,
                text: row.text("draft")?,
            });
        }
        let count = links.last().map_or(0, |link| link.seq);
        let last = chain::verify(links).map_err(|broken| StoreError::Failed(broken.to_string()))?;
        // Read after the entries: the journal may have grown meanwhile, it cannot have shrunk.
        let head = self.read_head(subject).await?;
        if head.seq < count || (head.seq == count && head.hash != last) {
            return Err(StoreError::Failed(format!("the journal of {subject} does not end where its head says")));
        }
        if head.seq > count {
            return self.entries_follow(subject, count, last, &head).await;
        }
        Ok(count)
    }

    /// Checks the entries that came while the first ones were checked.
    async fn entries_follow(&self, subject: &Subject, count: u64, last: &str, head: &Head) -> Result<u64, StoreError> {
        let cut = || StoreError::Failed(format!("the journal of {subject} ends before its head"));
        let mut last = last.to_owned();
        for seq in count + 1..=head.seq {
            let row = self.get("journal entry", &entry_key(subject, seq)).await?.ok_or_else(cut)?;
            let follows = row.text("previous_hash")? == last
                && chain::hash(&last, seq, row.text("draft")?) == row.text("entry_hash")?;
            if !follows {
                return Err(StoreError::Failed(chain::Broken::Unlinked(seq).to_string()));
            }
            row.text("entry_hash")?.clone_into(&mut last);
        }
        if last == head.hash { Ok(head.seq) } else { Err(cut()) }
    }
}

impl Ledger for Store {
    fn load<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Book, LedgerError>> {
        async move { Ok(self.read_book(subject).await?) }.boxed()
    }

    fn append<'a>(
        &'a self,
        subject: &'a Subject,
        kind: &'a str,
        draft: Draft,
        inventory: InventoryChange,
        lease: &'a Lease,
    ) -> BoxFuture<'a, Result<JournalEntry, LedgerError>> {
        async move {
            let text = chain::text(&draft).map_err(|e| LedgerError::Store(e.to_string()))?;
            self.append_entry(Entry { subject, kind, draft, text, inventory, lease, writer: Uuid::new_v4() }).await
        }
        .boxed()
    }

    fn journal<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Vec<JournalEntry>, LedgerError>> {
        async move {
            let rows = self.prefixed("journal", &partition(subject), "journal#").await?;
            let entry = |row: &Row| -> Result<JournalEntry, StoreError> {
                Ok(JournalEntry {
                    schema: u32::try_from(row.number("schema_version")?).unwrap_or(u32::MAX),
                    seq: row.number("seq")?,
                    previous: row.text("previous_hash")?.to_owned(),
                    hash: row.text("entry_hash")?.to_owned(),
                    draft: row.json("draft")?,
                })
            };
            rows.iter().map(|row| entry(row).map_err(LedgerError::from)).collect()
        }
        .boxed()
    }
}
