//! What an org holds at start, and what every new authorization server comes with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::data::{ApiToken, App, Data, Grant, Group, Policy, Role, Rule, Secret, Server, Stamp};
use super::keys::{Key, LazyKey};
use super::options::{KeyKind, OrgOptions};
use super::{Service, client_json, groups, ids, users};
use crate::seed as names;

/// Id of the org.
pub(super) const ORG_ID: &str = "00o1a2b3c4D5e6F7g8h9";
/// Id of the administrator who owns the SSWS token.
pub(super) const ADMIN_ID: &str = "00u0adminA1b2C3d4E5f";
/// The default sign-on policy, which every app is bound to.
pub(super) const SIGN_ON_POLICY: &str = "rst1a2b3c4D5e6F7g8h9";
/// The default profile enrolment policy.
pub(super) const ENROLLMENT_POLICY: &str = "rst9h8g7f6E5d4C3b2a1";
/// The default user type.
pub(super) const USER_TYPE: &str = "oty1a2b3c4D5e6F7g8h9";

/// Scopes granted to the seeded service app.
const GRANTED: [&str; 12] = [
    "okta.apps.manage",
    "okta.apps.read",
    "okta.authorizationServers.manage",
    "okta.authorizationServers.read",
    "okta.groups.read",
    "okta.users.read",
    "okta.logs.read",
    "okta.eventHooks.manage",
    "okta.eventHooks.read",
    "okta.apiTokens.read",
    "okta.appGrants.read",
    "okta.policies.read",
];

/// An org at start.
pub(super) struct Seeded {
    pub data: Data,
    pub service: Service,
    pub admin_token: String,
}

/// The objects of the sandbox's org, made some weeks ago.
pub(super) fn org(options: &OrgOptions, kid: &str, now: Timestamp) -> Seeded {
    let then = now - SignedDuration::from_hours(40 * 24);
    let mut data = Data::default();
    people(&mut data, then);
    let server = default_server(then);
    data.servers.insert(server.id.clone(), server);
    for app in unrelated(&data, kid, then) {
        data.apps.insert(app.id.clone(), app);
    }
    let service = service(options, &mut data, kid, then);
    let admin_token = format!("00{}", ids::token::<30>());
    let token = ApiToken {
        id: ids::id("00T"),
        name: "sandbox administrator".to_owned(),
        user: ADMIN_ID.to_owned(),
        value: admin_token.clone(),
        network: json!({"connection": "ANYWHERE"}),
        stamp: Stamp::new(then),
    };
    data.api_tokens.insert(token.id.clone(), token);
    Seeded { data, service, admin_token }
}

fn people(data: &mut Data, then: Timestamp) {
    let person = |login: &str, first: &str, last: &str| {
        let profile = json!({"login": login, "email": login, "firstName": first, "lastName": last});
        users::made(profile.as_object().unwrap_or(&Map::new()), "ACTIVE", then)
    };
    let mut admin = person("admin@example.com", "Org", "Administrator");
    admin.id = ADMIN_ID.to_owned();
    data.users.insert(admin.id.clone(), admin);
    let mut members = BTreeSet::new();
    for (n, login) in names::USERS.iter().enumerate() {
        let user = person(login, "Dev", &(n + 1).to_string());
        members.insert(user.id.clone());
        data.users.insert(user.id.clone(), user);
    }
    for (name, description, built_in, members) in [
        ("Everyone", "All users in your organization", true, BTreeSet::new()),
        (names::GROUP, "People who build on the warehouse", false, members),
    ] {
        let id = ids::id("00g");
        let profile = groups::named(name, description);
        let stamp = Stamp::new(then);
        let group = Group { id: id.clone(), built_in, profile, members, stamp, membership_changed: then };
        data.groups.insert(id, group);
    }
}

fn app(shown: Value, id: String, then: Timestamp) -> App {
    App {
        id,
        active: true,
        shown,
        secrets: Vec::new(),
        groups: BTreeMap::new(),
        users: BTreeMap::new(),
        grants: BTreeMap::new(),
        roles: Vec::new(),
        stamp: Stamp::new(then),
    }
}

