//! `/applications`: create, read, list, change, upsert, delete.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::access::Who;
use super::application_rules as rules;
use super::context::{Cx, Input, created, entity, no_content};
use super::data::{Application, Data, Deleted, DeletedObject};
use super::error::{Answer, Problem};
use super::lists::{List, Selection};
use super::{Tenant, application_json, ids, show};

pub(super) fn routes() -> Router<Arc<Tenant>> {
    Router::new()
        .route("/v1.0/applications", get(list).post(create))
        .route("/v1.0/applications/{id}", get(read).patch(change).delete(delete))
}

/// The name in a path: an object id, or an alternate key in parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Id(String),
    AppId(String),
    UniqueName(String),
}

impl Key {
    pub fn of(segment: &str) -> Self {
        let inside = segment.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        let pair = inside.and_then(|inside| inside.split_once('='));
        // A quote inside a text is written twice.
        let value = |text: &str| {
            let inner = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            inner.unwrap_or(text).replace("''", "'")
        };
        match pair {
            Some((name, text)) if name.eq_ignore_ascii_case("appId") => Self::AppId(value(text)),
            Some((name, text)) if name.eq_ignore_ascii_case("uniqueName") => Self::UniqueName(value(text)),
            _ => Self::Id(segment.to_owned()),
        }
    }

    /// As it is called in errors.
    pub fn text(&self) -> &str {
        match self {
            Self::Id(text) | Self::AppId(text) | Self::UniqueName(text) => text,
        }
    }
}

impl Data {
    /// The application of a path, replicated or not.
    pub fn keyed(&self, key: &Key) -> Option<&Application> {
        match key {
            Key::Id(id) => self.applications.get(id),
            Key::AppId(app_id) => self.application_of(app_id),
            Key::UniqueName(name) => self.applications.values().find(|app| app.unique_name() == Some(name)),
        }
    }

    /// The application that a change or a sub-resource is for: 404 until it is replicated.
    pub fn application(&self, segment: &str) -> Result<&Application, Problem> {
        let key = Key::of(segment);
        let found = self.keyed(&key).filter(|app| self.replicated(&app.id));
        found.ok_or_else(|| Problem::not_found(key.text()))
    }

    /// The same, to change it, by somebody who may.
    pub fn application_to_change(&mut self, who: &Who, segment: &str) -> Result<&mut Application, Problem> {
        let app = self.application(segment)?;
        who.writes(app)?;
        let id = app.id.clone();
        self.applications.get_mut(&id).ok_or_else(|| Problem::not_found(segment))
    }
}

const LIST: List<'_> = List {
    of: "applications",
    filters: &[
        "id",
        "appId",
        "displayName",
        "uniqueName",
        "identifierUris",
        "signInAudience",
        "publisherDomain",
        "tags",
        "createdDateTime",
    ],
};

async fn list(State(tenant): State<Arc<Tenant>>, cx: Cx) -> Answer {
    cx.who.lists()?;
    let filter = LIST.filter(&cx)?;
    let data = tenant.data();
    let property = |app: &Application, name: &str| match name {
        "id" => json!(app.id),
        "appId" => json!(app.app_id),
        "createdDateTime" => json!(ids::time(app.created)),
        name => data.read(app)[name].clone(),
    };
    LIST.answer(
        &cx,
        data.applications.iter().map(|(id, app)| (id.as_str(), app)),
        |app| {
            data.replicated(&app.id)
                && cx.who.sees(&app.owners)
                && filter.as_ref().is_none_or(|filter| filter.fits(&|name| property(app, name)))
        },
        |app| show::application(&data, app),
    )
}

async fn read(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx) -> Answer {
    let data = tenant.data();
    let key = Key::of(&segment);
    let app = data.keyed(&key).filter(|app| data.seen(&app.id));
    let app = app.ok_or_else(|| Problem::not_found(key.text()))?;
    cx.who.reads(app)?;
    let select = Selection::of(&cx);
    entity(&select.context("applications"), select.cut(show::application(&data, app)))
}

async fn create(State(tenant): State<Arc<Tenant>>, cx: Cx, Input(body): Input) -> Answer {
    make(&tenant, &cx, body, None)
}

