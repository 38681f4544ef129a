//! The sign-in endpoints of the tenant: `login.microsoftonline.com` and `sts.windows.net`.
//!
//! What an access token looks like is decided by the **resource** application alone (`requestedAccessTokenVersion`); the
//! version of the endpoint that is called decides the form of the ID token and of the answer, nothing else (Microsoft
//! identity platform, "Access tokens"). Names follow Microsoft: a *client* asks for a token for a *resource*.

mod assertion;
mod authorize;
mod certificate;
mod client_auth;
mod consent;
mod discovery;
mod error;
mod lifetime;
mod mint;
mod page;
mod scopes;
mod token;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use jiff::Timestamp;

use super::Tenant;
use crate::seed::{ENTRA_DOMAIN, ENTRA_TENANT, LOGIN_HOST, STS_WINDOWS_HOST};
use error::Refusal;
use scopes::Asked;

/// What the sign-in endpoints remember.
#[derive(Clone, Default)]
pub(super) struct Store {
    codes: HashMap<String, Code>,
    /// Codes that were redeemed.
    redeemed: HashSet<String>,
    refresh: HashMap<String, Refresh>,
    /// Client id and `jti` of certificate assertions that were taken.
    assertions: HashSet<String>,
}

/// An authorization code.
#[derive(Clone)]
struct Code {
    session: Session,
    redirect_uri: String,
    challenge: Option<String>,
    nonce: Option<String>,
    made: Instant,
}

/// A refresh token. A newer one does not end it.
#[derive(Clone)]
struct Refresh {
    session: Session,
    /// By the vendor's calendar.
    made: Timestamp,
}

/// Who signed in, for which client, and for what.
#[derive(Clone)]
struct Session {
    /// Client id.
    client: String,
    /// Object id.
    user: String,
    asked: Asked,
}

/// The two generations of the endpoints.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

/// Routes of both login hosts.
pub(super) fn routes() -> Router<Arc<Tenant>> {
    Router::new().merge(authorize::routes()).merge(discovery::routes()).merge(token::routes())
}

/// `iss` of version 1 tokens: with a slash at its end.
fn issuer_v1() -> String {
    format!("https://{STS_WINDOWS_HOST}/{ENTRA_TENANT}/")
}

/// `iss` of version 2 tokens: without one.
fn issuer_v2() -> String {
    format!("https://{LOGIN_HOST}/{ENTRA_TENANT}/v2.0")
}

/// What the first segment of a path names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Realm {
    /// The tenant, by id or domain.
    Tenant,
    /// `common` or `organizations`: whatever tenant the user is of.
    Any,
}

impl Realm {
    fn of(name: &str) -> Result<Self, Refusal> {
        let named = |known: &str| name.eq_ignore_ascii_case(known);
        if named(ENTRA_TENANT) || named(ENTRA_DOMAIN) {
            return Ok(Self::Tenant);
        }
        if named("common") || named("organizations") {
            return Ok(Self::Any);
        }
        if !super::ids::is_guid(name) && !name.contains('.') {
            let text = format!(
                "Specified tenant identifier '{name}' is neither a valid DNS name, nor a valid external domain."
            );
            return Err(Refusal::request(900_023, text));
        }
        let text = format!(
            "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant."
        );
        Err(Refusal::new(400, "invalid_tenant", 90_002, text))
    }

    /// Whether this application may sign people in here: one of a single tenant must be asked at its tenant.
    fn admits(self, app: &super::data::Application) -> Result<(), Refusal> {
        if app.shown["signInAudience"] == "PersonalMicrosoftAccount" {
            let text = format!(
                "Application '{}'({}) is configured for use by Microsoft Account users only. Please use the /consumers \
                 endpoint to serve this request.",
                app.app_id,
                app.name()
            );
            return Err(Refusal::request(9_002_331, text));
        }
        let single = matches!(app.shown["signInAudience"].as_str(), None | Some("AzureADMyOrg"));
        if self == Self::Tenant || !single {
            return Ok(());
        }
        let text = format!(
            "Application '{}'({}) is not configured as a multi-tenant application. Usage of the /common endpoint is not \
             supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the \
             application to be multi-tenant.",
            app.app_id,
            app.name()
        );
        Err(Refusal::request(50_194, text))
    }
}

/// The fields of a form, or of a query.
#[derive(Clone, Default)]
struct Form(Vec<(String, String)>);

impl Form {
    fn parse(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    /// A field, if it is there and not empty.
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A field that must be there.
    fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::missing(name))
    }
}
