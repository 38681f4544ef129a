//! The objects a tenant holds.
//!
//! Names follow Microsoft Graph: an *application* is the registration, a *service principal* what stands for it in the
//! tenant (`id` is the object's id in the directory, `app_id` the client id that both share).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{delta, login};

/// Everything of a tenant that `POST /reset` puts back.
#[derive(Clone, Default)]
pub(super) struct Data {
    /// By object id.
    pub applications: BTreeMap<String, Application>,
    /// By object id.
    pub service_principals: BTreeMap<String, ServicePrincipal>,
    /// By object id.
    pub users: BTreeMap<String, User>,
    /// By object id.
    pub groups: BTreeMap<String, Group>,
    /// Delegated permission grants (consent) by their id.
    pub grants: BTreeMap<String, Grant>,
    /// App roles given to users, groups and service principals, by their id.
    pub role_assignments: BTreeMap<String, RoleAssignment>,
    /// Token lifetime policies by id, as the API shows them.
    pub lifetime_policies: BTreeMap<String, Value>,
    /// App management policies by id, as the API shows them.
    pub management_policies: BTreeMap<String, Value>,
    /// The tenant's default app management policy, as the API shows it.
    pub default_management_policy: Value,
    /// The audit log, the oldest first, as the API shows it.
    pub audits: Vec<Value>,
    /// Applications and service principals in the bin, by object id.
    pub deleted: BTreeMap<String, Deleted>,
    /// Codes, sessions and refresh tokens of the sign-in endpoints.
    pub sign_in: login::Store,
    /// Rounds of change tracking by their token.
    pub rounds: HashMap<String, delta::Round>,
    /// Objects and credentials that reads do not show yet, by id.
    hidden: HashMap<String, Hidden>,
    /// What reads still show of changed applications, by object id, and until when.
    stale: HashMap<String, (Instant, Value)>,
    /// Object ids of applications by client id.
    application_ids: HashMap<String, String>,
    /// Object ids of service principals by client id.
    principal_ids: HashMap<String, String>,
}

/// Deleted objects stay in the bin for so long.
const BIN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What has not reached the replicas that reads ask.
#[derive(Clone)]
struct Hidden {
    until: Instant,
    /// Reads so far: they alternate where the tenant's options say so.
    reads: Arc<AtomicU64>,
    flapping: bool,
}

/// An application registration.
#[derive(Clone)]
pub(super) struct Application {
    /// Object id.
    pub id: String,
    /// Client id.
    pub app_id: String,
    /// What the API shows, without ids, creation, passwords and keys.
    pub shown: Value,
    pub passwords: Vec<Password>,
    pub keys: Vec<KeyCredential>,
    /// Federated identity credentials by id.
    pub federated: BTreeMap<String, Federated>,
    /// Object ids of users and service principals.
    pub owners: BTreeSet<String>,
    /// Ids of the token lifetime policies assigned to it.
    pub lifetime_policies: Vec<String>,
    /// Ids of the app management policies assigned to it.
    pub management_policies: Vec<String>,
    pub created: Timestamp,
}

impl Application {
    /// `api.requestedAccessTokenVersion`: 1 unless it says 2.
    pub fn token_version(&self) -> u8 {
        if self.shown["api"]["requestedAccessTokenVersion"] == 2 { 2 } else { 1 }
    }

    /// `isDisabled`: a deactivated application gets no new tokens, and none are given out for it.
    pub fn disabled(&self) -> bool {
        self.shown["isDisabled"] == true
    }

    /// `identifierUris`.
    pub fn identifier_uris(&self) -> impl Iterator<Item = &str> {
        texts(&self.shown["identifierUris"])
    }

    /// `web.redirectUris`.
    pub fn redirect_uris(&self) -> impl Iterator<Item = &str> {
        texts(&self.shown["web"]["redirectUris"])
    }

    /// `displayName`.
    pub fn name(&self) -> &str {
        self.shown["displayName"].as_str().unwrap_or_default()
    }

    /// `uniqueName`, the alternate key that only an upsert sets.
    pub fn unique_name(&self) -> Option<&str> {
        self.shown["uniqueName"].as_str()
    }
}

