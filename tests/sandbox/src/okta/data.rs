//! The objects an org holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::error::Problem;
use super::keys::LazyKey;

/// Everything of an org that `POST /reset` puts back.
#[derive(Clone, Default)]
pub(super) struct Data {
    pub users: BTreeMap<String, User>,
    pub groups: BTreeMap<String, Group>,
    pub apps: BTreeMap<String, App>,
    pub servers: BTreeMap<String, Server>,
    pub api_tokens: BTreeMap<String, ApiToken>,
    /// Refresh tokens by id.
    pub refresh_tokens: BTreeMap<String, RefreshToken>,
    /// The id of a refresh token by its value, rotated values included.
    pub refresh_values: HashMap<String, String>,
    /// Authorization codes not yet redeemed.
    pub codes: HashMap<String, Code>,
    /// Access tokens by `jti`: what introspection and the management API know of them.
    pub access_tokens: HashMap<String, AccessToken>,
    /// The System Log, oldest first.
    pub log: Vec<Value>,
    /// Objects that reads do not show yet, and until when.
    pub hidden: HashMap<String, Instant>,
}

/// Creation and last change.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    pub created: Timestamp,
    pub updated: Timestamp,
}

impl Stamp {
    pub fn new(now: Timestamp) -> Self {
        Self { created: now, updated: now }
    }
}

/// A person.
#[derive(Clone)]
pub(super) struct User {
    pub id: String,
    pub status: &'static str,
    /// `login`, `email`, `firstName`, `lastName` and whatever else was sent.
    pub profile: Map<String, Value>,
    pub stamp: Stamp,
}

