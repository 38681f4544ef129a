//! One function: its instances, and the invocations that wait for one.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use anyhow::Result;
use bytes::Bytes;
use futures::future::join_all;
use tokio::sync::Semaphore;

use super::environment;
use super::instance::{Attempt, Instance};
use super::outcome::Outcome;
use super::process::Launcher;
use super::wiring::Settings;

/// Gives the variables of a function's deployment by its name; asked again for every instance.
pub type Environment = Arc<dyn Fn(&str) -> Vec<(String, String)> + Send + Sync>;

/// One function and its instances: started when an invocation finds none free, kept warm, never more than its
/// concurrency.
pub(super) struct Function {
    pub(super) name: String,
    pub(super) settings: Settings,
    binary: PathBuf,
    environment: Environment,
    launcher: Arc<Launcher>,
    slots: Semaphore,
    /// Warm and free; the last one used is taken first, as Lambda does.
    idle: Mutex<Vec<Arc<Instance>>>,
    /// All that were started and may still run.
    started: Mutex<Vec<Weak<Instance>>>,
    generation: AtomicU64,
    closed: AtomicBool,
}

impl Function {
    pub(super) fn new(
        name: String,
        binary: PathBuf,
        settings: Settings,
        environment: Environment,
        launcher: Arc<Launcher>,
    ) -> Self {
        Self {
            slots: Semaphore::new(settings.concurrency.max(1)),
            name,
            settings,
            binary,
            environment,
            launcher,
            idle: Mutex::default(),
            started: Mutex::default(),
            generation: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// ARN of the function.
    pub(super) fn arn(&self) -> String {
        environment::function_arn(&self.name)
    }

    /// Refuses an environment that Lambda would refuse.
    pub(super) fn check(&self) -> Result<()> {
        environment::check(&self.name, &(self.environment)(&self.name))
    }

    /// Runs one invocation. To be run to its end: an invocation is not taken back when its caller has gone.
    pub(super) async fn invoke(&self, request_id: &str, payload: Bytes, trace_id: &str) -> Outcome {
        let Ok(_slot) = self.slots.acquire().await else {
            return Outcome::exited(request_id, "the sandbox has ended");
        };
        loop {
            let (instance, warm) = match self.warm() {
                Some(instance) => (instance, true),
                None => match self.cold().await {
                    Ok(instance) => (instance, false),
                    Err(error) => return Outcome::not_started(request_id, &error),
                },
            };
            let outcome = match instance.run(request_id, payload.clone(), trace_id, self.settings.timeout).await {
                Attempt::Ended(outcome) => outcome,
                // It died idle, which is nothing that this invocation's caller should see.
                Attempt::NotTaken if warm => continue,
                Attempt::NotTaken => Outcome::exited(request_id, "exit status 0"),
            };
            if let Outcome::Failed(failure) = &outcome {
                tracing::warn!(function = %self.name, request_id, error = %failure.summary(), "invocation failed");
            }
            self.keep(instance);
            return outcome;
        }
    }

    /// Kills the instance that works on an invocation; when it is not exactly one, all instances.
    pub(super) async fn kill(&self) {
        let all = self.alive();
        let busy: Vec<_> = all.iter().filter(|instance| instance.is_busy()).cloned().collect();
        let victims = if busy.len() == 1 { busy } else { all };
        join_all(victims.iter().map(|instance| instance.kill())).await;
    }

    /// Kills all instances and waits for their end.
    pub(super) async fn kill_all(&self) {
        join_all(self.alive().iter().map(|instance| instance.kill())).await;
        lock(&self.idle).clear();
    }

    /// Lets running invocations end on the instances they have; every later one gets a fresh instance.
    pub(super) async fn retire(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        let idle = std::mem::take(&mut *lock(&self.idle));
        join_all(idle.iter().map(|instance| instance.kill())).await;
    }

    /// Ends everything without waiting.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.slots.close();
        self.alive().iter().for_each(|instance| instance.start_kill());
        lock(&self.idle).clear();
    }

    /// The instances that run.
    pub(super) fn alive(&self) -> Vec<Arc<Instance>> {
        lock(&self.started).iter().filter_map(Weak::upgrade).filter(|instance| instance.is_running()).collect()
    }

    fn warm(&self) -> Option<Arc<Instance>> {
        let mut idle = lock(&self.idle);
        while let Some(instance) = idle.pop() {
            if self.is_current(&instance) {
                return Some(instance);
            }
        }
        None
    }

    async fn cold(&self) -> Result<Arc<Instance>> {
        let generation = self.generation.load(Ordering::SeqCst);
        let instance = Instance::start(&self.launcher, self.binary.clone(), self.arn(), generation, |runtime_api| {
            let given = (self.environment)(&self.name);
            environment::complete(&self.name, &self.binary, &self.settings, runtime_api, given)
        });
        let instance = Arc::new(instance.await?);
        let mut started = lock(&self.started);
        started.retain(|known| known.strong_count() > 0);
        started.push(Arc::downgrade(&instance));
        drop(started);
        if self.closed.load(Ordering::SeqCst) {
            instance.start_kill();
        }
        Ok(instance)
    }

    fn keep(&self, instance: Arc<Instance>) {
        if self.is_current(&instance) {
            lock(&self.idle).push(instance);
        }
    }

    fn is_current(&self, instance: &Instance) -> bool {
        instance.is_running()
            && instance.generation == self.generation.load(Ordering::SeqCst)
            && !self.closed.load(Ordering::SeqCst)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
