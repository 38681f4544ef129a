//! The loop around one call: gate, deadline, signature, attempt, verdict.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::systems::SystemId;
use jiff::Timestamp;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode};
use serde::de::IgnoredAny;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::call::{Body, Call, Expect, Repeat};
use super::counters::Counters;
use super::deadline::Deadline;
use super::endpoint::Endpoint;
use super::gate::{Gate, Shut};
use super::limits::retry_after;
use super::policy::{self, LONGEST_WAIT, Next, Outcome, Throttle};
use super::reply::Reply;
use super::scrub::Scrub;
use super::vendor::{Answer, Authorization, Refusal, Vendor};

/// Longest time of one attempt.
const ATTEMPT: Duration = Duration::from_secs(30);

/// Largest body that is read.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// Sends every call of the process; see the [module](super).
pub struct Sender {
    client: reqwest::Client,
    deadline: Mutex<Deadline>,
    gates: Mutex<HashMap<(SystemId, String), Arc<Gate>>>,
    counters: Mutex<BTreeMap<SystemId, Counters>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sender {
    /// A sender over the process's HTTP client ([`super::client`]), with no deadline yet.
    pub fn new(client: reqwest::Client) -> Arc<Self> {
        Arc::new(Self {
            client,
            deadline: Mutex::new(Deadline::none()),
            gates: Mutex::new(HashMap::new()),
            counters: Mutex::new(BTreeMap::new()),
        })
    }

    /// Sets the deadline; to be done at the start of every invocation.
    pub fn set_deadline(&self, deadline: Deadline) {
        *lock(&self.deadline) = deadline;
    }

    /// The deadline in force.
    pub fn deadline(&self) -> Deadline {
        *lock(&self.deadline)
    }

    /// The counters by system since the last time, for the run's metric line.
    pub fn take_counters(&self) -> BTreeMap<SystemId, Counters> {
        std::mem::take(&mut *lock(&self.counters))
    }

    pub(crate) fn endpoint(
        self: &Arc<Self>,
        system: &SystemId,
        base: &Url,
        credential: &str,
        vendor: &'static dyn Vendor,
    ) -> Endpoint {
        let key = (system.clone(), credential.to_owned());
        let gate = Arc::clone(lock(&self.gates).entry(key).or_insert_with(|| Arc::new(Gate::new())));
        Endpoint { system: system.clone(), base: base.clone(), vendor, gate, sender: Arc::clone(self) }
    }

    fn count(&self, system: &SystemId, change: impl FnOnce(&mut Counters)) {
        change(lock(&self.counters).entry(system.clone()).or_default());
    }

    async fn pause(&self, system: &SystemId, wait: Duration) {
        tokio::time::sleep(wait).await;
        self.count(system, |c| {
            c.waits += 1;
            c.waited_ms += u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        });
    }

    pub(super) async fn send(&self, to: &Endpoint, call: &Call<'_>) -> CallResult<Reply> {
        to.check(call.operation, &call.url)?;
        let bucket = to.vendor.bucket(call.url.path());
        let mut failing = Failing { to, call, scrub: Scrub::default() };
        failing.scrub.add(&call.secrets);
        let mut tries = 0;
        let mut renewed = false;
        let mut renew = false;
        let mut last_id: Option<String> = None;
        loop {
            let auth = match call.auth {
                Some(auth) => auth.authorize(&call.method, &call.url, std::mem::take(&mut renew)).await?,
                None => Authorization::default(),
            };
            failing.scrub.add(&auth.secrets);
            let permit = self.enter(to, call, bucket).await?;
            let left = self.deadline().remaining();
            if left < call.least_time() {
                let text = format!("{} s are left of this invocation: too little to send it", left.as_secs());
                return Err(failing.own(ErrorKind::OutOfTime, text, None));
            }
            let mut request = self.client.request(call.method.clone(), call.url.clone());
            request = match &call.body {
                Body::None => request,
                Body::Json(body) => request.json(body),
                Body::Form(fields) => request.form(fields),
            };
            let mut headers = call.headers.clone();
            headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
            headers.extend(auth.headers);
            if tries > 0 {
                to.vendor.mark_retry(&mut headers, tries, last_id.as_deref());
            }
            let start = Instant::now();
            let request = request.headers(headers).timeout(left.min(ATTEMPT));
            let attempt = attempt(request, call.expect).await;
            drop(permit);
            tries += 1;
            self.count(&to.system, |c| {
                c.calls += 1;
                c.retries += u64::from(tries > 1);
            });
            let ended = self.judge(to, call, bucket, attempt);
            last_id = ended.request_id.clone();
            tracing::debug!(
                system = %to.system,
                operation = call.operation,
                status = ended.status.map(|s| s.as_u16()),
                duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
                request_id = ended.request_id.as_deref(),
                attempt = tries,
                "{} of {}",
                call.operation,
                to.system,
            );
            let (outcome, refusal) = match ended.verdict {
                Verdict::Done(reply) => return Ok(reply),
                Verdict::Not(outcome, refusal) => (outcome, refusal),
            };
            if refusal.stale_credential && !renewed && call.auth.is_some() {
                (renewed, renew) = (true, true);
                continue;
            }
            let wait = match policy::decide(call.repeat, outcome, tries) {
                Next::After(wait) => wait,
                Next::Within(from, upto) => policy::jitter(from, upto),
                Next::Stop { kind, retry_after } => {
                    return Err(failing.answer(kind, refusal, ended.status, ended.request_id, retry_after));
                }
            };
            if wait > self.deadline().remaining().saturating_sub(call.least_time()).min(LONGEST_WAIT) {
                let kind = given_up(call.repeat, outcome);
                return Err(failing.answer(kind, refusal, ended.status, ended.request_id, Some(wait)));
            }
            self.pause(&to.system, wait).await;
        }
    }

    async fn enter<'g>(
        &self,
        to: &'g Endpoint,
        call: &Call<'_>,
        bucket: &'static str,
    ) -> CallResult<tokio::sync::SemaphorePermit<'g>> {
        let time = self.deadline().remaining().saturating_sub(call.least_time());
        let (kind, message, retry_after) = match to.gate.enter(bucket, time).await {
            Ok((permit, waited)) => {
                if !waited.0.is_zero() {
                    self.count(&to.system, |c| {
                        c.waits += 1;
                        c.waited_ms += u64::try_from(waited.0.as_millis()).unwrap_or(u64::MAX);
                    });
                }
                return Ok(permit);
            }
            Err(Shut::For(wait)) => (
                ErrorKind::Throttled,
                format!("a limit of the system holds calls for {} s", wait.as_secs()),
                Some(wait),
            ),
            Err(Shut::Busy) => (ErrorKind::OutOfTime, "no time is left of this invocation".to_owned(), None),
        };
        let mut error = CallError::new(kind, to.system.clone(), call.operation, message).on(call.object.clone());
        error.retry_after = retry_after;
        Err(error)
    }

    /// What an attempt means; closes the gate where the answer says so.
    fn judge(&self, to: &Endpoint, call: &Call<'_>, bucket: &'static str, attempt: Attempt) -> Ended {
        let (status, headers, body) = match attempt {
            Attempt::Broken { outcome, status, headers, message } => {
                let request_id = headers.as_ref().and_then(|h| to.vendor.request_id(h));
                let refusal = Refusal::new(ErrorKind::Unavailable, message);
                return Ended { status, request_id, verdict: Verdict::Not(outcome, refusal) };
            }
            Attempt::Answered { status, headers, body } => (status, headers, body),
        };
        let now = Timestamp::now();
        let request_id = to.vendor.request_id(&headers);
        let good = status.is_success() || call.pass.contains(&status.as_u16());
        if let Some(wait) = to.vendor.exhausted(&headers, now).filter(|_| status != StatusCode::TOO_MANY_REQUESTS) {
            to.gate.close(bucket, wait);
        }
        if good {
            let reply = Reply::new(to, call, status, headers, body, request_id.clone());
            return Ended { status: Some(status), request_id, verdict: Verdict::Done(reply) };
        }
        let json = serde_json::from_slice::<Value>(&body).ok();
        let refusal = to.vendor.refusal(&Answer { status, headers: &headers, body: json.as_ref() });
        let outcome = match status.as_u16() {
            429 => {
                let throttle = to.vendor.throttle(&headers, now);
                match throttle {
                    Throttle::After(wait) => to.gate.close(bucket, wait),
                    Throttle::Cooldown(wait) => to.gate.close("", wait),
                    Throttle::Unspecified => to.gate.close("", Duration::from_secs(1)),
                }
                Outcome::Throttled(throttle)
            }
            423 => Outcome::Locked,
            408 | 502 | 503 | 504 => Outcome::Down { retry_after: retry_after(&headers, now) },
            501 => Outcome::Refused(refusal.kind),
            500.. => Outcome::Failed,
            _ if refusal.maybe_lag && call.fresh => Outcome::Lagging(refusal.kind),
            _ => Outcome::Refused(refusal.kind),
        };
        Ended { status: Some(status), request_id, verdict: Verdict::Not(outcome, refusal) }
    }
}

