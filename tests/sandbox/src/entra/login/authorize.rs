//! `/oauth2/v2.0/authorize` and `/oauth2/authorize`: a person signs in for a client.
//!
//! An unknown client or redirect URI is told on a page, everything else that the client can act on by a redirect. Which of
//! the two Entra chooses for whom (assignment, say) is UNCONFIRMED, and so is OAuth's word in the redirect where the person
//! is refused; the code is the same.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::super::data::{Application, Data, User};
use super::super::permissions::GRAPH_APP_ID;
use super::super::{Tenant, ids};
use super::client_auth::application;
use super::consent::{self, Consent};
use super::error::Refusal;
use super::scopes::{Asked, Resource};
use super::{Code, Form, Realm, Session, Version, mint, page};

pub(super) fn routes() -> Router<Arc<Tenant>> {
    let v1 = get(|state, path, uri, query| ask(state, path, uri, query, Version::V1))
        .post(|state, path, uri, body| submit(state, path, uri, body, Version::V1));
    let v2 = get(|state, path, uri, query| ask(state, path, uri, query, Version::V2))
        .post(|state, path, uri, body| submit(state, path, uri, body, Version::V2));
    Router::new().route("/{tenant}/oauth2/authorize", v1).route("/{tenant}/oauth2/v2.0/authorize", v2)
}

async fn ask(
    State(tenant): State<Arc<Tenant>>,
    Path(name): Path<String>,
    uri: Uri,
    RawQuery(query): RawQuery,
    version: Version,
) -> Response {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    Request { tenant: &tenant, version, path: uri.path(), form: &form }.answer(&name)
}

/// The forms' target; scripts may post all parameters, `login` and `consent` at once.
async fn submit(
    State(tenant): State<Arc<Tenant>>,
    Path(name): Path<String>,
    uri: Uri,
    body: Bytes,
    version: Version,
) -> Response {
    let form = Form::parse(&body);
    Request { tenant: &tenant, version, path: uri.path(), form: &form }.answer(&name)
}

struct Request<'a> {
    tenant: &'a Tenant,
    version: Version,
    path: &'a str,
    form: &'a Form,
}

/// Where the person is.
enum Stage {
    /// Nobody has signed in.
    SignIn(Option<Refusal>),
    /// Consent is missing; the person may give it.
    Consent(Vec<String>),
    /// Done: the code.
    Code(String),
}

