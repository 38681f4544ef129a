//! The moments at which something may happen to a run: before and after every remote call and every journal entry.

use std::sync::Mutex;

use futures::future::pending;
use tokio::sync::Notify;

/// Before or after what happens at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Before,
    After,
}

pub const SIDES: [Side; 2] = [Side::Before, Side::After];

type Deed = Box<dyn FnOnce() + Send>;

enum Plot {
    /// The process dies.
    Crash,
    /// Something else happens, and the run goes on.
    Do(Deed),
}

#[derive(Default)]
struct State {
    passed: usize,
    names: Vec<String>,
    plot: Option<(usize, Side, Plot)>,
}

/// Counts the moments, and strikes at one of them.
#[derive(Default)]
pub struct Crossing {
    state: Mutex<State>,
    dead: Notify,
}

impl Crossing {
    /// Counts anew, with nothing planned.
    pub fn clear(&self) {
        *self.state.lock().expect("held briefly") = State::default();
    }

    /// How many moments have passed, and what each was.
    pub fn moments(&self) -> Vec<String> {
        self.state.lock().expect("held briefly").names.clone()
    }

    pub fn crash_at(&self, moment: usize, side: Side) {
        self.plan(moment, side, Plot::Crash);
    }

    pub fn do_at(&self, moment: usize, side: Side, deed: impl FnOnce() + Send + 'static) {
        self.plan(moment, side, Plot::Do(Box::new(deed)));
    }

    fn plan(&self, moment: usize, side: Side, plot: Plot) {
        let mut state = self.state.lock().expect("held briefly");
        *state = State { plot: Some((moment, side, plot)), ..State::default() };
    }

    /// Ends when the process dies.
    pub async fn death(&self) {
        self.dead.notified().await;
    }

    pub async fn before(&self, what: &str) {
        let due = {
            let mut state = self.state.lock().expect("held briefly");
            state.names.push(what.to_owned());
            state.passed += 1;
            let now = state.passed - 1;
            state.due(now, Side::Before)
        };
        self.strike(due).await;
    }

    pub async fn after(&self, what: &str) {
        let due = {
            let mut state = self.state.lock().expect("held briefly");
            // Several things may be in flight: the latest of this name is meant.
            let at = state.names.iter().rposition(|name| name == what);
            at.and_then(|at| state.due(at, Side::After))
        };
        self.strike(due).await;
    }

    async fn strike(&self, plot: Option<Plot>) {
        match plot {
            None => {}
            Some(Plot::Do(deed)) => deed(),
            Some(Plot::Crash) => {
                self.dead.notify_one();
                pending::<()>().await;
            }
        }
    }
}

impl State {
    fn due(&mut self, moment: usize, side: Side) -> Option<Plot> {
        let is_due = self.plot.as_ref().is_some_and(|(at, when, _)| (*at, *when) == (moment, side));
        self.plot.take_if(|_| is_due).map(|(_, _, plot)| plot)
    }
}
