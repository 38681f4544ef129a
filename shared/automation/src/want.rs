//! What a recipe is told: the desired state of an integration with everything resolved that only the systems know.

use std::collections::BTreeMap;

use extoauth_core::ids::{IntegrationName, TrustKey};
use extoauth_core::integration::{Integration, Lifetimes};
use extoauth_systems::dbt::TunnelSpec;
use serde::{Deserialize, Serialize};
use url::Url;

/// The terms of a trust. Set by its first integration and kept: whoever joins takes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustTerms {
    /// The token's claim that names the user.
    pub claim: String,
    /// The identity store attribute that it is matched with.
    pub attribute: String,
    /// The audience that tokens carry.
    pub audience: String,
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
    /// Name of the Okta authorization server.
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
    /// Label of the Okta app.
    pub app: String,
    /// Name of the access policy.
    pub policy: String,
    /// Name of its rule.
    pub rule: String,
    /// Name of dbt's OAuth configuration.
    pub oauth_configuration: String,
    /// Name of the dbt connection.
    pub connection: String,
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
