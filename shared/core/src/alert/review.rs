//! What a check has seen, against what is stored of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Alert, Matter, Stage, Told, due};
use crate::finding::Severity;
use crate::notice::{Notice, NoticeKind};
use crate::systems::SystemId;

/// What a check has read of one subject.
#[derive(Clone, Debug)]
pub struct Reading<'a> {
    /// The check's name.
    pub watch: &'a str,
    /// "Now" as the schedule says.
    pub now: Timestamp,
    /// What it saw, each key once.
    pub matters: Vec<Matter>,
    /// The systems that could be read: only what came from one of them can be gone.
    pub read: BTreeSet<SystemId>,
    /// The policy's thresholds, in days.
    pub thresholds: &'a [u32],
    /// Who is told: the policy's owner of the subject.
    pub owner: Option<&'a str>,
    /// Name of the deployment.
    pub deployment: &'a str,
}

/// What becomes of one alert. What stays as it is, is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is stored so.
    Keep {
        /// As it is to be stored; its revision is one more than the stored one's, 1 for a new one.
        alert: Box<Alert>,
        /// What is to be told.
        notice: Option<Box<Notice>>,
    },
    /// It is mended and forgotten; the notices that were sent remain.
    Forget {
        /// As it is stored.
        alert: Box<Alert>,
        /// What is to be told: that it is mended, to whoever was told that it was not.
        notice: Option<Box<Notice>>,
    },
}

/// What is to be stored and told after a check of one subject. Repeated with what it gives stored, it gives nothing.
pub fn review(stored: Vec<Alert>, reading: &Reading<'_>) -> Vec<Next> {
    let mut known: BTreeMap<String, Alert> = stored
        .into_iter()
        .filter(|alert| alert.watch == reading.watch)
        .map(|alert| (alert.matter.key.clone(), alert))
        .collect();
    let mut next = Vec::new();
    for matter in &reading.matters {
        next.extend(seen(known.remove(&matter.key), matter, reading));
    }
    // What is left was not seen. It is gone only if somebody looked.
    let gone = known.into_values().filter(|alert| reading.read.contains(&alert.matter.source));
    next.extend(gone.map(|alert| forget(alert, reading)));
    next
}

/// What becomes of the alerts of a subject that the check does not look at any more: an integration that was removed, a
/// system that is no longer configured. They are closed, and whoever was told of them is told so.
pub fn unwatch(stored: Vec<Alert>, reading: &Reading<'_>) -> Vec<Next> {
    let own = stored.into_iter().filter(|alert| alert.watch == reading.watch);
    own.map(|alert| match forget(alert, reading) {
        Next::Forget { alert, notice: Some(notice) } => {
            Next::Forget { alert, notice: Some(Box::new(Notice { unwatched: true, ..*notice })) }
        }
        other => other,
    })
    .collect()
}

fn seen(stored: Option<Alert>, matter: &Matter, reading: &Reading<'_>) -> Option<Next> {
    let mut alert = stored.clone().unwrap_or_else(|| Alert {
        schema: Alert::SCHEMA,
        watch: reading.watch.to_owned(),
        matter: matter.clone(),
        opened: reading.now,
        told: None,
        incidents: BTreeSet::new(),
        acknowledged: None,
        snoozed_until: None,
        revision: 0,
    });
    let changed = stored.as_ref().is_some_and(|stored| differs(&stored.matter, matter));
    alert.matter = matter.clone();
    let notice = stage(&alert, changed, reading).map(|stage| {
        let notice = Notice::of_alert(&alert, NoticeKind::Matter, Some(stage), reading);
        alert.told = Some(Told { stage, at: reading.now });
        alert.incidents.insert(incident(stage));
        // Whoever acknowledged or snoozed it meant what it was then.
        alert.acknowledged = None;
        alert.snoozed_until = None;
        Box::new(notice)
    });
    if stored.as_ref() == Some(&alert) {
        return None;
    }
    alert.revision += 1;
    Some(Next::Keep { alert: Box::new(alert), notice })
}

/// Whether what holds now is another state of the same thing: what somebody knows of it is out of date. Why something could
/// not be read is told in other words every time, and is no state.
fn differs(stored: &Matter, seen: &Matter) -> bool {
    let is_state = |matter: &Matter| matter.ends.is_none() && matter.finding.severity >= Severity::Warning;
    is_state(stored) && is_state(seen) && stored.finding.found != seen.finding.found
}

/// What is to be told of an alert now, nobody having asked for silence. What is only worth knowing and has no date is not
/// told: it is there to be read.
fn stage(alert: &Alert, changed: bool, reading: &Reading<'_>) -> Option<Stage> {
    let (matter, severity) = (&alert.matter, alert.matter.finding.severity);
    if severity == Severity::Ok || (severity == Severity::Info && matter.ends.is_none()) {
        return None;
    }
    if alert.snoozed_until.is_some_and(|until| reading.now < until) {
        return None;
    }
    if !changed && alert.acknowledged.as_ref().is_some_and(|known| severity <= known.severity) {
        return None;
    }
    match matter.ends {
        Some(ends) => due(ends, reading.now, reading.thresholds, alert.told.as_ref()),
        // What was acknowledged and has become worse since is told again; so is what a snooze ended for.
        None => {
            let again = changed || alert.acknowledged.is_some() || alert.snoozed_until.is_some();
            (alert.told.is_none() || again).then_some(Stage::Now)
        }
    }
}

fn forget(alert: Alert, reading: &Reading<'_>) -> Next {
    let notice = alert
        .told
        .is_some()
        .then(|| Box::new(Notice::of_alert(&alert, NoticeKind::Mended, alert.told.map(|told| told.stage), reading)));
    Next::Forget { alert: Box::new(alert), notice }
}

/// Under what name a stage's incident is known.
pub(crate) fn incident(stage: Stage) -> String {
    match stage {
        Stage::Expired(_) => "expired".to_owned(),
        other => other.to_string(),
    }
}
