//! Policies: the default app management policy, further ones, and token lifetime policies, with their assignments.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{delete, get};
use serde_json::{Map, Value, json};

use super::access::Right;
use super::context::{Cx, Input, created, entity, no_content};
use super::data::{Application, Data};
use super::error::{Answer, Problem};
use super::lists::List;
use super::owners::referred;
use super::{Tenant, ids, show};

/// The kinds of policy that are objects of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Lifetime,
    Management,
}

impl Kind {
    fn of(cx: &Cx) -> Self {
        if cx.path.contains("tokenLifetimePolicies") { Self::Lifetime } else { Self::Management }
    }

    fn set(self) -> &'static str {
        match self {
            Self::Lifetime => "tokenLifetimePolicies",
            Self::Management => "appManagementPolicies",
        }
    }

    fn all(self, data: &Data) -> &BTreeMap<String, Value> {
        match self {
            Self::Lifetime => &data.lifetime_policies,
            Self::Management => &data.management_policies,
        }
    }

    fn all_mut(self, data: &mut Data) -> &mut BTreeMap<String, Value> {
        match self {
            Self::Lifetime => &mut data.lifetime_policies,
            Self::Management => &mut data.management_policies,
        }
    }

    fn assigned(self, app: &Application) -> &Vec<String> {
        match self {
            Self::Lifetime => &app.lifetime_policies,
            Self::Management => &app.management_policies,
        }
    }

    fn assigned_mut(self, app: &mut Application) -> &mut Vec<String> {
        match self {
            Self::Lifetime => &mut app.lifetime_policies,
            Self::Management => &mut app.management_policies,
        }
    }
}

pub(super) fn routes() -> Router<Arc<Tenant>> {
    let mut routes =
        Router::new().route("/v1.0/policies/defaultAppManagementPolicy", get(default_policy).patch(change_default));
    for kind in [Kind::Lifetime, Kind::Management] {
        let set = kind.set();
        routes = routes
            .route(&format!("/v1.0/policies/{set}"), get(list).post(create))
            .route(&format!("/v1.0/policies/{set}/{{id}}"), get(read).patch(change).delete(remove))
            .route(&format!("/v1.0/policies/{set}/{{id}}/appliesTo"), get(applies_to))
            .route(&format!("/v1.0/applications/{{id}}/{set}"), get(assigned))
            .route(&format!("/v1.0/applications/{{id}}/{set}/$ref"), get(assigned).post(assign))
            .route(&format!("/v1.0/applications/{{id}}/{set}/{{policy}}/$ref"), delete(unassign));
    }
    routes
}

async fn default_policy(State(tenant): State<Arc<Tenant>>, cx: Cx) -> Answer {
    cx.who.need(Right::ReadPolicies)?;
    entity("policies/defaultAppManagementPolicy", tenant.data().default_management_policy.clone())
}

async fn change_default(State(tenant): State<Arc<Tenant>>, cx: Cx, Input(body): Input) -> Answer {
    cx.who.need(Right::WritePolicies)?;
    let mut data = tenant.data();
    let mut policy = data.default_management_policy.clone();
    for (name, value) in body.into_iter().filter(|(name, _)| !name.contains('@')) {
        match name.as_str() {
            "isEnabled" if value.is_boolean() => policy[&name] = value,
            "displayName" | "description" if value.is_string() => policy[&name] = value,
            "applicationRestrictions" | "servicePrincipalRestrictions" => merge(&mut policy[&name], value),
            _ => return Err(Problem::bad(format!("Invalid property '{name}'."))),
        }
    }
    data.default_management_policy = policy;
    no_content()
}

/// Objects property by property, lists whole.
fn merge(old: &mut Value, new: Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (name, value) in new {
                merge(old.entry(name).or_insert(Value::Null), value);
            }
        }
        (old, new) => *old = new,
    }
}