/// A client secret.
#[derive(Clone)]
pub(super) struct Password {
    pub key_id: String,
    pub display_name: Option<String>,
    pub custom_key_identifier: Value,
    pub start: Timestamp,
    pub end: Timestamp,
    /// The secret itself: given out once.
    pub secret: String,
}

/// A certificate that an application proves itself with.
#[derive(Clone)]
pub(super) struct KeyCredential {
    pub key_id: String,
    pub display_name: Option<String>,
    /// The X.509 certificate, DER.
    pub certificate: Vec<u8>,
    pub start: Timestamp,
    pub end: Timestamp,
}

/// A federated identity credential: whose tokens are taken instead of a secret.
#[derive(Clone)]
pub(super) struct Federated {
    pub id: String,
    pub name: String,
    pub issuer: String,
    pub subject: String,
    pub audiences: Vec<String>,
    pub description: Option<String>,
}

/// A service principal.
#[derive(Clone)]
pub(super) struct ServicePrincipal {
    /// Object id.
    pub id: String,
    /// Client id of its application, which may be another tenant's.
    pub app_id: String,
    /// What the API shows, without ids, creation and what comes from the application.
    pub shown: Value,
    pub owners: BTreeSet<String>,
    pub created: Timestamp,
}

impl ServicePrincipal {
    /// `accountEnabled`: tokens are given out only then.
    pub fn enabled(&self) -> bool {
        self.shown["accountEnabled"] != false
    }

    /// Whether only those with an app role assignment may use it.
    pub fn assignment_required(&self) -> bool {
        self.shown["appRoleAssignmentRequired"] == true
    }
}

/// A person.
#[derive(Clone)]
pub(super) struct User {
    pub id: String,
    /// What the API shows, without its id.
    pub shown: Value,
}

impl User {
    /// `userPrincipalName`.
    pub fn upn(&self) -> &str {
        self.shown["userPrincipalName"].as_str().unwrap_or_default()
    }

    /// `mail`; not everybody has one.
    pub fn mail(&self) -> Option<&str> {
        self.shown["mail"].as_str()
    }

    /// `accountEnabled`.
    pub fn enabled(&self) -> bool {
        self.shown["accountEnabled"] == true
    }

    /// Whether it is a guest of the tenant.
    pub fn is_guest(&self) -> bool {
        self.shown["userType"] == "Guest"
    }
}

/// A group.
#[derive(Clone)]
pub(super) struct Group {
    pub id: String,
    /// What the API shows, without its id.
    pub shown: Value,
    /// Object ids of users and groups.
    pub members: BTreeSet<String>,
}

/// Delegated permissions that a client has on a resource: consent.
#[derive(Clone)]
pub(super) struct Grant {
    pub id: String,
    /// Object id of the client's service principal.
    pub client: String,
    /// Object id of the resource's service principal.
    pub resource: String,
    /// Who consented for themselves; none: an administrator for everybody (`AllPrincipals`).
    pub principal: Option<String>,
    /// Scopes, separated by spaces, as they were sent.
    pub scope: String,
}

/// An app role of a resource, given to somebody.
#[derive(Clone)]
pub(super) struct RoleAssignment {
    pub id: String,
    /// Object id of a user, group or service principal.
    pub principal: String,
    /// Object id of the resource's service principal.
    pub resource: String,
    /// The role; all zeros where the resource has none ("default access").
    pub role: String,
    pub created: Timestamp,
}

/// Something in the bin.
#[derive(Clone)]
pub(super) struct Deleted {
    pub object: DeletedObject,
    pub at: Timestamp,
}

/// What can be in the bin.
#[derive(Clone)]
pub(super) enum DeletedObject {
    Application(Application),
    ServicePrincipal(ServicePrincipal),
}

/// Why a client secret is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SecretRefusal {
    /// No credential of the application has this value, or the replicas do not know it yet (AADSTS7000215).
    Unknown,
    /// It is the right one and has expired (AADSTS7000222).
    Expired,
}

/// The id of a role assignment where the resource has no roles.
pub(super) const DEFAULT_ROLE: &str = "00000000-0000-0000-0000-000000000000";

