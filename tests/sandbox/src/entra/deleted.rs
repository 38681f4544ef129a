//! The bin: `/directory/deletedItems`. What is in it is gone for good after 30 days of the calendar.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::context::{Cx, entity, no_content, raw};
use super::data::{Data, Deleted, DeletedObject};
use super::error::{Answer, Problem};
use super::lists::List;
use super::{Tenant, ids, show};

pub(super) fn routes() -> Router<Arc<Tenant>> {
    Router::new()
        .route("/v1.0/directory/deletedItems/microsoft.graph.application", get(list))
        .route("/v1.0/directory/deletedItems/microsoft.graph.servicePrincipal", get(list))
        .route("/v1.0/directory/deletedItems/{id}", get(read).delete(purge))
        .route("/v1.0/directory/deletedItems/{id}/restore", post(restore))
}

impl DeletedObject {
    fn owners(&self) -> &std::collections::BTreeSet<String> {
        match self {
            Self::Application(app) => &app.owners,
            Self::ServicePrincipal(principal) => &principal.owners,
        }
    }
}

/// Something in the bin, with its type and when it was deleted.
pub(super) fn shown(data: &Data, deleted: &Deleted) -> Value {
    let (kind, mut shown) = match &deleted.object {
        DeletedObject::Application(app) => ("application", show::application(data, app)),
        DeletedObject::ServicePrincipal(principal) => ("servicePrincipal", show::principal(data, principal)),
    };
    shown["@odata.type"] = json!(format!("#microsoft.graph.{kind}"));
    shown["deletedDateTime"] = json!(ids::time(deleted.at));
    shown
}

async fn list(State(tenant): State<Arc<Tenant>>, cx: Cx) -> Answer {
    cx.who.lists()?;
    let applications = cx.path.ends_with("application");
    let list = List { of: "directoryObjects", filters: &["id", "appId", "displayName", "uniqueName"] };
    let filter = list.filter(&cx)?;
    let data = tenant.data();
    list.answer(
        &cx,
        data.deleted.iter().map(|(id, deleted)| (id.as_str(), deleted)),
        |deleted| {
            matches!(deleted.object, DeletedObject::Application(_)) == applications
                && cx.who.sees(deleted.object.owners())
                && filter.as_ref().is_none_or(|filter| {
                    let shown = shown(&data, deleted);
                    filter.fits(&|name| shown[name].clone())
                })
        },
        |deleted| {
            let mut shown = shown(&data, deleted);
            if let Value::Object(all) = &mut shown {
                all.remove("@odata.type");
            }
            shown
        },
    )
}

async fn read(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx) -> Answer {
    let data = tenant.data();
    let deleted = data.deleted.get(&id).ok_or_else(|| Problem::not_found(&id))?;
    if !cx.who.sees(deleted.object.owners()) {
        return Err(Problem::forbidden());
    }
    entity("directoryObjects", shown(&data, deleted))
}

fn may_write(data: &Data, cx: &Cx, id: &str) -> Result<(), Problem> {
    match &data.deleted.get(id).ok_or_else(|| Problem::not_found(id))?.object {
        DeletedObject::Application(app) => cx.who.writes(app),
        DeletedObject::ServicePrincipal(principal) => cx.who.writes_principal(principal),
    }
}

/// For good; the service principal of an application goes with it.
async fn purge(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx) -> Answer {
    let mut data = tenant.data();
    may_write(&data, &cx, &id)?;
    if let Some(Deleted { object: DeletedObject::Application(app), .. }) = data.deleted.remove(&id) {
        data.deleted.retain(|_, deleted| match &deleted.object {
            DeletedObject::ServicePrincipal(principal) => principal.app_id != app.app_id,
            DeletedObject::Application(_) => true,
        });
    }
    no_content()
}

/// Back from the bin. The service principal of an application stays there until it is restored itself, and its grants and
/// role assignments are gone (UNCONFIRMED for every case).
async fn restore(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx) -> Answer {
    let mut data = tenant.data();
    may_write(&data, &cx, &id)?;
    let Some(deleted) = data.deleted.remove(&id) else { return Err(Problem::not_found(&id)) };
    match deleted.object {
        DeletedObject::Application(app) => data.add_application(app),
        DeletedObject::ServicePrincipal(principal) => {
            if data.application_of(&principal.app_id).is_none() {
                let refused = Problem::no_reference(&principal.app_id);
                data.deleted.insert(id, Deleted { object: DeletedObject::ServicePrincipal(principal), at: deleted.at });
                return Err(refused);
            }
            data.add_principal(principal);
        }
    }
    raw("directoryObjects/$entity", show::directory_object(&data, &id).unwrap_or_default())
}