/// What a failure means when the wait for the next attempt does not fit.
fn given_up(repeat: Repeat, outcome: Outcome) -> ErrorKind {
    match outcome {
        Outcome::Throttled(_) => ErrorKind::Throttled,
        Outcome::Locked => ErrorKind::Conflict,
        Outcome::Lagging(kind) | Outcome::Refused(kind) => kind,
        Outcome::Lost | Outcome::Unreadable | Outcome::TooLarge if repeat != Repeat::Safe => ErrorKind::Ambiguous,
        _ => ErrorKind::Unavailable,
    }
}

/// How an attempt ended on the wire.
enum Attempt {
    Answered { status: StatusCode, headers: HeaderMap, body: Bytes },
    Broken { outcome: Outcome, status: Option<StatusCode>, headers: Option<HeaderMap>, message: String },
}

/// How an attempt ended for the caller.
struct Ended {
    status: Option<StatusCode>,
    request_id: Option<String>,
    verdict: Verdict,
}

enum Verdict {
    Done(Reply),
    Not(Outcome, Refusal),
}

async fn attempt(request: reqwest::RequestBuilder, expect: Expect) -> Attempt {
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(e) => {
            // A connection that was not made, and a request that could not be built, never left.
            let outcome = if e.is_connect() || e.is_builder() { Outcome::NotSent } else { Outcome::Lost };
            return Attempt::Broken { outcome, status: None, headers: None, message: explain(e) };
        }
    };
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    let broken =
        |outcome, message| Attempt::Broken { outcome, status: Some(status), headers: Some(headers.clone()), message };
    let body = match read(response).await {
        Ok(body) => body,
        // An error status says enough without its body.
        Err(_) if !status.is_success() => Bytes::new(),
        Err(Cut::Lost(e)) => return broken(Outcome::Unreadable, explain(e)),
        Err(Cut::TooLarge) => return broken(Outcome::TooLarge, "the answer is larger than 4 MiB".to_owned()),
    };
    let readable = body.iter().all(u8::is_ascii_whitespace) && expect == Expect::Nothing
        || status == StatusCode::NO_CONTENT
        || serde_json::from_slice::<IgnoredAny>(&body).is_ok();
    if status.is_success() && !readable {
        return broken(Outcome::Unreadable, "the answer is not JSON".to_owned());
    }
    Attempt::Answered { status, headers, body }
}

