//! `rotate_secret`: has Secrets Manager rotate the integration's client secret, follows it, and ends the old secret when its
//! grace is over.
//!
//! The request itself stays until the old secret is dead: it shows that it is not yet, and the sweep resumes it when it is
//! time.

use std::time::Duration;

use extoauth_core::engine::{ChangeKind, LedgerError, Step, StepStatus};
use extoauth_core::ids::Address;
use extoauth_core::request::{RequestError, StoredRequest, WaitingFor};
use jiff::Timestamp;
use uuid::Uuid;

use super::ending::verdict_of;
use super::{Conclusion, Conductor, Report, Verdict, store_failed};
use crate::rotation::{Asking, Rotation, RotationError, Standing};

/// Between two looks at a rotation that is under way: its four steps take some seconds each.
const LOOK: Duration = Duration::from_secs(5);
/// The step that makes the new secret the one in use.
const NEW: &str = "rotation.new_secret";
/// The step that ends the old secret.
const OLD: &str = "rotation.old_secret";

impl Conductor<'_> {
    /// Takes a rotation as far as it goes now.
    pub(super) async fn rotate_secret(&self, request: &StoredRequest) -> Result<Conclusion, Verdict> {
        let name = self.recorded(request).await?.desired.name;
        let token = token_of(request);
        let rotation = self.rotation();
        // What has begun under an approval is brought to its end: a rotation that stops half way helps nobody.
        if !rotation.was_asked(&name, &token).await.map_err(|e| verdict(&e))? {
            if !request.content.is_of_policy() {
                self.approval(request).await?;
            }
            self.policy.allows_writes(self.clock.now(), &name).map_err(|refused| {
                failed("writes_refused", refused.to_string(), "post the same request again when policy allows it")
            })?;
        }
        let function = self.rotate_function.ok_or_else(|| {
            failed(
                "not_configured",
                "this deployment has no rotation function (EXTOAUTH_ROTATE_FUNCTION_ARN is not set)".into(),
                "deploy the template with the function `rotate-secret`, then post the same request again",
            )
        })?;
        let asking = Asking { integration: &name, token: &token, function, since: request.created, time: self.time };
        let standing = rotation.ask(&asking).await.map_err(|e| verdict(&e))?;
        Ok(conclusion(standing, self.clock.now()))
    }

    fn rotation(&self) -> Rotation<'_> {
        Rotation {
            deployment: self.deployment,
            policy: self.policy,
            clients: self.clients,
            ledger: self.ledger,
            leases: self.leases,
            registry: self.registry,
            clock: self.clock,
            timing: self.timing,
        }
    }
}

/// The version that an attempt of a request rotates in.
fn token_of(request: &StoredRequest) -> String {
    let name = format!("extoauth:rotation:{}:{}", request.id, request.attempt);
    Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()).to_string()
}

fn conclusion(standing: Standing, now: Timestamp) -> Conclusion {
    let waits = |what: String, until| {
        Verdict::Waiting(WaitingFor { who: "nobody".into(), what, since: now, until: Some(until) })
    };
    let (verdict, steps) = match standing {
        Standing::UnderWay(version) => (
            Verdict::Paused { delay: LOOK, reason: "Secrets Manager rotates the client secret".into() },
            vec![step(NEW, StepStatus::Running, format!("version {version} is rotated in"))],
        ),
        Standing::Failing { why, until } => (
            waits(format!("Secrets Manager tries the rotation again, which has failed so far: {why}"), until),
            vec![step(NEW, StepStatus::Waiting, why)],
        ),
        Standing::AfterGrace(until) => (
            waits("the grace of the secret before the current one ends, then the next rotation begins".into(), until),
            vec![step(NEW, StepStatus::Waiting, format!("begins when the last rotation's grace is over, at {until}"))],
        ),
        Standing::Grace(until) => (
            waits(
                "the new secret is in use; the old one stays good until its grace is over, and is ended then".into(),
                until,
            ),
            vec![in_use(), step(OLD, StepStatus::Waiting, format!("good until {until}"))],
        ),
        Standing::Done(ended) => {
            let detail = match ended {
                0 => "none was left".to_owned(),
                1 => "it is dead and gone".to_owned(),
                more => format!("{more} are dead and gone"),
            };
            (Verdict::Succeeded, vec![in_use(), step(OLD, StepStatus::Done, detail)])
        }
        Standing::Failed(why) => (
            failed(
                "rotation_failed",
                format!("{why}; dbt holds the old secret, and nothing of the new one is left"),
                "mend what is named here, then post the same request again: it begins a new rotation",
            ),
            vec![step(NEW, StepStatus::Failed, why)],
        ),
    };
    Conclusion { verdict, report: Report { steps, ..Report::default() } }
}

fn step(address: &str, status: StepStatus, detail: String) -> Step {
    let change = if address == OLD { ChangeKind::Delete } else { ChangeKind::Replace };
    Step { resource: Address::of(address), change, status, detail }
}

fn in_use() -> Step {
    step(NEW, StepStatus::Done, "it is the current one, and dbt holds it".into())
}

fn failed(code: &str, message: String, fix: &str) -> Verdict {
    Verdict::Failed(RequestError { code: code.into(), message, system: None, fix: fix.into() })
}

fn verdict(error: &RotationError) -> Verdict {
    let passing = |message: String| RequestError {
        code: "rotation_failed".into(),
        message,
        system: None,
        fix: "mend what is named here, then post the same request again: it goes on where it stopped".into(),
    };
    match error {
        RotationError::Busy(_) => Verdict::Paused { delay: LOOK, reason: error.to_string() },
        RotationError::Call(error) => verdict_of(error),
        RotationError::Store(LedgerError::Fenced(_)) => Verdict::Fenced,
        RotationError::Store(error) => store_failed(error),
        RotationError::Failed(why) => Verdict::Retry(passing(why.clone())),
        RotationError::Refused(_) => {
            failed("rotation_refused", error.to_string(), "ask for `verify` of the integration and mend what it names")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_standing_has_its_verdict() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().expect("a time");
        let until: Timestamp = "2026-11-25T12:00:00Z".parse().expect("a time");
        let of = |standing| conclusion(standing, now);
        assert!(matches!(of(Standing::UnderWay("v".into())).verdict, Verdict::Paused { .. }));
        for waits in [
            Standing::Grace(until),
            Standing::AfterGrace(until),
            Standing::Failing { why: "dbt refuses it".into(), until },
        ] {
            let done = of(waits);
            let Verdict::Waiting(waiting) = &done.verdict else { panic!("{done:?}") };
            assert_eq!(waiting.until, Some(until));
        }
        assert!(matches!(of(Standing::Done(1)).verdict, Verdict::Succeeded));
        let failed = of(Standing::Failed("dbt refuses it".into()));
        let Verdict::Failed(error) = &failed.verdict else { panic!("{failed:?}") };
        assert!(error.message.contains("dbt refuses it") && !error.fix.is_empty(), "{error:?}");
    }
}
