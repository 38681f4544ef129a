//! Which systems there are, and under which host names.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::{Map, Value};

use super::gate::Gate;
use super::system::{PutBack, System};

/// The systems of a sandbox.
#[derive(Default)]
pub struct Registry {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    gates: Vec<Arc<Gate>>,
    by_host: HashMap<String, Arc<Gate>>,
}

impl Registry {
    /// Adds a system that answers under these host names (none: only under a listener of its own).
    pub fn add(&self, system: Arc<dyn System>, hosts: &[&str]) -> Arc<Gate> {
        let gate = Arc::new(Gate::new(system));
        let mut inner = self.write();
        for host in hosts {
            inner.by_host.insert(host.to_ascii_lowercase(), Arc::clone(&gate));
        }
        inner.gates.push(Arc::clone(&gate));
        gate
    }

    /// Lets the first system of this kind answer under one more host name (a custom domain); false where there is none.
    pub fn alias(&self, host: &str, kind: &str) -> bool {
        let Some(gate) = self.by_kind(kind) else { return false };
        self.write().by_host.insert(host.to_ascii_lowercase(), gate);
        true
    }

    /// The system with this host name.
    pub fn by_host(&self, host: &str) -> Option<Arc<Gate>> {
        self.read().by_host.get(&host.to_ascii_lowercase()).cloned()
    }

    /// The first system of this kind.
    pub fn by_kind(&self, kind: &str) -> Option<Arc<Gate>> {
        self.read().gates.iter().find(|gate| gate.system().kind() == kind).cloned()
    }

    /// `{kind: {name: {collection: [objects]}}}` of the systems that keep their objects themselves.
    pub fn state(&self) -> Map<String, Value> {
        let mut state = Map::new();
        for gate in self.gates() {
            let system = gate.system();
            let objects = system.state();
            if objects.is_null() {
                continue;
            }
            let of_kind = state.entry(system.kind()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(of_kind) = of_kind {
                of_kind.insert(system.name().to_owned(), objects);
            }
        }
        state
    }

    /// Every system back to the objects it held at start.
    pub fn reset(&self) {
        for gate in self.gates() {
            gate.system().reset();
        }
    }

    /// Keeps every system's objects: each of what is returned puts one system's back.
    pub fn keep(&self) -> Vec<PutBack> {
        self.gates().iter().map(|gate| Arc::clone(gate.system()).keep()).collect()
    }

    /// Lets go of all systems; they keep the world, which keeps them.
    pub fn clear(&self) {
        *self.write() = Inner::default();
    }

    fn gates(&self) -> Vec<Arc<Gate>> {
        self.read().gates.clone()
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}
