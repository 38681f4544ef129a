//! What is stored of an integration, as words for people: names, ids and URLs, no secret.

use std::collections::BTreeMap;

use extoauth_core::engine::{Book, InventoryItem};
use extoauth_core::integration::Integration;
use extoauth_core::registry::{IntegrationRecord, TrustRecord};
use extoauth_core::systems::{Idp, SystemsConfig};
use serde_json::Value;

/// The values of one integration.
#[derive(Clone, Debug)]
pub struct Values {
    /// What its last ticket asked for.
    desired: Integration,
    pub(super) idp: Idp,
    /// The trust's terms.
    trust: Option<TrustRecord>,
    /// Both inventories, by address.
    items: BTreeMap<String, InventoryItem>,
    systems: SystemsConfig,
}

/// Where a value is not stored.
const NOT_RECORDED: &str = "(not recorded)";

impl Values {
    /// The values of an integration, from what is stored of it and of its trust.
    pub fn of(
        record: &IntegrationRecord,
        trust: Option<TrustRecord>,
        own: Book,
        of_trust: Book,
        systems: &SystemsConfig,
    ) -> Self {
        let items = own.items.into_iter().chain(of_trust.items);
        Self {
            desired: record.desired.clone(),
            idp: record.desired.idp,
            trust,
            items: items.map(|(address, item)| (address.to_string(), item)).collect(),
            systems: systems.clone(),
        }
    }

    /// A finding's resource: the address with its key where there is one such object, the system for what is none.
    pub(super) fn resource(&self, base: &str) -> String {
        let desired = &self.desired;
        match base {
            "dbt" => format!("dbt/{}", desired.dbt_system),
            "redshift" => format!("redshift/{}", desired.warehouse_system),
            "identity_center" => format!("identity_center/{}", desired.warehouse_system),
            "idp" => format!("{}/{}", self.idp, desired.idp_system),
            // The two providers have different objects for the same link.
            "client" => self.either("okta.app", "entra.client_app"),
            "server" => self.either("okta.server", "entra.resource_app"),
            "assignment" => self.resource(self.either("okta.app.group", "entra.assignment").as_str()),
            "consent" => self.either("okta.server.policy", "entra.consent"),
            "scope" => self.resource(self.either("okta.server.scope", "entra.resource_app").as_str()),
            "secret" => self.either("secrets_manager.client_secret", "entra.client_secret"),
            "lifetimes" => self.either("okta.server.policy.rule", "entra.client_app"),
            _ => {
                let keyed = format!("{base}[");
                let mut same = self.items.keys().filter(|address| address.starts_with(&keyed));
                match (same.next(), same.next()) {
                    (Some(only), None) => only.clone(),
                    _ => base.to_owned(),
                }
            }
        }
    }

    fn either(&self, okta: &str, entra: &str) -> String {
        match self.idp {
            Idp::Okta => okta.to_owned(),
            Idp::Entra => entra.to_owned(),
        }
    }

