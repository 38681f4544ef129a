//! The credentials of the automation itself: of each system, of the receivers of events, and of those who post requests.
//! What a vendor gives an end is looked up there; everything else is as old as its value in Secrets Manager.

use std::collections::BTreeSet;

use extoauth_core::alert::{About, Matter};
use extoauth_core::error::CallResult;
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::systems::{SystemId, SystemKind, SystemsConfig};
use extoauth_systems::secrets::{CURRENT, Version};
use jiff::Timestamp;
use secrecy::SecretString;

use super::judge::{day, urgency};
use super::okta::aged;
use crate::clients::own_account;
use crate::observe::{Seen, Unread};
use crate::watch::{Observed, Watcher};

/// Id of the check.
pub(super) const ID: &str = "own_credential";

/// A credential of ours in Secrets Manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// What it is for, in words.
    pub what: &'static str,
    /// Its name within the system, for keys.
    pub key: &'static str,
    /// ARN of the secret.
    pub arn: String,
    /// Where a new one is made.
    place: &'static str,
}

/// The systems that we have credentials for. Identity Center and AWS's own services are reached by roles.
pub fn systems(config: &SystemsConfig) -> Vec<SystemId> {
    let of =
        |kind, names: Vec<&String>| names.into_iter().map(move |name| SystemId::new(kind, name)).collect::<Vec<_>>();
    let all = [
        of(SystemKind::Okta, config.okta.keys().collect()),
        of(SystemKind::Entra, config.entra.keys().collect()),
        of(SystemKind::Dbt, config.dbt.keys().collect()),
        of(SystemKind::Redshift, config.redshift.keys().collect()),
        of(SystemKind::Servicenow, config.servicenow.keys().collect()),
    ];
    all.into_iter().flatten().filter(|system| !stored(config, system).is_empty()).collect()
}

/// The credentials for a system. One secret that serves several purposes is named once.
pub(super) fn stored(config: &SystemsConfig, system: &SystemId) -> Vec<Stored> {
    const READING: &str = "the credential that the checks read with";
    let one = |what, key, place, arn: Option<&String>| arn.map(|arn| Stored { what, key, arn: arn.clone(), place });
    let name = &system.name;
    let all = match system.kind {
        SystemKind::Okta => config.okta.get(name).map(|of| {
            const KEYS: &str = "on the API Services app's tab Public keys, or Security > API > Tokens";
            vec![
                one("our credential", "credential", KEYS, Some(&of.credential)),
                one(READING, "credential_read", KEYS, of.credential_read.as_ref()),
                one(
                    "the secret of the event hook",
                    "hook_secret",
                    "in Workflow > Event Hooks",
                    of.hook_secret.as_ref(),
                ),
            ]
        }),
        SystemKind::Entra => config.entra.get(name).map(|of| {
            const PLACE: &str = "in our app registration's Certificates & secrets";
            vec![
                one("our credential", "credential", PLACE, Some(&of.credential)),
                one(READING, "credential_read", PLACE, of.credential_read.as_ref()),
                one(
                    "the client state of the notifications",
                    "notification_secret",
                    "for the subscriptions, which are made anew with it",
                    of.notification_secret.as_ref(),
                ),
            ]
        }),
        SystemKind::Dbt => config.dbt.get(name).map(|of| {
            const PLACE: &str = "in Account settings > Service tokens";
            vec![
                one("our service token", "credential", PLACE, Some(&of.credential)),
                one(READING, "credential_read", PLACE, of.credential_read.as_ref()),
            ]
        }),
        SystemKind::Redshift => config.redshift.get(name).map(|of| {
            let arn = of.data_api.as_ref().and_then(|api| api.secret_arn.as_ref());
            vec![one("the database user's password", "data_api", "in the database", arn)]
        }),
        SystemKind::Servicenow => config.servicenow.get(name).map(|of| {
            vec![one("our credential", "credential", "in the instance's users or OAuth registry", Some(&of.credential))]
        }),
        SystemKind::IdentityCenter | SystemKind::SecretsManager => None,
    };
    let mut seen = BTreeSet::new();
    all.into_iter().flatten().flatten().filter(|one| seen.insert(one.arn.clone())).collect()
}

/// The value of a stored credential.
pub(super) async fn value(watcher: &Watcher<'_>, stored: &Stored) -> CallResult<SecretString> {
    Ok(watcher.clients.vault().value(&stored.arn, &Version::current()).await?.value)
}

/// What is found of the credentials for one system.
pub(super) struct Own {
    pub system: SystemId,
    pub stored: Vec<Stored>,
    /// Those whose end the vendor knows: their age says nothing.
    pub ended_elsewhere: BTreeSet<&'static str>,
    pub matters: Vec<Matter>,
    pub now: Timestamp,
    ages: Vec<(Stored, Seen<(String, Timestamp)>)>,
    most_days: u32,
    /// Systems that something was not read from.
    unread: BTreeSet<SystemId>,
}

impl Own {
    pub async fn of(watcher: &Watcher<'_>, system: &SystemId) -> Self {
        Self::of_stored(watcher, system.clone(), stored(watcher.clients.config(), system)).await
    }

