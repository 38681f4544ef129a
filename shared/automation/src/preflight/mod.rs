//! What must be true before anything is written. All of it is read at once, and everything that is wrong is said at once.

mod dbt;
pub(crate) mod entra;
mod identity_center;
mod okta;
mod people;
mod redshift;

use std::collections::BTreeMap;

use extoauth_core::error::CallResult;
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::integration::Integration;
use extoauth_core::registry::TrustRecord;
use extoauth_core::request::RequestError;
use extoauth_core::systems::RedshiftSettings;
use futures::future::{try_join, try_join3};

use crate::handoffs::WarehouseFacts;
use crate::systems::Systems;
use crate::want::{EntraFacts, Environment, Link};

/// What only the systems know.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// Ids of the groups by name.
    pub groups: BTreeMap<String, String>,
    /// The people in them, by the name with which they sign in; of large groups the first ones.
    pub people: Vec<String>,
    /// The environments.
    pub environments: Vec<Environment>,
    /// How dbt reaches the warehouse.
    pub link: Link,
    /// Days that the identity provider lets a client secret live, where it has a limit.
    pub secret_days: Option<u32>,
    /// What only the Entra tenant knows.
    pub entra: EntraFacts,
}

/// The result.
#[derive(Clone, Debug, Default)]
pub struct Preflight {
    /// What only the systems know.
    pub resolved: Resolved,
    /// What was noticed. Critical: nothing may be written.
    pub findings: Vec<Finding>,
    /// For the warehouse's hand-off.
    pub warehouse: WarehouseFacts,
}

impl Preflight {
    /// Why nothing may be written; `None`: nothing stands against it.
    pub fn refusal(&self) -> Option<RequestError> {
        let all: Vec<&Finding> = self.findings.iter().filter(|f| f.severity == Severity::Critical).collect();
        let first = all.first()?;
        let each = |part: fn(&Finding) -> &str| all.iter().map(|f| part(f)).collect::<Vec<_>>().join("; ");
        Some(RequestError {
            code: "prerequisite_missing".into(),
            message: format!("nothing was changed: {}", each(|f| &f.found)),
            system: Some(first.resource.clone()),
            fix: each(|f| &f.fix),
        })
    }
}

/// What the inventories say.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Nothing of the trust is there yet, so it needs room.
    pub trust_is_new: bool,
    /// The integration has its client secret.
    pub has_secret: bool,
}

/// Reads what must be true.
///
/// # Errors
/// A system could not be read: nothing is known then, and nothing may be written.
pub async fn run(
    systems: &Systems,
    settings: &RedshiftSettings,
    desired: &Integration,
    trust: &TrustRecord,
    known: Known,
) -> CallResult<Preflight> {
    let people = async {
        let (instance, members) = try_join(
            identity_center::instance(systems, known.trust_is_new),
            people::members(systems, desired, trust, known),
        )
        .await?;
        let (room, users) = try_join(
            identity_center::check(systems, &instance, trust, members.issuer.as_deref()),
            identity_center::resolve_users(systems, &instance.instance, trust, &members.users),
        )
        .await?;
        Ok((members, room.into_iter().chain(users)))
    };
    let ((members, people), (warehouse, redshift), dbt) =
        try_join3(people, redshift::check(systems, settings, trust, known.trust_is_new), dbt::check(systems, desired))
            .await?;
    let findings = members.findings.into_iter().chain(people).chain(redshift).chain(dbt.findings);
    Ok(Preflight {
        findings: findings.collect(),
        warehouse,
        resolved: Resolved {
            groups: members.groups,
            people: members.users.into_iter().map(|user| user.claim).collect(),
            environments: dbt.environments,
            link: dbt.link,
            secret_days: members.secret_days,
            entra: members.entra,
        },
    })
}

/// Something without which the integration cannot work.
fn missing(check: &str, resource: &str, row: &str, expected: &str, found: String, fix: &str) -> Finding {
    Finding {
        check: check.into(),
        severity: Severity::Critical,
        resource: resource.into(),
        expected: expected.into(),
        found,
        effect: "the integration would not work".into(),
        fix: fix.into(),
        row: row.into(),
    }
}
