//! Verify: what is, compared with what was asked for, and judged by the checks. As a request, and at the end of every run
//! that brings something about.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use extoauth_core::engine::{
    Author, CHANGE_IN_OBSERVED_SYSTEM, Ending, InventoryItem, Outcome, Plan, Resource, Timing,
};
use extoauth_core::error::absent_is_none;
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::ids::{IntegrationName, Subject};
use extoauth_core::integration::Integration;
use extoauth_core::registry::{Baseline, CheckRecord, SignIn, TrustRecord};
use extoauth_core::request::{RequestError, StoredRequest};
use extoauth_core::systems::Idp;
use extoauth_systems::dbt::TunnelSpec;
use futures::future::{join, try_join};

use super::apply::Prepared;
use super::ending::verdict_of;
use super::{Approval, Conclusion, Conductor, Report, Verdict, store_failed};
use crate::checks;
use crate::handoffs::WarehouseFacts;
use crate::observe::{Asked, Known, Observed, observe};
use crate::preflight::{self, Preflight, Resolved};
use crate::resources::dbt::{Connection, ConnectionIdentity, EnvironmentConnection, EnvironmentIdentity, Tunnel};
use crate::resources::{entra, okta};
use crate::rights;
use crate::systems::Systems;
use crate::want::{Environment, Link};

/// Waits between looks at what was changed a moment ago and does not work yet: identity providers need up to half a minute
/// until a new secret or consent holds everywhere.
const SETTLING: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
];