    /// A part of an object's identity.
    fn part(&self, address: &str, name: &str) -> Option<String> {
        let identity = &self.items.get(address)?.identity;
        match &identity[name] {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    fn shown(value: Option<String>) -> String {
        value.map_or_else(|| NOT_RECORDED.to_owned(), |value| format!("`{value}`"))
    }

    /// The integration's name.
    pub(super) fn name(&self) -> &str {
        self.desired.name.as_str()
    }

    /// `Okta org acme (https://acme.okta.com/)`.
    pub(super) fn provider(&self) -> String {
        let name = &self.desired.idp_system;
        match self.idp {
            Idp::Okta => match self.systems.okta.get(name) {
                Some(org) => format!("the Okta org `{name}` ({})", org.url),
                None => format!("the Okta org `{name}`"),
            },
            Idp::Entra => match self.systems.entra.get(name) {
                Some(tenant) => format!("the Entra tenant `{name}` ({})", tenant.tenant_id),
                None => format!("the Entra tenant `{name}`"),
            },
        }
    }

    /// The client's id, as dbt must have it. Okta's clients are named as their apps.
    pub(super) fn client_id(&self) -> String {
        Self::shown(match self.idp {
            Idp::Okta => self.part("okta.app", "id"),
            Idp::Entra => self.part("entra.client_principal", "app_id"),
        })
    }

    /// The authorization server or the resource app.
    pub(super) fn server(&self) -> String {
        match self.idp {
            Idp::Okta => format!("the authorization server {}", Self::shown(self.part("okta.server", "id"))),
            Idp::Entra => format!("the resource app {}", Self::shown(self.part("entra.resource_principal", "app_id"))),
        }
    }

    /// The tokens' `iss`, where it follows from what is stored.
    fn issuer(&self) -> Option<String> {
        let name = &self.desired.idp_system;
        match self.idp {
            Idp::Okta => {
                let org = self.systems.okta.get(name)?;
                // An org with a domain of its own has two; the configured one is the issuer's only if the mode says so.
                let own_domain = org.pinned_issuer_mode() == "CUSTOM_URL";
                let vendors = org.url.host_str().is_some_and(|host| host.contains(".okta"));
                let url = org.url.as_str().trim_end_matches('/');
                (own_domain != vendors).then_some(format!("{url}/oauth2/{}", self.part("okta.server", "id")?))
            }
            Idp::Entra => {
                let tenant = self.systems.entra.get(name)?;
                // Version 1 tokens of the public cloud; other clouds have hosts of their own.
                let public = tenant.authority.host_str() == Some("login.microsoftonline.com");
                public.then(|| format!("https://sts.windows.net/{}/", tenant.tenant_id))
            }
        }
    }

    /// The tokens' `iss`, for people.
    pub(super) fn issuer_shown(&self) -> String {
        self.issuer().map_or_else(
            || "the `issuer` of the provider's discovery document, byte for byte".to_owned(),
            |issuer| format!("`{issuer}`"),
        )
    }

    /// Where the discovery document of the tokens' issuer is read.
    pub(super) fn discovery(&self) -> String {
        const PATH: &str = ".well-known/openid-configuration";
        match (self.idp, self.issuer(), self.systems.entra.get(&self.desired.idp_system)) {
            (Idp::Okta, Some(issuer), _) => format!("{issuer}/{PATH}"),
            (Idp::Entra, _, Some(tenant)) => {
                format!("{}/{}/{PATH}", tenant.authority.as_str().trim_end_matches('/'), tenant.tenant_id)
            }
            _ => format!("<issuer>/{PATH}"),
        }
    }

    /// The tokens' `aud`.
    pub(super) fn audience(&self) -> String {
        let entry = || self.part("redshift.issuer_entry", "audience");
        let app = || self.part("entra.resource_principal", "app_id").map(|id| format!("api://{id}"));
        let agreed = self.trust.as_ref().and_then(|trust| trust.audience.clone());
        Self::shown(match self.idp {
            Idp::Okta => agreed.or_else(entry),
            Idp::Entra => entry().or_else(app),
        })
    }

    /// The claim and the attribute that it must equal.
    pub(super) fn mapping(&self) -> (String, String) {
        match &self.trust {
            Some(trust) => (trust.claim.clone(), trust.attribute.clone()),
            None => {
                let claim = self.desired.user_claim.clone();
                let usual = || self.either("sub", "upn");
                (claim.unwrap_or_else(usual), self.desired.identity_attribute.clone())
            }
        }
    }

    /// The scope for which dbt asks.
    pub(super) fn scope(&self) -> String {
        match self.idp {
            Idp::Okta => "`session:role-any`".to_owned(),
            Idp::Entra => "`dbt-redshift`".to_owned(),
        }
    }

    /// The groups whose members may use it.
    pub(super) fn groups(&self) -> String {
        self.desired.groups.iter().map(|group| format!("`{group}`")).collect::<Vec<_>>().join(", ")
    }

    /// dbt's redirect URI.
    pub(super) fn redirect_uri(&self) -> String {
        let dbt = self.systems.dbt.get(&self.desired.dbt_system);
        Self::shown(dbt.and_then(|dbt| dbt.redirect_uri.get(&self.idp)).map(ToString::to_string))
    }

    /// The page of dbt's interface below its access URL.
    pub(super) fn dbt_page(&self, path: &str) -> String {
        match self.systems.dbt.get(&self.desired.dbt_system) {
            Some(dbt) => format!("{}/{path}", dbt.url.as_str().trim_end_matches('/')),
            None => format!("<dbt>/{path}"),
        }
    }

    /// dbt's OAuth configuration, by id.
    pub(super) fn configuration(&self) -> String {
        format!("the OAuth configuration {}", Self::shown(self.part("dbt.oauth_configuration", "id")))
    }

    /// The dbt connection, by id.
    pub(super) fn connection(&self) -> String {
        let named = self.desired.connection_id.map(|id| id.to_string());
        format!("the connection {}", Self::shown(named.or_else(|| self.part("dbt.connection", "id"))))
    }

    /// The environments that use it.
    pub(super) fn environments(&self) -> String {
        self.desired.environments.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ")
    }

    /// Host of the warehouse.
    pub(super) fn host(&self) -> &str {
        &self.desired.warehouse_host
    }

    /// Database of the warehouse.
    pub(super) fn database(&self) -> &str {
        &self.desired.database
    }

    /// Where the client secret is kept: its ARN.
    pub(super) fn secret(&self) -> String {
        let arn = match self.idp {
            Idp::Okta => self.part("secrets_manager.client_secret", "arn"),
            Idp::Entra => self.part("entra.client_secret", "arn"),
        };
        format!("the secret {} in Secrets Manager", Self::shown(arn))
    }

    /// The trusted token issuer, by ARN.
    pub(super) fn token_issuer(&self) -> String {
        format!("the trusted token issuer {}", Self::shown(self.part("identity_center.issuer", "arn")))
    }

    /// The Redshift application, by ARN.
    pub(super) fn application(&self) -> String {
        let application = self.systems.redshift.get(&self.desired.warehouse_system);
        format!("the Redshift application {}", Self::shown(application.map(|one| one.application_arn.clone())))
    }

    /// Where Identity Center is configured.
    pub(super) fn identity_center_region(&self) -> String {
        let application = self.systems.redshift.get(&self.desired.warehouse_system);
        Self::shown(application.map(|one| one.identity_center.region.clone()))
    }

    /// The three lifetimes.
    pub(super) fn lifetimes(&self) -> String {
        let lives = self.desired.lifetimes;
        format!(
            "access token {} minutes, refresh token {} days, unused for at most {} days",
            lives.access_minutes, lives.refresh_days, lives.idle_days
        )
    }

    /// Which ticket puts things right, for what we keep in its state.
    pub(super) fn ticket(&self) -> String {
        format!(
            "A `verify` ticket for `{}` shows what differs; a `provision` ticket with the same values puts it back.",
            self.name()
        )
    }
}
