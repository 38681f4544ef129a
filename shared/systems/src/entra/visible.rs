//! Entra is eventually consistent: what was made appears late, and replicas that know it alternate with others that do
//! not (reported for Graph since November 2025: a read after a create may answer 200, then 404, then 200). Nothing here
//! waits unless an answer shows a lag.
//!
//! - [`seen`] is for reads: an answer that cannot be right, going by what this process did a moment ago, is asked for
//!   again until it was right in [`IN_A_ROW`] consecutive reads. What was done a moment ago is in [`Recent`].
//! - [`accepted`] is for writes: a refusal that Graph gives for references that it does not know yet is followed by
//!   reading these references until they were there in [`IN_A_ROW`] consecutive reads; then the write is sent again.
//!   This needs no memory, so that it works for what an earlier invocation made.
//!
//! Both end with the invocation's deadline (`OutOfTime`: the run goes on later) and with their own patience.

use std::future::Future;
use std::time::Duration;

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::systems::SystemId;
use tokio::time::Instant;

use crate::http::Deadline;

/// Consecutive reads that must agree. One proves nothing, since the next one may come from another replica.
const IN_A_ROW: u32 = 3;
/// The first pause; each one is twice the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause between reads that agree.
const CONFIRMING_PAUSE: Duration = Duration::from_secs(1);
/// How long something may stay invisible before it is taken for absent.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a write may be refused although all that it refers to is visible.
const PATIENCE_OF_WRITES: Duration = Duration::from_secs(60);
/// A pause is not begun with less time than this after it: a call would not be sent any more.
const LEAST_TIME: Duration = Duration::from_secs(2);

/// Waiting, with growing pauses and an end.
pub(super) struct Patience {
    deadline: Deadline,
    end: Instant,
    pause: Duration,
    about: CallError,
}

/// Why waiting ended.
enum End {
    /// The patience is used up.
    Patience,
    /// The invocation ends.
    Time(CallError),
}

impl Patience {
    /// For one operation on one object.
    pub(super) fn new(deadline: Deadline, system: &SystemId, operation: &str, object: &str) -> Self {
        let message = "the invocation ends before the directory shows what was made a moment ago";
        let about = CallError::new(ErrorKind::OutOfTime, system.clone(), operation, message).on(object);
        Self { deadline, end: Instant::now() + PATIENCE, pause: FIRST_PAUSE, about }
    }

    /// The same, ending earlier.
    pub(super) fn at_most(mut self, patience: Duration) -> Self {
        self.end = self.end.min(Instant::now() + patience);
        self
    }

    fn for_writes(&mut self) {
        self.end = self.end.max(Instant::now() + PATIENCE_OF_WRITES);
        self.pause = FIRST_PAUSE;
    }