    pub async fn of_intake(watcher: &Watcher<'_>, arn: &str) -> Self {
        let stored = Stored {
            what: "the keys of those who may post requests",
            key: "intake",
            arn: arn.to_owned(),
            place: "in this secret, beside the present one until every caller has the new one",
        };
        Self::of_stored(watcher, own_account(), vec![stored]).await
    }

    async fn of_stored(watcher: &Watcher<'_>, system: SystemId, stored: Vec<Stored>) -> Self {
        let mut ages = Vec::new();
        for one in &stored {
            let versions: Seen<_> = watcher.clients.vault().reader().versions(&one.arn).await.into();
            let age = versions.and_then(|versions| {
                let current = versions.into_iter().find(|version| version.stages.contains(CURRENT));
                current.and_then(|version| Some((version.id, version.created?))).map_or(Seen::Gone, Seen::There)
            });
            ages.push((one.clone(), age));
        }
        Self {
            system,
            stored,
            ended_elsewhere: BTreeSet::new(),
            matters: Vec::new(),
            now: watcher.now,
            ages,
            most_days: watcher.policy.secret_days.max,
            unread: BTreeSet::new(),
        }
    }

    /// Something of the vendor's could not be read.
    pub fn unread(&mut self, stored: &Stored, source: SystemId, why: &Unread) {
        let finding = Finding {
            check: ID.into(),
            severity: Severity::Unknown,
            resource: self.system.to_string(),
            expected: "a credential whose end can be read".into(),
            found: format!("{}: {}", stored.what, why.why),
            effect: "when it ends is not known; then nothing is checked, repaired or rotated there any more".into(),
            fix: why.fix.clone(),
            row: String::new(),
        };
        self.unread.insert(source.clone());
        self.add(format!("unread/{}", stored.key), source, finding, None, "it is looked at again every day");
    }

    /// A credential that ends. `key`: names it within the system.
    pub fn ends(&mut self, stored: &Stored, source: SystemId, name: &str, key: &str, ends: Timestamp) {
        let on = day(ends);
        let finding = Finding {
            check: ID.into(),
            severity: urgency(ends, self.now, Severity::Warning),
            resource: self.system.to_string(),
            expected: "a credential of ours that lasts".into(),
            found: format!("{}, {name}, ends on {on}", stored.what),
            effect:
                "from then on nothing is checked, repaired or rotated there, and secrets can end unseen; logins of \
                     people go on until then"
                    .into(),
            fix: format!("make a new one {}, and store it in {}", stored.place, stored.arn),
            row: String::new(),
        };
        self.add(format!("{key}/{on}"), source, finding, Some(ends), "nothing until a new one is stored");
    }

    /// A matter of these credentials.
    pub fn add(&mut self, key: String, source: SystemId, finding: Finding, ends: Option<Timestamp>, by_itself: &str) {
        self.matters.push(Matter {
            about: self.about(),
            key,
            source,
            finding,
            ends,
            who: "the automation, and whoever counts on it".into(),
            by_itself: by_itself.to_owned(),
            changed_by: None,
        });
    }

    fn about(&self) -> About {
        About::System(self.system.clone())
    }

    /// All that was found.
    pub fn observed(mut self) -> Observed {
        let account = own_account();
        for (stored, age) in std::mem::take(&mut self.ages) {
            match age {
                Seen::Unread(why) => self.unread(&stored, account.clone(), &why),
                Seen::Gone => {
                    let why = Unread::because(
                        format!("{} is not in Secrets Manager, or has no current version", stored.arn),
                        "store it there",
                    );
                    self.unread(&stored, account.clone(), &why);
                }
                Seen::There(_) if self.ended_elsewhere.contains(stored.key) => {}
                Seen::There((version, created)) => self.age(&stored, &version, created),
            }
        }
        // What two credentials have in common is said once.
        let mut keys = BTreeSet::new();
        self.matters.retain(|matter| keys.insert(matter.key.clone()));
        let about = self.about();
        let read = [account, self.system].into_iter().filter(|system| !self.unread.contains(system)).collect();
        Observed { about, matters: self.matters, read }
    }

    fn age(&mut self, stored: &Stored, version: &str, created: Timestamp) {
        let days = self.most_days;
        let Some(ends) = aged(created, days) else { return };
        let (on, since) = (day(ends), day(created));
        let finding = Finding {
            check: ID.into(),
            severity: urgency(ends, self.now, Severity::Warning),
            resource: self.system.to_string(),
            expected: format!("a credential that is not older than the {days} days of `secret_days.max`"),
            found: format!("{}, stored on {since}, is as old as the policy allows on {on}", stored.what),
            effect: "it does not end on that day by itself. Whoever ever read it can still use it".into(),
            fix: format!("make a new one {}, and store it in {}", stored.place, stored.arn),
            row: String::new(),
        };
        let key = format!("{}/{version}/{on}", stored.key);
        self.add(key, own_account(), finding, Some(ends), "nothing until a new one is stored");
    }
}
