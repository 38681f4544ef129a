//! What a request can ask for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Bring the integration into the state that the ticket describes.
    Provision,
    /// Say what `provision` would change; write nothing.
    Plan,
    /// Compare and check; write nothing.
    Verify,
    /// Replace the client secret.
    RotateSecret,
    /// Remove the integration, and the trust with its last one.
    Deprovision,
    /// Record an existing set-up as ours.
    Adopt,
    /// Forget an integration and leave it working.
    Release,
    /// Accept a finding.
    Acknowledge,
    /// Be silent about a finding for a time.
    Snooze,
    /// Register the event hook of an identity provider.
    RegisterHook,
}

/// Whether a deployment of this version can do an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Built {
    /// It can.
    Yes,
    /// It answers 501.
    Later,
}

/// What is particular to an action.
struct Traits {
    name: &'static str,
    built: Built,
    /// Which variables are required and get defaults: those that describe an integration.
    describes: bool,
    /// Whether the integration must be known before.
    needs_existing: bool,
    /// Whether the ticket must be approved.
    needs_approval: bool,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 10] = [
        Self::Provision,
        Self::Plan,
        Self::Verify,
        Self::RotateSecret,
        Self::Deprovision,
        Self::Adopt,
        Self::Release,
        Self::Acknowledge,
        Self::Snooze,
        Self::RegisterHook,
    ];

    #[rustfmt::skip] // A table.
    fn traits(self) -> Traits {
        let (name, built, describes, needs_existing, needs_approval) = match self {
            //                       name             built          describes  existing  approval
            Self::Provision    => ("provision",     Built::Yes,   true,      false,    true),
            Self::Plan         => ("plan",          Built::Yes,   true,      false,    false),
            Self::Verify       => ("verify",        Built::Yes,   false,     true,     false),
            Self::RotateSecret => ("rotate_secret", Built::Yes,   false,     true,     true),
            Self::Deprovision  => ("deprovision",   Built::Yes,   false,     true,     true),
            Self::Adopt        => ("adopt",         Built::Later, true,      false,    true),
            Self::Release      => ("release",       Built::Later, false,     true,     true),
            Self::Acknowledge  => ("acknowledge",   Built::Yes,   false,     true,     true),
            Self::Snooze       => ("snooze",        Built::Yes,   false,     true,     true),
            Self::RegisterHook => ("register_hook", Built::Later, false,     false,    true),
        };
        Traits { name, built, describes, needs_existing, needs_approval }
    }

    /// Its name in requests.
    pub fn name(self) -> &'static str {
        self.traits().name
    }

    /// The action of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// Whether this version can do it.
    pub fn built(self) -> Built {
        self.traits().built
    }

    /// Whether its variables describe an integration: required ones must be there and defaults are filled in.
    pub fn describes_integration(self) -> bool {
        self.traits().describes
    }

    /// Whether the integration must exist: 404 for one that is not known.
    pub fn needs_existing(self) -> bool {
        self.traits().needs_existing
    }

    /// Whether the ticket must be approved before anything happens.
    pub fn needs_approval(self) -> bool {
        self.traits().needs_approval
    }

    /// Whether it is about a system instead of an integration.
    pub fn is_of_system(self) -> bool {
        self == Self::RegisterHook
    }

    /// Whether it is about an alert: of an integration, or of a system where the ticket names none.
    pub fn is_of_alert(self) -> bool {
        matches!(self, Self::Acknowledge | Self::Snooze)
    }

    /// Whether the same ticket may ask for it again after it has succeeded: it only reads.
    pub fn is_repeatable(self) -> bool {
        matches!(self, Self::Plan | Self::Verify)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
