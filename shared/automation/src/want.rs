//! What a recipe is told: the desired state of an integration with everything resolved that only the systems know.

use std::collections::{BTreeMap, BTreeSet};

use extoauth_core::ids::{IntegrationName, TrustKey};
use extoauth_core::integration::{Integration, Lifetimes};
use extoauth_core::registry::Baseline;
use extoauth_systems::dbt::TunnelSpec;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

/// The terms of a trust. Set by its first integration and kept: whoever joins takes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustTerms {
    /// The token's claim that names the user.
    pub claim: String,
    /// The identity store attribute that it is matched with.
    pub attribute: String,
    /// The audience that tokens carry; `None` where the identity provider's own objects tell it (Entra).
    pub audience: Option<String>,
}

/// A trust as its recipe wants it.
#[derive(Clone, Debug)]
pub struct WantedTrust {
    /// Its key.
    pub key: TrustKey,
    /// Its terms.
    pub terms: TrustTerms,
    /// `ORG_URL` or `CUSTOM_URL`.
    pub issuer_mode: String,
    /// Name of the Okta authorization server, or of Entra's resource-server app.
    pub server_name: String,
    /// Name of the trusted token issuer.
    pub issuer_name: String,
    /// The Redshift application that accepts its tokens.
    pub application_arn: String,
    /// The deployment, for tags.
    pub deployment: String,
}

/// An integration as its recipe wants it.
#[derive(Clone, Debug)]
pub struct WantedIntegration {
    /// What the ticket asks for.
    pub desired: Integration,
    /// The deployment.
    pub deployment: String,
    /// Names of what it creates.
    pub names: Names,
    /// When the run began.
    pub now: Timestamp,
    /// What the last complete run saw at its end.
    pub baseline: Baseline,
    /// How long a client secret made now may live, in days: the least of what is asked and what the tenant allows.
    pub secret_days: u32,
    /// What only the Entra tenant knows, if that is the identity provider.
    pub entra: EntraFacts,
    /// The redirect URI that dbt's form shows.
    pub redirect_uri: Url,
    /// Name of the dbt account in the configuration: part of the keys of shared objects.
    pub dbt_account: String,
    /// The groups, by name, with the identity provider's ids.
    pub groups: BTreeMap<String, String>,
    /// The people in them, by the name with which they sign in; of large groups the first ones.
    pub people: Vec<String>,
    /// The environments that are to use it.
    pub environments: Vec<Environment>,
    /// How dbt reaches the warehouse, if not directly.
    pub link: Link,
    /// Whether the environments are pointed at the new connection in this run.
    pub cut_over: bool,
}

impl WantedIntegration {
    /// Its name.
    pub fn name(&self) -> &IntegrationName {
        &self.desired.name
    }

    /// The lifetimes of its tokens.
    pub fn lifetimes(&self) -> Lifetimes {
        self.desired.lifetimes
    }
}

/// Names of what an integration creates, by the policy's templates.
#[derive(Clone, Debug)]
pub struct Names {
    /// Label of the Okta app, or name of the Entra client app.
    pub app: String,
    /// Name of Okta's access policy.
    pub policy: String,
    /// Name of its rule.
    pub rule: String,
    /// Name of dbt's OAuth configuration.
    pub oauth_configuration: String,
    /// Name of the dbt connection.
    pub connection: String,
}

/// Who does a step for which our credential may lack the right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hands {
    /// We do.
    #[default]
    Ours,
    /// A person does, and we read whether it is done.
    Theirs,
    /// A person does, and we may not even read it: it is listed, and never waited for.
    Unseen,
}

/// What only the Entra tenant knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntraFacts {
    /// Base URL of the tenant's sign-in service: authority and tenant id, without a slash at its end.
    pub authority: String,
    /// Object id of Microsoft Graph's service principal in the tenant, where it can be read.
    pub graph_principal: Option<String>,
    /// Who grants admin consent.
    pub consent: Hands,
    /// Who assigns the groups.
    pub assignment: Hands,
    /// Groups that could not be looked up for want of a right: a person assigns them by name.
    pub unresolved_groups: BTreeSet<String>,
}

/// A dbt environment, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Project id.
    pub project: u64,
    /// Environment id.
    pub id: u64,
    /// Its name, for people.
    pub name: String,
}

/// How dbt reaches the warehouse: taken over from the environment's present connection unless the ticket names another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Private link endpoint.
    pub private_link_endpoint_id: Option<String>,
    /// SSH tunnel.
    pub tunnel: Option<TunnelSpec>,
}
