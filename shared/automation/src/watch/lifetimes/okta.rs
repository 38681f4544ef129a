//! Okta: the rules that apply to the people who are assigned, the refresh tokens, and who changed the rule.

use std::collections::{BTreeMap, BTreeSet};

use extoauth_core::alert::{About, ChangedBy};
use extoauth_core::error::CallResult;
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::integration::Integration;
use extoauth_core::systems::Mode;
use extoauth_systems::okta::{LogFilter, Read};

use super::sign_ins::SignIns;
use super::{LOOK_BACK, matter, provider, unread};
use crate::checks::okta::token_lifetimes::judge;
use crate::observe::okta::{Assigned, Shared, TokenRules, token_rules};
use crate::observe::{Known, Seen, Unread};
use crate::watch::{Observed, Watcher};

/// What changes how long tokens live (Okta's reference, "Event types"): they do fire for the rules of authorization
/// servers.
const CHANGES: [&str; 4] = ["policy.rule.update", "policy.rule.add", "policy.rule.activate", "policy.rule.deactivate"];

pub(super) async fn observe(
    watcher: &Watcher<'_>,
    desired: &Integration,
    known: &Known,
    shared: &mut Shared,
) -> Observed {
    let system = provider(desired);
    let mut observed =
        Observed { about: About::Integration(desired.name.clone()), matters: Vec::new(), read: BTreeSet::new() };
    let (read, mode) = match watcher.clients.okta_reader(&desired.idp_system) {
        Ok(found) => found,
        Err(error) => {
            let why = Unread::from(&error);
            observed.matters.push(unread(desired, "token_lifetimes/unread", &why, Mode::Observe));
            return observed;
        }
    };
    let seen = token_rules(&read, known, shared).await;
    let sign_ins = sign_ins(&read, &seen, desired).await;
    if let Some(why) = seen.rules.unread().or(seen.assigned.unread()).or(sign_ins.unread()) {
        observed.matters.push(unread(desired, "token_lifetimes/unread", why, mode));
    } else {
        observed.read.insert(system);
    }
    let mut log = Log { read: read.watching(), found: BTreeMap::new() };
    for judged in judge(&seen.rules, &seen.members, &seen.assigned, desired.lifetimes, &watcher.policy.lifetimes) {
        let mut finding = judged.finding;
        // What is not read is said above, once.
        if matches!(finding.severity, Severity::Ok | Severity::Unknown) {
            continue;
        }
        let mut by = None;
        if let Some(rule) = judged.rule.filter(|_| finding.severity >= Severity::Warning) {
            match log.changed(&rule.id, watcher).await {
                Ok(found) => by = found,
                Err(why) => observed.matters.push(no_log(desired, &why, mode)),
            }
        }
        if let Some(sign_ins) = sign_ins.there() {
            let (hit, people) = (sign_ins.hit(watcher.now), sign_ins.people(watcher.now));
            if hit > 0 {
                finding.fix = format!(
                    "{}; that asks up to {hit} of {people} people who are signed in to sign in again at once",
                    finding.fix
                );
            }
        }
        let rule = judged.rule.map(|rule| rule.id.as_str()).unwrap_or_default();
        let key = format!("token_lifetimes/{rule}/{}", judged.lifetime.name());
        observed.matters.push(matter(desired, key, finding, who(&seen.assigned), mode, by));
    }
    if let Some(sign_ins) = sign_ins.there() {
        let assigned = seen.assigned.there().map(|assigned| assigned.users.as_slice()).unwrap_or_default();
        let names = assigned.iter().map(|user| (user.id.as_str(), user.name.as_str())).collect();
        observed.matters.extend(sign_ins.matters(desired, watcher.now, &names));
    }
    // A right to the log that is missing is said once, however many rules it would have told of.
    let mut keys = BTreeSet::new();
    observed.matters.retain(|matter| keys.insert(matter.key.clone()));
    observed
}

async fn sign_ins(read: &Read, seen: &TokenRules, desired: &Integration) -> Seen<SignIns> {
    match (&seen.server, &seen.client) {
        (Seen::There(server), Seen::There(client)) => {
            SignIns::read(read, server, client, desired.lifetimes).await.into()
        }
        (Seen::Unread(why), _) | (_, Seen::Unread(why)) => Seen::Unread(why.clone()),
        (Seen::Gone, _) | (_, Seen::Gone) => Seen::Gone,
    }
}

fn who(assigned: &Seen<Assigned>) -> String {
    match assigned {
        Seen::There(assigned) if assigned.complete => {
            let active = assigned.users.iter().filter(|user| user.active).count();
            format!("{active} people who may use the app")
        }
        Seen::There(assigned) => format!("more than {} people who may use the app", assigned.users.len()),
        Seen::Gone | Seen::Unread(_) => "everybody who may use the app".to_owned(),
    }
}

/// The org's log, asked once for a rule.
struct Log {
    read: Read,
    found: BTreeMap<String, CallResult<Option<ChangedBy>>>,
}

impl Log {
    /// Who changed a rule last.
    async fn changed(&mut self, rule: &str, watcher: &Watcher<'_>) -> Result<Option<ChangedBy>, Unread> {
        if !self.found.contains_key(rule) {
            let answer = self.ask(rule, watcher).await;
            self.found.insert(rule.to_owned(), answer);
        }
        match self.found.get(rule) {
            Some(Ok(found)) => Ok(found.clone()),
            Some(Err(error)) => Err(Unread::from(error)),
            None => Ok(None),
        }
    }

    async fn ask(&self, rule: &str, watcher: &Watcher<'_>) -> CallResult<Option<ChangedBy>> {
        let filter = LogFilter {
            since: watcher.now.checked_sub(LOOK_BACK).unwrap_or(watcher.now),
            until: Some(watcher.now),
            events: &CHANGES,
            target: Some(rule),
            latest_first: true,
        };
        let page = self.read.log(&filter, None).await?;
        let last = page.items.into_iter().find(|entry| entry.done);
        Ok(last.and_then(|entry| {
            Some(ChangedBy { who: entry.actor.name.unwrap_or(entry.actor.id), at: entry.at?, event: entry.event })
        }))
    }
}

/// Nobody can say who it was.
fn no_log(desired: &Integration, why: &Unread, mode: Mode) -> extoauth_core::alert::Matter {
    let finding = Finding {
        check: "system_log".into(),
        severity: Severity::Info,
        resource: provider(desired).to_string(),
        expected: "a System Log that can be read".into(),
        found: why.why.clone(),
        effect: "who changed something is not told".into(),
        fix: why.fix.clone(),
        row: String::new(),
    };
    matter(desired, "system_log".into(), finding, "nobody".into(), mode, None)
}
