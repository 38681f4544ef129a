//! The vendor: objects, a list that is shared with others, a call log, and faults.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::systems::{SystemId, SystemKind};
use tokio::time::{Instant, sleep};

use crate::crossing::Crossing;

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call is lost on its way; the caller cannot know.
    LostBefore,
    /// It acts, and its answer is lost.
    LostAfter,
    /// It is answered so, without acting.
    Answers(ErrorKind),
}

impl Fault {
    /// A vendor that says "not there" to a removal has nothing there: that is success, and no fault.
    fn may_meet(self, call: &str) -> bool {
        !(self == Self::Answers(ErrorKind::NotFound) && call.starts_with("delete"))
    }
}

/// Every fault that a call may meet and that is not a pause.
pub const FAULTS: [Fault; 8] = [
    Fault::LostBefore,
    Fault::LostAfter,
    Fault::Answers(ErrorKind::Forbidden),
    Fault::Answers(ErrorKind::Unauthorized),
    Fault::Answers(ErrorKind::Invalid),
    Fault::Answers(ErrorKind::Unavailable),
    Fault::Answers(ErrorKind::Conflict),
    Fault::Answers(ErrorKind::NotFound),
];

/// How long a vendor asks for when it is asked too often.
pub const COOLDOWN: Duration = Duration::from_secs(7);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub id: String,
    pub kind: String,
    pub name: String,
    pub mark: Option<String>,
    pub parent: Option<String>,
    pub fields: BTreeMap<String, String>,
    /// Not given back by any read.
    pub secret: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Call {
    pub what: String,
    pub write: bool,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Object>,
    visible_at: BTreeMap<String, Instant>,
    list: BTreeMap<String, BTreeSet<String>>,
    next: u64,
    calls: Vec<Call>,
    faults: BTreeMap<usize, Fault>,
    lag: Duration,
}

/// The vendor. Its parts are three systems, so that each can have a mode of its own.
#[derive(Default)]
pub struct Cloud {
    state: Mutex<State>,
    crossing: Arc<Crossing>,
}

