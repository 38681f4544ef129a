//! Owners of applications and service principals.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{delete, get, post};
use serde_json::{Map, Value};

use super::context::{Cx, Input, no_content};
use super::data::{Data, texts};
use super::error::{Answer, Problem};
use super::lists::List;
use super::{Tenant, show};

pub(super) fn routes() -> Router<Arc<Tenant>> {
    Router::new()
        .route("/v1.0/applications/{id}/owners", get(of_application))
        .route("/v1.0/applications/{id}/owners/$ref", post(add_to_application))
        .route("/v1.0/applications/{id}/owners/{owner}/$ref", delete(remove_from_application))
        .route("/v1.0/servicePrincipals/{id}/owners", get(of_principal))
        .route("/v1.0/servicePrincipals/{id}/owners/$ref", post(add_to_principal))
        .route("/v1.0/servicePrincipals/{id}/owners/{owner}/$ref", delete(remove_from_principal))
}

/// The id at the end of an `@odata.id`.
pub(super) fn referred(body: &Map<String, Value>) -> Result<String, Problem> {
    let url = body.get("@odata.id").and_then(Value::as_str);
    let id = url.and_then(|url| url.rsplit('/').next()).filter(|id| !id.is_empty());
    id.map(str::to_owned).ok_or_else(|| Problem::bad("Invalid value specified for property '@odata.id'."))
}

/// `owners@odata.bind` of a POST.
pub(super) fn bound(body: &Map<String, Value>) -> Result<Vec<String>, Problem> {
    let list = body.get("owners@odata.bind").cloned().unwrap_or_default();
    let all: Vec<String> = texts(&list).filter_map(|url| url.rsplit('/').next()).map(str::to_owned).collect();
    // So many are taken with a POST (by clients' experience).
    if all.len() > 20 { Err(Problem::invalid("owners")) } else { Ok(all) }
}

/// Owners are users and service principals.
pub(super) fn known(data: &Data, id: &str) -> Result<(), Problem> {
    let there = data.users.contains_key(id) || data.service_principals.contains_key(id);
    if there && data.replicated(id) { Ok(()) } else { Err(Problem::no_reference(id)) }
}

fn listed(data: &Data, cx: &Cx, owners: &BTreeSet<String>) -> Answer {
    let list = List { of: "directoryObjects", filters: &[] };
    list.filter(cx)?;
    list.answer(
        cx,
        owners.iter().map(|id| (id.as_str(), id.as_str())),
        |_| true,
        |id| show::directory_object(data, id).unwrap_or_default(),
    )
}

fn added(owners: &mut BTreeSet<String>, id: String) -> Answer {
    if owners.insert(id) {
        no_content()
    } else {
        Err(Problem::bad(
            "One or more added object references already exist for the following modified properties: 'owners'.",
        ))
    }
}

fn removed(owners: &mut BTreeSet<String>, id: &str) -> Answer {
    if owners.remove(id) { no_content() } else { Err(Problem::not_found(id)) }
}

async fn of_application(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx) -> Answer {
    let data = tenant.data();
    let app = data.application(&segment)?;
    cx.who.reads(app)?;
    listed(&data, &cx, &app.owners)
}

async fn add_to_application(
    State(tenant): State<Arc<Tenant>>,
    Path(segment): Path<String>,
    cx: Cx,
    Input(body): Input,
) -> Answer {
    let id = referred(&body)?;
    let mut data = tenant.data();
    known(&data, &id)?;
    added(&mut data.application_to_change(&cx.who, &segment)?.owners, id)
}

async fn remove_from_application(
    State(tenant): State<Arc<Tenant>>,
    Path((segment, owner)): Path<(String, String)>,
    cx: Cx,
) -> Answer {
    removed(&mut tenant.data().application_to_change(&cx.who, &segment)?.owners, &owner)
}

async fn of_principal(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx) -> Answer {
    let data = tenant.data();
    let principal = data.principal(&segment)?;
    cx.who.reads_principal(principal)?;
    listed(&data, &cx, &principal.owners)
}

async fn add_to_principal(
    State(tenant): State<Arc<Tenant>>,
    Path(segment): Path<String>,
    cx: Cx,
    Input(body): Input,
) -> Answer {
    let id = referred(&body)?;
    let mut data = tenant.data();
    known(&data, &id)?;
    added(&mut data.principal_to_change(&cx.who, &segment)?.owners, id)
}

async fn remove_from_principal(
    State(tenant): State<Arc<Tenant>>,
    Path((segment, owner)): Path<(String, String)>,
    cx: Cx,
) -> Answer {
    removed(&mut tenant.data().principal_to_change(&cx.who, &segment)?.owners, &owner)
}
