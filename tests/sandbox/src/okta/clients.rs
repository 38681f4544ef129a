//! `GET /oauth2/v1/clients`: apps as dynamic client registration sees them. Writing through it is not stood in for:
//! extoauth must not use `newSecret`, which destroys the old secret at once.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::Org;
use super::context::{Cx, Pages, ok};
use super::data::App;
use super::error::{Answer, Problem};

pub(super) fn routes() -> Router<Arc<Org>> {
    let unsupported = || async { Problem::unsupported() };
    Router::new()
        .route("/oauth2/v1/clients", get(list).post(unsupported))
        .route("/oauth2/v1/clients/{client}", get(one).put(unsupported).delete(unsupported))
}

pub(super) fn show(app: &App) -> Value {
    let client = app.oauth();
    json!({
        "client_id": app.client_id(),
        "client_id_issued_at": app.stamp.created.as_second(),
        "client_name": app.label(),
        "client_uri": client["client_uri"],
        "logo_uri": client["logo_uri"],
        "redirect_uris": client["redirect_uris"],
        "post_logout_redirect_uris": client["post_logout_redirect_uris"],
        "response_types": client["response_types"],
        "grant_types": client["grant_types"],
        "token_endpoint_auth_method": app.auth_method(),
        "application_type": client["application_type"],
    })
}

async fn list(State(org): State<Arc<Org>>, cx: Cx) -> Answer {
    let data = org.data();
    let start = cx.arg("q").map(str::to_lowercase);
    let fits = |app: &&App| {
        app.is_oidc()
            && data.seen(&app.id)
            && start.as_ref().is_none_or(|start| {
                app.label().to_lowercase().starts_with(start) || app.client_id().to_lowercase().starts_with(start)
            })
    };
    let found = data.apps.values().filter(fits).map(|app| (app.id.as_str(), app));
    Pages::new(50, 200).answer(&org, &cx, found, show)
}

async fn one(State(org): State<Arc<Org>>, Path(client): Path<String>) -> Answer {
    let data = org.data();
    ok(show(data.client(&client).ok_or_else(|| Problem::not_found(&client, "PublicClientApp"))?))
}
