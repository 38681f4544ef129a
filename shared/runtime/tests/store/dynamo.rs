//! What the store in DynamoDB promises besides.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use extoauth_core::clock::Clock;
use extoauth_core::engine::{Event, InventoryChange, Ledger};
use extoauth_runtime::store::Delivery;

use crate::laws::{self, Hand};
use crate::moto::{Moto, TABLE};

#[tokio::test(flavor = "current_thread")]
async fn the_store_in_dynamodb_keeps_the_promises() {
    let Some(moto) = Moto::start().await else { return };
    let clock = Hand::new();
    laws::all(&moto.store(&clock), &clock).await;
}

fn key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    [("pk", pk), ("sk", sk)].map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned()))).into()
}

#[tokio::test(flavor = "current_thread")]
async fn two_processes_write_one_journal_and_tampering_shows() {
    let Some(moto) = Moto::start().await else { return };
    let clock = Hand::new();
    let (one, two) = (moto.store(&clock), moto.store(&clock));
    let subject = laws::subject("analytics");
    let lease = laws::lease(&one, "analytics", "a").await;
    for n in 0..3 {
        for store in [&one, &two] {
            let entry = laws::draft(&clock, &format!("x[{n}]"), Event::Outcome, None);
            store.append(&subject, "app", entry, InventoryChange::Keep, &lease).await.expect("stored");
        }
    }
    assert_eq!(one.verify_chain(&subject).await, Ok(6));
    let began = clock.now();
    assert_eq!(one.last_change(&subject).await, Ok(Some(began)));
    assert_eq!(one.last_change(&laws::subject("nothing-yet")).await, Ok(None));
    assert_eq!(one.verify_chain(&laws::subject("nothing-yet")).await, Ok(0));

    let client = aws_sdk_dynamodb::Client::new(&moto.config);
    let last = key("subject#integration/analytics", "journal#000000000006");
    let there = client.get_item().table_name(TABLE).set_key(Some(last.clone())).send().await.expect("works");
    client.delete_item().table_name(TABLE).set_key(Some(last)).send().await.expect("works");
    assert!(two.verify_chain(&subject).await.expect_err("cut off").to_string().contains("ends before its head"));
    let mut changed = there.item.expect("the entry");
    let draft = changed["draft"].as_s().expect("text").replace("RITM1", "RITM2");
    changed.insert("draft".into(), AttributeValue::S(draft));
    client.put_item().table_name(TABLE).set_item(Some(changed)).send().await.expect("works");
    assert!(two.verify_chain(&subject).await.expect_err("changed").to_string().contains("has been changed"));
}

#[tokio::test(flavor = "current_thread")]
async fn deliveries_and_markers_count_once_until_they_expire() {
    let Some(moto) = Moto::start().await else { return };
    let clock = Hand::new();
    let store = moto.store(&clock);
    let keep = Duration::from_secs(600);
    let deliver = async |id: &str, body: &str| store.deliver("acme", id, body, keep).await.expect("works");
    assert_eq!(deliver("m1", "b1").await, Delivery::New);
    assert_eq!(deliver("m1", "b1").await, Delivery::Again);
    assert_eq!(deliver("m1", "b2").await, Delivery::OtherBody);
    assert_eq!(deliver("m2", "b2").await, Delivery::New);
    clock.advance(Duration::from_secs(601));
    assert_eq!(deliver("m1", "b2").await, Delivery::New, "expired, though DynamoDB has not deleted it yet");

    let first = async |what: &str| store.first_time("r1", what, keep).await.expect("works");
    assert!(first("note 1").await);
    assert!(!first("note 1").await);
    assert!(first("note 2").await);
    store.forget_sent("r1", "note 1").await.expect("works");
    assert!(first("note 1").await, "it was not sent after all");
}
