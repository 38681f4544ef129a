//! The AWS clients against moto, where an interpreter that has it is found; without one these tests say that they skip.
//! moto knows nothing of trusted token issuers and Redshift IdC applications; those clients are tested with the sandbox.

#[path = "store/moto.rs"]
#[expect(dead_code, reason = "the table's helpers are for the tests of the store")]
mod moto;

use std::collections::BTreeMap;
use std::time::Duration;

use extoauth_core::error::ErrorKind;
use extoauth_core::policy::Policy;
use extoauth_core::request::{Action, Content, StoredRequest, TicketRef, Variables};
use extoauth_core::systems::{SystemId, SystemKind, SystemsConfig};
use extoauth_runtime::config::Config;
use extoauth_runtime::notices::{Notices, RequestNotice};
use extoauth_runtime::queue::{Message, Queue};
use extoauth_systems::aws::{Session, SharedDeadline};
use extoauth_systems::http::Credential;
use extoauth_systems::secrets::{CURRENT, NewSecret, PENDING, PREVIOUS, Read, Removal, Vault, Version, Write};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use moto::Moto;

fn request() -> StoredRequest {
    let ticket = TicketRef {
        table: "sc_req_item".into(),
        sys_id: "a".into(),
        number: "RITM1".into(),
        approval: None,
        requested_for: None,
        opened_by: None,
    };
    let content = Content {
        action: Action::Verify,
        source: "servicenow".into(),
        instance: "acme.service-now.com".into(),
        integration: Some("analytics".to_owned().try_into().expect("a name")),
        ticket,
        given: Variables::default(),
        variables: Variables::default(),
    };
    StoredRequest::new(content, None, Timestamp::now())
}

