//! From the desired state and what the systems say to what a recipe is told.

use std::collections::BTreeMap;

use extoauth_core::integration::Integration;
use extoauth_core::policy::{NameContext, NameKind};
use extoauth_core::registry::{Baseline, IntegrationRecord, TrustRecord};
use extoauth_core::request::{RequestError, codes};
use extoauth_core::systems::{DbtSettings, EntraSettings, Idp, OktaSettings, RedshiftSettings};

use super::{Conductor, Verdict, store_failed};
use crate::preflight::Resolved;
use crate::want::{EntraFacts, Names, TrustTerms, WantedIntegration, WantedTrust};

/// The claim that names the user where the ticket names none: `sub` is in every access token of Okta, and holds the
/// user's name there; `upn` is in every version 1 access token of a member of an Entra tenant, where `sub` is a pseudonym.
fn usual_claim(idp: Idp) -> &'static str {
    match idp {
        Idp::Okta => "sub",
        Idp::Entra => "upn",
    }
}

/// The configuration of an integration's systems.
pub(super) struct Settings<'a> {
    pub(super) okta: Option<&'a OktaSettings>,
    pub(super) entra: Option<&'a EntraSettings>,
    pub(super) dbt: &'a DbtSettings,
    pub(super) redshift: &'a RedshiftSettings,
}

fn not_valid(message: String, fix: &str) -> Verdict {
    Verdict::Failed(RequestError { code: codes::NOT_VALID.into(), message, system: None, fix: fix.into() })
}

