//! Federated identity credentials of an application.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Map, Value};

use super::context::{Cx, Input, created, entity, no_content};
use super::data::{Application, Data, Federated};
use super::error::{Answer, Problem};
use super::lists::List;
use super::{Tenant, ids, show};

pub(super) fn routes() -> Router<Arc<Tenant>> {
    let list_path = "/v1.0/applications/{id}/federatedIdentityCredentials";
    let one_path = "/v1.0/applications/{id}/federatedIdentityCredentials/{credential}";
    Router::new().route(list_path, get(list).post(create)).route(one_path, get(read).patch(change).delete(delete))
}

/// So many an application holds (by memory).
const LIMIT: usize = 20;
/// Longest issuer, subject, audience and description.
const LENGTH: usize = 600;

fn set(app: &Application) -> String {
    format!("applications('{}')/federatedIdentityCredentials", app.id)
}

async fn list(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx) -> Answer {
    let data = tenant.data();
    let app = data.application(&segment)?;
    cx.who.reads(app)?;
    let of = set(app);
    let list = List { of: &of, filters: &["id", "name", "issuer", "subject"] };
    let filter = list.filter(&cx)?;
    list.answer(
        &cx,
        app.federated.iter().map(|(id, known)| (id.as_str(), known)),
        |known| {
            data.replicated(&known.id)
                && filter.as_ref().is_none_or(|filter| filter.fits(&|name| show::federated(known)[name].clone()))
        },
        show::federated,
    )
}

fn find<'a>(data: &Data, app: &'a Application, name: &str) -> Result<&'a Federated, Problem> {
    let by_name = || app.federated.values().find(|known| known.name == name);
    let found = app.federated.get(name).or_else(by_name).filter(|known| data.replicated(&known.id));
    found.ok_or_else(|| Problem::not_found(name))
}

async fn read(State(tenant): State<Arc<Tenant>>, Path((segment, name)): Path<(String, String)>, cx: Cx) -> Answer {
    let data = tenant.data();
    let app = data.application(&segment)?;
    cx.who.reads(app)?;
    entity(&set(app), show::federated(find(&data, app, &name)?))
}

async fn create(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx, Input(body): Input) -> Answer {
    let mut data = tenant.data();
    let app = data.application(&segment)?;
    cx.who.writes(app)?;
    let blank = Federated {
        id: ids::guid(),
        name: body.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
        issuer: String::new(),
        subject: String::new(),
        audiences: Vec::new(),
        description: None,
    };
    let made = laid(blank, &body)?;
    if !is_name(&made.name) {
        return Err(Problem::invalid("name"));
    }
    if app.federated.values().any(|known| known.name.eq_ignore_ascii_case(&made.name)) {
        let text = format!("FederatedIdentityCredential with name {} already exists.", made.name);
        return Err(Problem::new(409, "Request_MultipleObjectsWithSameKeyValue", text));
    }
    judge(app, &made)?;
    if app.federated.len() >= LIMIT {
        return Err(Problem::bad("The limit of federated identity credentials of this application has been reached."));
    }
    let (of, id) = (set(app), app.id.clone());
    let shown = show::federated(&made);
    cx.hide(&mut data, &made.id);
    if let Some(app) = data.applications.get_mut(&id) {
        app.federated.insert(made.id.clone(), made);
    }
    created(&of, "FederatedIdentityCredential", shown)
}

async fn change(
    State(tenant): State<Arc<Tenant>>,
    Path((segment, name)): Path<(String, String)>,
    cx: Cx,
    Input(body): Input,
) -> Answer {
    let mut data = tenant.data();
    let app = data.application(&segment)?;
    cx.who.writes(app)?;
    let known = find(&data, app, &name)?;
    if body.get("name").is_some_and(|name| *name != known.name.as_str()) {
        return Err(Problem::bad("Property 'name' is read-only and cannot be set."));
    }
    let changed = laid(known.clone(), &body)?;
    judge(app, &changed)?;
    let id = app.id.clone();
    if let Some(app) = data.applications.get_mut(&id) {
        app.federated.insert(changed.id.clone(), changed);
    }
    no_content()
}

async fn delete(State(tenant): State<Arc<Tenant>>, Path((segment, name)): Path<(String, String)>, cx: Cx) -> Answer {
    let mut data = tenant.data();
    let app = data.application(&segment)?;
    cx.who.writes(app)?;
    let id = find(&data, app, &name)?.id.clone();
    data.application_to_change(&cx.who, &segment)?.federated.remove(&id);
    no_content()
}

/// The credential with what a body says of it.
fn laid(mut known: Federated, body: &Map<String, Value>) -> Result<Federated, Problem> {
    for (name, value) in body {
        let text = || value.as_str().map(str::to_owned).ok_or_else(|| Problem::invalid(name));
        match name.as_str() {
            "name" | "id" => {}
            "issuer" => known.issuer = text()?,
            "subject" => known.subject = text()?,
            "description" => known.description = value.as_str().map(str::to_owned),
            "audiences" => {
                let list = value.as_array().ok_or_else(|| Problem::invalid(name))?;
                known.audiences = list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect();
            }
            name if name.contains('@') => {}
            name => return Err(Problem::bad(format!("Invalid property '{name}'."))),
        }
    }
    Ok(known)
}

/// Exactly one audience; issuer and subject together unique in the application.
fn judge(app: &Application, made: &Federated) -> Result<(), Problem> {
    let fits = |text: &str| !text.is_empty() && text.len() <= LENGTH;
    if !fits(&made.issuer) || url::Url::parse(&made.issuer).is_err() {
        return Err(Problem::invalid("issuer"));
    }
    if !fits(&made.subject) {
        return Err(Problem::invalid("subject"));
    }
    if made.audiences.len() != 1 || !made.audiences.iter().all(|audience| fits(audience)) {
        return Err(Problem::invalid("audiences"));
    }
    let same = |known: &&Federated| known.issuer == made.issuer && known.subject == made.subject;
    if app.federated.values().filter(|known| known.id != made.id).any(|known| same(&known)) {
        let text = "The combination of issuer and subject must be unique for this application.";
        return Err(Problem::new(409, "Request_MultipleObjectsWithSameKeyValue", text));
    }
    Ok(())
}

/// 3 to 120 letters, digits, hyphens and underscores, the first a letter or digit.
fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    (3..=120).contains(&bytes.len())
        && bytes[0].is_ascii_alphanumeric()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
