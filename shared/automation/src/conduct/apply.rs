//! Plan and provision: the readings of the recipe that state it and bring it about.

use extoauth_core::engine::{
    Author, CHANGE_IN_OBSERVED_SYSTEM, ChangeKind, LeaseGuard, Mark, Outcome, Plan, Reading, Resource, Run, Setting,
    Shared, Timing, Watcher, WritePolicy,
};
use extoauth_core::handoff::Handoff;
use extoauth_core::ids::{IntegrationName, Subject};
use extoauth_core::integration::{Cutover, Integration};
use extoauth_core::registry::{IntegrationRecord, TrustRecord};
use extoauth_core::request::{RequestError, StoredRequest, WaitingFor, codes};
use futures::future::try_join;

use super::ending::{judge, verdict_of};
use super::impact;
use super::prove::critical;
use super::{Approval, Conclusion, Conductor, PolicyGate, Report, Verdict, integration_lease, store_failed};
use crate::handoffs::{for_developers, for_warehouse};
use crate::preflight::{self, Preflight};
use crate::recipes::{self, RECIPE_VERSION};
use crate::resources::Removers;
use crate::resources::entra::IssuedSecret;
use crate::resources::okta::AuthorizationServer;
use crate::systems::Systems;
use crate::want::{WantedIntegration, WantedTrust};

/// A request's systems and what they are to be brought to.
pub(super) struct Prepared {
    pub(super) systems: Systems,
    pub(super) desired: Integration,
    pub(super) trust: TrustRecord,
    pub(super) wanted_trust: WantedTrust,
    pub(super) wanted: WantedIntegration,
    pub(super) preflight: Preflight,
}