impl Cloud {
    pub fn new(crossing: Arc<Crossing>) -> Self {
        Self { crossing, ..Self::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the cloud")
    }

    /// New objects stay invisible for this long.
    pub fn set_lag(&self, lag: Duration) {
        self.state().lag = lag;
    }

    /// The `n`th call from now on meets this fault.
    pub fn fail(&self, n: usize, fault: Fault) {
        let mut state = self.state();
        let at = state.calls.len() + n;
        state.faults.insert(at, fault);
    }

    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    pub fn forget_calls(&self) {
        let mut state = self.state();
        state.calls.clear();
        state.faults.clear();
    }

    pub fn writes(&self) -> Vec<String> {
        self.state().calls.iter().filter(|c| c.write).map(|c| c.what.clone()).collect()
    }

    /// All objects as they are, secrets included.
    pub fn objects(&self) -> Vec<Object> {
        self.state().objects.values().cloned().collect()
    }

    pub fn list(&self) -> BTreeMap<String, BTreeSet<String>> {
        self.state().list.clone()
    }

    /// Somebody else makes an object, or a person does, or changes it.
    pub fn put(&self, object: Object) {
        let mut state = self.state();
        state.visible_at.insert(object.id.clone(), Instant::now());
        state.objects.insert(object.id.clone(), object);
    }

    pub fn new_id(&self) -> String {
        let mut state = self.state();
        state.next += 1;
        format!("o{:04}", state.next)
    }

    /// Somebody else deletes an object.
    pub fn take(&self, id: &str) {
        self.state().delete(id);
    }

    /// Somebody else writes an entry.
    pub fn put_entry(&self, key: &str, values: &[&str]) {
        self.state().list.insert(key.to_owned(), values.iter().map(|v| (*v).to_owned()).collect());
    }

    async fn call<T>(&self, what: String, write: bool, act: impl FnOnce(&mut State) -> CallResult<T>) -> CallResult<T> {
        let fault = {
            let mut state = self.state();
            let n = state.calls.len();
            state.calls.push(Call { what: what.clone(), write });
            state.faults.get(&n).copied().filter(|fault| fault.may_meet(&what))
        };
        self.crossing.before(&what).await;
        sleep(Duration::from_millis(1)).await;
        let result = match fault {
            None => act(&mut self.state()),
            Some(Fault::LostBefore) => Err(error(ErrorKind::Ambiguous, &what)),
            Some(Fault::LostAfter) => {
                let _ = act(&mut self.state());
                Err(error(ErrorKind::Ambiguous, &what))
            }
            Some(Fault::Answers(kind)) => Err(error(kind, &what)),
        };
        self.crossing.after(&what).await;
        result
    }

    pub async fn get(&self, id: &str) -> CallResult<Option<Object>> {
        self.call(format!("get {id}"), false, |state| Ok(state.visible(id).cloned())).await
    }

    pub async fn find(&self, kind: &str, name: &str, parent: Option<&str>) -> CallResult<Vec<Object>> {
        self.call(format!("find {kind} {name}"), false, |state| {
            let same = |o: &&Object| o.kind == kind && o.name == name && o.parent.as_deref() == parent;
            Ok(state.objects.values().filter(same).filter(|o| state.visible(&o.id).is_some()).cloned().collect())
        })
        .await
    }

    pub async fn create(&self, new: Object) -> CallResult<Object> {
        let what = format!("create {} {}", new.kind, new.name);
        self.call(what.clone(), true, |state| {
            if new.parent.as_ref().is_some_and(|parent| state.visible(parent).is_none()) {
                return Err(error(ErrorKind::NotFound, &what));
            }
            state.next += 1;
            let made = Object { id: format!("o{:04}", state.next), ..new };
            state.visible_at.insert(made.id.clone(), Instant::now() + state.lag);
            state.objects.insert(made.id.clone(), made.clone());
            Ok(shown(made))
        })
        .await
    }

    /// Changes fields; `frozen` ones cannot be.
    pub async fn update(
        &self,
        id: &str,
        fields: BTreeMap<String, String>,
        secret: Option<String>,
        frozen: &[&str],
    ) -> CallResult<Object> {
        let what = format!("update {id}");
        self.call(what.clone(), true, |state| {
            let object = state.objects.get_mut(id).ok_or_else(|| error(ErrorKind::NotFound, &what))?;
            if frozen.iter().any(|f| object.fields.get(*f) != fields.get(*f)) {
                return Err(error(ErrorKind::Invalid, &what));
            }
            object.fields.extend(fields);
            object.secret = secret.or_else(|| object.secret.take());
            Ok(shown(object.clone()))
        })
        .await
    }

    /// Deletes an object with what is below it; refused while something else points at it.
    pub async fn delete(&self, id: &str) -> CallResult<()> {
        let what = format!("delete {id}");
        self.call(what.clone(), true, |state| {
            if !state.objects.contains_key(id) {
                return Err(error(ErrorKind::NotFound, &what));
            }
            if state.objects.values().any(|o| o.fields.get("uses").is_some_and(|used| used == id)) {
                return Err(error(ErrorKind::Conflict, &what));
            }
            state.delete(id);
            Ok(())
        })
        .await
    }

    pub async fn entries(&self) -> CallResult<BTreeMap<String, BTreeSet<String>>> {
        self.call("list entries".into(), false, |state| Ok(state.list.clone())).await
    }

    /// The list is always written whole.
    pub async fn replace_entries(&self, list: BTreeMap<String, BTreeSet<String>>) -> CallResult<()> {
        self.call("replace entries".into(), true, |state| {
            state.list = list;
            Ok(())
        })
        .await
    }
}

impl State {
    fn visible(&self, id: &str) -> Option<&Object> {
        let since = self.visible_at.get(id)?;
        self.objects.get(id).filter(|_| *since <= Instant::now())
    }

    fn delete(&mut self, id: &str) {
        self.objects.remove(id);
        let below: Vec<String> =
            self.objects.values().filter(|o| o.parent.as_deref() == Some(id)).map(|o| o.id.clone()).collect();
        for child in below {
            self.delete(&child);
        }
    }
}

fn shown(object: Object) -> Object {
    Object { secret: None, ..object }
}

pub fn error(kind: ErrorKind, what: &str) -> CallError {
    let system = SystemId::new(SystemKind::Okta, "cloud");
    let mut error = CallError::new(kind, system, what, format!("the cloud says {kind:?}"));
    error.retry_after = (kind == ErrorKind::Throttled).then_some(COOLDOWN);
    error
}