impl Conductor<'_> {
    /// Judges an integration as it is; with `repair`, brings it back first.
    pub(super) async fn verify(&self, request: &StoredRequest) -> Result<Conclusion, Verdict> {
        let approval = self.approval(request).await?;
        let desired = self.recorded(request).await?.desired;
        if request.content.variables.flag("repair") {
            return self.bring_about(request, desired, &approval).await;
        }
        self.look(request, desired, &approval).await
    }

    async fn look(
        &self,
        request: &StoredRequest,
        desired: Integration,
        approval: &Approval,
    ) -> Result<Conclusion, Verdict> {
        let trust = self.trust_as_it_is(&desired).await?;
        let known = self.known(&desired, &trust).await?;
        let last = self.last_check(&desired.name).await?.map(|check| check.baseline);
        let mut prepared = self.prepared_as_recorded(desired, trust, &known, last.clone().unwrap_or_default()).await?;
        let observing = self.observed(&prepared, &known, last.clone());
        // Nothing is made here, so nobody has to be sure that what is not shown is not there.
        let timing = Timing { lag_cap: Duration::ZERO, ..self.timing };
        let comparing = self.read_with(timing, &prepared, self.author(request, approval));
        let (observed, outcomes) = join(Box::pin(observing), Box::pin(comparing)).await;
        let (observed, outcomes) = (observed?, outcomes?);
        let each = [&outcomes.0, &outcomes.1];
        if let Some(pause) = paused(&each) {
            return Err(pause);
        }
        let mut report = Report::of(&each);
        for finding in report.findings.iter_mut().filter(|finding| finding.check == CHANGE_IN_OBSERVED_SYSTEM) {
            // It would stop a provision. Whether logins fail for it is the checks' to say.
            finding.severity = Severity::Warning;
        }
        report.findings.extend(unread(&each));
        report.findings.extend(drift(&report.plan));
        report.findings.extend(checks::judge(&observed));
        worst_first(&mut report.findings);
        self.keep(request, &prepared.desired.name, &prepared.systems, &observed, &report, last.unwrap_or_default())
            .await?;
        if !report.plan.is_empty() {
            self.show_plan(&prepared.desired.name, &report.plan).await?;
        }
        seen(&mut prepared, &observed);
        report.handoffs.extend(self.left_for_people(&prepared)?);
        Ok(Conclusion { verdict: critical(&report).unwrap_or(Verdict::Succeeded), report })
    }

    /// The end of a run that brings something about: everything is read once more, since what a vendor accepted is not yet
    /// what it shows, and judged. Nothing was changed: then what was compared a moment ago is not compared again.
    pub(super) async fn prove(
        &self,
        request: &StoredRequest,
        prepared: &mut Prepared,
        author: Author,
        report: &mut Report,
    ) -> Result<(), Verdict> {
        let changed = !report.plan.is_empty();
        let known = self.known(&prepared.desired, &prepared.trust).await?;
        let comparing = async {
            if !changed {
                return Ok(None);
            }
            let steps = self.progress.steps();
            let read = self.read(prepared, author).await;
            self.progress.restore(steps);
            read.map(Some)
        };
        // What was written before this run is no reason to doubt what this run has written.
        let (observed, compared) = join(Box::pin(self.observed(prepared, &known, None)), Box::pin(comparing)).await;
        let (mut observed, compared) = (observed?, compared?);
        if let Some((trust, own)) = compared {
            if let Some(verdict) = super::ending::judge(&[&trust, &own], self.clock.now()) {
                return Err(verdict);
            }
            report.findings.extend(drift(&Report::of(&[&trust, &own]).plan));
        }
        // Whoever brings something about knows what dbt was last told: what is there now is what is compared with later.
        observed.baseline = Some(baseline_of(&observed));
        let mut judged = checks::judge(&observed);
        for wait in SETTLING {
            if !changed || !judged.iter().any(|finding| finding.severity == Severity::Critical) {
                break;
            }
            tokio::time::sleep(wait).await;
            observed = self.observed(prepared, &known, None).await?;
            observed.baseline = Some(baseline_of(&observed));
            judged = checks::judge(&observed);
        }
        let ids: BTreeSet<&str> = checks::ids().into_iter().collect();
        // What was a prerequisite before is a fact by now, and judged as one.
        let before = prepared.preflight.findings.iter().filter(|finding| !ids.contains(finding.check.as_str()));
        report.findings.extend(before.cloned());
        report.findings.extend(judged);
        worst_first(&mut report.findings);
        let baseline = baseline_of(&observed);
        self.keep(request, &prepared.desired.name, &prepared.systems, &observed, report, baseline).await?;
        seen(prepared, &observed);
        Ok(())
    }

    async fn observed(
        &self,
        prepared: &Prepared,
        known: &Known,
        baseline: Option<Baseline>,
    ) -> Result<Observed, Verdict> {
        let settings = self.settings(&prepared.desired)?;
        let asked = Asked {
            desired: &prepared.desired,
            trust: &prepared.trust,
            known,
            redshift: settings.redshift,
            redirect_uri: settings.dbt.redirect_uri.get(&prepared.desired.idp).map(ToString::to_string),
            baseline,
            bounds: self.policy.lifetimes,
            now: self.clock.now(),
        };
        Ok(observe(&prepared.systems, &asked).await)
    }

    pub(super) async fn last_check(&self, name: &IntegrationName) -> Result<Option<CheckRecord>, Verdict> {
        self.registry.last_check(name).await.map_err(|e| store_failed(&e))
    }

    pub(super) async fn known(&self, desired: &Integration, trust: &TrustRecord) -> Result<Known, Verdict> {
        let (of_trust, own) = (Subject::Trust(trust.key.clone()), Subject::Integration(desired.name.clone()));
        let books = try_join(self.ledger.load(&of_trust), self.ledger.load(&own));
        let (trust, own) = books.await.map_err(|e| store_failed(&e))?;
        Ok(Known { trust, own })
    }

    /// What a comparison needs, from what is recorded instead of from the systems: groups and environments under the ids
    /// that they had, whatever they are called by now.
    async fn prepared_as_recorded(
        &self,
        desired: Integration,
        trust: TrustRecord,
        known: &Known,
        baseline: Baseline,
    ) -> Result<Prepared, Verdict> {
        let systems = self.clients.systems(&desired).await.map_err(|e| verdict_of(&e))?;
        let resolved = resolved(&systems, &desired, known).await;
        let cut_over = self.is_cut_over(&desired);
        Ok(Prepared {
            wanted_trust: self.wanted_trust(&desired, &trust)?,
            wanted: self.wanted(&desired, resolved, baseline, cut_over)?,
            systems,
            desired,
            trust,
            preflight: Preflight::default(),
        })
    }

    /// Keeps what was seen, for whoever asks later.
    async fn keep(
        &self,
        request: &StoredRequest,
        name: &IntegrationName,
        systems: &Systems,
        observed: &Observed,
        report: &Report,
        baseline: Baseline,
    ) -> Result<(), Verdict> {
        let (secret_made, secret_ends) = observed.secret_dates();
        let record = CheckRecord {
            at: observed.now,
            request: request.id.to_string(),
            instance: request.content.instance.clone(),
            findings: report.findings.clone(),
            baseline,
            sign_in: observed.dbt.configuration.there().map(|there| SignIn {
                kind: there.kind.clone(),
                client_id: there.client_id.clone(),
                token_url: there.token_url.clone(),
                redirect_uri: there.redirect_uri.clone(),
                application_id_uri: there.application_id_uri.clone(),
            }),
            people: observed.idp.people.there().map(Vec::len),
            secret_made,
            secret_ends,
        };
        self.registry.put_check(name, &record).await.map_err(|e| store_failed(&e))?;
        for rights in rights::of(systems, observed).await {
            self.registry.put_rights(&rights).await.map_err(|e| store_failed(&e))?;
        }
        Ok(())
    }
}

/// What is compared with later.
fn baseline_of(observed: &Observed) -> Baseline {
    let configuration = observed.dbt.configuration.there();
    Baseline {
        oauth_configuration_written: configuration.and_then(|one| one.updated_at),
        oauth_configuration_name: configuration.map(|one| one.name.clone()),
    }
}