    async fn wait(&mut self, longest: Duration) -> Result<(), End> {
        let pause = self.pause.min(longest);
        if Instant::now() + pause > self.end {
            return Err(End::Patience);
        }
        if pause + LEAST_TIME > self.deadline.remaining() {
            return Err(End::Time(CallError { retry_after: Some(pause), ..self.about.clone() }));
        }
        tokio::time::sleep(pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

/// The error at the invocation's end, with the refusal that was waited out, for whoever must act on it.
fn out_of_time(error: CallError, refused: &CallError) -> CallError {
    let message = format!("{}; the last answer was: {}", error.message, refused.message);
    CallError { message, code: refused.code.clone(), request_id: refused.request_id.clone(), ..error }
}

/// Whether an answer tells that there is or is not something. Other failures tell nothing and are not waited out here.
fn tells<T>(answer: &CallResult<T>) -> bool {
    answer.as_ref().err().is_none_or(CallError::is_not_found)
}

/// Reads. An answer that does not fit what was done a moment ago is not believed at once; if none fits in all the time
/// that there is, the last one is.
pub(super) async fn seen<T, Fut: Future<Output = CallResult<T>>>(
    patience: Patience,
    fits: impl Fn(&CallResult<T>) -> bool,
    mut look: impl FnMut() -> Fut,
) -> CallResult<T> {
    let answer = look().await;
    if !tells(&answer) || fits(&answer) {
        return answer;
    }
    agreed(patience, fits, look).await
}

/// Reads until the answers fit in [`IN_A_ROW`] consecutive reads.
async fn agreed<T, Fut: Future<Output = CallResult<T>>>(
    mut patience: Patience,
    fits: impl Fn(&CallResult<T>) -> bool,
    mut look: impl FnMut() -> Fut,
) -> CallResult<T> {
    let mut in_a_row = 0;
    loop {
        let longest = if in_a_row > 0 { CONFIRMING_PAUSE } else { LONGEST_PAUSE };
        let ended = patience.wait(longest).await;
        if let Err(End::Time(error)) = ended {
            return Err(error);
        }
        // When the patience ends, the last read decides.
        let answer = look().await;
        in_a_row = if fits(&answer) { in_a_row + 1 } else { 0 };
        if !tells(&answer) || in_a_row == IN_A_ROW || ended.is_err() {
            return answer;
        }
    }
}

/// Sends a write. A refusal that may come from the directory's lag is waited out: `look` reads what the write refers to
/// and answers `NotFound` naming what is missing.
///
/// `NotFound` at the end means that something it refers to was absent all the time; `Unavailable`, with the text of the
/// refusal, that all was visible and the write still refused.
pub(super) async fn accepted<T, Sent, Looked>(
    mut patience: Patience,
    lagging: impl Fn(&CallError) -> bool,
    mut look: impl FnMut() -> Looked,
    mut send: impl FnMut() -> Sent,
) -> CallResult<T>
where
    Sent: Future<Output = CallResult<T>>,
    Looked: Future<Output = CallResult<()>>,
{
    let mut refused = match send().await {
        Err(e) if lagging(&e) => e,
        other => return other,
    };
    tracing::debug!(operation = refused.operation, code = refused.code, "the directory may lag: waiting");
    let mut in_a_row = 0;
    while in_a_row < IN_A_ROW {
        let missing = match look().await {
            Ok(()) => None,
            Err(e) if e.is_not_found() => Some(e),
            Err(e) => return Err(e),
        };
        in_a_row = if missing.is_none() { in_a_row + 1 } else { 0 };
        if in_a_row == IN_A_ROW {
            break;
        }
        let longest = if in_a_row > 0 { CONFIRMING_PAUSE } else { LONGEST_PAUSE };
        match (patience.wait(longest).await, missing) {
            (Ok(()), _) => {}
            (Err(End::Time(error)), _) => return Err(out_of_time(error, &refused)),
            (Err(End::Patience), Some(missing)) => return Err(missing),
            (Err(End::Patience), None) => break,
        }
    }
    patience.for_writes();
    loop {
        match send().await {
            Err(e) if lagging(&e) => refused = e,
            other => return other,
        }
        match patience.wait(LONGEST_PAUSE).await {
            Ok(()) => {}
            Err(End::Time(error)) => return Err(out_of_time(error, &refused)),
            Err(End::Patience) => return Err(still_refused(refused)),
        }
    }
}

/// Reads until [`IN_A_ROW`] consecutive reads say the same: for what may be there or not.
pub(super) async fn settled<T: PartialEq, Fut: Future<Output = CallResult<T>>>(
    mut patience: Patience,
    mut look: impl FnMut() -> Fut,
) -> CallResult<T> {
    let mut last = look().await?;
    let mut in_a_row = 1;
    while in_a_row < IN_A_ROW {
        match patience.wait(CONFIRMING_PAUSE).await {
            Ok(()) => {}
            Err(End::Time(error)) => return Err(error),
            Err(End::Patience) => return Ok(last),
        }
        let now = look().await?;
        in_a_row = if now == last { in_a_row + 1 } else { 1 };
        last = now;
    }
    Ok(last)
}

/// Sends a call again while it is refused in a way that may be the lag of something that cannot be read.
pub(super) async fn repeated<T, Sent: Future<Output = CallResult<T>>>(
    mut patience: Patience,
    lagging: impl Fn(&CallError) -> bool,
    mut send: impl FnMut() -> Sent,
) -> CallResult<T> {
    loop {
        let refused = match send().await {
            Err(e) if lagging(&e) => e,
            other => return other,
        };
        match patience.wait(LONGEST_PAUSE).await {
            Ok(()) => {}
            Err(End::Time(error)) => return Err(out_of_time(error, &refused)),
            Err(End::Patience) => return Err(refused),
        }
    }
}

fn still_refused(error: CallError) -> CallError {
    let message = format!("{} (although all that it refers to is visible; to be tried again later)", error.message);
    CallError { kind: ErrorKind::Unavailable, message, ..error }
}

/// Whether a refusal of a write is one that Graph also gives for references that it does not know yet. Texts: reports
/// of Terraform's azuread provider (#581, #1764, #1802) and the retries in its code.
pub(super) fn may_be_lag(error: &CallError) -> bool {
    let has = |part: &str| error.message.contains(part);
    match error.status {
        Some(404) => true,
        Some(400) => {
            has("does not reference a valid application object")
                || has("queried reference-property objects are not present")
                || has("No password credential found")
        }
        // Misleading: the application is in the tenant, but this replica does not know it yet.
        Some(403) => has("backing application of the service principal being created must"),
        // The second one: somebody else changed the object at the same time; nothing was done.
        Some(409) => {
            matches!(error.code.as_deref(), Some("Error_MsaAppDoesNotExist" | "Directory_ConcurrencyViolation"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use extoauth_core::systems::SystemKind;

    use super::*;

    fn system() -> SystemId {
        SystemId::new(SystemKind::Entra, "contoso")
    }

    fn patience() -> Patience {
        Patience::new(Deadline::none(), &system(), "test", "x")
    }

    fn error(status: u16, message: &str) -> CallError {
        let kind = if status == 404 { ErrorKind::NotFound } else { ErrorKind::Invalid };
        CallError { status: Some(status), ..CallError::new(kind, system(), "test", message) }
    }

    /// Answers one after the other; the last one for ever.
    fn script(answers: &[bool]) -> impl FnMut() -> std::future::Ready<CallResult<()>> {
        let mut at = 0;
        move || {
            let there = answers[at.min(answers.len() - 1)];
            at += 1;
            std::future::ready(if there { Ok(()) } else { Err(error(404, "not there")) })
        }
    }

    fn there(answer: &CallResult<()>) -> bool {
        answer.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_fitting_answer_costs_no_time() {
        let start = Instant::now();
        seen(patience(), there, script(&[true])).await.expect("there");
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn one_good_answer_between_bad_ones_proves_nothing() {
        let looks = RefCell::new(0);
        let mut answers = script(&[false, true, false, true, true, false, true, true, true, false]);
        let look = || {
            *looks.borrow_mut() += 1;
            answers()
        };
        seen(patience(), there, look).await.expect("there at last");
        assert_eq!(*looks.borrow(), 9);
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_appears_is_absent_after_two_minutes() {
        let start = Instant::now();
        let error = seen(patience(), there, script(&[false])).await.expect_err("absent");
        assert!(error.is_not_found());
        assert!(start.elapsed() <= PATIENCE && start.elapsed() > PATIENCE - LONGEST_PAUSE * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_the_wait() {
        let deadline = Deadline::after(Duration::from_secs(10), Duration::ZERO);
        let start = Instant::now();
        let patience = Patience::new(deadline, &system(), "read application", "x");
        let error = seen(patience, there, script(&[false])).await.expect_err("too late");
        assert_eq!(error.kind, ErrorKind::OutOfTime);
        assert!(start.elapsed() < Duration::from_secs(9));
    }

    #[tokio::test(start_paused = true)]
    async fn other_failures_end_it_at_once() {
        let look = || std::future::ready(Err::<(), _>(error(403, "no")));
        let got = seen(patience(), there, look).await.expect_err("forbidden");
        assert_eq!(got.status, Some(403));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_waits_for_what_it_refers_to() {
        let looked = RefCell::new(0);
        let mut looks = script(&[false, false, true, false, true, true, true]);
        let sent = RefCell::new(0);
        let send = || {
            *sent.borrow_mut() += 1;
            let ok = *looked.borrow() == 7;
            std::future::ready(if ok {
                Ok(5)
            } else {
                Err(error(400, "does not reference a valid application object"))
            })
        };
        let look = || {
            *looked.borrow_mut() += 1;
            looks()
        };
        assert_eq!(accepted(patience(), may_be_lag, look, send).await.expect("taken"), 5);
        assert_eq!(*sent.borrow(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_on_something_absent_names_it() {
        let send = || std::future::ready(Err::<(), _>(error(404, "Resource 'x' does not exist")));
        let got = accepted(patience(), may_be_lag, script(&[false]), send).await.expect_err("absent");
        assert_eq!((got.kind, got.message.as_str()), (ErrorKind::NotFound, "not there"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_stays_refused_is_for_later() {
        let start = Instant::now();
        let text = "the backing application of the service principal being created must in the local tenant";
        let send = || std::future::ready(Err::<(), _>(error(403, text)));
        let got = accepted(patience(), may_be_lag, script(&[true]), send).await.expect_err("refused");
        assert_eq!((got.kind, got.status), (ErrorKind::Unavailable, Some(403)));
        assert!(got.message.contains("backing application") && start.elapsed() <= PATIENCE + PATIENCE_OF_WRITES);
    }

    #[tokio::test(start_paused = true)]
    async fn other_refusals_of_a_write_are_not_waited_out() {
        let start = Instant::now();
        let send = || std::future::ready(Err::<(), _>(error(400, "One or more property values are invalid.")));
        let got = accepted(patience(), may_be_lag, script(&[true]), send).await.expect_err("refused");
        assert_eq!((got.kind, start.elapsed()), (ErrorKind::Invalid, Duration::ZERO));
    }
}
