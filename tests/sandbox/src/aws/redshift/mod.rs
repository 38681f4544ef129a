//! Redshift's Identity Center applications: AWS query protocol at `POST /`, the action in the form body.
//!
//! The issuer list of an application is the jwt-bearer grant of its Identity Center application: a list that is sent
//! replaces it whole, an empty one removes it, no list leaves it. Nothing guards it against two writers (there is no
//! version and no condition), so a lost update here is as real as there. That the list is replaced is UNCONFIRMED by
//! any text of AWS; it follows from the actions on grants that the Service Authorization Reference lists for Modify.

mod application;
pub(in crate::aws) mod query;
mod xml;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use axum::{Extension, Router};
use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use super::sso_admin::{AuthorizedTokenIssuer, SsoAdmin};
use super::wire::{AwsError, page};
use crate::seed;
use crate::world::{CallView, Classified, Lag, PutBack, System, World};
use application::{IdcApplication, invalid, required};
use query::Node;
use xml::respond;

/// The stand-in of `redshift`.
pub struct Redshift {
    sso: Arc<SsoAdmin>,
    applications: Mutex<Applications>,
    dependent_access_denied: AtomicBool,
}

#[derive(Clone)]
struct Applications {
    list: Vec<IdcApplication>,
    last_number: u64,
}

impl Applications {
    fn seeded() -> Self {
        Self { list: vec![IdcApplication::seeded()], last_number: 1 }
    }
}

impl Redshift {
    /// The application `main`, which trusts somebody else's issuer from the start.
    pub fn new(_world: &Arc<World>, sso: &Arc<SsoAdmin>) -> Arc<Self> {
        Arc::new(Self {
            sso: Arc::clone(sso),
            applications: Mutex::new(Applications::seeded()),
            dependent_access_denied: AtomicBool::new(false),
        })
    }

