//! Tokens that were given out: refresh tokens, seen from the app or from the authorization server, and SSWS tokens.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{delete, get};
use serde_json::Value;

use super::apps::app_target;
use super::context::{Cx, Input, Pages, Principal, no_content, ok};
use super::data::{Data, RefreshToken};
use super::error::{Answer, Problem};
use super::log::{self, target};
use super::{Org, clients, show};

pub(super) fn routes() -> Router<Arc<Org>> {
    let server = "/api/v1/authorizationServers/{server}/clients";
    Router::new()
        .route("/api/v1/apps/{app}/tokens", get(of_app).delete(revoke_app))
        .route("/api/v1/apps/{app}/tokens/{token}", get(one_of_app).delete(revoke_one_of_app))
        .route(server, get(clients_of_server))
        .route(&format!("{server}/{{client}}/tokens"), get(of_client).delete(revoke_client))
        .route(&format!("{server}/{{client}}/tokens/{{token}}"), get(one_of_client).delete(revoke_one_of_client))
        .route("/api/v1/api-tokens", get(api_tokens))
        .route("/api/v1/api-tokens/current", delete(revoke_own_api_token))
        .route("/api/v1/api-tokens/{token}", get(api_token).put(replace_api_token).delete(revoke_api_token))
}

/// Where a list of refresh tokens is seen from: app id, and server id if from there.
struct View {
    app: String,
    server: Option<String>,
}

impl View {
    fn app(data: &Data, app: &str) -> Result<Self, Problem> {
        Ok(Self { app: data.app(app)?.id.clone(), server: None })
    }

    fn client(data: &Data, server: &str, client: &str) -> Result<Self, Problem> {
        let server = data.server(server)?.id.clone();
        let app = data.client(client).ok_or_else(|| Problem::not_found(client, "PublicClientApp"))?;
        Ok(Self { app: app.id.clone(), server: Some(server) })
    }

    fn fits(&self, token: &RefreshToken) -> bool {
        token.app == self.app && self.server.as_ref().is_none_or(|server| token.server == *server)
    }

    fn list(&self, org: &Org, cx: &Cx, data: &Data) -> Answer {
        let now = org.now();
        let live = data.refresh_tokens.values().filter(|token| self.fits(token) && token.expires() > now);
        let found = live.map(|token| (token.id.as_str(), token));
        Pages::new(20, 200).answer(org, cx, found, |token| show::refresh_token(org, data, token, self.server.is_some()))
    }

    fn one<'a>(&self, org: &Org, data: &'a Data, id: &str) -> Result<&'a RefreshToken, Problem> {
        let found = data.refresh_tokens.get(id).filter(|token| self.fits(token) && token.expires() > org.now());
        found.ok_or_else(|| Problem::not_found(id, "OAuth2RefreshToken"))
    }

    fn revoke(&self, org: &Org, cx: &Cx, data: &mut Data, id: Option<&str>) -> Answer {
        let named = app_target(data.app(&self.app)?);
        match id {
            None => data.revoke_tokens(&self.app, self.server.as_deref()),
            Some(id) => {
                self.one(org, data, id)?;
                data.refresh_tokens.remove(id);
                data.refresh_values.retain(|_, token| token != id);
            }
        }
        let targets = vec![named, target("refresh_token", id.unwrap_or("all"), "Refresh Token")];
        log::add(org, data, cx, "app.oauth2.as.token.revoke", targets);
        no_content()
    }
}

async fn of_app(State(org): State<Arc<Org>>, cx: Cx, Path(app): Path<String>) -> Answer {
    let data = org.data();
    View::app(&data, &app)?.list(&org, &cx, &data)
}

async fn one_of_app(State(org): State<Arc<Org>>, Path((app, id)): Path<(String, String)>) -> Answer {
    let data = org.data();
    ok(show::refresh_token(&org, &data, View::app(&data, &app)?.one(&org, &data, &id)?, false))
}

async fn revoke_app(State(org): State<Arc<Org>>, cx: Cx, Path(app): Path<String>) -> Answer {
    let mut data = org.data();
    View::app(&data, &app)?.revoke(&org, &cx, &mut data, None)
}

