//! The way into a remote system: reading is free, writing needs a permit that only apply has.

use crate::error::{CallError, CallResult, ErrorKind};
use crate::systems::{Mode, SystemId};

/// Leave to write, given by the engine for one change after policy has agreed. Nobody else can make one, so a plan
/// cannot write: the compiler holds that.
#[derive(Debug)]
pub struct Permit(());

impl Permit {
    pub(super) fn new() -> Self {
        Self(())
    }
}

/// A system's client, split into its reading and its writing half.
#[derive(Clone, Debug)]
pub struct Port<R, W> {
    /// Which system.
    pub id: SystemId,
    /// What we may do there.
    pub mode: Mode,
    read: R,
    write: W,
}

impl<R, W> Port<R, W> {
    /// A way into a system.
    pub fn new(id: SystemId, mode: Mode, read: R, write: W) -> Self {
        Self { id, mode, read, write }
    }

    /// The half that reads.
    pub fn read(&self) -> &R {
        &self.read
    }

    /// The half that writes.
    pub fn write(&self, _permit: &Permit) -> &W {
        &self.write
    }

    /// The writing half for a change that no recipe states (a rotation), after policy has agreed to this one.
    ///
    /// # Errors
    /// `Refused` in a system that we do not manage, and where policy forbids the write.
    pub fn writer(&self, policy: &dyn WritePolicy) -> CallResult<&W> {
        let refused = |reason| CallError::new(ErrorKind::Refused, self.id.clone(), "write", reason);
        if self.mode != Mode::Manage {
            return Err(refused("its mode is not `manage`: a person changes it".into()));
        }
        policy.may_write(&self.id).map_err(refused)?;
        Ok(&self.write)
    }
}

/// What decides whether a change may be written now: freeze windows, the kill switch, protected integrations.
pub trait WritePolicy: Send + Sync {
    /// Whether this system may be written to.
    ///
    /// # Errors
    /// The reason why not, for people.
    fn may_write(&self, system: &SystemId) -> Result<(), String>;
}