    /// Whether callers lack the rights on Identity Center that these actions need besides their own.
    pub fn deny_dependent_access(&self, deny: bool) {
        self.dependent_access_denied.store(deny, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Applications> {
        self.applications.lock().expect("no code panics while it holds this lock")
    }

    fn perform(&self, action: &str, request: &Node, lag: Option<Lag>) -> Result<Option<Value>, AwsError> {
        if self.dependent_access_denied.load(Ordering::Relaxed) {
            return Err(access_denied_by_identity_center());
        }
        match action {
            "CreateRedshiftIdcApplication" => self.create(request, lag).map(Some),
            "DescribeRedshiftIdcApplications" => self.describe(request).map(Some),
            "ModifyRedshiftIdcApplication" => self.modify(request).map(Some),
            "DeleteRedshiftIdcApplication" => self.delete(request).map(|()| None),
            _ => Err(AwsError::new(400, "InvalidAction", format!("Could not find operation {action}"))),
        }
    }

    fn create(&self, request: &Node, lag: Option<Lag>) -> Result<Value, AwsError> {
        let instance = required(request, "IdcInstanceArn")?;
        let name = application::name(required(request, "RedshiftIdcApplicationName")?)?;
        let display_name = application::display_name(required(request, "IdcDisplayName")?)?;
        let role_arn = required(request, "IamRoleArn")?.to_owned();
        let namespace = request.text("IdentityNamespace").map(application::namespace).transpose()?;
        let application_type = request.text("ApplicationType").map(str::to_owned);
        if application_type.as_deref().is_some_and(|kind| !matches!(kind, "None" | "Lakehouse")) {
            return Err(invalid("The parameter ApplicationType is not valid"));
        }
        let issuers = application::issuers(request).unwrap_or_default();
        let tags = application::tags(request)?;
        let sso_tag_keys = request.texts("SsoTagKeys", "TagKey").unwrap_or_default();
        let copied = tags.clone().into_iter().filter(|(key, _)| sso_tag_keys.contains(key)).collect();
        let mut new = IdcApplication {
            number: 0,
            hidden_until: lag.map(|lag| Instant::now() + lag.0),
            arn: format!(
                "arn:aws:redshift:{}:{}:redshiftidcapplication:{}",
                seed::REGION,
                seed::ACCOUNT,
                Uuid::new_v4()
            ),
            name,
            display_name,
            namespace,
            role_arn,
            managed_arn: String::new(),
            integrations: application::integrations(request)?.unwrap_or_default(),
            application_type,
            tags,
            sso_tag_keys,
        };
        check_lakehouse(&new)?;
        if !self.sso.usable(instance) {
            return Err(access_denied_by_identity_center());
        }
        let mut applications = self.lock();
        if applications.list.iter().any(|held| held.name == new.name) {
            let message = "An application with this name already exists";
            return Err(AwsError::new(400, "RedshiftIdcApplicationAlreadyExists", message));
        }
        let lakehouse = |held: &IdcApplication| held.application_type.as_deref() == Some("Lakehouse");
        if lakehouse(&new) && applications.list.iter().any(lakehouse) {
            return Err(invalid("The account already has an application of the type Lakehouse"));
        }
        new.managed_arn = self.sso.create_managed(&new.name, copied, &issuers, lag).map_err(of_identity_center)?;
        applications.last_number += 1;
        new.number = applications.last_number;
        let shown = json!({"RedshiftIdcApplication": self.shown(&new)});
        applications.list.push(new);
        Ok(shown)
    }

    fn describe(&self, request: &Node) -> Result<Value, AwsError> {
        let max = match request.text("MaxRecords") {
            None => 100,
            Some(text) => text
                .parse()
                .ok()
                .filter(|max| (1..=100).contains(max))
                .ok_or_else(|| invalid("The parameter MaxRecords must be between 1 and 100"))?,
        };
        let wanted = request.text("RedshiftIdcApplicationArn");
        let applications = self.lock();
        let found: Vec<&IdcApplication> = applications
            .list
            .iter()
            .filter(|held| held.hidden_until.is_none_or(|time| time <= Instant::now()))
            .filter(|held| wanted.is_none_or(|arn| arn == held.arn))
            .collect();
        if wanted.is_some() && found.is_empty() {
            return Err(not_exists());
        }
        let entries = found.into_iter().map(|held| (held.number, self.shown(held)));
        let marker = request.text("Marker").filter(|marker| !marker.is_empty());
        let (page, next) = page(entries, max, marker).ok_or_else(|| invalid("The marker is not valid"))?;
        let mut answer = json!({"RedshiftIdcApplications": page});
        if let Some(next) = next {
            answer["Marker"] = json!(next);
        }
        Ok(answer)
    }

    /// Changes what was sent. Nothing is changed if Identity Center refuses the issuers.
    fn modify(&self, request: &Node) -> Result<Value, AwsError> {
        let arn = required(request, "RedshiftIdcApplicationArn")?;
        let namespace = request.text("IdentityNamespace").map(application::namespace).transpose()?;
        let display_name = request.text("IdcDisplayName").map(application::display_name).transpose()?;
        let role_arn = request.text("IamRoleArn");
        let integrations = application::integrations(request)?;
        let mut applications = self.lock();
        let held = applications.list.iter_mut().find(|held| held.arn == arn).ok_or_else(not_exists)?;
        let mut changed = held.clone();
        changed.namespace = namespace.or(changed.namespace);
        changed.display_name = display_name.unwrap_or(changed.display_name);
        changed.role_arn = role_arn.map(str::to_owned).unwrap_or(changed.role_arn);
        changed.integrations = integrations.unwrap_or(changed.integrations);
        check_lakehouse(&changed)?;
        if let Some(issuers) = application::issuers(request) {
            self.sso.set_authorized_issuers(&held.managed_arn, &issuers).map_err(of_identity_center)?;
        }
        *held = changed;
        Ok(json!({"RedshiftIdcApplication": self.shown(held)}))
    }

    fn delete(&self, request: &Node) -> Result<(), AwsError> {
        let arn = required(request, "RedshiftIdcApplicationArn")?;
        let mut applications = self.lock();
        let position = applications.list.iter().position(|held| held.arn == arn).ok_or_else(not_exists)?;
        let removed = applications.list.remove(position);
        self.sso.delete_managed(&removed.managed_arn);
        Ok(())
    }

    fn shown(&self, application: &IdcApplication) -> Value {
        let issuers: Vec<AuthorizedTokenIssuer> = self.sso.authorized_issuers(&application.managed_arn);
        application.shown(&issuers)
    }
}

fn not_exists() -> AwsError {
    AwsError::new(404, "RedshiftIdcApplicationNotExists", "The application you attempted to find doesn't exist.")
}

fn access_denied_by_identity_center() -> AwsError {
    let message = "A dependent service denied access for the integration";
    AwsError::new(403, "DependentServiceAccessDenied", message)
}

fn check_lakehouse(application: &IdcApplication) -> Result<(), AwsError> {
    if application.fit_for_lakehouse() {
        return Ok(());
    }
    Err(invalid("A Lakehouse application needs LakeFormationQuery and Redshift Connect to be enabled"))
}

/// What Redshift says where Identity Center refuses the grant (the mapping is UNCONFIRMED).
fn of_identity_center(error: AwsError) -> AwsError {
    if error.code == "InvalidTagFault" { error } else { invalid(error.message) }
}

async fn handle(State(redshift): State<Arc<Redshift>>, lag: Option<Extension<Lag>>, body: Bytes) -> Response {
    let request = Node::parse(&body);
    let action = request.text("Action").unwrap_or_default().to_owned();
    let result = redshift.perform(&action, &request, lag.map(|Extension(lag)| lag));
    respond(&action, result)
}

impl System for Redshift {
    fn kind(&self) -> &'static str {
        "redshift"
    }

    fn name(&self) -> &str {
        seed::REDSHIFT_NAME
    }

    fn router(self: Arc<Self>) -> Router {
        Router::new().route("/", post(handle)).with_state(self)
    }

    fn classify(&self, call: &CallView<'_>) -> Classified {
        let action = Node::parse(call.body).text("Action").unwrap_or_default().to_owned();
        const WRITES: [&str; 4] = ["Create", "Modify", "Delete", "Update"];
        let write = WRITES.iter().any(|verb| action.starts_with(verb));
        Classified { path: action, write }
    }

    fn throttled(&self) -> Response {
        respond("", Err(AwsError::new(400, "Throttling", "Rate exceeded")))
    }

    fn failed(&self, status: u16) -> Response {
        let error = match status {
            403 => AwsError::new(403, "AccessDenied", "User is not authorized to perform this action"),
            404 => not_exists(),
            429 => return self.throttled(),
            503 => AwsError::new(503, "ServiceUnavailable", "The service is temporarily unavailable"),
            400..=499 => AwsError { status, ..invalid("The request is not valid") },
            _ => AwsError::new(status, "InternalFailure", "An unexpected error happened"),
        };
        respond("", Err(error))
    }

    fn state(&self) -> Value {
        let applications = self.lock();
        let shown: Vec<Value> = applications.list.iter().map(|held| self.shown(held)).collect();
        json!({ "RedshiftIdcApplications": shown })
    }

    fn reset(&self) {
        *self.lock() = Applications::seeded();
        self.deny_dependent_access(false);
    }

    fn keep(self: Arc<Self>) -> PutBack {
        let applications = self.lock().clone();
        Box::new(move || *self.lock() = applications.clone())
    }
}
