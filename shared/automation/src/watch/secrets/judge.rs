//! What is said of the credentials of an integration's apps. Pure: a year of it can be tried in a test.

use extoauth_core::alert::{About, Matter, days_left};
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::integration::Integration;
use extoauth_core::policy::Policy;
use extoauth_core::systems::{Idp, SystemId};
use jiff::Timestamp;

use super::due::rotates_from;
use super::kept::Versions;
use crate::observe::Unread;

/// With so many days left somebody should act.
const SOON: i64 = 30;
/// In whose hands logins are.
const EVERYBODY: &str = "everybody who signs in to Redshift from dbt by this integration";

/// Whose a credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Ours, and dbt holds it.
    Held,
    /// Ours and current in Secrets Manager, while dbt holds another one: a rotation is under way, or has stopped.
    Current,
    /// Ours, and being rotated in: dbt does not hold it yet.
    Pending,
    /// Ours, and replaced.
    Older,
    /// Somebody else's.
    Foreign,
}

/// A credential of an app at the identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The provider's id of it.
    pub id: String,
    /// Its name there; the tenant's text.
    pub name: String,
    /// `client secret` or `certificate`.
    pub kind: &'static str,
    /// Whose it is.
    pub standing: Standing,
    /// The version in Secrets Manager that holds its value, if it is ours.
    pub version: Option<String>,
    /// From when on it is good.
    pub starts: Option<Timestamp>,
    /// When it ends, or is as old as was agreed; `None`: it does not.
    pub ends: Option<Timestamp>,
}

impl Versions {
    /// Whose a credential of a version is; `None`: it carries no version of ours.
    pub(super) fn standing(&self, version: Option<&str>) -> Standing {
        match version {
            Some(version) if self.held.as_deref() == Some(version) => Standing::Held,
            Some(version) if self.current.as_deref() == Some(version) => Standing::Current,
            Some(version) if self.pending.as_deref() == Some(version) => Standing::Pending,
            Some(_) => Standing::Older,
            None => Standing::Foreign,
        }
    }
}

/// An integration of which something is said.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub desired: &'a Integration,
    pub policy: &'a Policy,
    pub source: &'a SystemId,
    /// Whether we write both at the identity provider and at dbt.
    pub managed: bool,
    pub now: Timestamp,
}

/// How much it hurts: what is far away is only worth knowing.
pub(super) fn urgency(ends: Timestamp, now: Timestamp, ended: Severity) -> Severity {
    if ends <= now {
        ended
    } else if days_left(now, ends) <= SOON {
        Severity::Warning
    } else {
        Severity::Info
    }
}

/// The day of a date, as it is told and named.
pub(super) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

