//! IAM Identity Center's administration (`sso-admin`): AWS JSON 1.1 at `POST /`, the operation in `x-amz-target`.
//!
//! An issuer URL is never fetched nor judged here (Identity Center user guide, "Setting up a trusted token issuer"): a
//! wrong one is accepted and every later exchange fails. Reads are consistent but for the fault `lag`.

mod applications;
mod grants;
mod issuers;
mod managed;
mod model;
pub(super) mod shapes;
mod tags;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use axum::{Extension, Router};
use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::input::Input;
use super::wire::{AwsError, json_answer};
use crate::seed;
use crate::world::{CallView, Classified, Lag, PutBack, System, World};
use model::Directory;
pub use model::{Application, AuthorizedTokenIssuer, InstanceStatus, Issuer};
pub(super) use model::{Tags, shown_tags};

/// The stand-in of `sso-admin`.
pub struct SsoAdmin {
    world: Arc<World>,
    started: Timestamp,
    directory: Mutex<Directory>,
}

/// One call, as the operations see it.
struct Call<'a> {
    input: Input<'a>,
    lag: Option<Lag>,
}

impl Call<'_> {
    /// Until when reads must not see what this call makes.
    fn hidden_until(&self) -> Option<Instant> {
        self.lag.map(|lag| Instant::now() + lag.0)
    }
}

impl SsoAdmin {
    /// An instance with somebody else's issuer, the application of the Redshift application `main` and one other.
    pub fn new(world: &Arc<World>) -> Arc<Self> {
        let started = world.clock.now();
        Arc::new(Self { world: Arc::clone(world), started, directory: Mutex::new(Directory::seeded(started)) })
    }

    /// Makes the instance absent, unfinished or whole.
    pub fn set_instance(&self, status: InstanceStatus) {
        self.lock().instance = status;
    }

    /// Lets the next `times` writes fail with `ConflictException`, which here means "an earlier write has not spread
    /// yet, retry" (Identity Center API reference), not "exists already".
    pub fn conflict_next(&self, times: u32) {
        self.lock().conflicts = times;
    }

    /// Whether a grant may newly name an issuer that does not exist. UNCONFIRMED which is true of AWS; at start it may
    /// not. What a grant already names may dangle in either case.
    pub fn accept_unknown_issuers(&self, accept: bool) {
        self.lock().unknown_issuers_accepted = accept;
    }

    /// The issuer with this ARN.
    pub fn issuer(&self, arn: &str) -> Option<Issuer> {
        self.lock().issuers.iter().find(|issuer| issuer.arn == arn).cloned()
    }