fn make(tenant: &Tenant, cx: &Cx, body: Map<String, Value>, unique_name: Option<&str>) -> Answer {
    if !cx.who.manages_own() {
        return Err(Problem::forbidden());
    }
    if body.get("displayName").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(Problem::bad("Property displayName is required.").detail("MissingValue", "displayName"));
    }
    if body.get("passwordCredentials").and_then(Value::as_array).is_some_and(|list| !list.is_empty()) {
        // The reference: "adding passwordCredential when creating applications is not supported".
        return Err(Problem::bad("Adding passwordCredential when creating applications is not supported."));
    }
    let options = tenant.options();
    let mut shown = application_json::made(&body, options.personal_accounts_by_default)?;
    shown["uniqueName"] = json!(unique_name);
    shown["createdByAppId"] = json!(cx.who.app_id());
    let mut owners: BTreeSet<String> = cx.who.principal().map(str::to_owned).into_iter().collect();
    let mut data = tenant.data();
    for owner in super::owners::bound(&body)? {
        super::owners::known(&data, &owner)?;
        owners.insert(owner);
    }
    let app = Application {
        id: ids::guid(),
        app_id: ids::guid(),
        shown,
        passwords: Vec::new(),
        keys: rules::keys(&body, &[])?,
        federated: BTreeMap::new(),
        owners,
        lifetime_policies: Vec::new(),
        management_policies: Vec::new(),
        created: tenant.now(),
    };
    let blank = application_json::blank("AzureADMyOrg", Value::Null);
    rules::check(&data, &cx.who, &app, &blank, options.bin_holds_names)?;
    let body = show::fresh_application(&app);
    cx.hide(&mut data, &app.id);
    data.add_application(app);
    created("applications", "Application", body)
}

async fn change(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx, Input(body): Input) -> Answer {
    let key = Key::of(&segment);
    let options = tenant.options();
    let mut data = tenant.data();
    let app = data.keyed(&key).cloned();
    let mut app = match (app, &key) {
        // An upsert is decided where writes are, not where reads are (UNCONFIRMED).
        (Some(app), Key::UniqueName(_)) if cx.create_if_missing => app,
        (Some(app), _) if data.replicated(&app.id) => app,
        (Some(app), _) if app.shown["signInAudience"] == application_json::ANYBODY => {
            return Err(Problem::new(
                409,
                "Error_MsaAppDoesNotExist",
                "The corresponding MSA application does not exist.",
            ));
        }
        (None, Key::UniqueName(name)) if cx.create_if_missing => {
            drop(data);
            return make(&tenant, &cx, body, Some(name.as_str()));
        }
        _ => return Err(Problem::not_found(key.text())),
    };
    cx.who.writes(&app)?;
    if cx.create_if_missing && body.get("displayName").is_none() {
        return Err(Problem::bad("Property displayName is required.").detail("MissingValue", "displayName"));
    }
    if body.contains_key("passwordCredentials") {
        rules::same_passwords(&app, &body)?;
    }
    let before = app.shown.clone();
    application_json::change(&mut app.shown, &body)?;
    if body.contains_key("keyCredentials") {
        app.keys = rules::keys(&body, &app.keys)?;
    }
    rules::check(&data, &cx.who, &app, &before, options.bin_holds_names)?;
    cx.stale(&mut data, &app.id, before);
    data.add_application(app);
    no_content()
}

/// To the bin, and the service principal with it: it is gone at once (recorded).
async fn delete(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx) -> Answer {
    let now = tenant.now();
    let mut data = tenant.data();
    let id = data.application_to_change(&cx.who, &segment)?.id.clone();
    let Some(app) = data.take_application(&id) else { return Err(Problem::not_found(&segment)) };
    let principal = data.any_principal_of(&app.app_id).map(|principal| principal.id.clone());
    if let Some(principal) = principal.and_then(|id| data.take_principal(&id)) {
        let object = DeletedObject::ServicePrincipal(principal.clone());
        data.deleted.insert(principal.id, Deleted { object, at: now });
    }
    data.deleted.insert(id, Deleted { object: DeletedObject::Application(app), at: now });
    no_content()
}
