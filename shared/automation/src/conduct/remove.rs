//! Deprovision: what the integration owns goes; the trust goes with its last integration.

use extoauth_core::engine::{Author, LeaseGuard, Outcome, Reading, Resource, Run, Shared};
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::ids::{Subject, TrustKey};
use extoauth_core::integration::Integration;
use extoauth_core::registry::TrustRecord;
use extoauth_core::request::StoredRequest;
use extoauth_core::systems::Idp;
use futures::future::try_join;

use super::apply::Prepared;
use super::ending::{judge, verdict_of};
use super::{Conclusion, Conductor, Report, Verdict, integration_lease, store_failed};
use crate::preflight::Preflight;
use crate::recipes;
use crate::resources::Removers;
use crate::resources::aws::TrustedTokenIssuer;
use crate::systems::Systems;

impl Conductor<'_> {
    /// Removes an integration.
    pub(super) async fn deprovision(&self, request: &StoredRequest) -> Result<Conclusion, Verdict> {
        let approval = self.approval(request).await?;
        let name = self.name(request)?;
        let Some(record) = self.registry.integration(&name).await.map_err(|e| store_failed(&e))? else {
            // An earlier try has removed it and could not say so.
            return Ok(Conclusion { verdict: Verdict::Succeeded, report: Report::default() });
        };
        let desired = record.desired;
        self.may_write(&desired)?;
        let author = self.author(request, &approval);
        let owner = request.id.to_string();
        let lease = self.lease(&integration_lease(&name), &owner).await?;
        let trust_lease = self.lease(&Subject::Trust(desired.trust()).to_string(), &owner).await?;
        let prepared = self.prepared_gone(desired).await?;
        let shared = Shared::default();
        let gate = self.gate(&prepared.desired);
        let trust_subject = Subject::Trust(prepared.trust.key.clone());
        let of_trust = self.setting(&prepared, &gate, &shared, author.clone(), trust_subject, Some(&trust_lease));
        let of_own = self.setting(&prepared, &gate, &shared, author, Subject::Integration(name.clone()), Some(&lease));

        let begin = |setting, reading| async move { Run::begin(setting, reading).await.map_err(|e| store_failed(&e)) };
        let trust_run = begin(&of_trust, Reading::Remove).await?;
        let run = begin(&of_own, Reading::Remove).await?;
        let mut outcomes: Vec<Outcome> = Vec::new();
        // The recipe finds what an interrupted run has left without a record; then everything recorded goes.
        let read = recipes::integration(&trust_run, &run, &prepared.wanted_trust, &prepared.wanted).await;
        if read.is_ok() {
            let _ = run.sweep(&Removers).await;
        }
        outcomes.push(run.end());
        let last = if read.is_ok() && judge(&[&outcomes[0]], self.clock.now()).is_none() {
            let left = self.registry.leave_trust(&prepared.trust.key, &name).await.map_err(|e| store_failed(&e))?;
            left.is_empty()
        } else {
            // Nothing of the trust is removed now, but what is still to go is named with the rest.
            prepared.trust.owners.iter().all(|owner| *owner == name)
        };
        if last {
            self.leave_issuer_to_others(&trust_run, &prepared).await?;
            let _ = trust_run.sweep(&Removers).await;
        }
        if last || read.is_err() {
            // A recipe that could not be read to its end may have failed in the trust, whoever else stands on it.
            outcomes.push(trust_run.end());
        }
        let all: Vec<&Outcome> = outcomes.iter().collect();
        let report = Report::of(&all);
        let ended = judge(&all, self.clock.now());
        let _ = futures::future::join(trust_lease.release(), lease.release()).await;
        if let Some(verdict) = ended {
            return Ok(Conclusion { verdict, report });
        }
        if last {
            self.registry.remove_trust(&prepared.trust.key).await.map_err(|e| store_failed(&e))?;
        }
        // Last: until here another try knows what to remove.
        self.registry.remove_integration(&name).await.map_err(|e| store_failed(&e))?;
        Ok(Conclusion { verdict: Verdict::Succeeded, report })
    }

    /// A tenant of Entra has one issuer: another trust with it, on another Redshift application of the same Identity Center
    /// instance, uses the one that the first of them has made.
    async fn leave_issuer_to_others(&self, run: &Run<'_, Systems>, prepared: &Prepared) -> Result<(), Verdict> {
        let desired = &prepared.desired;
        if desired.idp != Idp::Entra {
            return Ok(());
        }
        let instance = &self.settings(desired)?.redshift.identity_center.instance_arn;
        for (name, other) in &self.systems.redshift {
            if *name == desired.warehouse_system || other.identity_center.instance_arn != *instance {
                continue;
            }
            let key = TrustKey::new(desired.idp, &desired.idp_system, name);
            let trust = self.registry.trust(&key).await.map_err(|e| store_failed(&e))?;
            if trust.is_some_and(|trust| !trust.owners.is_empty()) {
                run.leave(TrustedTokenIssuer::KIND);
                run.note(Finding {
                    check: "issuer_left".into(),
                    severity: Severity::Info,
                    resource: TrustedTokenIssuer::KIND.into(),
                    expected: "the trusted token issuer goes with its trust".into(),
                    found: format!("the trust `{key}` accepts tokens of the same issuer"),
                    effect: "the issuer stays, and is not removed with that trust either".into(),
                    fix: "delete it in IAM Identity Center when nobody uses it any more".into(),
                    row: TrustedTokenIssuer::ROW.into(),
                });
            }
        }
        Ok(())
    }

    /// What reading a recipe for a removal needs.
    async fn prepared_gone(&self, desired: Integration) -> Result<Prepared, Verdict> {
        let trust = self.trust_as_it_is(&desired).await?;
        Ok(Prepared {
            systems: self.clients.systems(&desired).await.map_err(|e| verdict_of(&e))?,
            wanted_trust: self.wanted_trust(&desired, &trust)?,
            wanted: self.wanted_gone(&desired)?,
            desired,
            trust,
            preflight: Preflight::default(),
        })
    }

    /// Before a description replaces another whose run was interrupted: what that run may have made without a record is
    /// looked for by the recipe that stated it, since the new one may not state it any more. Nothing is removed here; the
    /// sweep after the new recipe does that.
    pub(super) async fn settle_interrupted(
        &self,
        old: Integration,
        author: &Author,
        trust_lease: &LeaseGuard<'_>,
        lease: &LeaseGuard<'_>,
    ) -> Result<(), Verdict> {
        let own = Subject::Integration(old.name.clone());
        if self.ledger.load(&own).await.map_err(|e| store_failed(&e))?.intents.is_empty() {
            return Ok(());
        }
        let prepared = self.prepared_gone(old).await?;
        let shared = Shared::default();
        let gate = self.gate(&prepared.desired);
        let trust = Subject::Trust(prepared.trust.key.clone());
        let of_trust = self.setting(&prepared, &gate, &shared, author.clone(), trust, Some(trust_lease));
        let of_own = self.setting(&prepared, &gate, &shared, author.clone(), own, Some(lease));
        let runs = try_join(Run::begin(&of_trust, Reading::Remove), Run::begin(&of_own, Reading::Remove));
        let (trust_run, run) = runs.await.map_err(|e| store_failed(&e))?;
        let _ = recipes::integration(&trust_run, &run, &prepared.wanted_trust, &prepared.wanted).await;
        self.progress.clear();
        judge(&[&trust_run.end(), &run.end()], self.clock.now()).map_or(Ok(()), Err)
    }

    /// A removal takes the trust as it is, whatever configuration and ticket say by now.
    pub(super) async fn trust_as_it_is(&self, desired: &Integration) -> Result<TrustRecord, Verdict> {
        let key = desired.trust();
        let known = self.registry.trust(&key).await.map_err(|e| store_failed(&e))?;
        Ok(known.unwrap_or_else(|| TrustRecord {
            key,
            claim: desired.user_claim.clone().unwrap_or_default(),
            attribute: desired.identity_attribute.clone(),
            audience: None,
            owners: [desired.name.clone()].into(),
        }))
    }
}
