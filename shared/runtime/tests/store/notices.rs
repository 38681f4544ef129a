//! From an alert to the people: stored once, sent once, each channel alone.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use extoauth_core::alert::{About, Alerts, Matter, Reading, review};
use extoauth_core::clock::Clock;
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::notice::Notice;
use extoauth_core::policy::Policy;
use extoauth_core::systems::{SystemId, SystemKind, SystemsConfig};
use extoauth_runtime::config::Config;
use extoauth_runtime::notices::{Carrier, Channel, Delivered, Notices, Sending};
use extoauth_runtime::store::{Claim, Store};
use extoauth_systems::http::Deadline;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use crate::laws::{self, Hand};
use crate::moto::{Moto, TABLE};

const HOSTILE: &str = "<script>\"&\r\n\u{202e}";

fn about() -> About {
    About::Integration(laws::name("analytics-dev"))
}

fn okta() -> SystemId {
    SystemId::new(SystemKind::Okta, "acme")
}

fn matter(ends: Timestamp) -> Matter {
    Matter {
        about: about(),
        key: format!("secret {HOSTILE}"),
        source: okta(),
        finding: Finding {
            check: "secret_end".into(),
            severity: Severity::Warning,
            resource: HOSTILE.into(),
            expected: "a secret that lasts".into(),
            found: HOSTILE.into(),
            effect: "nobody can sign in".into(),
            fix: "rotate it".into(),
            row: "R09".into(),
        },
        ends: Some(ends),
        who: HOSTILE.into(),
        by_itself: "nothing".into(),
        changed_by: None,
    }
}

fn reading(now: Timestamp, matters: Vec<Matter>) -> Reading<'static> {
    Reading {
        watch: "secret-expiry-check",
        now,
        matters,
        read: BTreeSet::from([okta()]),
        thresholds: &[30, 7, 0],
        owner: Some("data@example.com"),
        deployment: "prod",
    }
}

/// Reviews and stores, as a scheduled check does; gives the notices that were stored.
async fn check(store: &Store, now: Timestamp, matters: Vec<Matter>) -> Vec<Notice> {
    let stored = store.alerts_of(&about()).await.expect("works");
    let mut told = Vec::new();
    for next in review(stored, &reading(now, matters)) {
        assert!(store.store(&next).await.expect("works"));
        assert!(!store.store(&next).await.expect("works"), "the same again is refused");
        told.extend(next.notice().cloned());
    }
    told
}

fn nowhere(config: &SdkConfig) -> Notices {
    let config_of = Config {
        deployment: "prod".into(),
        systems: SystemsConfig::default(),
        policy: Policy::default(),
        table: TABLE.into(),
        queue_url: String::new(),
        shard_queue_url: String::new(),
        topic_arn: String::new(),
        event_bus: String::new(),
        intake_secret: String::new(),
        rotate_function_arn: String::new(),
        mail_from: String::new(),
        mail_to: String::new(),
        incidents: String::new(),
    };
    Notices::new(config, &config_of)
}

/// A carrier with answers that are given one after the other, then `Sent`; no answer at all where it hangs.
struct Scripted {
    channel: Channel,
    answers: Mutex<VecDeque<Option<Sending>>>,
    carried: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    fn new(
        channel: Channel,
        answers: impl IntoIterator<Item = Option<Sending>>,
    ) -> (Box<Self>, Arc<Mutex<Vec<String>>>) {
        let carried = Arc::new(Mutex::default());
        let answers = Mutex::new(answers.into_iter().collect());
        (Box::new(Self { channel, answers, carried: Arc::clone(&carried) }), carried)
    }
}

impl Carrier for Scripted {
    fn channel(&self) -> Channel {
        self.channel
    }