impl User {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.profile.get(name).and_then(Value::as_str)
    }

    pub fn login(&self) -> &str {
        self.attribute("login").unwrap_or_default()
    }

    pub fn full_name(&self) -> String {
        let names = [self.attribute("firstName"), self.attribute("lastName")];
        names.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// A group; `Everyone` is the built-in one that holds every user.
#[derive(Clone)]
pub(super) struct Group {
    pub id: String,
    pub built_in: bool,
    pub profile: Map<String, Value>,
    pub members: BTreeSet<String>,
    pub stamp: Stamp,
    pub membership_changed: Timestamp,
}

impl Group {
    pub fn name(&self) -> &str {
        self.profile.get("name").and_then(Value::as_str).unwrap_or_default()
    }
}

/// An app: an OpenID Connect client, or something unrelated that only is there.
#[derive(Clone)]
pub(super) struct App {
    pub id: String,
    pub active: bool,
    /// What the API shows, without id, status, times, links and secrets.
    pub shown: Value,
    pub secrets: Vec<Secret>,
    pub groups: BTreeMap<String, GroupAssignment>,
    /// Users who are assigned themselves, with their app username.
    pub users: BTreeMap<String, Timestamp>,
    /// Granted Okta API scopes by grant id.
    pub grants: BTreeMap<String, Grant>,
    pub roles: Vec<Role>,
    pub stamp: Stamp,
}

impl App {
    pub fn label(&self) -> &str {
        self.shown["label"].as_str().unwrap_or_default()
    }

    pub fn client_id(&self) -> &str {
        self.shown["credentials"]["oauthClient"]["client_id"].as_str().unwrap_or_default()
    }

    pub fn auth_method(&self) -> &str {
        self.shown["credentials"]["oauthClient"]["token_endpoint_auth_method"].as_str().unwrap_or_default()
    }

    pub fn oauth(&self) -> &Value {
        &self.shown["settings"]["oauthClient"]
    }

    /// Whether a list of the OAuth settings holds a value (`grant_types`, `redirect_uris`, …).
    pub fn allows(&self, list: &str, value: &str) -> bool {
        self.oauth()[list].as_array().is_some_and(|list| list.iter().any(|item| item == value))
    }

    pub fn is_oidc(&self) -> bool {
        self.shown["signOnMode"] == "OPENID_CONNECT"
    }

    pub fn is_service(&self) -> bool {
        self.oauth()["application_type"] == "service"
    }

    pub fn dpop_bound(&self) -> bool {
        self.oauth()["dpop_bound_access_tokens"] == true
    }

    /// Okta shows secrets only for clients that authenticate with one.
    pub fn has_secret(&self) -> bool {
        self.auth_method().starts_with("client_secret")
    }
}

/// A client secret (`ocs`).
#[derive(Clone)]
pub(super) struct Secret {
    pub id: String,
    pub value: String,
    pub active: bool,
    pub stamp: Stamp,
}

/// A group's assignment to an app.
#[derive(Clone)]
pub(super) struct GroupAssignment {
    pub priority: i64,
    pub profile: Value,
    pub updated: Timestamp,
}

/// An Okta API scope granted to a service app (`oag`).
#[derive(Clone)]
pub(super) struct Grant {
    pub scope: String,
    pub stamp: Stamp,
}

/// An admin role of a service app.
#[derive(Clone)]
pub(super) struct Role {
    pub id: String,
    pub kind: String,
    pub label: String,
    /// Permissions of a custom role, such as `okta.eventhooks.manage`.
    pub permissions: Vec<String>,
    pub created: Timestamp,
}

/// A custom authorization server.
#[derive(Clone)]
pub(super) struct Server {
    pub id: String,
    /// The `default` server is called so in every link.
    pub is_default: bool,
    pub active: bool,
    pub name: String,
    pub description: Value,
    pub audiences: Vec<String>,
    pub issuer_mode: String,
    pub manual_rotation: bool,
    pub rotated: Timestamp,
    /// Active, next, then expired ones.
    pub keys: Vec<LazyKey>,
    pub scopes: BTreeMap<String, Value>,
    pub claims: BTreeMap<String, Value>,
    /// In order of priority.
    pub policies: Vec<Policy>,
    pub stamp: Stamp,
}

impl Server {
    /// The name in paths and links.
    pub fn alias(&self) -> &str {
        if self.is_default { "default" } else { &self.id }
    }

    pub fn scope_named(&self, name: &str) -> Option<&Value> {
        self.scopes.values().find(|scope| scope["name"] == name)
    }
}

/// An access policy.
#[derive(Clone)]
pub(super) struct Policy {
    pub id: String,
    pub active: bool,
    pub name: String,
    pub description: String,
    pub conditions: Value,
    /// In order of priority.
    pub rules: Vec<Rule>,
    pub stamp: Stamp,
}

/// A rule of an access policy.
#[derive(Clone)]
pub(super) struct Rule {
    pub id: String,
    pub active: bool,
    pub name: String,
    pub system: bool,
    pub conditions: Value,
    pub actions: Value,
    pub stamp: Stamp,
}

/// An SSWS token's description.
#[derive(Clone)]
pub(super) struct ApiToken {
    pub id: String,
    pub name: String,
    pub user: String,
    pub value: String,
    pub network: Value,
    pub stamp: Stamp,
}

/// A refresh token (`oar`).
#[derive(Clone)]
pub(super) struct RefreshToken {
    pub id: String,
    /// The value in force.
    pub value: String,
    /// The value before, and until when (real time) it is still taken.
    pub previous: Option<(String, Instant)>,
    pub app: String,
    pub user: String,
    pub server: String,
    pub scopes: Vec<String>,
    /// Lifetime of the family in minutes, 0 = unlimited; set by the rule of the first token.
    pub lifetime: i64,
    /// Idle window in minutes.
    pub window: i64,
    pub stamp: Stamp,
}

impl RefreshToken {
    /// When it ends, by the vendor's calendar: after the idle window, at the latest after its lifetime.
    pub fn expires(&self) -> Timestamp {
        let minutes = |count: i64| jiff::SignedDuration::from_mins(count);
        let idle = self.stamp.updated + minutes(self.window);
        if self.lifetime > 0 { idle.min(self.stamp.created + minutes(self.lifetime)) } else { idle }
    }
}

/// An authorization code on its way.
#[derive(Clone)]
pub(super) struct Code {
    pub app: String,
    pub user: String,
    pub server: String,
    pub scopes: Vec<String>,
    pub redirect_uri: String,
    pub challenge: Option<String>,
    pub nonce: Option<String>,
    pub made: Instant,
}

/// An access token that was given out.
#[derive(Clone)]
pub(super) struct AccessToken {
    /// The app that got it.
    pub app: String,
    /// Its person; none for client credentials.
    pub user: Option<String>,
    /// The authorization server; none for the org's own.
    pub server: Option<String>,
    pub scopes: Vec<String>,
    /// Thumbprint of the DPoP key it is bound to.
    pub thumbprint: Option<String>,
    pub revoked: bool,
}

impl Data {
    /// Hides a fresh object from reads for a while.
    pub fn hide(&mut self, id: &str, lag: Option<Duration>) {
        if let Some(lag) = lag {
            self.hidden.insert(id.to_owned(), Instant::now() + lag);
        }
    }

    /// Whether replication has brought the object to where reads look.
    pub fn seen(&self, id: &str) -> bool {
        self.hidden.get(id).is_none_or(|until| *until <= Instant::now())
    }

    pub fn app(&self, id: &str) -> Result<&App, Problem> {
        let app = self.apps.get(id).filter(|app| self.seen(&app.id));
        app.ok_or_else(|| Problem::not_found(id, "OAuth2AppInstance"))
    }

    pub fn app_mut(&mut self, id: &str) -> Result<&mut App, Problem> {
        self.app(id)?;
        self.apps.get_mut(id).ok_or_else(|| Problem::not_found(id, "OAuth2AppInstance"))
    }

    /// The app of an OAuth client id, active or not.
    pub fn client(&self, client_id: &str) -> Option<&App> {
        let found = self.apps.get(client_id).filter(|app| app.client_id() == client_id);
        let found = found.or_else(|| self.apps.values().find(|app| app.is_oidc() && app.client_id() == client_id));
        found.filter(|app| self.seen(&app.id))
    }

    /// An authorization server by id or by the alias `default`.
    pub fn server(&self, id: &str) -> Result<&Server, Problem> {
        let by_alias = || self.servers.values().find(|server| server.is_default && id == "default");
        let server = self.servers.get(id).or_else(by_alias).filter(|server| self.seen(&server.id));
        server.ok_or_else(|| Problem::not_found(id, "AuthorizationServer"))
    }

    pub fn server_mut(&mut self, id: &str) -> Result<&mut Server, Problem> {
        let real = self.server(id)?.id.clone();
        self.servers.get_mut(&real).ok_or_else(|| Problem::not_found(id, "AuthorizationServer"))
    }

    pub fn group(&self, id: &str) -> Result<&Group, Problem> {
        let group = self.groups.get(id).filter(|group| self.seen(&group.id));
        group.ok_or_else(|| Problem::not_found(id, "UserGroup"))
    }

    pub fn group_mut(&mut self, id: &str) -> Result<&mut Group, Problem> {
        self.group(id)?;
        self.groups.get_mut(id).ok_or_else(|| Problem::not_found(id, "UserGroup"))
    }

    /// A user by id or login.
    pub fn user(&self, id: &str) -> Result<&User, Problem> {
        let by_login = || self.users.values().find(|user| user.login() == id);
        let user = self.users.get(id).or_else(by_login).filter(|user| self.seen(&user.id));
        user.ok_or_else(|| Problem::not_found(id, "User"))
    }

    /// Whether a user may use an app: assigned themselves, or through a group.
    pub fn assigned(&self, app: &App, user: &str) -> bool {
        app.users.contains_key(user)
            || app.shown["settings"]["implicitAssignment"] == true
            || app.groups.keys().any(|group| self.member(group, user))
    }

    /// Whether a user is in a group; `EVERYONE` and the built-in group hold all.
    pub fn member(&self, group: &str, user: &str) -> bool {
        group == "EVERYONE"
            || self.groups.get(group).is_some_and(|group| group.built_in || group.members.contains(user))
    }

    /// Forgets every token of an app; of one server only, if given.
    pub fn revoke_tokens(&mut self, app: &str, server: Option<&str>) {
        let gone = |token_app: &str, token_server: Option<&str>| {
            token_app == app && server.is_none_or(|server| token_server == Some(server))
        };
        self.refresh_tokens.retain(|_, token| !gone(&token.app, Some(&token.server)));
        let left = &self.refresh_tokens;
        self.refresh_values.retain(|_, id| left.contains_key(id));
        for token in self.access_tokens.values_mut() {
            token.revoked |= gone(&token.app, token.server.as_deref());
        }
    }
}