impl Conductor<'_> {
    /// The configuration of the systems that an integration names.
    pub(super) fn settings(&self, desired: &Integration) -> Result<Settings<'_>, Verdict> {
        let gone = |kind: &str, name: &str| {
            not_valid(format!("the {kind} system `{name}` is not configured any more"), "configure it again")
        };
        let idp = &desired.idp_system;
        let (okta, entra) = match desired.idp {
            Idp::Okta => (Some(self.systems.okta.get(idp).ok_or_else(|| gone("Okta", idp))?), None),
            Idp::Entra => (None, Some(self.systems.entra.get(idp).ok_or_else(|| gone("Entra", idp))?)),
        };
        Ok(Settings {
            okta,
            entra,
            dbt: self.systems.dbt.get(&desired.dbt_system).ok_or_else(|| gone("dbt", &desired.dbt_system))?,
            redshift: self
                .systems
                .redshift
                .get(&desired.warehouse_system)
                .ok_or_else(|| gone("Redshift", &desired.warehouse_system))?,
        })
    }

    /// An integration cannot move: its objects are in the systems that its first ticket named.
    pub(super) fn same_home(&self, desired: &Integration, record: Option<&IntegrationRecord>) -> Result<(), Verdict> {
        let Some(record) = record else { return Ok(()) };
        let is = &record.desired;
        let pairs = [
            ("idp", is.idp.to_string(), desired.idp.to_string()),
            ("idp_system", is.idp_system.clone(), desired.idp_system.clone()),
            ("warehouse_system", is.warehouse_system.clone(), desired.warehouse_system.clone()),
            ("dbt_system", is.dbt_system.clone(), desired.dbt_system.clone()),
        ];
        let moved: Vec<String> = pairs
            .into_iter()
            .filter(|(_, is, asked)| is != asked)
            .map(|(field, is, asked)| format!("{field} is `{is}`, the ticket asks for `{asked}`"))
            .collect();
        if moved.is_empty() {
            return Ok(());
        }
        let message = format!("the integration `{}` cannot move: {}", desired.name, moved.join("; "));
        Err(not_valid(message, "deprovision it first, or give the new integration another name"))
    }

    /// The trust as this integration joins it: with the terms that are in force, which the ticket may not contradict.
    pub(super) async fn trust_terms(&self, desired: &Integration) -> Result<TrustRecord, Verdict> {
        let key = desired.trust();
        let known = self.registry.trust(&key).await.map_err(|e| store_failed(&e))?.filter(|t| !t.owners.is_empty());
        let settings = self.settings(desired)?;
        let asked_claim = desired.user_claim.clone();
        let Some(known) = known else {
            return Ok(TrustRecord {
                key,
                claim: asked_claim.unwrap_or_else(|| usual_claim(desired.idp).to_owned()),
                attribute: desired.identity_attribute.clone(),
                audience: audience(desired.idp, settings.redshift),
                owners: [desired.name.clone()].into(),
            });
        };
        let mut other = Vec::new();
        if let Some(asked) = asked_claim.filter(|asked| *asked != known.claim) {
            other.push(format!("user_claim is `{}`, the ticket asks for `{asked}`", known.claim));
        }
        if desired.identity_attribute != known.attribute {
            other.push(format!(
                "identity_attribute is `{}`, the ticket asks for `{}`",
                known.attribute, desired.identity_attribute
            ));
        }
        if let (Some(is), Some(audience)) = (&known.audience, &settings.redshift.audience)
            && is != audience
        {
            other.push(format!("the audience is `{is}`, the configuration now says `{audience}`"));
        }
        if other.is_empty() {
            return Ok(TrustRecord { owners: [desired.name.clone()].into(), ..known });
        }
        let owners: Vec<&str> = known.owners.iter().map(extoauth_core::ids::IntegrationName::as_str).collect();
        let message =
            format!("the trust `{key}`, used by {}, has other terms: {}", owners.join(", "), other.join("; "));
        Err(not_valid(
            message,
            "ask for exactly these terms in the ticket, or deprovision the trust's integrations first",
        ))
    }

    /// What the trust's recipe is told.
    pub(super) fn wanted_trust(&self, desired: &Integration, record: &TrustRecord) -> Result<WantedTrust, Verdict> {
        let settings = self.settings(desired)?;
        let context = self.name_context(desired, &record.key, false);
        Ok(WantedTrust {
            key: record.key.clone(),
            terms: TrustTerms {
                claim: record.claim.clone(),
                attribute: record.attribute.clone(),
                audience: record.audience.clone(),
            },
            issuer_mode: settings.okta.map_or_else(String::new, |okta| okta.pinned_issuer_mode().to_owned()),
            server_name: self.policy.name(
                match desired.idp {
                    Idp::Okta => NameKind::OktaServer,
                    Idp::Entra => NameKind::EntraResourceApp,
                },
                &context,
            ),
            issuer_name: self.policy.name(NameKind::IdentityCenterIssuer, &context),
            application_arn: settings.redshift.application_arn.clone(),
            deployment: self.deployment.to_owned(),
        })
    }

    /// What the integration's recipe is told.
    pub(super) fn wanted(
        &self,
        desired: &Integration,
        resolved: Resolved,
        baseline: Baseline,
        cut_over: bool,
    ) -> Result<WantedIntegration, Verdict> {
        let settings = self.settings(desired)?;
        let key = desired.trust();
        let context = self.name_context(desired, &key, true);
        let name = |kind| self.policy.name(kind, &context);
        let redirect_uri = settings.dbt.redirect_uri.get(&desired.idp).cloned().ok_or_else(|| {
            not_valid(
                format!("no redirect URI of `{}` for {} is configured", desired.dbt_system, desired.idp),
                "copy it from dbt's integration form into the configuration (row R01)",
            )
        })?;
        Ok(WantedIntegration {
            names: Names {
                app: name(match desired.idp {
                    Idp::Okta => NameKind::OktaApp,
                    Idp::Entra => NameKind::EntraClientApp,
                }),
                policy: name(NameKind::OktaPolicy),
                rule: name(NameKind::OktaRule),
                oauth_configuration: name(NameKind::DbtOauthConfiguration),
                connection: name(NameKind::DbtConnection),
            },
            now: self.clock.now(),
            baseline,
            secret_days: resolved.secret_days.map_or(desired.secret_days, |days| days.min(desired.secret_days)),
            entra: EntraFacts { authority: settings.entra.map(authority).unwrap_or_default(), ..resolved.entra },
            desired: desired.clone(),
            deployment: self.deployment.to_owned(),
            redirect_uri,
            dbt_account: desired.dbt_system.clone(),
            groups: resolved.groups,
            people: resolved.people,
            environments: resolved.environments,
            link: resolved.link,
            cut_over,
        })
    }

    /// What the recipe of a removal is told: it only looks for what an interrupted run may have left.
    pub(super) fn wanted_gone(&self, desired: &Integration) -> Result<WantedIntegration, Verdict> {
        let nothing = Resolved { groups: BTreeMap::new(), ..Resolved::default() };
        self.wanted(desired, nothing, Baseline::default(), true)
    }

    fn name_context<'n>(
        &'n self,
        desired: &'n Integration,
        trust: &'n extoauth_core::ids::TrustKey,
        own: bool,
    ) -> NameContext<'n> {
        NameContext {
            deployment: self.deployment,
            integration: own.then_some(&desired.name),
            trust,
            idp_system: &desired.idp_system,
            warehouse_system: &desired.warehouse_system,
        }
    }
}

/// The tenant's part of the sign-in service.
fn authority(settings: &EntraSettings) -> String {
    format!("{}/{}", settings.authority.as_str().trim_end_matches('/'), settings.tenant_id)
}

/// The audience of a new trust. Entra's tokens carry what their app is called, not what we would like.
fn audience(idp: Idp, redshift: &RedshiftSettings) -> Option<String> {
    match idp {
        Idp::Okta => Some(redshift.token_audience()),
        Idp::Entra => None,
    }
}
