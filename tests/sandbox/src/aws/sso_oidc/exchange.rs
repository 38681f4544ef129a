//! The checks of an exchange, in the order in which Identity Center makes them.

use serde_json::{Map, Value, json};

use super::token::{self, Claims};
use super::{JWT_BEARER, SsoOidc};
use crate::aws::sso_admin::shapes::OTHER_GRANTS;
use crate::aws::sso_admin::{Application, AuthorizedTokenIssuer, Issuer};

/// Why an exchange was refused: what the caller is told, and what is true.
pub(super) struct Refused {
    pub error: OAuthError,
    pub reason: String,
}

/// The errors of the API, each with its HTTP status and exception name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OAuthError {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    AccessDenied,
    Server,
}

impl OAuthError {
    /// HTTP status, `error`, exception, and a description that gives nothing away.
    pub fn on_the_wire(self) -> (u16, &'static str, &'static str, &'static str) {
        match self {
            Self::InvalidRequest => (400, "invalid_request", "InvalidRequestException", "Invalid request"),
            Self::InvalidClient => (401, "invalid_client", "InvalidClientException", "Invalid client provided"),
            Self::InvalidGrant => (400, "invalid_grant", "InvalidGrantException", "Invalid grant provided"),
            Self::UnauthorizedClient => {
                (400, "unauthorized_client", "UnauthorizedClientException", "The client is not authorized")
            }
            Self::UnsupportedGrantType => {
                (400, "unsupported_grant_type", "UnsupportedGrantTypeException", "Unsupported grant type")
            }
            Self::AccessDenied => (400, "access_denied", "AccessDeniedException", "Access denied"),
            Self::Server => (500, "server_error", "InternalServerException", "Internal server error"),
        }
    }

    pub fn because(self, reason: impl Into<String>) -> Refused {
        Refused { error: self, reason: reason.into() }
    }
}

/// Who came in.
pub(super) struct Admitted {
    pub client_id: String,
    pub user_id: String,
    pub refresh_token: bool,
}

impl SsoOidc {
    /// Runs the checks. The token is used up by the last one only: a token that was refused may be shown again once the
    /// reason is gone (UNCONFIRMED; callers must not rely on it, and take a new token for every try).
    pub(super) async fn exchange(&self, request: &Map<String, Value>) -> Result<Admitted, Refused> {
        let text = |name: &str| request.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let client_id = text("clientId").ok_or_else(|| OAuthError::InvalidRequest.because("no clientId"))?;
        let grant_type = text("grantType").ok_or_else(|| OAuthError::InvalidRequest.because("no grantType"))?;
        let application = self.sso.application(client_id);
        let application = application.ok_or_else(|| OAuthError::InvalidClient.because("no such application"))?;
        if grant_type != JWT_BEARER {
            let error = if OTHER_GRANTS.contains(&grant_type) && !application.has_grant(grant_type) {
                OAuthError::UnauthorizedClient
            } else {
                OAuthError::UnsupportedGrantType
            };
            return Err(error.because(format!("grant type {grant_type}")));
        }
        let trusted = application.jwt_bearer.as_deref().unwrap_or_default();
        if trusted.is_empty() {
            return Err(OAuthError::UnauthorizedClient.because("the application has no jwt-bearer grant"));
        }
        let assertion = text("assertion").ok_or_else(|| OAuthError::InvalidRequest.because("no assertion"))?;
        let unproved = token::read(assertion).map_err(|reason| OAuthError::InvalidGrant.because(reason))?;
        let (entry, issuer) = self.issuer_of(trusted, &unproved.claims)?;
        let key_set = self.keys_of(&issuer).await.map_err(|reason| OAuthError::InvalidGrant.because(reason))?;
        token::prove(assertion, &unproved.header, &key_set)
            .map_err(|reason| OAuthError::InvalidGrant.because(reason))?;
        let audiences = token::audiences(&unproved.claims);
        if !audiences.iter().any(|audience| entry.audiences.iter().any(|authorised| authorised == audience)) {
            let reason = format!("aud {audiences:?} is not among the authorised audiences {:?}", entry.audiences);
            return Err(OAuthError::InvalidGrant.because(reason));
        }
        let user_id = self.user_of(&issuer, &unproved.claims).await?;
        self.check_assignment(&application, &user_id).await?;
        if !self.use_up(token::identity(assertion, &unproved.claims)) {
            return Err(OAuthError::InvalidGrant.because("the token was used before: each one works once"));
        }
        let refresh_token = application.has_grant("refresh_token");
        Ok(Admitted { client_id: client_id.to_owned(), user_id, refresh_token })
    }

    /// The authorised issuer whose URL is the token's `iss`, byte for byte.
    fn issuer_of<'a>(
        &self,
        trusted: &'a [AuthorizedTokenIssuer],
        claims: &Claims,
    ) -> Result<(&'a AuthorizedTokenIssuer, Issuer), Refused> {
        let iss = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
        let mut urls = Vec::new();
        for entry in trusted {
            // An entry whose issuer was deleted trusts nobody.
            let Some(issuer) = self.sso.issuer(&entry.arn) else { continue };
            if issuer.issuer_url == iss {
                return Ok((entry, issuer));
            }
            urls.push(issuer.issuer_url);
        }
        Err(OAuthError::InvalidGrant.because(format!("iss {iss:?} is none of the authorised issuer URLs {urls:?}")))
    }

    /// The key set behind an issuer's discovery document, which must name the issuer as it is configured.
    async fn keys_of(&self, issuer: &Issuer) -> Result<Value, String> {
        let url = &issuer.issuer_url;
        let joint = if url.ends_with('/') { "" } else { "/" };
        let document = self.lookups.get_json(&format!("{url}{joint}.well-known/openid-configuration")).await?;
        if document["issuer"] != json!(url) {
            return Err(format!("the discovery document of {url} says that the issuer is {}", document["issuer"]));
        }
        let keys_url = document["jwks_uri"].as_str().ok_or("the discovery document names no jwks_uri")?;
        self.lookups.get_json(keys_url).await
    }

    /// The one user whom the mapped claim names.
    async fn user_of(&self, issuer: &Issuer, claims: &Claims) -> Result<String, Refused> {
        let path = &issuer.claim_attribute_path;
        let value = token::claim(claims, path)
            .ok_or_else(|| OAuthError::InvalidGrant.because(format!("the token has no claim {path}")))?;
        let attribute = &issuer.identity_store_attribute_path;
        let users = self.lookups.users_by(attribute, value).await;
        let mut users = users.map_err(|reason| OAuthError::Server.because(reason))?;
        match (users.pop(), users.len()) {
            (Some(user), 0) => Ok(user),
            (last, others) => {
                let found = others + usize::from(last.is_some());
                let reason = format!("{found} users have {attribute} = {value:?} (claim {path}): it must be one");
                Err(OAuthError::InvalidGrant.because(reason))
            }
        }
    }

    /// Refuses a user who is not assigned to an application that requires it; the answer names neither.
    async fn check_assignment(&self, application: &Application, user_id: &str) -> Result<(), Refused> {
        let assigned = |id: &str| application.assignments.iter().any(|(assigned, _)| assigned == id);
        if !application.assignment_required || assigned(user_id) {
            return Ok(());
        }
        let groups = self.lookups.groups_of(user_id).await;
        let groups = groups.map_err(|reason| OAuthError::Server.because(reason))?;
        if groups.iter().any(|group| assigned(group)) {
            return Ok(());
        }
        Err(OAuthError::AccessDenied.because(format!("user {user_id} is not assigned to the application")))
    }
}
