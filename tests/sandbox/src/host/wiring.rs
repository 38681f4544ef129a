//! What is deployed around the functions: their sizes, HTTP APIs, queue and schedules.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::SignedDuration;

/// The part of `template.yaml` that the host acts on.
#[derive(Clone, Debug)]
pub struct Wiring {
    /// Settings by function; a function that is not named has [`Settings::default`].
    pub functions: BTreeMap<String, Settings>,
    /// HTTP APIs, one a function: its route keys as API Gateway writes them (`ANY /requests/{id}`, `$default`).
    pub http_apis: BTreeMap<String, Vec<String>>,
    /// Functions whose queue nobody polls.
    pub idle_queues: BTreeSet<String>,
    /// EventBridge Scheduler's schedules.
    pub schedules: Vec<Schedule>,
    /// The waits that a person or a test should not have to sit through at Lambda's length.
    pub pace: Pace,
}

/// One function's configuration.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// An invocation that takes longer is killed.
    pub timeout: Duration,
    /// What the function is told as its memory; nothing is limited by it.
    pub memory_mb: u32,
    /// Instances at most. A further invocation waits for a free one (with Lambda's account limits nothing of this size
    /// would be throttled, so it is not refused either).
    pub concurrency: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(900), memory_mb: 512, concurrency: 4 }
    }
}

/// A recurring message.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// The time from one to the next, on the sandbox's calendar.
    pub every: SignedDuration,
    /// Where it goes.
    pub target: Target,
    /// What is sent, with `<aws.scheduler.scheduled-time>` where EventBridge Scheduler puts the time.
    pub input: String,
}

/// What a schedule starts.
#[derive(Clone, Debug)]
pub enum Target {
    /// A message to a function's queue, in this message group. As EventBridge Scheduler sends it: without a deduplication
    /// id, so the queue must have content-based deduplication.
    Queue {
        /// The function that consumes the queue.
        of: String,
        /// Message group.
        group: String,
    },
    /// An asynchronous invocation of this function.
    Function(String),
}

/// Waits that differ from Lambda's.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How soon a message is delivered again after its function crashed, timed out or returned an error. Lambda lets
    /// the queue's visibility timeout end (here up to [`Pace::visibility`]); a test should not.
    pub retry_after: Duration,
    /// How long a message is invisible while its function works on it. `None`: six times the function's timeout, which
    /// is what Lambda asks for.
    pub visibility: Option<Duration>,
    /// How long until a failed asynchronous invocation is tried again (Lambda: one minute, then two).
    pub async_retry_after: Duration,
    /// How long until the steps of a rotation are called again after one failed, growing with each time.
    pub rotation_retry_after: Duration,
    /// How often an idle queue is asked for messages.
    pub poll: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            retry_after: Duration::from_millis(500),
            visibility: None,
            async_retry_after: Duration::from_secs(1),
            rotation_retry_after: Duration::from_secs(1),
            poll: Duration::from_millis(150),
        }
    }
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A schedule of the template: a message of this kind, in a message group of the same name.
fn schedule(name: &str, every: SignedDuration, of: &str, kind: &str) -> Schedule {
    Schedule {
        name: name.to_owned(),
        every,
        target: Target::Queue { of: of.to_owned(), group: kind.to_owned() },
        input: format!(r#"{{"schema":1,"kind":"{kind}","time":"<aws.scheduler.scheduled-time>"}}"#),
    }
}

impl Default for Wiring {
    /// As the product is deployed.
    fn default() -> Self {
        let settings = |timeout, concurrency| Settings {
            timeout: Duration::from_secs(timeout),
            concurrency,
            ..Settings::default()
        };
        let routes = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        Self {
            functions: [
                ("intake", settings(29, 8)),
                ("provision", settings(900, 4)),
                ("token-lifetime-check", settings(900, 1)),
                ("secret-expiry-check", settings(900, 1)),
                ("rotate-secret", settings(120, 4)),
            ]
            .map(|(name, settings)| (name.to_owned(), settings))
            .into(),
            http_apis: [(
                "intake".to_owned(),
                routes(&[
                    "ANY /requests",
                    "ANY /requests/{id}",
                    "ANY /integrations",
                    "ANY /integrations/{name}",
                    "ANY /integrations/{name}/profiles.yml",
                    "ANY /systems/{kind}/{name}",
                    "ANY /explain",
                ]),
            )]
            .into(),
            idle_queues: BTreeSet::new(),
            schedules: vec![
                schedule("sweep", SignedDuration::from_mins(5), "provision", "sweep"),
                schedule("token-lifetime-check", DAY, "token-lifetime-check", "check"),
                schedule("secret-expiry-check", DAY, "secret-expiry-check", "check"),
            ],
            pace: Pace::default(),
        }
    }
}

impl Wiring {
    /// The settings of a function.
    pub fn settings(&self, function: &str) -> Settings {
        self.functions.get(function).copied().unwrap_or_default()
    }
}