async fn list(State(tenant): State<Arc<Tenant>>, cx: Cx) -> Answer {
    cx.who.need(Right::ReadPolicies)?;
    let kind = Kind::of(&cx);
    let of = format!("policies/{}", kind.set());
    let list = List { of: &of, filters: &["id", "displayName", "isOrganizationDefault"] };
    let filter = list.filter(&cx)?;
    let data = tenant.data();
    list.answer(
        &cx,
        kind.all(&data).iter().map(|(id, policy)| (id.as_str(), policy)),
        |policy| {
            data.replicated(policy["id"].as_str().unwrap_or_default())
                && filter.as_ref().is_none_or(|filter| filter.fits(&|name| policy[name].clone()))
        },
        Value::clone,
    )
}

async fn read(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx) -> Answer {
    cx.who.need(Right::ReadPolicies)?;
    let kind = Kind::of(&cx);
    let data = tenant.data();
    let policy = kind.all(&data).get(&id).filter(|_| data.seen(&id)).ok_or_else(|| Problem::not_found(&id))?;
    entity(&format!("policies/{}", kind.set()), policy.clone())
}

/// Lays a body over a policy.
fn laid(kind: Kind, mut policy: Value, body: Map<String, Value>) -> Result<Value, Problem> {
    for (name, value) in body.into_iter().filter(|(name, _)| !name.contains('@')) {
        let known = match kind {
            Kind::Lifetime => ["displayName", "description", "definition", "isOrganizationDefault"],
            Kind::Management => ["displayName", "description", "isEnabled", "restrictions"],
        };
        if !known.contains(&name.as_str()) {
            return Err(Problem::bad(format!("Invalid property '{name}'.")));
        }
        if name == "restrictions" { merge(&mut policy[&name], value) } else { policy[&name] = value }
    }
    if policy["displayName"].as_str().is_none_or(str::is_empty) {
        return Err(Problem::bad("Property displayName is required.").detail("MissingValue", "displayName"));
    }
    if kind == Kind::Lifetime && lifetime(&policy).is_none() {
        return Err(
            Problem::bad("One or more property values specified are invalid.").detail("InvalidValue", "definition")
        );
    }
    Ok(policy)
}

/// The access token lifetime of a policy in seconds: its definition is a list of one text with JSON in it; 10 minutes to
/// a day.
pub(super) fn lifetime(policy: &Value) -> Option<i64> {
    let definition = policy["definition"].as_array().filter(|list| list.len() == 1)?;
    let inner: Value = serde_json::from_str(definition[0].as_str()?).ok()?;
    let inner = inner.get("TokenLifetimePolicy")?;
    let text = inner["AccessTokenLifetime"].as_str()?;
    let (days, rest) = text.split_once('.').unwrap_or(("0", text));
    let mut seconds = days.parse::<i64>().ok()?.checked_mul(24)?;
    let mut parts = 0;
    for part in rest.split(':') {
        let number: i64 = part.parse().ok()?;
        parts += 1;
        seconds =
            if parts == 1 { seconds.checked_add(number)? } else { seconds.checked_mul(60)?.checked_add(number)? };
    }
    (parts == 3 && (600..=86_400).contains(&seconds)).then_some(seconds)
}

async fn create(State(tenant): State<Arc<Tenant>>, cx: Cx, Input(body): Input) -> Answer {
    cx.who.need(Right::WritePolicies)?;
    let kind = Kind::of(&cx);
    let id = ids::guid();
    let blank = match kind {
        Kind::Lifetime => json!({
            "id": id, "deletedDateTime": null, "displayName": null, "description": null, "definition": [],
            "isOrganizationDefault": false,
        }),
        Kind::Management => json!({
            "id": id, "deletedDateTime": null, "displayName": null, "description": null, "isEnabled": false,
            "restrictions": {"passwordCredentials": [], "keyCredentials": []},
        }),
    };
    let policy = laid(kind, blank, body)?;
    let mut data = tenant.data();
    cx.hide(&mut data, &id);
    kind.all_mut(&mut data).insert(id, policy.clone());
    created(&format!("policies/{}", kind.set()), "Policy", policy)
}

async fn change(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx, Input(body): Input) -> Answer {
    cx.who.need(Right::WritePolicies)?;
    let kind = Kind::of(&cx);
    let mut data = tenant.data();
    let policy = kind.all(&data).get(&id).filter(|_| data.replicated(&id)).ok_or_else(|| Problem::not_found(&id))?;
    let policy = laid(kind, policy.clone(), body)?;
    kind.all_mut(&mut data).insert(id, policy);
    no_content()
}