impl Data {
    /// Hides something fresh from reads for a while; `flapping`: every second read sees it all the same.
    pub fn hide(&mut self, id: &str, lag: Option<Duration>, flapping: bool) {
        if let Some(lag) = lag {
            let hidden = Hidden { until: Instant::now() + lag, reads: Arc::default(), flapping };
            self.hidden.insert(id.to_owned(), hidden);
        }
    }

    /// Whether everything has been replicated: references, lists and sign-in see it from then on.
    pub fn replicated(&self, id: &str) -> bool {
        self.hidden.get(id).is_none_or(|hidden| hidden.until <= Instant::now())
    }

    /// Whether this read of an object by its id finds it. Counts as a read: during the lag of a tenant that flaps, every
    /// second one does.
    pub fn seen(&self, id: &str) -> bool {
        let Some(hidden) = self.hidden.get(id).filter(|hidden| hidden.until > Instant::now()) else { return true };
        hidden.flapping && hidden.reads.fetch_add(1, Ordering::Relaxed) % 2 == 1
    }

    /// Lets reads of an application see what was before, for a while.
    pub fn stale(&mut self, id: &str, lag: Option<Duration>, before: Value) {
        if let Some(lag) = lag {
            self.stale.insert(id.to_owned(), (Instant::now() + lag, before));
        }
    }

    /// What reads show of an application: its JSON as it is, or as it was before a change that has not been replicated.
    pub fn read<'a>(&'a self, app: &'a Application) -> &'a Value {
        let stale = self.stale.get(&app.id).filter(|(until, _)| *until > Instant::now());
        stale.map_or(&app.shown, |(_, before)| before)
    }

    /// Adds an application.
    pub fn add_application(&mut self, app: Application) {
        self.application_ids.insert(app.app_id.clone(), app.id.clone());
        self.applications.insert(app.id.clone(), app);
    }

    /// Takes an application out.
    pub fn take_application(&mut self, id: &str) -> Option<Application> {
        let app = self.applications.remove(id)?;
        self.application_ids.remove(&app.app_id);
        Some(app)
    }

    /// Adds a service principal.
    pub fn add_principal(&mut self, principal: ServicePrincipal) {
        self.principal_ids.insert(principal.app_id.clone(), principal.id.clone());
        self.service_principals.insert(principal.id.clone(), principal);
    }

    /// Takes a service principal out, and what hangs on it: grants and role assignments.
    pub fn take_principal(&mut self, id: &str) -> Option<ServicePrincipal> {
        let principal = self.service_principals.remove(id)?;
        self.principal_ids.remove(&principal.app_id);
        self.grants.retain(|_, grant| grant.client != id && grant.resource != id);
        self.role_assignments.retain(|_, assignment| assignment.principal != id && assignment.resource != id);
        Some(principal)
    }

    /// Empties the bin of what has been in it for 30 days.
    pub fn sweep(&mut self, now: Timestamp) {
        self.deleted.retain(|_, deleted| now.duration_since(deleted.at) < BIN);
    }

    /// The application with this client id, replicated or not.
    pub fn application_of(&self, app_id: &str) -> Option<&Application> {
        self.applications.get(self.application_ids.get(&app_id.to_ascii_lowercase())?)
    }

    /// The service principal of this client id, replicated or not.
    pub fn any_principal_of(&self, app_id: &str) -> Option<&ServicePrincipal> {
        self.service_principals.get(self.principal_ids.get(&app_id.to_ascii_lowercase())?)
    }

    /// The application with this client id, once it is replicated.
    pub fn client(&self, app_id: &str) -> Option<&Application> {
        self.application_of(app_id).filter(|app| self.replicated(&app.id))
    }

    /// The service principal of this client id, once it is replicated.
    pub fn principal_of(&self, app_id: &str) -> Option<&ServicePrincipal> {
        self.any_principal_of(app_id).filter(|principal| self.replicated(&principal.id))
    }
}

/// The texts of a JSON list.
pub(super) fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// An empty list where there is none.
pub(super) fn list_or_empty(value: &Value) -> Value {
    if value.is_array() { value.clone() } else { json!([]) }
}
