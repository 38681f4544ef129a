//! `/servicePrincipals`.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::access::Who;
use super::applications::Key;
use super::context::{Cx, Input, created, entity, no_content};
use super::data::{Data, Deleted, DeletedObject, ServicePrincipal};
use super::error::{Answer, Problem};
use super::lists::{List, Selection};
use super::{Tenant, ids, principal_json, show};

pub(super) fn routes() -> Router<Arc<Tenant>> {
    Router::new()
        .route("/v1.0/servicePrincipals", get(list).post(create))
        .route("/v1.0/servicePrincipals/{id}", get(read).patch(change).delete(delete))
}

impl Data {
    fn keyed_principal(&self, key: &Key) -> Option<&ServicePrincipal> {
        match key {
            Key::Id(id) => self.service_principals.get(id),
            Key::AppId(app_id) => self.any_principal_of(app_id),
            Key::UniqueName(_) => None,
        }
    }

    /// The service principal that a change or a sub-resource is for: 404 until it is replicated.
    pub fn principal(&self, segment: &str) -> Result<&ServicePrincipal, Problem> {
        let key = Key::of(segment);
        let found = self.keyed_principal(&key).filter(|principal| self.replicated(&principal.id));
        found.ok_or_else(|| Problem::not_found(key.text()))
    }

    /// The same, to change it, by somebody who may.
    pub fn principal_to_change(&mut self, who: &Who, segment: &str) -> Result<&mut ServicePrincipal, Problem> {
        let principal = self.principal(segment)?;
        who.writes_principal(principal)?;
        let id = principal.id.clone();
        self.service_principals.get_mut(&id).ok_or_else(|| Problem::not_found(segment))
    }
}

const LIST: List<'_> = List {
    of: "servicePrincipals",
    filters: &[
        "id",
        "appId",
        "displayName",
        "servicePrincipalNames",
        "servicePrincipalType",
        "accountEnabled",
        "appOwnerOrganizationId",
        "tags",
    ],
};

async fn list(State(tenant): State<Arc<Tenant>>, cx: Cx) -> Answer {
    cx.who.lists()?;
    let filter = LIST.filter(&cx)?;
    let data = tenant.data();
    let property = |principal: &ServicePrincipal, name: &str| match name {
        "id" => json!(principal.id),
        "appId" => json!(principal.app_id),
        "servicePrincipalNames" => json!(data.names_of(principal)),
        name => principal.shown[name].clone(),
    };
    LIST.answer(
        &cx,
        data.service_principals.iter().map(|(id, principal)| (id.as_str(), principal)),
        |principal| {
            data.replicated(&principal.id)
                && cx.who.sees(&principal.owners)
                && filter.as_ref().is_none_or(|filter| filter.fits(&|name| property(principal, name)))
        },
        |principal| show::principal(&data, principal),
    )
}

async fn read(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx) -> Answer {
    let data = tenant.data();
    let key = Key::of(&segment);
    let principal = data.keyed_principal(&key).filter(|principal| data.seen(&principal.id));
    let principal = principal.ok_or_else(|| Problem::not_found(key.text()))?;
    cx.who.reads_principal(principal)?;
    let select = Selection::of(&cx);
    entity(&select.context("servicePrincipals"), select.cut(show::principal(&data, principal)))
}

async fn create(State(tenant): State<Arc<Tenant>>, cx: Cx, Input(body): Input) -> Answer {
    let app_id = body.get("appId").and_then(Value::as_str).map(str::to_owned);
    make(&tenant, &cx, app_id.as_deref(), &body)
}

fn make(tenant: &Tenant, cx: &Cx, app_id: Option<&str>, body: &Map<String, Value>) -> Answer {
    if !cx.who.manages_own() {
        return Err(Problem::forbidden());
    }
    let app_id = app_id.ok_or_else(|| Problem::bad("Property appId is required.").detail("MissingValue", "appId"))?;
    let mut data = tenant.data();
    let Some(app) = data.client(app_id) else {
        // The same lag, told in two ways: who may make them for its own applications only is told of a right instead.
        return Err(if cx.who.writes_all() {
            let text = "of the service principal does not reference a valid application object.";
            Problem::bad(format!("The appId '{app_id}' {text}")).detail("NoBackingApplicationObject", "appId")
        } else {
            let text = "When using this permission, the backing application of the service principal being created \
                        must in the local tenant";
            Problem::new(403, "Authorization_RequestDenied", text)
        });
    };
    cx.who.writes(app)?;
    if data.any_principal_of(app_id).is_some() {
        return Err(Problem::conflict("servicePrincipalNames"));
    }
    let mut shown = principal_json::blank(app.name());
    shown["createdByAppId"] = json!(cx.who.app_id());
    principal_json::change(&mut shown, body)?;
    let mut owners: BTreeSet<String> = cx.who.principal().map(str::to_owned).into_iter().collect();
    for owner in super::owners::bound(body)? {
        super::owners::known(&data, &owner)?;
        owners.insert(owner);
    }
    let principal =
        ServicePrincipal { id: ids::guid(), app_id: app.app_id.clone(), shown, owners, created: tenant.now() };
    let mut body = show::principal(&data, &principal);
    body["createdDateTime"] = json!(ids::precise_time(principal.created));
    cx.hide(&mut data, &principal.id);
    data.add_principal(principal);
    created("servicePrincipals", "ServicePrincipal", body)
}

async fn change(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx, Input(body): Input) -> Answer {
    let mut data = tenant.data();
    if let (Key::AppId(app_id), true) = (Key::of(&segment), cx.create_if_missing)
        && data.any_principal_of(&app_id).is_none()
    {
        drop(data);
        return make(&tenant, &cx, Some(app_id.as_str()), &body);
    }
    let principal = data.principal_to_change(&cx.who, &segment)?;
    let mut shown = principal.shown.clone();
    principal_json::change(&mut shown, &body)?;
    principal.shown = shown;
    no_content()
}

async fn delete(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx) -> Answer {
    let now = tenant.now();
    let mut data = tenant.data();
    let id = data.principal_to_change(&cx.who, &segment)?.id.clone();
    if let Some(principal) = data.take_principal(&id) {
        data.deleted.insert(id, Deleted { object: DeletedObject::ServicePrincipal(principal), at: now });
    }
    no_content()
}