fn config(topic: &str, bus: &str) -> Config {
    Config {
        deployment: "prod".into(),
        systems: SystemsConfig::default(),
        policy: Policy::default(),
        table: moto::TABLE.into(),
        queue_url: String::new(),
        shard_queue_url: String::new(),
        topic_arn: topic.into(),
        event_bus: bus.into(),
        intake_secret: String::new(),
        rotate_function_arn: String::new(),
        mail_from: String::new(),
        mail_to: String::new(),
        incidents: String::new(),
    }
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

#[tokio::test(flavor = "current_thread")]
async fn a_secret_lives() {
    let Some(moto) = Moto::start().await else { return };
    let session = Session::new(&moto.config, None, &SharedDeadline::default());
    let system = SystemId::new(SystemKind::SecretsManager, "own");
    let write = Write::new(Vault::new(Read::new(&session, system)));
    let new = NewSecret {
        name: "extoauth/prod/analytics".into(),
        description: "client secret".into(),
        tags: BTreeMap::from([("extoauth:deployment".into(), "prod".into())]),
        kms_key: None,
    };
    assert_eq!(write.describe(&new.name).await.expect_err("not yet").kind, ErrorKind::NotFound);
    let (first, second) = (Uuid::new_v4(), Uuid::new_v4().to_string());
    let made = write.create(&new, first, &secret("one")).await.expect("made");
    assert_eq!(made.value.version, first.to_string());
    let arn = made.value.arn;
    assert_eq!(write.create(&new, first, &secret("one")).await.expect("the same again").value.arn, arn);
    let other = write.create(&new, Uuid::new_v4(), &secret("two")).await.expect_err("the name is taken");
    assert_eq!((other.kind, other.code.as_deref()), (ErrorKind::Invalid, Some("ResourceExistsException")));

    write.put(&arn, &second, &secret("two"), &[PENDING], None).await.expect("stored");
    assert!(write.put(&arn, &second, &secret("two"), &[], None).await.is_err(), "a stage is named");
    let about = write.describe(&arn).await.expect("there");
    assert_eq!(about.tags["extoauth:deployment"], "prod");
    assert_eq!(about.holder_of(CURRENT), Some(first.to_string().as_str()));
    assert_eq!(about.holder_of(PENDING), Some(second.as_str()));

    let own = write.vault().credential(&arn);
    assert_eq!(own.fetch(false).await.expect("read").expose_secret(), "one");
    let first = first.to_string();
    write.make_current(&arn, Some(&first), &second).await.expect("moved");
    write.make_current(&arn, Some(&first), &second).await.expect("it is there already");
    let lost = write.move_stage(&arn, CURRENT, Some(&first), Some(&first)).await.expect_err("it is elsewhere");
    assert_eq!(lost.kind, ErrorKind::Conflict);
    assert_eq!(own.fetch(false).await.expect("read").expose_secret(), "two", "a moved stage is not believed");
    let previous = write.vault().value(&arn, &Version::Stage(PREVIOUS.into())).await.expect("read");
    assert_eq!((previous.version, previous.value.expose_secret()), (first, "one"));

    let gone = write.delete(&arn, Removal::Recoverable { days: 7 }).await.expect("deleted");
    assert!(gone.value.expect("a date") > Timestamp::now());
    assert!(write.describe(&arn).await.expect("still listed").deleted.is_some());
    write.restore(&arn).await.expect("restored");
    write.delete(&arn, Removal::Forced).await.expect("deleted");
    assert_eq!(own.fetch(false).await.expect_err("gone").kind, ErrorKind::NotFound);
    assert!(made.request_id.is_some());
}

#[tokio::test(flavor = "current_thread")]
async fn users_and_groups_are_looked_up() {
    let Some(moto) = Moto::start().await else { return };
    let store = aws_sdk_identitystore::Client::new(&moto.config);
    let email = aws_sdk_identitystore::types::Email::builder().value("dev1@example.com").primary(true).build();
    let name = aws_sdk_identitystore::types::Name::builder().given_name("Dev").family_name("One").build();
    let made = store.create_user().identity_store_id("d-1234567890").user_name("dev1").emails(email).name(name);
    let user = made.display_name("Dev").send().await.expect("made").user_id;
    let made = store.create_group().identity_store_id("d-1234567890").display_name("data-engineers");
    let group = made.send().await.expect("made").group_id;

    let session = Session::new(&moto.config, None, &SharedDeadline::default());
    let system = SystemId::new(SystemKind::IdentityCenter, "main");
    let read = extoauth_systems::identity_center::Read::new(&session, system, "arn:aws:sso:::instance/ssoins-none");
    let by = async |attribute: &str, value: &str| read.user_by("d-1234567890", attribute, value).await;
    assert_eq!(by("emails.value", "dev1@example.com").await.expect("works"), Some(user.clone()));
    assert_eq!(by("userName", "dev1").await.expect("works"), Some(user));
    assert_eq!(by("userName", "dev2").await.expect("works"), None);
    assert_eq!(by("nickName", "x").await.expect_err("no such look-up").kind, ErrorKind::Refused);
    let named = read.group_by_name("d-1234567890", "data-engineers").await.expect("works");
    assert_eq!(named, Some(group));
    assert_eq!(read.group_by_name("d-1234567890", "nobody").await.expect("works"), None);
    assert_eq!(read.instance().await.expect_err("another instance").kind, ErrorKind::NotFound);
}

#[tokio::test(flavor = "current_thread")]
async fn messages_and_notices_are_sent() {
    let Some(moto) = Moto::start().await else { return };
    let sqs = aws_sdk_sqs::Client::new(&moto.config);
    let made = sqs.create_queue().queue_name("work.fifo").attributes("FifoQueue".into(), "true").send().await;
    let url = made.expect("made").queue_url.expect("a URL");
    let queue = Queue::new(&moto.config, &url);
    let request = request();
    queue.send_request(&request, "", None).await.expect("sent");
    queue.send_request(&request, "", None).await.expect("sent, and dropped as a double");
    let received = async || {
        let got = sqs.receive_message().queue_url(&url).max_number_of_messages(10).send().await.expect("works");
        got.messages.unwrap_or_default()
    };
    let got = received().await;
    assert_eq!(got.len(), 1);
    let message = Message::parse(got[0].body().expect("a body")).expect("ours");
    assert_eq!(message, Message::Request { request: request.id.clone(), time: None });
    queue.pause(got[0].receipt_handle().expect("a handle"), Duration::ZERO).await.expect("works");
    assert_eq!(received().await.len(), 1, "a pause of no time gives it back");
    assert!(Queue::new(&moto.config, format!("{url}x")).send_request(&request, "", None).await.is_err());

    let sns = aws_sdk_sns::Client::new(&moto.config);
    let topic = sns.create_topic().name("people").send().await.expect("made").topic_arn.expect("an ARN");
    let notice = RequestNotice::of(&request, "prod");
    let notices = |topic: &str, bus: &str| Notices::new(&moto.config, &config(topic, bus));
    assert!(notices(&topic, "default").tell(&notice).await.is_empty());
    assert!(notices("", "").tell(&notice).await.is_empty(), "nowhere to send is no failure");
    let failures = notices(&format!("{topic}-none"), "default").tell(&notice).await;
    assert!(failures.len() == 1 && failures[0].starts_with("SNS: NotFound"), "{failures:?}");
}