impl Conductor<'_> {
    /// Says what a provision would change.
    pub(super) async fn plan(&self, request: &StoredRequest) -> Result<Conclusion, Verdict> {
        let approval = self.approval(request).await?;
        let desired = self.desired(request)?;
        let prepared = self.prepare(desired).await?;
        let author = self.author(request, &approval);
        let outcomes = self.read(&prepared, author).await?;
        let mut report = Report::of(&[&outcomes.0, &outcomes.1]);
        report.findings.extend(prepared.preflight.findings.clone());
        if let Some(verdict) = judge(&[&outcomes.0, &outcomes.1], self.clock.now()) {
            return Ok(Conclusion { verdict, report });
        }
        self.show_plan(&prepared.desired.name, &report.plan).await?;
        let known = self.known(&prepared.desired, &prepared.trust).await?;
        report.findings.extend(impact::sign_ins(&prepared, &known, &report.plan, self.time).await);
        report.handoffs.extend(self.left_for_people(&prepared)?);
        Ok(Conclusion { verdict: Verdict::Succeeded, report })
    }

    /// Remembers when a plan was shown: only a later approval can mean it.
    pub(super) async fn show_plan(&self, name: &IntegrationName, plan: &Plan) -> Result<(), Verdict> {
        self.registry.plan_shown(name, &plan.digest, self.clock.now()).await.map_err(|e| store_failed(&e))
    }

    /// Brings an integration into the state that its ticket describes.
    pub(super) async fn provision(&self, request: &StoredRequest) -> Result<Conclusion, Verdict> {
        let approval = self.approval(request).await?;
        let desired = self.desired(request)?;
        self.not_superseded(request, &desired).await?;
        self.bring_about(request, desired, &approval).await
    }

    /// Brings an integration into a state, and proves it.
    pub(super) async fn bring_about(
        &self,
        request: &StoredRequest,
        desired: Integration,
        approval: &Approval,
    ) -> Result<Conclusion, Verdict> {
        self.may_write(&desired)?;
        let mut prepared = self.prepare(desired).await?;
        let author = self.author(request, approval);
        if let Some(refused) = self.must_plan_first(request, &prepared, &author).await? {
            return Ok(refused);
        }
        let owner = request.id.to_string();
        let lease = self.lease(&integration_lease(&prepared.desired.name), &owner).await?;
        let trust_lease = self.lease(&Subject::Trust(prepared.trust.key.clone()).to_string(), &owner).await?;
        let before = self.registry.integration(&prepared.desired.name).await.map_err(|e| store_failed(&e))?;
        if let Some(other) = before.filter(|record| !record.complete && record.desired != prepared.desired) {
            self.settle_interrupted(other.desired, &author, &trust_lease, &lease).await?;
        }
        // Recorded before the first write: whatever happens from here on, a deprovision knows what to remove. Joining
        // under the lease decides whose terms a new trust has.
        self.remember(request, &prepared.desired, false).await?;
        prepared.trust = self.registry.join_trust(&prepared.trust).await.map_err(|e| store_failed(&e))?;
        prepared.wanted_trust = self.wanted_trust(&prepared.desired, &prepared.trust)?;

        let (trust, own) = self.bring(&prepared, &author, &trust_lease, &lease).await?;
        let mut report = Report::of(&[&trust, &own]);
        let ended = judge(&[&trust, &own], self.clock.now());
        let _ = futures::future::join(trust_lease.release(), lease.release()).await;
        if let Some(verdict) = ended {
            report.findings.extend(prepared.preflight.findings.clone());
            return Ok(Conclusion { verdict, report });
        }
        self.prove(request, &mut prepared, author, &mut report).await?;
        self.remember(request, &prepared.desired, true).await?;
        report.handoffs.extend(self.left_for_people(&prepared)?);
        let verdict = critical(&report).or_else(|| self.waits_for_cutover(&prepared)).unwrap_or(Verdict::Succeeded);
        Ok(Conclusion { verdict, report })
    }

    /// A request that has waited since its first steps, while its integration was removed by another ticket, must not
    /// make it anew.
    async fn not_superseded(&self, request: &StoredRequest, desired: &Integration) -> Result<(), Verdict> {
        let has_begun = request.waiting_for.is_some() && !request.steps.is_empty();
        if !has_begun || self.registry.integration(&desired.name).await.map_err(|e| store_failed(&e))?.is_some() {
            return Ok(());
        }
        Err(Verdict::Failed(RequestError {
            code: "superseded".into(),
            message: format!("the integration `{}` was removed while this request waited", desired.name),
            system: None,
            fix: "send a new ticket if it is to be made again".into(),
        }))
    }

    fn desired(&self, request: &StoredRequest) -> Result<Integration, Verdict> {
        let problem = |message: String| {
            Verdict::Failed(RequestError {
                code: codes::NOT_VALID.into(),
                message,
                system: None,
                fix: "correct the ticket, or the configuration, and post the request again".into(),
            })
        };
        request
            .content
            .desired(self.systems, self.policy)
            .map_err(|problems| problem(problems.to_string()))?
            .ok_or_else(|| problem("the request describes no integration".into()))
    }

    pub(super) async fn recorded(&self, request: &StoredRequest) -> Result<IntegrationRecord, Verdict> {
        let name = self.name(request)?;
        self.registry.integration(&name).await.map_err(|e| store_failed(&e))?.ok_or_else(|| {
            Verdict::Failed(RequestError {
                code: "not_found".into(),
                message: format!("there is no integration `{name}`"),
                system: None,
                fix: "check the name; provision it first".into(),
            })
        })
    }

    pub(super) fn may_write(&self, desired: &Integration) -> Result<(), Verdict> {
        self.policy.allows_writes(self.clock.now(), &desired.name).map_err(|refused| {
            Verdict::Failed(RequestError {
                code: "writes_refused".into(),
                message: refused.to_string(),
                system: None,
                fix: "post the same request again when policy allows it".into(),
            })
        })
    }

    /// Everything that must be known and true before anything is compared: all reads, all at once.
    async fn prepare(&self, desired: Integration) -> Result<Prepared, Verdict> {
        let record = self.registry.integration(&desired.name).await.map_err(|e| store_failed(&e))?;
        self.same_home(&desired, record.as_ref())?;
        let trust = self.trust_terms(&desired).await?;
        let wanted_trust = self.wanted_trust(&desired, &trust)?;
        let systems = self.clients.systems(&desired).await.map_err(|e| verdict_of(&e))?;
        let (of_trust, own) = (Subject::Trust(trust.key.clone()), Subject::Integration(desired.name.clone()));
        let books = try_join(self.ledger.load(&of_trust), self.ledger.load(&own));
        let (of_trust, own) = books.await.map_err(|e| store_failed(&e))?;
        let known = preflight::Known {
            trust_is_new: of_trust.items.is_empty(),
            has_secret: own.items.values().any(|item| item.kind == IssuedSecret::KIND),
        };
        let settings = self.settings(&desired)?;
        let preflight = Box::pin(preflight::run(&systems, settings.redshift, &desired, &trust, known))
            .await
            .map_err(|e| verdict_of(&e))?;
        if let Some(failed) = preflight.refusal() {
            return Err(Verdict::Failed(failed));
        }
        let baseline = self.last_check(&desired.name).await?.map(|check| check.baseline).unwrap_or_default();
        let cut_over = self.is_cut_over(&desired);
        let wanted = self.wanted(&desired, preflight.resolved.clone(), baseline, cut_over)?;
        Ok(Prepared { systems, desired, trust, wanted_trust, wanted, preflight })
    }

    /// Whether the environments are to use the connection by now.
    pub(super) fn is_cut_over(&self, desired: &Integration) -> bool {
        match &desired.cutover {
            Cutover::Now => true,
            Cutover::At(time) => *time <= self.clock.now(),
            Cutover::Hold => false,
        }
    }

    /// Where a system is only observed, or a digest was approved, the plan decides before anything is written.
    async fn must_plan_first(
        &self,
        request: &StoredRequest,
        prepared: &Prepared,
        author: &Author,
    ) -> Result<Option<Conclusion>, Verdict> {
        let digest = request.content.variables.text("plan_digest");
        // A run that was interrupted has done a part of what was approved: the rest is not compared again.
        let digest = match digest {
            Some(_) if self.has_begun(request, &prepared.desired).await? => None,
            other => other,
        };
        let repairs = request.content.variables.flag("repair") && !self.has_begun(request, &prepared.desired).await?;
        if digest.is_none() && !prepared.systems.any_observed() && !repairs {
            return Ok(None);
        }
        let (trust, own) = self.read(prepared, author.clone()).await?;
        self.progress.clear();
        let report = Report::of(&[&trust, &own]);
        if let Some(verdict) = judge(&[&trust, &own], self.clock.now()) {
            return Ok(Some(Conclusion { verdict, report }));
        }
        let observed: Vec<&str> = report
            .findings
            .iter()
            .filter(|f| f.check == CHANGE_IN_OBSERVED_SYSTEM)
            .map(|f| f.resource.as_str())
            .collect();
        let error = if !observed.is_empty() {
            RequestError {
                code: CHANGE_IN_OBSERVED_SYSTEM.into(),
                message: format!("changes are needed in systems that are only observed: {}", observed.join(", ")),
                system: None,
                fix: "have them made there, or set the systems' mode to `manage` or `handoff`".into(),
            }
        } else if digest.is_some_and(|approved| approved != report.plan.digest) {
            RequestError {
                code: codes::PLAN_CHANGED.into(),
                message: format!("the plan is {} by now, not the one that was approved", report.plan.digest),
                system: None,
                fix: "ask for a new plan and have that one approved".into(),
            }
        } else if repairs
            && digest.is_none()
            && let Some(replaced) = replaced(&report.plan)
        {
            self.show_plan(&prepared.desired.name, &report.plan).await?;
            RequestError {
                code: "plan_needed".into(),
                message: format!(
                    "nothing was changed: the repair makes {replaced} anew, and what follows from it (a trusted token issuer \
                     has one URL for ever), so it is done only as approved; its plan is {}",
                    report.plan.digest
                ),
                system: None,
                fix: format!(
                    "look at the plan of this request, and send a ticket for `verify` with `repair` = true and \
                     `plan_digest` = {}, approved after this note",
                    report.plan.digest
                ),
            }
        } else {
            return Ok(None);
        };
        Ok(Some(Conclusion { verdict: Verdict::Failed(error), report }))
    }

    /// Whether this very request has come as far as its first write, and was interrupted after it. What was told of it does
    /// not show that: a process may die before it tells, and a comparison that was interrupted tells a plan, too.
    async fn has_begun(&self, request: &StoredRequest, desired: &Integration) -> Result<bool, Verdict> {
        let record = self.registry.integration(&desired.name).await.map_err(|e| store_failed(&e))?;
        let is_its =
            |r: &IntegrationRecord| r.request == request.id.to_string() && !r.complete && r.desired == *desired;
        Ok(record.as_ref().is_some_and(is_its))
    }

    /// Reads the recipe as a plan.
    pub(super) async fn read(&self, prepared: &Prepared, author: Author) -> Result<(Outcome, Outcome), Verdict> {
        self.read_with(self.timing, prepared, author).await
    }

    /// The same with another patience.
    pub(super) async fn read_with(
        &self,
        timing: Timing,
        prepared: &Prepared,
        author: Author,
    ) -> Result<(Outcome, Outcome), Verdict> {
        let shared = Shared::default();
        let gate = self.gate(&prepared.desired);
        let trust = Subject::Trust(prepared.trust.key.clone());
        let trust = Setting { timing, ..self.setting(prepared, &gate, &shared, author.clone(), trust, None) };
        let own = Subject::Integration(prepared.desired.name.clone());
        let own = Setting { timing, ..self.setting(prepared, &gate, &shared, author, own, None) };
        self.both(&trust, &own, prepared, Reading::Plan).await
    }

    async fn bring(
        &self,
        prepared: &Prepared,
        author: &Author,
        trust_lease: &LeaseGuard<'_>,
        lease: &LeaseGuard<'_>,
    ) -> Result<(Outcome, Outcome), Verdict> {
        let shared = Shared::default();
        let gate = self.gate(&prepared.desired);
        let trust = Subject::Trust(prepared.trust.key.clone());
        let trust = self.setting(prepared, &gate, &shared, author.clone(), trust, Some(trust_lease));
        let own = Subject::Integration(prepared.desired.name.clone());
        let own = self.setting(prepared, &gate, &shared, author.clone(), own, Some(lease));
        self.both(&trust, &own, prepared, Reading::Apply).await
    }

    async fn both<'s>(
        &self,
        trust: &'s Setting<'s, Systems>,
        own: &'s Setting<'s, Systems>,
        prepared: &Prepared,
        reading: Reading,
    ) -> Result<(Outcome, Outcome), Verdict> {
        let (trust_run, run) = futures::future::try_join(Run::begin(trust, reading), Run::begin(own, reading))
            .await
            .map_err(|e| store_failed(&e))?;
        if recipes::integration(&trust_run, &run, &prepared.wanted_trust, &prepared.wanted).await.is_ok() {
            // Only a recipe that was read to its end says what is no longer wanted.
            let _ = run.sweep(&Removers).await;
            let _ = trust_run.sweep(&Removers).await;
        }
        Ok((trust_run.end(), run.end()))
    }

    pub(super) fn gate<'g>(&'g self, desired: &'g Integration) -> PolicyGate<'g> {
        PolicyGate { policy: self.policy, clock: self.clock, integration: &desired.name }
    }

    pub(super) fn setting<'s>(
        &'s self,
        prepared: &'s Prepared,
        gate: &'s dyn WritePolicy,
        shared: &'s Shared,
        author: Author,
        subject: Subject,
        lease: Option<&'s LeaseGuard<'s>>,
    ) -> Setting<'s, Systems> {
        let watcher: &dyn Watcher = self.progress;
        Setting {
            systems: &prepared.systems,
            ledger: self.ledger,
            leases: lease,
            policy: gate,
            clock: self.clock,
            watcher,
            author,
            mark: Mark { deployment: self.deployment.to_owned(), subject },
            timing: self.timing,
            shared,
        }
    }

    pub(super) async fn lease(&self, key: &str, owner: &str) -> Result<LeaseGuard<'_>, Verdict> {
        let (ttl, wait) = (self.timing.lease_ttl, self.timing.lease_wait);
        LeaseGuard::take(self.leases, self.clock, key, owner, ttl, wait)
            .await
            .map_err(|e| store_failed(&e))?
            .ok_or_else(|| Verdict::Paused {
                delay: std::time::Duration::from_secs(10),
                reason: format!("another request works on {key}"),
            })
    }

    async fn remember(&self, request: &StoredRequest, desired: &Integration, complete: bool) -> Result<(), Verdict> {
        let record = IntegrationRecord {
            desired: desired.clone(),
            recipe_version: RECIPE_VERSION,
            request: request.id.to_string(),
            updated: self.clock.now(),
            complete,
        };
        self.registry.put_integration(&record).await.map_err(|e| store_failed(&e))
    }

    pub(super) fn left_for_people(&self, prepared: &Prepared) -> Result<Vec<Handoff>, Verdict> {
        let settings = self.settings(&prepared.desired)?;
        let mut left = for_developers(&prepared.wanted, settings.dbt);
        left.push(for_warehouse(&prepared.wanted, &prepared.preflight.warehouse));
        left.extend(crate::handoffs::for_bastion(&prepared.wanted));
        if prepared.desired.cutover == Cutover::Hold {
            left.extend(crate::handoffs::for_cutover(&prepared.wanted));
        }
        Ok(left)
    }

    fn waits_for_cutover(&self, prepared: &Prepared) -> Option<Verdict> {
        let Cutover::At(time) = prepared.desired.cutover else { return None };
        (!prepared.wanted.cut_over).then(|| {
            Verdict::Waiting(WaitingFor {
                who: "nobody".into(),
                what: format!("the environments are pointed at the new connection at {time}"),
                since: self.clock.now(),
                until: Some(time),
            })
        })
    }
}

/// What a plan would make anew or take away. A new authorization server issues under another URL, and the URL of a trusted
/// token issuer cannot be changed: that one is made anew as well, which a plan cannot know before there is the server.
fn replaced(plan: &Plan) -> Option<String> {
    let names: Vec<&str> = plan
        .changes
        .iter()
        .filter(|change| match change.change {
            ChangeKind::Replace | ChangeKind::Delete => true,
            ChangeKind::Create => change.resource.as_str() == AuthorizationServer::KIND,
            ChangeKind::None | ChangeKind::Update | ChangeKind::Handoff => false,
        })
        .map(|change| change.resource.as_str())
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}