async fn revoke_one_of_app(State(org): State<Arc<Org>>, cx: Cx, Path((app, id)): Path<(String, String)>) -> Answer {
    let mut data = org.data();
    View::app(&data, &app)?.revoke(&org, &cx, &mut data, Some(&id))
}

/// The clients that hold refresh tokens of this server.
async fn clients_of_server(State(org): State<Arc<Org>>, cx: Cx, Path(server): Path<String>) -> Answer {
    let data = org.data();
    let id = data.server(&server)?.id.clone();
    let now = org.now();
    let holds = |app: &str| {
        let mut tokens = data.refresh_tokens.values();
        tokens.any(|token| token.server == id && token.app == app && token.expires() > now)
    };
    let found = data.apps.values().filter(|app| holds(&app.id)).map(|app| (app.id.as_str(), app));
    Pages::new(200, 200).answer(&org, &cx, found, clients::show)
}

async fn of_client(State(org): State<Arc<Org>>, cx: Cx, Path((server, client)): Path<(String, String)>) -> Answer {
    let data = org.data();
    View::client(&data, &server, &client)?.list(&org, &cx, &data)
}

async fn one_of_client(
    State(org): State<Arc<Org>>,
    Path((server, client, id)): Path<(String, String, String)>,
) -> Answer {
    let data = org.data();
    let view = View::client(&data, &server, &client)?;
    ok(show::refresh_token(&org, &data, view.one(&org, &data, &id)?, true))
}

async fn revoke_client(State(org): State<Arc<Org>>, cx: Cx, Path((server, client)): Path<(String, String)>) -> Answer {
    let mut data = org.data();
    View::client(&data, &server, &client)?.revoke(&org, &cx, &mut data, None)
}

async fn revoke_one_of_client(
    State(org): State<Arc<Org>>,
    cx: Cx,
    Path((server, client, id)): Path<(String, String, String)>,
) -> Answer {
    let mut data = org.data();
    View::client(&data, &server, &client)?.revoke(&org, &cx, &mut data, Some(&id))
}

async fn api_tokens(State(org): State<Arc<Org>>, cx: Cx) -> Answer {
    let data = org.data();
    let found = data.api_tokens.values().map(|token| (token.id.as_str(), token));
    Pages::new(200, 200).answer(&org, &cx, found, |token| show::api_token(&org, token))
}

async fn api_token(State(org): State<Arc<Org>>, Path(id): Path<String>) -> Answer {
    let data = org.data();
    let found = data.api_tokens.get(&id).ok_or_else(|| Problem::not_found(&id, "ApiToken"))?;
    ok(show::api_token(&org, found))
}

/// Only name and network can be changed.
async fn replace_api_token(State(org): State<Arc<Org>>, Path(id): Path<String>, Input(input): Input) -> Answer {
    let mut data = org.data();
    let found = data.api_tokens.get_mut(&id).ok_or_else(|| Problem::not_found(&id, "ApiToken"))?;
    if let Some(name) = input["name"].as_str() {
        found.name = name.to_owned();
    }
    if input["network"] != Value::Null {
        found.network = input["network"].clone();
    }
    ok(show::api_token(&org, found))
}

async fn revoke_api_token(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>) -> Answer {
    revoke_ssws(&org, &cx, &id)
}

async fn revoke_own_api_token(State(org): State<Arc<Org>>, cx: Cx) -> Answer {
    match &cx.who {
        Some(Principal::Token(id)) => revoke_ssws(&org, &cx, id),
        _ => Err(Problem::bad_token()),
    }
}

fn revoke_ssws(org: &Org, cx: &Cx, id: &str) -> Answer {
    let mut data = org.data();
    let name = data.api_tokens.get(id).ok_or_else(|| Problem::not_found(id, "ApiToken"))?.name.clone();
    log::add(org, &mut data, cx, "system.api_token.revoke", vec![target("Token", id, &name)]);
    data.api_tokens.remove(id);
    no_content()
}
