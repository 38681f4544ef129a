//! How a client proves itself: a secret in the header or the body, or an assertion.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::Tenant;
use super::super::data::{Application, Data, SecretRefusal};
use super::assertion::{self, JWT_BEARER, Presented};
use super::error::Refusal;
use super::{Form, certificate};
use crate::seed::{ENTRA_DOMAIN, ENTRA_NAME, ENTRA_TENANT, LOGIN_HOST};

/// What a client proved itself with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    Secret,
    Assertion,
}

impl Proof {
    /// `appidacr` and `azpacr`.
    pub fn class(self) -> &'static str {
        match self {
            Self::Secret => "1",
            Self::Assertion => "2",
        }
    }
}

/// The id and secret of an `Authorization: Basic` header; both are form-encoded inside it (RFC 6749, 2.3.1).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let plain = |text: &str| {
        let pairs = format!("x={text}");
        url::form_urlencoded::parse(pairs.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    Some((plain(id), plain(secret)))
}

/// No such client in this directory.
pub(super) fn missing(client_id: &str) -> Refusal {
    let text = format!(
        "Application with identifier '{client_id}' was not found in the directory '{ENTRA_NAME}'. This can happen if the \
         application has not been installed by the administrator of the tenant or consented to by any user in the tenant. \
         You may have sent your authentication request to the wrong tenant."
    );
    Refusal::new(400, "unauthorized_client", 700_016, text)
}

/// The application with this client id. One without a registration here does not exist for the tenant.
pub(super) fn application<'a>(data: &'a Data, client_id: &str) -> Result<&'a Application, Refusal> {
    data.client(client_id).ok_or_else(|| missing(client_id))
}

/// The client that sends this request, proved.
pub(super) async fn client(tenant: &Tenant, headers: &HeaderMap, form: &Form) -> Result<(Application, Proof), Refusal> {
    let header = basic(headers);
    let (id, secret) = match &header {
        Some((id, secret)) => (id.as_str(), Some(secret.as_str())),
        None => (form.required("client_id")?, form.get("client_secret")),
    };
    let Some(text) = form.get("client_assertion") else {
        let data = tenant.data();
        let app = application(&data, id)?;
        let Some(secret) = secret.filter(|secret| !secret.is_empty()) else { return Err(unproved(form)) };
        return check_secret(tenant, &data, app, secret).map(|()| (app.clone(), Proof::Secret));
    };
    if form.get("client_assertion_type") != Some(JWT_BEARER) {
        return Err(Refusal::missing("client_assertion_type"));
    }
    let malformed = || Refusal::client(50_027, "JWT token is invalid or malformed.");
    let presented = Presented::read(text).ok_or_else(malformed)?;
    let (app, issuer) = {
        let mut data = tenant.data();
        let app = application(&data, id)?.clone();
        if presented.is_own() {
            certificate::check(&mut data, &app, &presented, &audiences(), tenant.now())?;
            return Ok((app, Proof::Assertion));
        }
        let issuer = assertion::federated(&data, &app, &presented)?.issuer.clone();
        (app, issuer)
    };
    // The issuer is asked without holding the tenant's lock: it may be a system of this world.
    assertion::prove(tenant, &presented, &issuer).await?;
    Ok((app, Proof::Assertion))
}

fn check_secret(tenant: &Tenant, data: &Data, app: &Application, secret: &str) -> Result<(), Refusal> {
    match data.check_secret(app, secret, tenant.now()) {
        Ok(_) => Ok(()),
        Err(SecretRefusal::Unknown) => {
            let text = format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
                 not the client secret ID, for a secret added to app '{}'.",
                app.app_id
            );
            Err(Refusal::client(7_000_215, text))
        }
        Err(SecretRefusal::Expired) => {
            let text = format!(
                "The provided client secret keys for app '{}' are expired. Visit the Azure portal to create new keys for \
                 your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: \
                 https://aka.ms/certCreds.",
                app.app_id
            );
            Err(Refusal::client(7_000_222, text))
        }
    }
}

/// No credential at all.
fn unproved(form: &Form) -> Refusal {
    if form.get("grant_type") == Some("client_credentials") {
        let text =
            "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.";
        return Refusal::client(7_000_216, text);
    }
    let text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
    Refusal::client(7_000_218, text)
}

/// The audiences that an assertion signed by the client may have: the token endpoints of either version, and the
/// tenant's issuer (which libraries of Microsoft use too).
fn audiences() -> Vec<String> {
    let mut all = Vec::new();
    for name in [ENTRA_TENANT, ENTRA_DOMAIN] {
        for path in ["oauth2/v2.0/token", "oauth2/token", "v2.0"] {
            all.push(format!("https://{LOGIN_HOST}/{name}/{path}"));
        }
    }
    all
}