impl Request<'_> {
    fn answer(&self, name: &str) -> Response {
        let mut data = self.tenant.data();
        let (app, redirect) = match self.client(&data, name) {
            Ok(found) => found,
            Err(refusal) => return page::refusal(&refusal),
        };
        match self.stage(&mut data, &app, &redirect) {
            Ok(Stage::SignIn(problem)) => page::sign_in(self.path, self.form, problem.as_ref()),
            Ok(Stage::Consent(scopes)) => {
                let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
                page::consent(self.path, self.form, app.name(), &Consent::refusal(&app), &scopes)
            }
            Ok(Stage::Code(code)) => self.back(&redirect, vec![("code", code), ("session_state", ids::guid())]),
            // There is nothing that the client could do: the person must find an administrator.
            Err(refusal) if refusal.code == 90_094 => page::refusal(&refusal),
            Err(refusal) => {
                // OAuth has no `invalid_grant` at this endpoint.
                let error = if refusal.error == "invalid_grant" { "access_denied" } else { refusal.error };
                let fields = vec![
                    ("error", error.to_owned()),
                    ("error_description", refusal.description()),
                    ("error_uri", refusal.uri()),
                ];
                self.back(&redirect, fields)
            }
        }
    }

    /// The client, and where the person goes back to: exactly one of its redirect URIs.
    fn client(&self, data: &Data, name: &str) -> Result<(Application, String), Refusal> {
        let realm = Realm::of(name)?;
        let app = application(data, self.form.required("client_id")?)?;
        realm.admits(app)?;
        let redirect = match self.form.get("redirect_uri") {
            Some(redirect) => redirect.to_owned(),
            // It may be left out where there is only one.
            None => {
                let mut all = consent::redirect_uris(app);
                let only = all.next().filter(|_| all.next().is_none());
                only.ok_or_else(|| Refusal::missing("redirect_uri"))?.to_owned()
            }
        };
        if consent::redirect_uris(app).any(|known| known == redirect) {
            return Ok((app.clone(), redirect));
        }
        let text = format!(
            "The redirect URI '{redirect}' specified in the request does not match the redirect URIs configured for the \
             application '{}'. Make sure the redirect URI sent in the request matches one added to your application in the \
             Azure portal. Navigate to https://aka.ms/redirectUriMismatchError to learn more about how to fix this.",
            app.app_id
        );
        Err(Refusal::request(50_011, text))
    }

    fn stage(&self, data: &mut Data, app: &Application, redirect: &str) -> Result<Stage, Refusal> {
        let (asked, challenge) = self.asked()?;
        let resource = Resource::find(data, &asked.resource)?;
        resource.check(app, &asked)?;
        let Some(login) = self.form.get("login") else {
            if self.form.get("prompt") == Some("none") {
                let text = "A silent sign-in request was sent but no user is signed in.";
                return Err(Refusal::new(400, "login_required", 50_058, text));
            }
            return Ok(Stage::SignIn(None));
        };
        let user = match person(data, login) {
            Ok(user) => user.clone(),
            Err(refusal) => return Ok(Stage::SignIn(Some(refusal))),
        };
        let principal = consent::admit(data, app, &user)?;
        let consent = Consent::weigh(data, app, &principal, &resource, &asked, &user)?;
        if !consent.complete() {
            if !consent.by_user(self.tenant, &principal) {
                return Err(Consent::needs_admin(app));
            }
            if self.form.get("consent") != Some("accept") {
                return Ok(Stage::Consent(consent.missing().map(str::to_owned).collect()));
            }
            consent.give(data, &principal, &user);
        }
        let code = format!("1.{}", mint::opaque(64));
        let made = Code {
            session: Session { client: app.app_id.clone(), user: user.id, asked },
            redirect_uri: redirect.to_owned(),
            challenge,
            nonce: self.form.get("nonce").map(str::to_owned),
            made: Instant::now(),
        };
        data.sign_in.codes.insert(code.clone(), made);
        Ok(Stage::Code(code))
    }

    /// What is asked for, and the PKCE challenge if there is one.
    fn asked(&self) -> Result<(Asked, Option<String>), Refusal> {
        match self.form.get("response_type") {
            Some("code") => {}
            Some(other) => {
                let text = format!("'{other}' is not enabled for the application.");
                return Err(Refusal::new(400, "unsupported_response_type", 700_054, text));
            }
            None => return Err(Refusal::missing("response_type")),
        }
        if !matches!(self.form.get("response_mode"), None | Some("query" | "fragment" | "form_post")) {
            return Err(Refusal::request(9_002_313, "Invalid request. Request is malformed or invalid."));
        }
        let challenge = match (self.form.get("code_challenge"), self.form.get("code_challenge_method")) {
            (Some(challenge), Some("S256")) => Some(challenge.to_owned()),
            (None, None) => None,
            _ => {
                let text = "PKCE needs code_challenge and the code_challenge_method S256.";
                return Err(Refusal::request(9_002_313, text));
            }
        };
        let asked = match self.version {
            Version::V2 => Asked::parse(self.form.required("scope")?)?,
            Version::V1 => Asked::of_resource(self.form.get("resource").unwrap_or(GRAPH_APP_ID)),
        };
        Ok((asked, challenge))
    }

    /// Back to the client, with the state it sent.
    fn back(&self, redirect: &str, mut fields: Vec<(&str, String)>) -> Response {
        if let Some(state) = self.form.get("state") {
            fields.push(("state", state.to_owned()));
        }
        let mode = self.form.get("response_mode");
        if mode == Some("form_post") {
            return page::form_post(redirect, &fields);
        }
        let Ok(mut url) = url::Url::parse(redirect) else {
            return page::refusal(&Refusal::request(50_011, "The redirect URI is not a URI."));
        };
        if mode == Some("fragment") {
            let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            url.set_fragment(Some(&text));
        } else {
            url.query_pairs_mut().extend_pairs(fields);
        }
        (StatusCode::FOUND, [(header::LOCATION, String::from(url))]).into_response()
    }
}

/// Who signs in: a member by user principal name, a guest by the address at home.
fn person<'a>(data: &'a Data, login: &str) -> Result<&'a User, Refusal> {
    let by_address = || {
        let mut guests = data.users.values().filter(|user| user.is_guest());
        guests.find(|user| user.mail().is_some_and(|mail| mail.eq_ignore_ascii_case(login)))
    };
    let Some(user) = data.user(login).or_else(by_address) else {
        let text = format!(
            "The user account {login} does not exist in this directory. To sign into this application, the account must be \
             added to the directory."
        );
        return Err(Refusal::grant(50_034, text));
    };
    if user.enabled() { Ok(user) } else { Err(consent::disabled()) }
}