/// Apps of other people, which nobody may touch.
fn unrelated(data: &Data, kid: &str, then: Timestamp) -> Vec<App> {
    let input = json!({
        "label": "Wiki", "signOnMode": "OPENID_CONNECT",
        "credentials": {"oauthClient": {"token_endpoint_auth_method": "client_secret_post"}},
        "settings": {"oauthClient": {"application_type": "web", "response_types": ["code"],
            "grant_types": ["authorization_code"], "redirect_uris": ["https://wiki.example.com/login/callback"]}},
    });
    let id = ids::id("0oa");
    let given = client_json::Given { id: &id, kid, issuer_mode: "ORG_URL", old: None };
    let mut wiki = app(client_json::oidc(&input, &given), id.clone(), then);
    let value = ids::client_secret();
    wiki.secrets.push(Secret { id: ids::id("ocs"), value, active: true, stamp: Stamp::new(then) });
    for group in data.groups.values().filter(|group| group.built_in) {
        let assignment = super::data::GroupAssignment { priority: 0, profile: json!({}), updated: then };
        wiki.groups.insert(group.id.clone(), assignment);
    }
    let bookmark = client_json::bookmark("Lunch menu", "https://lunch.example.com/");
    vec![wiki, app(bookmark, ids::id("0oa"), then)]
}

/// The service app: client credentials with a key, its granted scopes, and its roles. Keys are the same for every org
/// of a process: making them takes a while.
fn service(options: &OrgOptions, data: &mut Data, kid: &str, then: Timestamp) -> Service {
    static RSA: OnceLock<Arc<Key>> = OnceLock::new();
    static EC: OnceLock<Arc<Key>> = OnceLock::new();
    let key = match options.service_key {
        KeyKind::Rsa => RSA.get_or_init(|| Arc::new(Key::rsa())),
        KeyKind::Ec => EC.get_or_init(|| Arc::new(Key::ec())),
    };
    let key_id = ids::token::<32>();
    let mut jwk = key.jwk(&key_id);
    jwk["status"] = json!("ACTIVE");
    let input = json!({
        "label": "extoauth", "signOnMode": "OPENID_CONNECT",
        "credentials": {"oauthClient": {"token_endpoint_auth_method": "private_key_jwt"}},
        "settings": {"oauthClient": {"application_type": "service", "response_types": ["token"],
            "grant_types": ["client_credentials"], "dpop_bound_access_tokens": options.dpop, "jwks": {"keys": [jwk]}}},
    });
    let id = ids::id("0oa");
    let given = client_json::Given { id: &id, kid, issuer_mode: "ORG_URL", old: None };
    let mut service = app(client_json::oidc(&input, &given), id.clone(), then);
    for scope in GRANTED {
        service.grants.insert(ids::id("oag"), Grant { scope: scope.to_owned(), stamp: Stamp::new(then) });
    }
    let standard = "API_ACCESS_MANAGEMENT_ADMIN";
    service.roles.push(Role {
        id: ids::base32(standard),
        kind: standard.to_owned(),
        label: "API Access Management Administrator".to_owned(),
        permissions: Vec::new(),
        created: then,
    });
    // Event hooks need Super Admin or a custom role with this permission.
    service.roles.push(Role {
        id: ids::id("irb"),
        kind: "CUSTOM".to_owned(),
        label: "extoauth event hooks".to_owned(),
        permissions: ["okta.eventHooks.manage", "okta.apiTokens.read", "okta.appGrants.read"]
            .map(str::to_owned)
            .to_vec(),
        created: then,
    });
    data.apps.insert(id.clone(), service);
    Service { app: id, kid: key_id, key: Arc::clone(key) }
}