    /// The application with this ARN.
    pub fn application(&self, arn: &str) -> Option<Application> {
        self.lock().applications.iter().find(|application| application.arn == arn).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Directory> {
        self.directory.lock().expect("no code panics while it holds this lock")
    }

    /// Finds the operation and runs it, whole, under the lock: each write is atomic.
    fn perform(&self, operation: &str, body: &[u8], lag: Option<Lag>) -> Result<Value, AwsError> {
        let sent: Map<String, Value> = if body.is_empty() {
            Map::new()
        } else {
            serde_json::from_slice(body)
                .map_err(|error| AwsError::new(400, "SerializationException", error.to_string()))?
        };
        let call = Call { input: Input(&sent), lag };
        let mut directory = self.lock();
        let directory = &mut *directory;
        if is_write(operation) && directory.conflicts > 0 {
            directory.conflicts -= 1;
            return Err(conflict());
        }
        match operation {
            "ListInstances" => {
                call.input.count("MaxResults", 100, 100)?;
                let instances = match directory.instance {
                    InstanceStatus::Absent => Vec::new(),
                    status => vec![model::shown_instance(status, self.started)],
                };
                Ok(json!({"Instances": instances}))
            }
            "DescribeInstance" => {
                directory.instance_of(&call)?;
                Ok(Value::Object(model::shown_instance(directory.instance, self.started)))
            }
            "CreateTrustedTokenIssuer" => directory.create_issuer(&call),
            "DescribeTrustedTokenIssuer" => directory.describe_issuer(&call),
            "ListTrustedTokenIssuers" => directory.list_issuers(&call),
            "UpdateTrustedTokenIssuer" => directory.update_issuer(&call),
            "DeleteTrustedTokenIssuer" => directory.delete_issuer(&call),
            "TagResource" => directory.tag(&call),
            "UntagResource" => directory.untag(&call),
            "ListTagsForResource" => directory.list_tags(&call),
            "ListApplications" => directory.list_applications(&call),
            "DescribeApplication" => directory.describe_application(&call),
            "ListApplicationAuthenticationMethods" => directory.list_authentication_methods(&call),
            "GetApplicationAuthenticationMethod" => directory.get_authentication_method(&call),
            "ListApplicationAssignments" => directory.list_assignments(&call),
            "CreateApplicationAssignment" => directory.create_assignment(&call),
            "DeleteApplicationAssignment" => directory.delete_assignment(&call),
            "GetApplicationAssignmentConfiguration" => directory.get_assignment_configuration(&call),
            "PutApplicationAssignmentConfiguration" => directory.put_assignment_configuration(&call),
            "ListApplicationAccessScopes" => directory.list_scopes(&call),
            "GetApplicationAccessScope" => directory.get_scope(&call),
            "PutApplicationGrant" => directory.put_grant(&call),
            "GetApplicationGrant" => directory.get_grant(&call),
            "ListApplicationGrants" => directory.list_grants(&call),
            "DeleteApplicationGrant" => directory.delete_grant(&call),
            _ => Err(AwsError::new(400, "UnknownOperationException", "")),
        }
    }
}

impl Directory {
    /// Refuses a call about an instance that is not there. What AWS answers for a foreign instance is UNCONFIRMED;
    /// AccessDeniedException is the only error of its kind that every one of these operations declares.
    fn instance_of(&self, call: &Call<'_>) -> Result<(), AwsError> {
        let arn = call.input.text("InstanceArn", &shapes::INSTANCE_ARN)?;
        if arn == seed::INSTANCE_ARN && self.instance != InstanceStatus::Absent {
            Ok(())
        } else {
            Err(AwsError::new(
                400,
                "AccessDeniedException",
                "You do not have sufficient access to perform this action.",
            ))
        }
    }
}

fn is_write(operation: &str) -> bool {
    const WRITES: [&str; 6] = ["Create", "Update", "Delete", "Put", "Tag", "Untag"];
    WRITES.iter().any(|verb| operation.starts_with(verb))
}

fn conflict() -> AwsError {
    AwsError::new(
        400,
        "ConflictException",
        "The request conflicts with a previous successful write that has not had time to propagate. Try again.",
    )
}

fn not_found(what: &str) -> AwsError {
    AwsError::new(400, "ResourceNotFoundException", format!("{what} was not found"))
}

/// Whether reads see it already.
fn visible(hidden_until: Option<Instant>) -> bool {
    hidden_until.is_none_or(|time| time <= Instant::now())
}

/// The operation that a call asks for.
fn operation(headers: &HeaderMap) -> &str {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    target.strip_prefix("SWBExternalService.").unwrap_or_default()
}

async fn handle(
    State(sso): State<Arc<SsoAdmin>>,
    lag: Option<Extension<Lag>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    json_answer(sso.perform(operation(&headers), &body, lag.map(|Extension(lag)| lag)))
}

impl System for SsoAdmin {
    fn kind(&self) -> &'static str {
        "sso-admin"
    }

    fn name(&self) -> &str {
        seed::REDSHIFT_NAME
    }

    fn router(self: Arc<Self>) -> Router {
        Router::new().route("/", post(handle)).with_state(self)
    }

    fn classify(&self, call: &CallView<'_>) -> Classified {
        let operation = operation(call.headers);
        Classified { path: operation.to_owned(), write: is_write(operation) }
    }

    fn throttled(&self) -> Response {
        json_answer(Err(AwsError::new(400, "ThrottlingException", "Rate exceeded")))
    }

    fn failed(&self, status: u16) -> Response {
        let error = match status {
            403 => AwsError::new(400, "AccessDeniedException", "User is not authorized to perform this action"),
            404 => AwsError { status: 400, ..not_found("The resource") },
            409 => conflict(),
            429 => return self.throttled(),
            500 => AwsError::new(500, "InternalServerException", "An unexpected error happened"),
            503 => AwsError::new(503, "ServiceUnavailableException", "The service is temporarily unavailable"),
            400..=499 => AwsError::new(status, "ValidationException", "The request is not valid"),
            _ => AwsError::new(status, "InternalServerException", "An unexpected error happened"),
        };
        json_answer(Err(error))
    }

    fn state(&self) -> Value {
        let directory = self.lock();
        let issuers: Vec<Value> = directory
            .issuers
            .iter()
            .map(|issuer| {
                let mut shown = issuer.shown();
                shown["Tags"] = shown_tags(&issuer.tags);
                shown
            })
            .collect();
        let instances = match directory.instance {
            InstanceStatus::Absent => Vec::new(),
            status => vec![model::shown_instance(status, self.started)],
        };
        json!({
            "Instances": instances,
            "TrustedTokenIssuers": issuers,
            "Applications": directory.applications.iter().map(Application::in_full).collect::<Vec<_>>(),
            "Grants": directory.of_applications(Application::shown_grants),
            "AuthenticationMethods": directory.of_applications(Application::shown_methods),
            "Scopes": directory.of_applications(Application::shown_scopes),
            "ApplicationAssignments": directory.of_applications(Application::shown_assignments),
        })
    }

    fn reset(&self) {
        *self.lock() = Directory::seeded(self.started);
    }

    fn keep(self: Arc<Self>) -> PutBack {
        let directory = self.lock().clone();
        Box::new(move || *self.lock() = directory.clone())
    }
}