/// What hand-offs say of people and warehouse, as it was seen.
fn seen(prepared: &mut Prepared, observed: &Observed) {
    if let Some(application) = observed.warehouse.application.there() {
        prepared.preflight.warehouse = WarehouseFacts {
            managed_application_arn: application.managed_application_arn.clone(),
            namespace: application.namespace.clone(),
            role_arn: application.role_arn.clone(),
        };
    }
    if let Some(people) = observed.idp.people.there() {
        prepared.wanted.people = people.iter().map(|person| person.name.clone()).collect();
    }
    for environment in &mut prepared.wanted.environments {
        let found = observed.dbt.environments.iter().find(|one| one.id == environment.id);
        if let Some(there) = found.and_then(|one| one.environment.there()) {
            environment.name.clone_from(&there.name);
        }
    }
}

async fn resolved(systems: &Systems, desired: &Integration, known: &Known) -> Resolved {
    let groups = match desired.idp {
        Idp::Okta => known
            .identities::<okta::AssignmentIdentity>(okta::GroupAssignment::KIND)
            .into_iter()
            .map(|(name, identity)| (name, identity.group))
            .collect(),
        Idp::Entra => known
            .identities::<entra::AssignmentIdentity>(entra::GroupAssignment::KIND)
            .into_iter()
            .filter(|(_, identity)| !identity.group.is_empty())
            .map(|(name, identity)| (name, identity.group))
            .collect::<BTreeMap<_, _>>(),
    };
    let mut all = Resolved {
        environments: known
            .identities::<EnvironmentIdentity>(EnvironmentConnection::KIND)
            .into_iter()
            .map(|(key, identity)| Environment { project: identity.project, id: identity.id, name: key })
            .collect(),
        link: link(systems, known).await,
        ..Resolved::default()
    };
    if let Some(port) = &systems.entra {
        // What cannot be told is left to the checks: a comparison then lists what a person does.
        all.entra = preflight::entra::hands(port).await.unwrap_or_default();
        all.entra.unresolved_groups =
            desired.groups.iter().filter(|name| !groups.contains_key(*name)).cloned().collect();
    }
    all.groups = groups;
    all
}

/// How dbt reaches the warehouse, as it was when the connection was recorded.
async fn link(systems: &Systems, known: &Known) -> Link {
    let Some(connection) = known.identity::<ConnectionIdentity>(Connection::KIND) else { return Link::default() };
    let tunnel = if known.own.items.values().any(|item: &InventoryItem| item.kind == Tunnel::KIND) {
        let all = absent_is_none(systems.dbt.read().tunnels(connection.id).await).ok().flatten().unwrap_or_default();
        all.into_iter().find_map(|tunnel| {
            let port = u16::try_from(tunnel.port?).ok()?;
            Some(TunnelSpec { username: tunnel.username?, hostname: tunnel.hostname?, port })
        })
    } else {
        None
    };
    Link { private_link_endpoint_id: connection.private_link_endpoint_id, tunnel }
}

/// A vendor that asks for time gets it: the comparison goes on later.
fn paused(outcomes: &[&Outcome]) -> Option<Verdict> {
    outcomes.iter().find_map(|outcome| match &outcome.ending {
        Ending::Paused { delay, reason } => Some(Verdict::Paused { delay: *delay, reason: reason.clone() }),
        Ending::Fenced => Some(Verdict::Fenced),
        _ => None,
    })
}

/// What could not be compared.
fn unread(outcomes: &[&Outcome]) -> Vec<Finding> {
    let failures = outcomes.iter().flat_map(|outcome| &outcome.failures);
    failures
        .map(|failure| Finding {
            check: "drift".into(),
            severity: Severity::Unknown,
            resource: failure.resource.to_string(),
            expected: "as the last request left it".into(),
            found: failure.error.to_string(),
            effect: "whether somebody has changed it is not known".into(),
            fix: super::ending::of_call(&failure.error).fix,
            row: String::new(),
        })
        .collect()
}

/// What differs from the desired state, as findings. Whether logins still work is the checks' to say.
fn drift(plan: &Plan) -> Vec<Finding> {
    plan.changes
        .iter()
        .map(|change| {
            let fields: Vec<String> =
                change.fields.iter().map(|f| format!("{}: {} instead of {}", f.field, f.before, f.after)).collect();
            Finding {
                check: "drift".into(),
                severity: Severity::Warning,
                resource: change.resource.to_string(),
                expected: "as the last request left it".into(),
                found: if fields.is_empty() { "not so".into() } else { fields.join("; ") },
                effect: "it is not as agreed; whether logins fail is said by the other findings".into(),
                fix: "send `verify` with `repair` = true, or a provision request: it changes exactly this".into(),
                row: String::new(),
            }
        })
        .collect()
}

/// The reader's first line is the worst news; beyond that the order is the way of a login.
fn worst_first(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
}

/// `succeeded` needs a report without critical findings.
pub(super) fn critical(report: &Report) -> Option<Verdict> {
    let worst = report.findings.iter().find(|f| f.severity == Severity::Critical)?;
    Some(Verdict::Failed(RequestError {
        code: "check_failed".into(),
        message: format!(
            "{} ({}, {}): {} (expected {})",
            worst.found, worst.check, worst.resource, worst.effect, worst.expected
        ),
        system: None,
        fix: worst.fix.clone(),
    }))
}