/// The server every org starts with: audience `api://default`, and a policy for everybody.
fn default_server(then: Timestamp) -> Server {
    let stamp = Stamp::new(then);
    let everybody = json!({"people": {"users": {"exclude": []}, "groups": {"include": ["EVERYONE"]}},
        "grantTypes": {"include": ["authorization_code", "implicit", "client_credentials", "password"]},
        "scopes": {"include": ["*"]}});
    let lifetimes = json!({"token": {"accessTokenLifetimeMinutes": 60, "refreshTokenLifetimeMinutes": 0,
        "refreshTokenWindowMinutes": 10080}});
    let rule = Rule {
        id: ids::id("0pr"),
        active: true,
        name: "Default Policy Rule".to_owned(),
        system: false,
        conditions: everybody,
        actions: lifetimes,
        stamp,
    };
    let policy = Policy {
        id: ids::id("00p"),
        active: true,
        name: "Default Policy".to_owned(),
        description: "Default Policy description".to_owned(),
        conditions: json!({"clients": {"include": ["ALL_CLIENTS"]}}),
        rules: vec![rule],
        stamp,
    };
    Server {
        id: ids::id("aus"),
        is_default: true,
        active: true,
        name: "default".to_owned(),
        description: json!("Default Authorization Server for your Applications"),
        audiences: vec!["api://default".to_owned()],
        issuer_mode: "ORG_URL".to_owned(),
        manual_rotation: false,
        rotated: then,
        keys: vec![LazyKey::new(), LazyKey::new()],
        scopes: system_scopes(),
        claims: system_claims(),
        policies: vec![policy],
        stamp,
    }
}

/// The seven scopes of a new server. Orgs on Identity Engine add some twenty `okta.myAccount.*`.
pub(super) fn system_scopes() -> BTreeMap<String, Value> {
    let scopes = [
        ("openid", "Signals that a request is an OpenID request"),
        (
            "profile",
            "The exact data varies based on what profile information you have provided, such as: name, time zone, picture, or birthday.",
        ),
        ("email", "This allows the app to view your email address."),
        ("address", "This allows the app to view your address, such as: street address, city, state, and zip code."),
        ("phone", "This allows the app to view your phone number."),
        ("offline_access", "This keeps you signed in to the app, even when you are not using it."),
        ("device_sso", "This allows the app to request device single sign-on."),
    ];
    let scope = |(name, description): (&str, &str)| {
        let scope = json!({"name": name, "displayName": name, "description": description, "system": true,
            "metadataPublish": "ALL_CLIENTS", "consent": "IMPLICIT", "optional": false, "default": false});
        (ids::id("scp"), scope)
    };
    scopes.into_iter().map(scope).collect()
}

/// The nineteen claims of a new server: `sub` is the only one of access tokens.
pub(super) fn system_claims() -> BTreeMap<String, Value> {
    let identity = [
        ("middle_name", "profile", false),
        ("zoneinfo", "profile", false),
        ("website", "profile", false),
        ("updated_at", "profile", false),
        ("profile", "profile", false),
        ("preferred_username", "profile", true),
        ("picture", "profile", false),
        ("phone_number", "phone", false),
        ("nickname", "profile", false),
        ("name", "profile", true),
        ("locale", "profile", false),
        ("given_name", "profile", false),
        ("gender", "profile", false),
        ("family_name", "profile", false),
        ("email_verified", "email", false),
        ("email", "email", true),
        ("birthdate", "profile", false),
        ("address", "address", false),
    ];
    let mut claims: BTreeMap<String, Value> = identity
        .into_iter()
        .map(|(name, scope, always)| {
            let claim = json!({"name": name, "status": "ACTIVE", "claimType": "IDENTITY", "valueType": "SYSTEM",
                "conditions": {"scopes": [scope]}, "system": true, "alwaysIncludeInToken": always});
            (ids::id("ocl"), claim)
        })
        .collect();
    let sub = json!({"name": "sub", "status": "ACTIVE", "claimType": "RESOURCE", "valueType": "EXPRESSION",
        "value": "(appuser != null) ? appuser.userName : app.clientId", "conditions": {"scopes": []}, "system": true,
        "alwaysIncludeInToken": true});
    claims.insert(ids::id("ocl"), sub);
    claims
}
