//! The status and the ticket's notes while the work goes on: written beside it, never between its steps.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use extoauth_automation::conduct::Progress;
use extoauth_core::ids::Address;
use tokio::sync::{Mutex, Notify};

use super::Worker;
use crate::store::Held;

/// Between two writes of the status.
const PACE: Duration = Duration::from_millis(400);
/// Status writes between two notes on the ticket.
const NOTE_EVERY: u32 = 4;

/// Shows the progress of one request until it is told to stop.
pub(super) struct Publisher<'a> {
    worker: &'a Worker,
    progress: &'a Progress,
    held: Mutex<Held>,
    told: Mutex<BTreeSet<Address>>,
    ended: AtomicBool,
    end: Notify,
}

impl<'a> Publisher<'a> {
    pub(super) fn new(worker: &'a Worker, progress: &'a Progress, held: Held) -> Self {
        Self {
            worker,
            progress,
            held: Mutex::new(held),
            told: Mutex::default(),
            ended: AtomicBool::new(false),
            end: Notify::new(),
        }
    }

    /// Ends [`Self::publish`]; a write in flight is finished first, so that the revision is known.
    pub(super) fn stop(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.end.notify_one();
    }

    /// The request as it was stored last, and the steps that the ticket was told.
    pub(super) fn into_parts(self) -> (Held, BTreeSet<Address>) {
        (self.held.into_inner(), self.told.into_inner())
    }

    pub(super) async fn publish(&self) {
        let request = self.held.lock().await.request.clone();
        self.worker.note_begin(&request).await;
        let mut round = 0;
        while !self.ended.load(Ordering::Relaxed) {
            tokio::select! {
                () = self.end.notified() => return,
                () = self.progress.changed() => {}
            }
            tokio::select! {
                () = self.end.notified() => return,
                () = tokio::time::sleep(PACE) => {}
            }
            round += 1;
            self.write(round % NOTE_EVERY == 0).await;
        }
    }

    async fn write(&self, note: bool) {
        let mut held = self.held.lock().await;
        let mut request = held.request.clone();
        request.steps = self.progress.steps();
        request.updated = self.worker.clock.now();
        let due = held.due();
        match self.worker.store.save(&held, request, due).await {
            Ok(next) => *held = next,
            // What is shown may lag; the end is written with care.
            Err(error) => tracing::warn!(%error, "the status could not be written"),
        }
        if note {
            let request = held.request.clone();
            drop(held);
            self.worker.note_progress(&request, &mut *self.told.lock().await).await;
        }
    }
}