    fn carry<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Sending> {
        self.carried.lock().expect("not poisoned").push(notice.id.clone());
        let answer = self.answers.lock().expect("not poisoned").pop_front().unwrap_or(Some(Sending::Sent));
        async move {
            match answer {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        }
        .boxed()
    }
}

fn count(carried: &Arc<Mutex<Vec<String>>>) -> usize {
    carried.lock().expect("not poisoned").len()
}

async fn state(store: &Store, notice: &Notice, channel: Channel) -> String {
    let states = store.notice_states(&notice.id).await.expect("works");
    states.into_iter().find(|(of, _)| *of == channel).map(|(_, state)| state).expect("an entry of every channel")
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

#[tokio::test(flavor = "current_thread")]
async fn a_notice_is_stored_with_its_alert_and_sent_once() {
    let Some(moto) = Moto::start().await else { return };
    let clock = Hand::new();
    let store = moto.store(&clock);
    let now = clock.now();
    let ends = now + SignedDuration::from_hours(24 * 20);
    let told = check(&store, now, vec![matter(ends)]).await;
    assert_eq!(told.len(), 1);
    assert_eq!(check(&store, now, vec![matter(ends)]).await, [], "a check that is repeated tells nothing");
    assert_eq!(store.alerts().await.expect("works").len(), 1);

    let (topic, carried) = Scripted::new(Channel::Topic, []);
    let notices = nowhere(&moto.config).with_carrier(topic);
    let first = notices.deliver_due(&store, now, Deadline::none()).await;
    assert_eq!(first, Delivered { sent: 1, ..Delivered::default() });
    assert_eq!(notices.deliver_due(&store, now + minutes(600), Deadline::none()).await, Delivered::default());
    assert_eq!(count(&carried), 1);
    assert_eq!(state(&store, &told[0], Channel::Topic).await, "sent");
    assert_eq!(state(&store, &told[0], Channel::Mail).await, "off", "the deployment sends no mail");

    let mended = check(&store, now + minutes(601), Vec::new()).await;
    assert_eq!(mended.len(), 1);
    assert!(store.alerts().await.expect("works").is_empty());
    notices.deliver_due(&store, now + minutes(602), Deadline::none()).await;
    assert_eq!(count(&carried), 2);
}

#[tokio::test(flavor = "current_thread")]
async fn a_channel_fails_alone_and_is_tried_again() {
    let Some(moto) = Moto::start().await else { return };
    let clock = Hand::new();
    let store = moto.store(&clock);
    let now = clock.now();
    let told = check(&store, now, vec![matter(now + minutes(600))]).await;
    let refused = || Some(Sending::NotSent("down".into()));
    let (topic, topics) = Scripted::new(Channel::Topic, [refused(), refused()]);
    let (bus, events) = Scripted::new(Channel::Bus, [Some(Sending::Unknown("lost".into()))]);
    let (mail, mails) = Scripted::new(Channel::Mail, [Some(Sending::Unknown("lost".into()))]);
    let (incident, incidents) = Scripted::new(Channel::Incident, (0..20).map(|_| refused()));
    let notices = nowhere(&moto.config).with_carrier(topic).with_carrier(bus).with_carrier(mail).with_carrier(incident);
    for later in (0..900).step_by(5) {
        notices.deliver_due(&store, now + minutes(later), Deadline::none()).await;
    }
    assert_eq!((count(&topics), count(&events), count(&mails), count(&incidents)), (3, 2, 1, 12));
    for (channel, expected) in
        [(Channel::Topic, "sent"), (Channel::Bus, "sent"), (Channel::Mail, "unknown"), (Channel::Incident, "failed")]
    {
        assert_eq!(state(&store, &told[0], channel).await, expected, "{channel}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_channel_that_hangs_holds_nobody() {
    let Some(moto) = Moto::start().await else { return };
    let clock = Hand::new();
    let store = moto.store(&clock);
    let now = clock.now();
    let told = check(&store, now, vec![matter(now + minutes(600))]).await;
    let (topic, _) = Scripted::new(Channel::Topic, [None]);
    let (bus, events) = Scripted::new(Channel::Bus, []);
    let notices = nowhere(&moto.config).with_carrier(topic).with_carrier(bus);
    let began = std::time::Instant::now();
    let delivered = notices.deliver_due(&store, now, Deadline::none()).await;
    assert!(began.elapsed().as_secs() < 40, "a message has a bounded time");
    assert_eq!((delivered.sent, delivered.unknown, count(&events)), (1, 1, 1));
    assert_eq!(state(&store, &told[0], Channel::Topic).await, "unknown");

    // Without time nothing is begun.
    let told = check(&store, now + minutes(601), Vec::new()).await;
    let short = Deadline::after(std::time::Duration::from_secs(5), std::time::Duration::ZERO);
    assert_eq!(notices.deliver_due(&store, now + minutes(602), short).await, Delivered::default());
    assert_eq!(state(&store, &told[0], Channel::Bus).await, "pending");
}

#[tokio::test(flavor = "current_thread")]
async fn a_crash_while_sending_tells_nobody_twice_and_is_not_silent() {
    let Some(moto) = Moto::start().await else { return };
    let clock = Hand::new();
    let store = moto.store(&clock);
    let now = clock.now();
    let told = check(&store, now, vec![matter(now + minutes(600))]).await;
    for channel in [Channel::Topic, Channel::Bus] {
        let due = store.outbox(channel, now, 10).await.expect("works").remove(0);
        assert!(matches!(store.claim(&due, now + minutes(3)).await.expect("works"), Claim::Ours(_)));
        assert_eq!(store.claim(&due, now + minutes(3)).await.expect("works"), Claim::Gone, "one of two gets it");
    }
    let (topic, topics) = Scripted::new(Channel::Topic, []);
    let (bus, events) = Scripted::new(Channel::Bus, []);
    let notices = nowhere(&moto.config).with_carrier(topic).with_carrier(bus);
    notices.deliver_due(&store, now + minutes(2), Deadline::none()).await;
    assert_eq!((count(&topics), count(&events)), (0, 0), "its sender may be alive");
    let delivered = notices.deliver_due(&store, now + minutes(3), Deadline::none()).await;
    assert_eq!((count(&topics), count(&events)), (0, 1), "the bus knows an event by its id; the topic does not");
    assert_eq!((delivered.sent, delivered.unknown), (1, 1));
    assert_eq!(state(&store, &told[0], Channel::Topic).await, "unknown");
}

#[tokio::test(flavor = "current_thread")]
async fn two_that_deliver_at_once_send_once() {
    let Some(moto) = Moto::start().await else { return };
    let clock = Hand::new();
    let (one, two) = (moto.store(&clock), moto.store(&clock));
    let now = clock.now();
    check(&one, now, vec![matter(now + minutes(600))]).await;
    let (first, firsts) = Scripted::new(Channel::Topic, []);
    let (second, seconds) = Scripted::new(Channel::Topic, []);
    let (left, right) = (nowhere(&moto.config).with_carrier(first), nowhere(&moto.config).with_carrier(second));
    let at = now + minutes(1);
    futures::join!(left.deliver_due(&one, at, Deadline::none()), right.deliver_due(&two, at, Deadline::none()));
    assert_eq!(count(&firsts) + count(&seconds), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn every_aws_channel_takes_what_we_send() {
    let Some(moto) = Moto::start().await else { return };
    let clock = Hand::new();
    let store = moto.store(&clock);
    let now = clock.now();
    let sns = aws_sdk_sns::Client::new(&moto.config);
    let topic = sns.create_topic().name("people").send().await.expect("made").topic_arn.expect("an ARN");
    let ses = aws_sdk_sesv2::Client::new(&moto.config);
    ses.create_email_identity().email_identity("extoauth@example.com").send().await.expect("verified");
    let config = Config {
        deployment: "prod".into(),
        systems: SystemsConfig::default(),
        policy: Policy::default(),
        table: TABLE.into(),
        queue_url: String::new(),
        shard_queue_url: String::new(),
        topic_arn: topic,
        event_bus: "default".into(),
        intake_secret: String::new(),
        rotate_function_arn: String::new(),
        mail_from: "extoauth@example.com".into(),
        mail_to: "platform@example.com".into(),
        incidents: String::new(),
    };
    let notices = Notices::new(&moto.config, &config);
    let told = check(&store, now, vec![matter(now + minutes(600))]).await;
    let delivered = notices.deliver_due(&store, now, Deadline::none()).await;
    let states = store.notice_states(&told[0].id).await.expect("works");
    assert_eq!(delivered, Delivered { sent: 3, ..Delivered::default() }, "{states:?}");

    // What is refused is told so, and due again.
    let nowhere = Config { topic_arn: format!("{}-none", config.topic_arn), ..config };
    check(&store, now + minutes(601), Vec::new()).await;
    let delivered =
        Notices::new(&moto.config, &nowhere).deliver_due(&store, now + minutes(602), Deadline::none()).await;
    assert_eq!(delivered, Delivered { sent: 2, later: 1, ..Delivered::default() });
}
