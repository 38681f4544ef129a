//! The ways in which people and programs are told.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One way of telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The SNS topic: mail subscriptions, chat by Amazon Q Developer in chat applications.
    Topic,
    /// The EventBridge bus, for other programs.
    Bus,
    /// Mail by SES to the owner.
    Mail,
    /// An incident in ServiceNow.
    Incident,
}

impl Channel {
    /// Every channel. A notice is stored for each; which of them a deployment uses is known to whoever sends.
    pub const ALL: [Self; 4] = [Self::Topic, Self::Bus, Self::Mail, Self::Incident];

    /// Its name in the table, in logs and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Bus => "bus",
            Self::Mail => "mail",
            Self::Incident => "incident",
        }
    }

    /// The channel of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// Whether a message may be handed over twice without being shown twice: a program knows an event by the id in it, an
    /// incident is looked for by its correlation id before it is made. SNS and SES send whatever they are given.
    pub fn dedupes(self) -> bool {
        matches!(self, Self::Bus | Self::Incident)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
