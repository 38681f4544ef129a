//! One call: its deadline, its further tries, the meaning of its failure.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::systems::SystemId;
use tokio::time::{sleep, timeout};

use super::SharedDeadline;
use super::error::{Effect, translate};

/// A call with less time than this before the invocation's deadline is not sent.
const LEAST_READ: Duration = Duration::from_secs(1);
/// The same for a write: one that is cut off leaves a question that costs more than the pause.
const LEAST_WRITE: Duration = Duration::from_secs(5);
/// Waits between the tries of a call that met a conflict or a limit: an earlier write needs some time to be visible.
const WAITS: [Duration; 4] = [
    Duration::from_millis(300),
    Duration::from_millis(900),
    Duration::from_millis(2_000),
    Duration::from_millis(4_000),
];

/// What a call is, for people: operation in words, IAM action, and what it is about.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// In words: `create trusted token issuer`.
    pub operation: &'a str,
    /// The IAM action that it needs: `sso:CreateTrustedTokenIssuer`.
    pub action: &'a str,
    /// ARN, id or name.
    pub object: &'a str,
    /// Whether it can change something.
    pub effect: Effect,
}

impl<'a> Call<'a> {
    /// A call that only reads.
    pub fn read(operation: &'a str, action: &'a str, object: &'a str) -> Self {
        Self { operation, action, object, effect: Effect::Read }
    }

    /// A call that can change something.
    pub fn write(operation: &'a str, action: &'a str, object: &'a str) -> Self {
        Self { operation, action, object, effect: Effect::Write }
    }

    fn least_time(&self) -> Duration {
        match self.effect {
            Effect::Read => LEAST_READ,
            Effect::Write => LEAST_WRITE,
        }
    }
}

/// Makes the calls of one client.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) system: SystemId,
    pub(crate) deadline: SharedDeadline,
}

impl Caller {
    /// Sends the call. A conflict with an earlier write, and a limit that outlasts the SDK's own tries, get some more
    /// time: in both cases nothing was done.
    pub(crate) async fn send<O, E, F>(&self, call: Call<'_>, mut attempt: impl FnMut() -> F) -> CallResult<O>
    where
        E: ProvideErrorMetadata + Error + 'static,
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
    {
        let mut waits = WAITS.iter();
        loop {
            let error = match self.once(&call, Box::pin(attempt())).await {
                Ok(output) => return Ok(output),
                Err(error) => error,
            };
            let again = matches!(error.kind, ErrorKind::Conflict | ErrorKind::Throttled);
            match waits.next() {
                Some(wait) if again && self.has_time_for(*wait + call.least_time()) => {
                    tracing::debug!(operation = call.operation, code = error.code, "waiting for another try");
                    sleep(*wait).await;
                }
                _ => return Err(error),
            }
        }
    }

    async fn once<O, E>(
        &self,
        call: &Call<'_>,
        attempt: impl Future<Output = Result<O, SdkError<E, HttpResponse>>>,
    ) -> CallResult<O>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        if !self.has_time_for(call.least_time()) {
            return Err(self.error(call, ErrorKind::OutOfTime, "the invocation's time is over; the call was not sent"));
        }
        match timeout(self.deadline.get().remaining(), attempt).await {
            Ok(result) => result.map_err(|error| translate(&self.system, call, &error)),
            Err(_) => {
                // A read that is cut off has done nothing; it is sent again by the next invocation.
                let kind = match call.effect {
                    Effect::Read => ErrorKind::OutOfTime,
                    Effect::Write => ErrorKind::Ambiguous,
                };
                Err(self.error(call, kind, "the invocation's time ended before an answer came"))
            }
        }
    }

    /// An error of our own making about a call.
    pub(crate) fn error(&self, call: &Call<'_>, kind: ErrorKind, message: impl Into<String>) -> CallError {
        CallError::new(kind, self.system.clone(), call.operation, message).on(call.object)
    }

    /// An answer that lacks what the API promises.
    pub(crate) fn incomplete(&self, call: &Call<'_>, field: &str) -> CallError {
        let kind = match call.effect {
            Effect::Read => ErrorKind::Unavailable,
            Effect::Write => ErrorKind::Ambiguous,
        };
        self.error(call, kind, format!("the answer has no {field}"))
    }

    fn has_time_for(&self, time: Duration) -> bool {
        self.deadline.get().remaining() >= time
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sts::operation::assume_role::AssumeRoleError;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;
    use extoauth_core::systems::SystemKind;

    use super::*;
    use crate::http::Deadline;

    type Answer = Result<u8, SdkError<AssumeRoleError, HttpResponse>>;

    fn caller(left: Option<Duration>) -> Caller {
        let deadline = SharedDeadline::default();
        if let Some(left) = left {
            deadline.set(Deadline::after(left, Duration::ZERO));
        }
        Caller { system: SystemId::new(SystemKind::IdentityCenter, "main"), deadline }
    }

    #[allow(clippy::result_large_err, reason = "the SDK makes its errors this large")]
    fn refusal(code: &str, status: u16) -> Answer {
        let meta = ErrorMetadata::builder().code(code).message("no").build();
        let status = StatusCode::try_from(status).expect("a status");
        Err(SdkError::service_error(AssumeRoleError::generic(meta), HttpResponse::new(status, SdkBody::empty())))
    }

    #[tokio::test(start_paused = true)]
    async fn a_conflict_gets_another_try_and_other_refusals_do_not() {
        let mut answers = vec![Ok(7), refusal("ConflictException", 400)];
        let call = Call::write("update", "sso:Update", "x");
        let got = caller(None).send(call, || std::future::ready(answers.pop().expect("no more calls"))).await;
        assert_eq!(got.expect("the second try"), 7);

        let mut answers = vec![refusal("ValidationException", 400)];
        let got = caller(None).send(call, || std::future::ready(answers.pop().expect("no more calls"))).await;
        let error = got.expect_err("refused");
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Invalid, Some("ValidationException")));
    }

    #[tokio::test(start_paused = true)]
    async fn tries_end_when_time_or_waits_end() {
        let mut tries = 0;
        let call = Call::read("list", "sso:List", "x");
        let got = caller(None)
            .send(call, || {
                tries += 1;
                std::future::ready(refusal("ThrottlingException", 400))
            })
            .await;
        assert_eq!((got.expect_err("throttled").kind, tries), (ErrorKind::Throttled, WAITS.len() + 1));

        let mut tries = 0;
        let got = caller(Some(Duration::from_millis(1_200)))
            .send(call, || {
                tries += 1;
                std::future::ready(refusal("ThrottlingException", 400))
            })
            .await;
        assert_eq!((got.expect_err("throttled").kind, tries), (ErrorKind::Throttled, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn without_time_nothing_is_sent_and_a_cut_write_is_ambiguous() {
        let call = Call::write("delete", "sso:Delete", "x");
        let got = caller(Some(Duration::from_secs(4))).send(call, || async { panic!("sent") as Answer }).await;
        assert_eq!(got.expect_err("too late").kind, ErrorKind::OutOfTime);

        let never = || std::future::pending::<Answer>();
        assert_eq!(
            caller(Some(Duration::from_secs(9))).send(call, never).await.expect_err("cut").kind,
            ErrorKind::Ambiguous
        );
        let read = Call::read("list", "sso:List", "x");
        assert_eq!(
            caller(Some(Duration::from_secs(9))).send(read, never).await.expect_err("cut").kind,
            ErrorKind::OutOfTime
        );
    }
}