impl Case<'_> {
    /// What is to be said of the credentials of one app. `resource`: the app's kind; `app`: how people call it.
    pub fn matters(&self, resource: &str, app: &str, credentials: &[Credential]) -> Vec<Matter> {
        credentials.iter().flat_map(|credential| self.of_one(resource, app, credential)).collect()
    }

    fn of_one(&self, resource: &str, app: &str, credential: &Credential) -> Vec<Matter> {
        match credential.standing {
            Standing::Held | Standing::Current => self.in_use(credential).into_iter().collect(),
            Standing::Pending => Vec::new(),
            Standing::Older => vec![self.older(credential)],
            Standing::Foreign => self.foreign(resource, app, credential),
        }
    }

    fn in_use(&self, credential: &Credential) -> Option<Matter> {
        let ends = credential.ends?;
        let (days, on) = (self.desired.secret_days, day(ends));
        let which = match credential.standing {
            Standing::Current => ", which Secrets Manager calls current while dbt holds another one,",
            _ => "",
        };
        let (severity, resource, found, effect, row) = match self.desired.idp {
            Idp::Entra => (
                urgency(ends, self.now, Severity::Critical),
                "entra.client_secret",
                format!("`{}` (key id {}){which} ends on {on}", credential.name, credential.id),
                "from then on nobody can connect to Redshift from dbt: the token request ends with AADSTS7000222",
                "R20",
            ),
            Idp::Okta => (
                urgency(ends, self.now, Severity::Warning),
                "okta.app",
                format!("{}{which} is as old as was agreed, {days} days, on {on}", credential.id),
                "none on logins: Okta's client secrets never end. Whoever ever read it can still use it",
                "R04",
            ),
        };
        let finding = Finding {
            check: "secret_end".into(),
            severity,
            resource: resource.into(),
            expected: format!("the client secret that dbt uses is replaced before that, within {days} days"),
            found,
            effect: effect.into(),
            fix: "ask for `rotate_secret`, which replaces it without an interruption".into(),
            row: row.into(),
        };
        let by_itself = if !self.managed {
            "nothing: identity provider and dbt are not both administered from here".to_owned()
        } else if self.policy.writes && !self.policy.protected.contains(&self.desired.name) {
            let from = day(rotates_from(credential.starts, ends, self.desired, self.policy));
            format!("it is rotated from {from} on, outside of freeze windows, and the old one put back if that fails")
        } else {
            "nothing: the policy forbids writing here (`writes`, `protected`)".to_owned()
        };
        let key = format!("secret_end/{}/{on}", credential.id);
        Some(self.matter(key, finding, Some(ends), EVERYBODY, by_itself))
    }

    fn older(&self, credential: &Credential) -> Matter {
        let finding = Finding {
            check: "older_client_secret".into(),
            severity: Severity::Info,
            resource: self.source.to_string(),
            expected: "a replaced client secret is removed once nobody needs it".into(),
            found: self.named(credential),
            effect: "it was ours until it was replaced, and works until it ends".into(),
            fix: "remove it, unless a rotation is under way".into(),
            row: "R17".into(),
        };
        let by_itself = "a rotation removes it after its time of grace".to_owned();
        self.matter(format!("older/{}", credential.id), finding, None, "nobody", by_itself)
    }

    /// That somebody has added it, as long as it works; and when it ends.
    fn foreign(&self, resource: &str, app: &str, credential: &Credential) -> Vec<Matter> {
        const NOTHING: &str = "nothing: it is neither rotated nor removed from here";
        let finding = |check: &str, severity, found: String, effect: &str, fix: &str| Finding {
            check: check.into(),
            severity,
            resource: resource.into(),
            expected: "the app has no credential but the one that dbt uses".into(),
            found,
            effect: effect.into(),
            fix: fix.into(),
            row: "R17".into(),
        };
        let mut matters = Vec::new();
        if credential.ends.is_none_or(|ends| ends > self.now) {
            let finding = finding(
                "foreign_client_secret",
                Severity::Warning,
                format!("somebody has added {} to {app}", self.named(credential)),
                "whoever knows it can act as this app towards the identity provider",
                "find out whose it is; if nobody uses it, remove it",
            );
            let key = format!("foreign/{}", credential.id);
            matters.push(self.matter(key, finding, None, "nobody, as long as it is meant", NOTHING.into()));
        }
        if let Some(ends) = credential.ends {
            let on = day(ends);
            let finding = finding(
                "foreign_client_secret",
                urgency(ends, self.now, Severity::Warning),
                format!("{}, which somebody has added to {app}, ends on {on}", self.named(credential)),
                "whoever uses it cannot from then on; logins by dbt's own secret go on",
                "whoever uses it replaces it; if nobody does, remove it",
            );
            let key = format!("foreign/{}/{on}", credential.id);
            matters.push(self.matter(key, finding, Some(ends), "whoever uses it", NOTHING.into()));
        }
        matters
    }

    /// What could not be read, and with it the check. `key`: what.
    pub fn unread(&self, key: &str, why: &Unread) -> Matter {
        let finding = Finding {
            check: "secret_end".into(),
            severity: Severity::Unknown,
            resource: self.source.to_string(),
            expected: "secrets whose dates can be read".into(),
            found: why.why.clone(),
            effect: "when the client secret ends, and whether somebody has added another, is not known".into(),
            fix: why.fix.clone(),
            row: String::new(),
        };
        let by_itself = "it is looked at again every day".to_owned();
        self.matter(format!("unread/{key}"), finding, None, "nobody yet", by_itself)
    }

    fn named(&self, credential: &Credential) -> String {
        let Credential { kind, id, name, .. } = credential;
        if name.is_empty() { format!("the {kind} {id}") } else { format!("the {kind} `{name}` (id {id})") }
    }

    fn matter(&self, key: String, finding: Finding, ends: Option<Timestamp>, who: &str, by_itself: String) -> Matter {
        Matter {
            about: About::Integration(self.desired.name.clone()),
            key,
            source: self.source.clone(),
            finding,
            ends,
            who: who.to_owned(),
            by_itself,
            changed_by: None,
        }
    }
}
