//! The kinds of identity provider that dbt knows, and what it asks each of them for.

/// The type of a stored OAuth configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// `okta`.
    Okta,
    /// `entra`, with the Application ID URI of the resource that is stored beside it.
    Entra {
        /// `extra_data.application_id_uri`.
        application_id_uri: String,
    },
}

impl Provider {
    /// The provider of an OAuth configuration by its `type` and Application ID URI; none where these make no sense
    /// together.
    pub fn of(kind: &str, application_id_uri: Option<&str>) -> Option<Self> {
        match (kind, application_id_uri) {
            ("okta", None) => Some(Self::Okta),
            ("entra", Some(uri)) if !uri.is_empty() => Some(Self::Entra { application_id_uri: uri.to_owned() }),
            _ => None,
        }
    }

    /// What dbt asks for: sign-in, a refresh token, and the scope that dbt's set-up page lets an administrator make:
    /// `session:role-any` of an Okta authorization server, `dbt-redshift` of the resource in Entra.
    ///
    /// The exact list is UNCONFIRMED: no source shows dbt's authorization request.
    pub fn scopes(&self) -> String {
        match self {
            Self::Okta => "openid offline_access session:role-any".to_owned(),
            Self::Entra { application_id_uri } => format!("openid offline_access {application_id_uri}/dbt-redshift"),
        }
    }
}
