//! What an identity provider hands to AWS and dbt.

use extoauth_core::engine::Later;

/// The identity provider's side of an integration, whatever provider it is.
#[derive(Clone, Debug)]
pub struct Federation {
    /// `okta` or `entra`, as dbt calls them.
    pub kind: &'static str,
    /// Where a developer signs in.
    pub authorize_url: Later<String>,
    /// Where dbt gets tokens.
    pub token_url: Later<String>,
    /// The client's id.
    pub client_id: Later<String>,
    /// The client's secret, by reference.
    pub client_secret: Later<SecretRef>,
    /// Application ID URI: Entra only.
    pub application_id_uri: Option<Later<String>>,
}

/// What an identity provider tells AWS about its tokens.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// The tokens' `iss`, byte for byte, from the provider itself.
    pub url: Later<String>,
    /// The tokens' `aud`.
    pub audience: Later<String>,
}

/// A secret by reference: never the value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretRef {
    /// ARN of the secret.
    pub arn: String,
    /// Id of the version.
    pub version: String,
}
