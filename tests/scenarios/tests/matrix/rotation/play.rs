//! A rotation from its ticket to the end of the old secret, with Secrets Manager's part played here.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use extoauth_automation::clients::Clients;
use extoauth_automation::conduct::Verdict;
use extoauth_automation::rotation::{Asked, Rotation, RotationError, Step, Unfollowed};
use extoauth_core::request::StoredRequest;
use extoauth_sandbox::moto;
use extoauth_sandbox::seed;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::house::{House, timing};

/// The steps in their order.
pub const STEPS: [Step; 4] = [Step::Create, Step::Set, Step::Test, Step::Finish];
/// How often Secrets Manager begins anew after a step that failed.
const TRIES: usize = 5;
/// Looks at a request after which it hangs.
const MAX_ROUNDS: usize = 60;
/// Between two looks at a request that pauses.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// Failed attempts until a request ends failed, as in the worker.
const MAX_FAILURES: usize = 5;

/// What `RotateSecret` has begun, in this order.
#[derive(Clone, Default)]
pub struct Orders(Arc<Mutex<VecDeque<moto::Rotation>>>);

impl Orders {
    /// Takes the next one.
    pub fn next(&self) -> Option<moto::Rotation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// How a rotation went.
pub struct Rotated {
    /// How its request ended.
    pub verdict: Verdict,
    /// The request.
    pub request: StoredRequest,
    /// Processes that died.
    pub crashes: usize,
    /// Why steps failed.
    pub failures: Vec<String>,
    /// Moments at which dbt held what the provider refuses.
    pub wrong: Vec<String>,
    /// How often the four steps went through.
    pub rotations: usize,
}

impl Rotated {
    /// Asserts that it went through, and that dbt held a good secret all the time.
    pub fn good(self) -> Self {
        assert!(matches!(self.verdict, Verdict::Succeeded), "{:?}\n{:#?}", self.verdict, self.failures);
        assert_eq!(self.wrong, Vec::<String>::new());
        self
    }

    /// Why the request failed.
    pub fn error(&self) -> String {
        match &self.verdict {
            Verdict::Failed(error) => error.message.clone(),
            other => panic!("it has not failed: {other:?}"),
        }
    }
}

impl House {
    /// Keeps what `RotateSecret` begins.
    pub fn orders(&self) -> Orders {
        let orders = Orders::default();
        let of_rotator = orders.clone();
        let moto = self.sandbox.moto.as_ref().expect("a sandbox with moto");
        moto.set_rotator(Arc::new(move |rotation| {
            of_rotator.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(rotation);
        }));
        orders
    }

    /// The rotation as the function has it.
    pub fn rotation<'a>(&'a self, clients: &'a Clients) -> Rotation<'a> {
        Rotation {
            deployment: seed::DEPLOYMENT,
            policy: &self.policy,
            clients,
            ledger: &self.memory,
            leases: &self.memory,
            registry: &self.memory,
            clock: &*self.watch,
            timing: timing(),
        }
    }

    /// One step in a process of its own; none if it died on the way.
    pub async fn step(&self, step: Step, order: &moto::Rotation) -> Option<Result<Option<Unfollowed>, RotationError>> {
        let process = self.process();
        let rotation = self.rotation(&process.clients);
        let asked = Asked { step, secret: &order.secret, token: &order.token, rotation_token: None };
        let done = tokio::select! {
            done = rotation.step(asked) => Some(done),
            () = self.crash.now.notified() => None,
        };
        drop(process);
        match &done {
            Some(done) => self.heard(format!("{step:?}: {done:?}")),
            None => self.buried().await,
        }
        done
    }

