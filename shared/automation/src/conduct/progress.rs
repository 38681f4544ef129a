//! Steps as they happen, for whoever shows them.

use std::sync::{Mutex, PoisonError};

use extoauth_core::engine::{Step, Watcher};
use tokio::sync::Notify;

/// Collects the steps of a request's runs. Reading is cheap: the status is written beside the work, not between steps.
#[derive(Default)]
pub struct Progress {
    steps: Mutex<Vec<Step>>,
    changed: Notify,
}

impl Progress {
    /// The steps so far, in the order in which they began.
    pub fn steps(&self) -> Vec<Step> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until something has changed since the last call.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Shows these steps again: a reading that only compares does not change what was done.
    pub fn restore(&self, steps: Vec<Step>) {
        *self.steps.lock().unwrap_or_else(PoisonError::into_inner) = steps;
    }

    /// Forgets the steps: another reading begins.
    pub fn clear(&self) {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Watcher for Progress {
    fn step(&self, step: &Step) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        match steps.iter_mut().find(|known| known.resource == step.resource) {
            Some(known) => known.clone_from(step),
            None => steps.push(step.clone()),
        }
        self.changed.notify_one();
    }
}
