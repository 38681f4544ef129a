//! Delegated permission grants: `/oauth2PermissionGrants`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::access::Right;
use super::context::{Cx, Input, created, entity, no_content};
use super::data::Grant;
use super::error::{Answer, Problem};
use super::lists::List;
use super::{Tenant, ids, show};

pub(super) fn routes() -> Router<Arc<Tenant>> {
    Router::new()
        .route("/v1.0/oauth2PermissionGrants", get(list).post(create))
        .route("/v1.0/oauth2PermissionGrants/{id}", get(read).patch(change).delete(delete))
        .route("/v1.0/servicePrincipals/{id}/oauth2PermissionGrants", get(of_principal))
}

/// Longest list of scopes.
const SCOPES: usize = 3850;
const FILTERS: [&str; 5] = ["id", "clientId", "resourceId", "consentType", "principalId"];

fn listed(tenant: &Tenant, cx: &Cx, of: &str, client: Option<&str>) -> Answer {
    let list = List { of, filters: &FILTERS };
    let filter = list.filter(cx)?;
    let data = tenant.data();
    list.answer(
        cx,
        data.grants.iter().map(|(id, grant)| (id.as_str(), grant)),
        |grant| {
            data.replicated(&grant.id)
                && client.is_none_or(|client| grant.client == client)
                && filter.as_ref().is_none_or(|filter| {
                    let shown = show::grant(grant);
                    filter.fits(&|name| shown[name].clone())
                })
        },
        show::grant,
    )
}

async fn list(State(tenant): State<Arc<Tenant>>, cx: Cx) -> Answer {
    cx.who.need(Right::ReadGrants)?;
    listed(&tenant, &cx, "oauth2PermissionGrants", None)
}

async fn of_principal(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx) -> Answer {
    cx.who.need(Right::ReadGrants)?;
    let client = tenant.data().principal(&segment)?.id.clone();
    listed(&tenant, &cx, "oauth2PermissionGrants", Some(&client))
}

async fn read(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx) -> Answer {
    cx.who.need(Right::ReadGrants)?;
    let data = tenant.data();
    let grant = data.grants.get(&id).filter(|grant| data.seen(&grant.id));
    entity("oauth2PermissionGrants", show::grant(grant.ok_or_else(|| Problem::not_found(&id))?))
}

async fn create(State(tenant): State<Arc<Tenant>>, cx: Cx, Input(body): Input) -> Answer {
    cx.who.need(Right::WriteGrants)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let required = |name: &str| {
        let missing = || Problem::bad(format!("Property {name} is required.")).detail("MissingValue", name);
        text(name).filter(|text| !text.is_empty()).ok_or_else(missing)
    };
    let (client, resource) = (required("clientId")?, required("resourceId")?);
    let principal = match required("consentType")?.as_str() {
        "AllPrincipals" if text("principalId").is_none() => None,
        "Principal" => Some(required("principalId")?),
        _ => return Err(Problem::bad("One or more property values specified are invalid.")),
    };
    let scope = text("scope").unwrap_or_default();
    if scope.len() > SCOPES {
        return Err(Problem::bad("One or more property values specified are invalid."));
    }
    let mut data = tenant.data();
    let there = |id: &str| data.service_principals.contains_key(id) && data.replicated(id);
    // Too early: clients have met both, 404 and 400.
    if !there(&client) {
        return Err(Problem::not_found(&client));
    }
    if !there(&resource) {
        return Err(Problem::no_reference(&resource));
    }
    if let Some(principal) = principal.as_deref().filter(|id| !data.users.contains_key(*id)) {
        return Err(Problem::no_reference(principal));
    }
    let mut grant = Grant { id: String::new(), client, resource, principal, scope };
    grant.id = ids::grant(&grant);
    if data.grants.contains_key(&grant.id) {
        return Err(Problem::new(409, "Request_MultipleObjectsWithSameKeyValue", "Permission entry already exists."));
    }
    cx.hide(&mut data, &grant.id);
    let shown = show::grant(&grant);
    data.grants.insert(grant.id.clone(), grant);
    created("oauth2PermissionGrants", "OAuth2PermissionGrant", shown)
}

/// Only the list of scopes changes: the one sent replaces it.
async fn change(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx, Input(body): Input) -> Answer {
    cx.who.need(Right::WriteGrants)?;
    let mut data = tenant.data();
    let seen = data.replicated(&id);
    let grant = data.grants.get_mut(&id).filter(|_| seen).ok_or_else(|| Problem::not_found(&id))?;
    let before = show::grant(grant);
    for (name, value) in body.iter().filter(|(name, _)| !name.contains('@')) {
        if name != "scope" && before.get(name) != Some(value) {
            return Err(Problem::bad(format!("Property '{name}' is read-only and cannot be set.")));
        }
    }
    let scope = body.get("scope").unwrap_or(&json!(grant.scope)).as_str().map(str::to_owned);
    let scope = scope.filter(|scope| scope.len() <= SCOPES).ok_or_else(|| Problem::invalid("scope"))?;
    grant.scope = scope;
    no_content()
}

async fn delete(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx) -> Answer {
    cx.who.need(Right::WriteGrants)?;
    let mut data = tenant.data();
    if !data.replicated(&id) || data.grants.remove(&id).is_none() {
        return Err(Problem::not_found(&id));
    }
    no_content()
}
