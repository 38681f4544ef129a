//! Notices: what happened or will, when, who is affected, what happens by itself, what to do. One shape for every
//! channel; a channel's own wording is made from it, with the vendors' text escaped.

mod escape;
mod html;
mod letter;
mod subject;
#[cfg(test)]
mod tests;
mod text;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::alert::{About, Alert, ChangedBy, Matter, Reading, Stage};
use crate::finding::Finding;

/// What a notice says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Somebody must know of it.
    Matter,
    /// It is as it should be again.
    Mended,
}

/// What is told, without anything secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Version of this shape: [`Notice::SCHEMA`].
    pub schema: u32,
    /// Names this message: the same cause gives the same id, and no channel sends an id twice.
    pub id: String,
    /// Id of the alert: what `acknowledge` and `snooze` name as `finding`.
    pub alert: String,
    /// Name of the deployment.
    pub deployment: String,
    /// What it says.
    pub kind: NoticeKind,
    /// Of what is mended: nobody looks at it any more, its integration or system being gone. Whether it was mended is
    /// not known.
    #[serde(default)]
    pub unwatched: bool,
    /// What it is about.
    pub about: About,
    /// Who owns that, as the policy says; `None`: nobody is named, the deployment's own address is told.
    pub owner: Option<String>,
    /// How far it has gone.
    pub stage: Option<Stage>,
    /// What is wrong or will be, what that means, what to do.
    pub finding: Finding,
    /// The date that it is about.
    pub ends: Option<Timestamp>,
    /// Who is affected.
    pub who: String,
    /// What happens by itself.
    pub by_itself: String,
    /// Who caused it, if it is known.
    pub changed_by: Option<ChangedBy>,
    /// The incidents that it is about, by their correlation ids: the one that it opens, or all that it closes.
    pub incidents: Vec<String>,
    /// When it was caused.
    pub at: Timestamp,
}

impl Notice {
    /// Version of the shape.
    pub const SCHEMA: u32 = 1;

    /// What is told of an alert at a stage.
    pub(crate) fn of_alert(alert: &Alert, kind: NoticeKind, stage: Option<Stage>, reading: &Reading<'_>) -> Self {
        let Matter { about, finding, ends, who, by_itself, changed_by, .. } = alert.matter.clone();
        let id = alert.id();
        let stage_name = stage.map(|stage| stage.to_string()).unwrap_or_default();
        let incidents = match (kind, stage) {
            (NoticeKind::Matter, Some(stage)) => vec![digest(&[&id, &crate::alert::incident(stage)])],
            _ => alert.incidents.iter().map(|incident| digest(&[&id, incident])).collect(),
        };
        let kind_name = match kind {
            NoticeKind::Matter => "matter",
            NoticeKind::Mended => "mended",
        };
        // A matter that is told again at the same stage (it got worse after it was acknowledged) is another message.
        let revision = alert.revision.to_string();
        Self {
            schema: Self::SCHEMA,
            id: digest(&[&id, kind_name, &stage_name, &revision]),
            alert: id,
            deployment: reading.deployment.to_owned(),
            kind,
            unwatched: false,
            about,
            owner: reading.owner.map(str::to_owned),
            stage,
            finding,
            ends,
            who,
            by_itself,
            changed_by,
            incidents,
            at: reading.now,
        }
    }
}

/// A short name of some texts, in that order: 32 lower-case hex digits of their SHA-256.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // Lengths keep `("ab", "c")` and `("a", "bc")` apart.
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