async fn remove(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx) -> Answer {
    cx.who.need(Right::WritePolicies)?;
    let kind = Kind::of(&cx);
    let mut data = tenant.data();
    if !data.replicated(&id) || kind.all_mut(&mut data).remove(&id).is_none() {
        return Err(Problem::not_found(&id));
    }
    for app in data.applications.values_mut() {
        kind.assigned_mut(app).retain(|known| *known != id);
    }
    no_content()
}

async fn applies_to(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx) -> Answer {
    cx.who.need(Right::ReadPolicies)?;
    let kind = Kind::of(&cx);
    let data = tenant.data();
    kind.all(&data).get(&id).ok_or_else(|| Problem::not_found(&id))?;
    let list = List { of: "directoryObjects", filters: &[] };
    list.answer(
        &cx,
        data.applications.iter().map(|(id, app)| (id.as_str(), app)),
        |app| kind.assigned(app).contains(&id),
        |app| show::directory_object(&data, &app.id).unwrap_or_default(),
    )
}

async fn assigned(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx) -> Answer {
    let kind = Kind::of(&cx);
    let data = tenant.data();
    let app = data.application(&segment)?;
    cx.who.need(Right::ReadPolicies).or_else(|refused| cx.who.reads(app).map_err(|_| refused))?;
    let list = List { of: kind.set(), filters: &[] };
    let all = kind.all(&data);
    list.answer(
        &cx,
        kind.assigned(app).iter().filter_map(|id| all.get(id).map(|policy| (id.as_str(), policy))),
        |_| true,
        Value::clone,
    )
}

async fn assign(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx, Input(body): Input) -> Answer {
    cx.who.need(Right::WritePolicies)?;
    let kind = Kind::of(&cx);
    let id = referred(&body)?;
    let mut data = tenant.data();
    let app = data.application(&segment)?.id.clone();
    if !kind.all(&data).contains_key(&id) || !data.replicated(&id) {
        return Err(Problem::not_found(&id));
    }
    let Some(app) = data.applications.get_mut(&app) else { return Err(Problem::not_found(&segment)) };
    let list = kind.assigned_mut(app);
    if list.contains(&id) {
        let text =
            "One or more added object references already exist for the following modified properties: 'policies'.";
        return Err(Problem::bad(text));
    }
    // One of each kind (by memory).
    if !list.is_empty() {
        return Err(Problem::bad(
            "The limit of policies of this type that are assigned to this object has been reached.",
        ));
    }
    list.push(id);
    no_content()
}

async fn unassign(
    State(tenant): State<Arc<Tenant>>,
    Path((segment, policy)): Path<(String, String)>,
    cx: Cx,
) -> Answer {
    cx.who.need(Right::WritePolicies)?;
    let kind = Kind::of(&cx);
    let mut data = tenant.data();
    let app = data.application(&segment)?.id.clone();
    let list = data.applications.get_mut(&app).map(|app| kind.assigned_mut(app));
    let at = list.as_ref().and_then(|list| list.iter().position(|known| *known == policy));
    match (list, at) {
        (Some(list), Some(at)) => {
            list.remove(at);
            no_content()
        }
        _ => Err(Problem::not_found(&policy)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lifetime;

    #[test]
    fn lifetimes() {
        let of = |text: &str| {
            let inner = json!({"TokenLifetimePolicy": {"Version": 1, "AccessTokenLifetime": text}});
            lifetime(&json!({"definition": [inner.to_string()]}))
        };
        assert_eq!(of("1:00:00"), Some(3600));
        assert_eq!(of("0.02:30:05"), Some(9005));
        assert_eq!(of("1.00:00:00"), Some(86_400));
        assert_eq!(of("00:05:00"), None, "less than ten minutes");
        assert_eq!(of("2.00:00:00"), None, "more than a day");
        assert_eq!(of("soon"), None);
        assert_eq!(lifetime(&json!({"definition": []})), None);
    }
}
