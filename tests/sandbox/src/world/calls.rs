//! The record of calls that `GET /calls` shows.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// One call that reached a system.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// Position, from 1. Given when the call ends: a call in flight gets a number above every number that is already
    /// there, so a reader that goes on after the last number it saw misses none.
    pub n: u64,
    /// `okta`, `dbt`, `servicenow`, or an AWS service by its SDK name.
    pub system: String,
    /// HTTP method.
    pub method: String,
    /// Path, or the action of an AWS service.
    pub path: String,
    /// HTTP status; 0 where no answer was sent.
    pub status: u16,
    /// Whether the call can change an object of an administered system.
    pub write: bool,
    /// The function that called, or `admin`.
    pub caller: String,
    /// Milliseconds since the sandbox started.
    pub start_ms: f64,
    /// Milliseconds since the sandbox started.
    pub end_ms: f64,
}

/// All recorded calls.
#[derive(Default)]
pub struct Calls {
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    /// How often it was emptied: a call that started before must not appear after.
    generation: u64,
    list: Vec<Call>,
}

impl Calls {
    /// Adds a call and numbers it.
    pub fn push(&self, call: Call) -> u64 {
        self.lock().push(call)
    }

    /// What [`Calls::finish`] wants of a call that starts now.
    pub fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Adds a call that started in this generation, unless the record was emptied since.
    pub fn finish(&self, generation: u64, call: Call) {
        let mut record = self.lock();
        if record.generation == generation {
            record.push(call);
        }
    }

    /// The calls after number `n`.
    pub fn after(&self, n: u64) -> Vec<Call> {
        self.lock().list.iter().skip(usize::try_from(n).unwrap_or(usize::MAX)).cloned().collect()
    }

    /// Forgets all, the calls in flight included; numbers start again from 1.
    pub fn reset(&self) {
        let mut record = self.lock();
        record.generation += 1;
        record.list.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn push(&mut self, mut call: Call) -> u64 {
        call.n = self.list.len() as u64 + 1;
        let n = call.n;
        self.list.push(call);
        n
    }
}
