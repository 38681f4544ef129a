//! How a client proves itself: secret in the header or the body, a signed assertion, or not at all (public clients).

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::data::{App, Data};
use super::super::error::Problem;
use super::super::{Org, assertion, dpop, log};
use super::Form;

fn invalid_client(text: &str) -> Problem {
    Problem::oauth(401, "invalid_client", text)
}

/// The id and secret of an `Authorization: Basic` header; both are form-encoded inside it (RFC 6749, 2.3.1).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let encoded = value.strip_prefix("Basic ").or_else(|| value.strip_prefix("basic "))?;
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let plain = |text: &str| {
        let pairs = format!("x={text}");
        url::form_urlencoded::parse(pairs.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    Some((plain(id), plain(secret)))
}

/// The client that sends this request to `path`, proved. Failed proofs are written to the System Log.
pub(super) fn client(org: &Org, data: &mut Data, headers: &HeaderMap, path: &str, form: &Form) -> Result<App, Problem> {
    match proved(org, data, headers, path, form) {
        Ok(app) => Ok(app),
        Err((problem, app)) => {
            if let Some(app) = app.and_then(|id| data.apps.get(&id)).cloned() {
                let who = log::target("PublicClientApp", app.client_id(), app.label());
                let (agent, event) = ("", "app.oauth2.invalid_client_credentials");
                log::entry(org, data, path, agent, event, who, Vec::new(), Err(&problem.parts().1));
            }
            Err(problem)
        }
    }
}

/// Why not, and the id of the app that was tried, if there is one.
type Failure = (Problem, Option<String>);

fn proved(org: &Org, data: &Data, headers: &HeaderMap, path: &str, form: &Form) -> Result<App, Failure> {
    let plain = |problem: Problem| (problem, None);
    let header = basic(headers);
    let assertion = form.get("client_assertion");
    let ways = [header.is_some(), form.get("client_secret").is_some(), assertion.is_some()];
    if ways.iter().filter(|way| **way).count() > 1 {
        let text = "Can't supply multiple client credentials. Use one of the following: credentials in the Authorization header, credentials in the post body, or a `client_assertion` in the post body.";
        return Err(plain(Problem::oauth(400, "invalid_request", text)));
    }
    let find = |id: &str| {
        let app = data.client(id).filter(|app| app.active);
        app.cloned().ok_or_else(|| plain(invalid_client("Invalid value for 'client_id' parameter.")))
    };
    if let Some(assertion) = assertion {
        if form.get("client_assertion_type") != Some(assertion::JWT_BEARER) {
            return Err(plain(Problem::oauth(400, "invalid_request", "The `client_assertion_type` is invalid.")));
        }
        let id = assertion::client_id(assertion);
        let app = find(&id.ok_or_else(|| plain(invalid_client("The client_assertion is malformed.")))?)?;
        return match assertion::check(org, &app, assertion, &org.urls(headers, path)) {
            Ok(()) => Ok(app),
            Err(problem) => Err((problem, Some(app.id))),
        };
    }
    let (id, secret) = match header {
        Some((id, secret)) => (id, Some(secret)),
        None => (form.get("client_id").unwrap_or_default().to_owned(), form.get("client_secret").map(str::to_owned)),
    };
    if id.is_empty() {
        return Err(plain(invalid_client("No client credentials found")));
    }
    let app = find(&id)?;
    match secret {
        None if app.auth_method() == "none" => Ok(app),
        None => Err((invalid_client("No client credentials found"), Some(app.id))),
        Some(secret) if app.secrets.iter().any(|known| known.active && known.value == secret) => Ok(app),
        Some(_) => {
            Err((invalid_client("The client secret supplied for a confidential client is invalid."), Some(app.id)))
        }
    }
}

/// The thumbprint of the DPoP key that a token request binds its tokens to. A client set to it must bind; the first
/// request is answered with a nonce to use.
pub(super) fn binding(org: &Org, headers: &HeaderMap, path: &str, app: &App) -> Result<Option<String>, Problem> {
    if !headers.contains_key("dpop") && !app.dpop_bound() {
        return Ok(None);
    }
    let proof = dpop::check(org, headers, &axum::http::Method::POST, &org.urls(headers, path));
    let proof = proof.map_err(|text| Problem::oauth(400, "invalid_dpop_proof", text))?;
    if proof.nonce.is_some_and(|nonce| org.knows_nonce(&nonce)) {
        return Ok(Some(proof.thumbprint));
    }
    let text = "Authorization server requires nonce in DPoP proof.";
    Err(Problem::oauth(400, "use_dpop_nonce", text).with("dpop-nonce", org.nonce()))
}