enum Cut {
    Lost(reqwest::Error),
    TooLarge,
}

async fn read(mut response: Response) -> Result<Bytes, Cut> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(Cut::Lost)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Cut::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// A transport error with its causes, without the URL (its query may hold names of people).
fn explain(error: reqwest::Error) -> String {
    let what = if error.is_timeout() { "no answer in time" } else { "the connection failed" };
    let error = error.without_url();
    let mut text = format!("{what}: {error}");
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}

/// Makes the error of a call.
struct Failing<'a> {
    to: &'a Endpoint,
    call: &'a Call<'a>,
    scrub: Scrub,
}

impl Failing<'_> {
    fn own(&self, kind: ErrorKind, message: String, retry_after: Option<Duration>) -> CallError {
        let error = CallError::new(kind, self.to.system.clone(), self.call.operation, self.scrub.clean(&message));
        CallError { retry_after, ..error.on(self.call.object.clone()) }
    }

    fn answer(
        &self,
        kind: ErrorKind,
        refusal: Refusal,
        status: Option<StatusCode>,
        request_id: Option<String>,
        retry_after: Option<Duration>,
    ) -> CallError {
        CallError {
            status: status.map(|s| s.as_u16()),
            code: refusal.code.map(|c| self.scrub.clean(&c)),
            request_id,
            ..self.own(kind, refusal.message, retry_after)
        }
    }
}
