//! `/oauth2/{server}/v1/authorize`: a person signs in for a client.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::super::context::Cx;
use super::super::data::{App, Code, Data, Server};
use super::super::error::{Answer, Problem};
use super::super::{Org, ids, log};
use super::{Form, active_server, evaluate, page};

pub(super) fn routes() -> Router<Arc<Org>> {
    let unsupported = || async { Problem::unsupported() };
    Router::new()
        .route("/oauth2/v1/authorize", get(unsupported).post(unsupported))
        .route("/oauth2/{server}/v1/authorize", get(ask).post(sign_in))
}

async fn ask(State(org): State<Arc<Org>>, cx: Cx, Path(server): Path<String>, RawQuery(query): RawQuery) -> Answer {
    answer(&org, &cx, &server, &Form::parse(query.unwrap_or_default().as_bytes()), None)
}

/// The form's target; scripts may post all parameters and `username` at once.
async fn sign_in(State(org): State<Arc<Org>>, cx: Cx, Path(server): Path<String>, form: Form) -> Answer {
    let username = form.get("username").map(str::to_owned);
    answer(&org, &cx, &server, &form, username.as_deref())
}

fn answer(org: &Org, cx: &Cx, server: &str, form: &Form, username: Option<&str>) -> Answer {
    let mut data = org.data();
    let server = active_server(&data, server)?.clone();
    let client_id = form.get("client_id").unwrap_or_default();
    let Some(app) = data.client(client_id).filter(|app| app.active).cloned() else {
        return Ok(page::error("invalid_client", "Invalid value for 'client_id' parameter."));
    };
    let redirect = form.get("redirect_uri").unwrap_or_default();
    if !app.allows("redirect_uris", redirect) {
        let text = "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings.";
        return Ok(page::error("invalid_request", text));
    }
    let scopes = match request(&server, &app, form) {
        Ok(scopes) => scopes,
        Err(problem) => return Ok(back(redirect, form, Err(&problem))),
    };
    let Some(username) = username else {
        if form.get("prompt") == Some("none") {
            let problem = Problem::oauth(
                400,
                "login_required",
                "The client specified not to prompt, but the user is not logged in.",
            );
            return Ok(back(redirect, form, Err(&problem)));
        }
        return Ok(page::sign_in(&cx.path, form, None));
    };
    let user = data.users.values().find(|user| user.login() == username && user.status == "ACTIVE").cloned();
    let Some(user) = user else {
        return Ok(page::sign_in(&cx.path, form, Some("Unable to sign in")));
    };
    let granted = admit(&data, &server, &app, &user.id, &scopes);
    let agent = cx.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let actor = log::target("User", &user.id, user.login());
    let targets = vec![log::target("PublicClientApp", app.client_id(), app.label())];
    let reason = granted.as_ref().err().map(|problem| problem.parts().1);
    let outcome = reason.as_deref().map_or(Ok(()), Err);
    log::entry(org, &mut data, &cx.path, agent, "app.oauth2.as.authorize.code", actor, targets, outcome);
    if let Err(problem) = granted {
        return Ok(back(redirect, form, Err(&problem)));
    }
    let code = ids::token::<32>();
    let made = Code {
        app: app.id.clone(),
        user: user.id,
        server: server.id.clone(),
        scopes,
        redirect_uri: redirect.to_owned(),
        challenge: form.get("code_challenge").map(str::to_owned),
        nonce: form.get("nonce").map(str::to_owned),
        made: Instant::now(),
    };
    data.codes.insert(code.clone(), made);
    Ok(back(redirect, form, Ok(&code)))
}

/// Checks what a client asks for; the scopes, or why not.
fn request(server: &Server, app: &App, form: &Form) -> Result<Vec<String>, Problem> {
    let invalid = |text: &str| Problem::oauth(400, "invalid_request", text);
    if form.get("response_type") != Some("code") {
        return Err(wrong_response_type(app));
    }
    if form.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(invalid("The response mode isn't supported: query is."));
    }
    if !app.allows("grant_types", "authorization_code") {
        return Err(super::token::wrong_grant(app));
    }
    if !app.allows("response_types", "code") {
        return Err(wrong_response_type(app));
    }
    if form.get("state").is_none() {
        return Err(invalid("The authentication request has an invalid 'state' parameter."));
    }
    match (form.get("code_challenge"), form.get("code_challenge_method")) {
        (Some(_), Some("S256")) | (None, None) => {}
        _ => return Err(invalid("PKCE needs 'code_challenge' and the 'code_challenge_method' S256.")),
    }
    if form.get("code_challenge").is_none() && app.shown["credentials"]["oauthClient"]["pkce_required"] == true {
        return Err(invalid(
            "PKCE code challenge is required when the token endpoint authentication method is 'NONE' or PKCE is required.",
        ));
    }
    requested_scopes(server, form)
}

fn wrong_response_type(app: &App) -> Problem {
    let types = app.oauth()["response_types"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
    let types = types.collect::<Vec<_>>().join(", ");
    let text = "The response type is not supported by the authorization server. Configured response types:";
    Problem::oauth(400, "unsupported_response_type", format!("{text} [{types}]"))
}

/// The scopes of a request: those it names, else the server's default ones.
pub(super) fn requested_scopes(server: &Server, form: &Form) -> Result<Vec<String>, Problem> {
    let mut scopes = form.words("scope");
    if scopes.is_empty() {
        let defaults = server.scopes.values().filter(|scope| scope["default"] == true);
        scopes = defaults.filter_map(|scope| scope["name"].as_str()).map(str::to_owned).collect();
    }
    if scopes.is_empty() {
        return Err(Problem::oauth(400, "invalid_scope", "No scopes were requested."));
    }
    if scopes.iter().any(|scope| server.scope_named(scope).is_none()) {
        let text = "One or more scopes are not configured for the authorization server resource.";
        return Err(Problem::oauth(400, "invalid_scope", text));
    }
    let mut seen = std::collections::HashSet::new();
    scopes.retain(|scope| seen.insert(scope.clone()));
    Ok(scopes)
}

/// Assigned to the app, and let in by policy and rule.
fn admit(data: &Data, server: &Server, app: &App, user: &str, scopes: &[String]) -> Result<(), Problem> {
    if !data.assigned(app, user) {
        let text = "User is not assigned to the client application.";
        return Err(Problem::oauth(400, "access_denied", text));
    }
    evaluate::evaluate(data, server, app, Some(user), "authorization_code", scopes).map(|_| ())
}

/// Back to the client with a code or an error, and the state it sent.
fn back(redirect: &str, form: &Form, outcome: Result<&str, &Problem>) -> Response {
    let Ok(mut url) = url::Url::parse(redirect) else {
        return page::error("invalid_request", "The 'redirect_uri' is not a URI.");
    };
    {
        let mut query = url.query_pairs_mut();
        match outcome {
            Ok(code) => drop(query.append_pair("code", code)),
            Err(problem) => {
                let (error, description) = problem.parts();
                query.append_pair("error", &error).append_pair("error_description", &description);
            }
        }
        if let Some(state) = form.get("state") {
            query.append_pair("state", state);
        }
    }
    (StatusCode::FOUND, [(header::LOCATION, String::from(url))]).into_response()
}