    /// Takes a `rotate_secret` request to its end. Time goes forward as far as it waits for; whatever is done, dbt is looked
    /// at after it.
    pub async fn rotate(&self, mut request: StoredRequest, orders: &Orders) -> Rotated {
        let (mut crashes, mut failures, mut wrong, mut rotations) = (0, Vec::new(), Vec::new(), 0);
        let (mut order, mut tries, mut failed) = (None, 0, 0);
        for round in 0..MAX_ROUNDS {
            let concluded = self.attempt(&mut request).await;
            wrong.extend(self.dbt_is_locked_out(&format!("round {round}")).await);
            if let Some(begun) = orders.next() {
                (order, tries) = (Some(begun), 0);
            }
            let verdict = concluded.map(|concluded| concluded.verdict);
            match verdict {
                None => crashes += 1,
                Some(Verdict::Retry(error)) => {
                    failed += 1;
                    failures.push(error.message.clone());
                    if failed == MAX_FAILURES {
                        let verdict = Verdict::Failed(error);
                        return Rotated { verdict, request, crashes, failures, wrong, rotations };
                    }
                }
                Some(Verdict::Waiting(waiting)) if order.is_none() => {
                    let until = waiting.until.expect("a rotation waits for a time");
                    self.forward_to(until);
                }
                Some(Verdict::Waiting(_) | Verdict::Paused { .. } | Verdict::Fenced) => {}
                Some(verdict) => return Rotated { verdict, request, crashes, failures, wrong, rotations },
            }
            self.watch.forward(PAUSE);
            let Some(begun) = order.clone() else { continue };
            tries += 1;
            let mut done = 0;
            for step in STEPS {
                let ended = self.step(step, &begun).await;
                wrong.extend(self.dbt_is_locked_out(&format!("{step:?} in round {round}")).await);
                match ended {
                    Some(Ok(_)) => {
                        done += 1;
                        continue;
                    }
                    Some(Err(error)) => failures.push(format!("{step:?}: {error}")),
                    None => crashes += 1,
                }
                break;
            }
            rotations += usize::from(done == STEPS.len());
            if done == STEPS.len() || tries == TRIES {
                order = None;
            }
        }
        panic!("the rotation has not ended: {failures:#?}\n{}", self.said().lines().last().unwrap_or_default());
    }

    /// Puts the clock forward.
    pub fn forward_to(&self, until: Timestamp) {
        let by = until.duration_since(extoauth_core::clock::Clock::now(&*self.watch));
        self.watch.forward(by.max(SignedDuration::ZERO) + SignedDuration::from_secs(1));
    }

    /// Whether dbt holds a secret that no provider takes.
    pub async fn dbt_is_locked_out(&self, when: &str) -> Option<String> {
        let state = self.state().await;
        let good = good_secrets(&state);
        let rows = state["dbt"][seed::DBT_NAME]["oauth-configurations"].as_array().cloned().unwrap_or_default();
        let bad = rows.iter().find(|row| {
            let held = row["client_secret"]["sha256"].as_str().unwrap_or_default();
            !self.start.to_string().contains(held) && !good.iter().any(|one| one == held)
        });
        bad.map(|row| format!("{when}: dbt holds a secret that is refused: {row}"))
    }

    /// How many client secrets of the integrations' apps are good.
    pub async fn live_secrets(&self) -> usize {
        let start = good_secrets(&self.start);
        good_secrets(&self.state().await).iter().filter(|one| !start.contains(one)).count()
    }

    /// Whether a secret value was told in what the product said or wrote down.
    pub async fn secrets_told(&self) -> Vec<String> {
        let said = format!("{}{}", self.said(), serde_json::to_string(&self.journals().await).expect("JSON"));
        let mut told = Vec::new();
        for secret in self.own_secrets().await {
            if said.contains(&self.secret_value(&secret).await) {
                told.push(format!("the value of {secret} was told"));
            }
        }
        told
    }
}

/// Digests of the secrets that the providers take.
fn good_secrets(state: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let digest = |value: &Value| value["sha256"].as_str().map(str::to_owned);
    let okta = list(&state["okta"][seed::OKTA_NAME]["secrets"]);
    let okta =
        okta.iter().filter(|secret| secret["status"] == "ACTIVE").filter_map(|one| digest(&one["client_secret"]));
    let apps = list(&state["entra"][seed::ENTRA_NAME]["applications"]);
    let passwords = apps.iter().flat_map(|app| list(&app["passwordCredentials"]));
    okta.chain(passwords.filter_map(|one| digest(&one["secretText"]))).collect()
}
