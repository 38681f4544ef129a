//! How the API shows each object.

use serde_json::{Map, Value, json};

use super::Org;
use super::data::{
    ApiToken, App, Grant, Group, GroupAssignment, Policy, RefreshToken, Role, Rule, Secret, Server, Stamp, User,
};
use super::ids::time;

fn allow(href: String, methods: &[&str]) -> Value {
    json!({"href": href, "hints": {"allow": methods}})
}

fn stamped(object: &mut Value, stamp: Stamp) {
    object["created"] = json!(time(stamp.created));
    object["lastUpdated"] = json!(time(stamp.updated));
}

/// `ACTIVE` or `INACTIVE`.
pub(super) fn status(active: bool) -> &'static str {
    if active { "ACTIVE" } else { "INACTIVE" }
}

/// An app. Its secret is shown by POST and PUT only.
pub(super) fn app(org: &Org, app: &App, with_secret: bool) -> Value {
    let base = org.base();
    let url = format!("{base}/api/v1/apps/{}", app.id);
    let mut shown = app.shown.clone();
    let name = shown["name"].as_str().unwrap_or_default().to_owned();
    shown["id"] = json!(app.id);
    shown["orn"] = json!(format!("orn:okta:idp:{}:apps:{name}:{}", super::seed::ORG_ID, app.id));
    shown["status"] = json!(status(app.active));
    stamped(&mut shown, app.stamp);
    if with_secret && app.has_secret() {
        let secret = app.secrets.iter().find(|secret| secret.active);
        shown["credentials"]["oauthClient"]["client_secret"] = json!(secret.map(|secret| &secret.value));
    }
    let mut links = json!({
        "uploadLogo": allow(format!("{url}/logo"), &["POST"]),
        "appLinks": [],
        "profileEnrollment": {"href": format!("{base}/api/v1/policies/{}", super::seed::ENROLLMENT_POLICY)},
        "policies": allow(format!("{url}/policies"), &["PUT"]),
        "groups": {"href": format!("{url}/groups")},
        "logo": [{"name": "medium", "href": format!("{base}/assets/img/logos/default.png"), "type": "image/png"}],
        "accessPolicy": {"href": format!("{base}/api/v1/policies/{}", super::seed::SIGN_ON_POLICY)},
        "users": {"href": format!("{url}/users")},
    });
    if app.is_oidc() {
        let href = format!("{base}/home/{name}/{}/aln177a159h7Zf52X0g8", app.id);
        links["appLinks"] = json!([{"name": format!("{name}_link"), "href": href, "type": "text/html"}]);
        let kind = if app.auth_method() == "private_key_jwt" { "jwks" } else { "secrets" };
        links["clientCredentials"] = json!([{"name": kind, "href": format!("{url}/credentials/{kind}")}]);
    }
    let next = if app.active { "deactivate" } else { "activate" };
    links[next] = json!({"href": format!("{url}/lifecycle/{next}")});
    shown["_links"] = links;
    shown
}

/// A client secret: in plain text, every time, inactive ones included.
pub(super) fn secret(org: &Org, app: &str, secret: &Secret) -> Value {
    let url = format!("{}/api/v1/apps/{app}/credentials/secrets/{}", org.base(), secret.id);
    let mut links = Map::new();
    if secret.active {
        links.insert("deactivate".into(), allow(format!("{url}/lifecycle/deactivate"), &["POST"]));
    } else {
        links.insert("activate".into(), allow(format!("{url}/lifecycle/activate"), &["POST"]));
        links.insert("delete".into(), allow(url, &["DELETE"]));
    }
    let mut shown = json!({"id": secret.id, "status": status(secret.active), "client_secret": secret.value,
        "secret_hash": super::ids::secret_hash(&secret.value), "_links": links});
    stamped(&mut shown, secret.stamp);
    shown
}

/// A group assignment of an app.
pub(super) fn group_assignment(org: &Org, app: &str, group: &str, assignment: &GroupAssignment) -> Value {
    let base = org.base();
    json!({"id": group, "lastUpdated": time(assignment.updated), "priority": assignment.priority,
    "profile": assignment.profile, "_links": {
        "app": {"href": format!("{base}/api/v1/apps/{app}")},
        "self": {"href": format!("{base}/api/v1/apps/{app}/groups/{group}")},
        "group": {"href": format!("{base}/api/v1/groups/{group}")},
    }})
}

/// A user of an app. `direct` is when they were assigned themselves; through a group otherwise.
pub(super) fn app_user(org: &Org, app: &App, user: &User, direct: Option<jiff::Timestamp>) -> Value {
    let base = org.base();
    let at = time(direct.unwrap_or(app.stamp.updated));
    json!({"id": user.id, "externalId": null, "created": at, "lastUpdated": at,
        "scope": if direct.is_some() { "USER" } else { "GROUP" }, "status": "ACTIVE", "statusChanged": at,
        "passwordChanged": null, "syncState": "DISABLED",
        "credentials": {"userName": super::oauth::app_user_name(app, user)},
        "profile": {"name": user.full_name(), "email": user.attribute("email"), "given_name": user.attribute("firstName"),
            "family_name": user.attribute("lastName")},
        "_links": {"app": {"href": format!("{base}/api/v1/apps/{}", app.id)},
            "user": {"href": format!("{base}/api/v1/users/{}", user.id)}}})
}

/// A group.
pub(super) fn group(org: &Org, group: &Group) -> Value {
    let url = format!("{}/api/v1/groups/{}", org.base(), group.id);
    let logo = |size: &str| json!({"name": size, "href": format!("{}/assets/img/logos/groups/okta-{size}.png", org.base()), "type": "image/png"});
    let mut shown = json!({"id": group.id, "objectClass": ["okta:user_group"],
        "lastMembershipUpdated": time(group.membership_changed),
        "type": if group.built_in { "BUILT_IN" } else { "OKTA_GROUP" }, "profile": group.profile,
        "_links": {"logo": [logo("medium"), logo("large")], "owners": {"href": format!("{url}/owners")},
            "users": {"href": format!("{url}/users")}, "apps": {"href": format!("{url}/apps")}}});
    stamped(&mut shown, group.stamp);
    shown
}

/// A user.
pub(super) fn user(org: &Org, user: &User) -> Value {
    let changed = time(user.stamp.updated);
    let mut shown = json!({"id": user.id, "status": user.status, "activated": time(user.stamp.created),
        "statusChanged": changed, "lastLogin": null, "passwordChanged": time(user.stamp.created),
        "type": {"id": super::seed::USER_TYPE}, "profile": user.profile,
        "credentials": {"password": {}, "provider": {"type": "OKTA", "name": "OKTA"}},
        "_links": {"self": {"href": format!("{}/api/v1/users/{}", org.base(), user.id)}}});
    stamped(&mut shown, user.stamp);
    shown
}

/// An authorization server.
pub(super) fn server(org: &Org, server: &Server) -> Value {
    let url = format!("{}/api/v1/authorizationServers/{}", org.base(), server.alias());
    let public = format!("{}/oauth2/{}/.well-known", org.base(), server.alias());
    let metadata = |name: &str| json!({"name": name, "href": format!("{public}/{name}"), "hints": {"allow": ["GET"]}});
    let mut signing = json!({"kid": server.keys.first().map(|key| &key.kid),
        "rotationMode": if server.manual_rotation { "MANUAL" } else { "AUTO" }, "lastRotated": time(server.rotated)});
    if !server.manual_rotation {
        signing["nextRotation"] = json!(time(server.rotated + jiff::SignedDuration::from_hours(90 * 24)));
    }
    let next = if server.active { "deactivate" } else { "activate" };
    let mut links = json!({
        "rotateKey": allow(format!("{url}/credentials/lifecycle/keyRotate"), &["POST"]),
        "metadata": [metadata("oauth-authorization-server"), metadata("openid-configuration")],
        "resourceServerCredentialsKeys": allow(format!("{url}/resourceservercredentials/keys"), &["GET"]),
        "keys": allow(format!("{url}/credentials/keys"), &["GET"]),
        "claims": allow(format!("{url}/claims"), &["GET", "POST"]),
        "policies": allow(format!("{url}/policies"), &["GET", "POST"]),
        "self": allow(url.clone(), &["GET", "DELETE", "PUT"]),
        "scopes": allow(format!("{url}/scopes"), &["GET", "POST"]),
    });
    links[next] = allow(format!("{url}/lifecycle/{next}"), &["POST"]);
    let issuer = super::oauth::issuer(org, server, None);
    let mut shown = json!({"id": server.id, "name": server.name, "description": server.description,
        "audiences": server.audiences, "issuer": issuer, "issuerMode": server.issuer_mode,
        "status": status(server.active), "credentials": {"signing": signing}, "default": server.is_default,
        "_links": links});
    stamped(&mut shown, server.stamp);
    shown
}

/// A scope or claim: the stored object with its link.
pub(super) fn part(org: &Org, server: &Server, kind: &str, id: &str, object: &Value) -> Value {
    let url = format!("{}/api/v1/authorizationServers/{}/{kind}/{id}", org.base(), server.alias());
    let mut shown = object.clone();
    shown["id"] = json!(id);
    shown["apiResourceId"] = Value::Null;
    shown["_links"] = json!({"self": allow(url, &["GET", "PUT", "DELETE"])});
    shown
}

/// An access policy; its priority is its place.
pub(super) fn policy(org: &Org, server: &Server, index: usize, policy: &Policy) -> Value {
    let url = format!("{}/api/v1/authorizationServers/{}/policies/{}", org.base(), server.alias(), policy.id);
    let next = if policy.active { "deactivate" } else { "activate" };
    let mut links = json!({"self": allow(url.clone(), &["GET", "PUT", "DELETE"]),
        "rules": allow(format!("{url}/rules"), &["GET"])});
    links[next] = allow(format!("{url}/lifecycle/{next}"), &["POST"]);
    let mut shown = json!({"id": policy.id, "status": status(policy.active), "name": policy.name,
        "description": policy.description, "priority": index + 1, "system": false, "conditions": policy.conditions,
        "_links": links, "type": "OAUTH_AUTHORIZATION_POLICY"});
    stamped(&mut shown, policy.stamp);
    shown
}

/// A rule; its priority is its place.
pub(super) fn rule(org: &Org, server: &Server, policy: &str, index: usize, rule: &Rule) -> Value {
    let policies = format!("{}/api/v1/authorizationServers/{}/policies", org.base(), server.alias());
    let url = format!("{policies}/{policy}/rules/{}", rule.id);
    let next = if rule.active { "deactivate" } else { "activate" };
    let mut links = json!({"self": allow(url.clone(), &["GET", "PUT", "DELETE"])});
    links[next] = allow(format!("{url}/lifecycle/{next}"), &["POST"]);
    let mut shown = json!({"id": rule.id, "status": status(rule.active), "name": rule.name, "priority": index + 1,
        "system": rule.system, "conditions": rule.conditions, "actions": rule.actions, "_links": links,
        "type": "RESOURCE_ACCESS"});
    stamped(&mut shown, rule.stamp);
    shown
}

/// A granted Okta API scope.
pub(super) fn grant(org: &Org, app: &App, id: &str, grant: &Grant) -> Value {
    let url = format!("{}/api/v1/apps/{}", org.base(), app.id);
    let mut shown = json!({"id": id, "status": "ACTIVE", "createdBy": {"id": super::seed::ADMIN_ID, "type": "User"},
        "issuer": org.base(), "clientId": app.client_id(), "scopeId": grant.scope, "source": "ADMIN",
        "_embedded": {"scope": {"id": grant.scope}},
        "_links": {"app": {"href": url, "title": app.label()},
            "self": allow(format!("{url}/grants/{id}"), &["GET", "DELETE"]),
            "client": {"href": format!("{}/oauth2/v1/clients/{}", org.base(), app.client_id()), "title": app.label()}}});
    stamped(&mut shown, grant.stamp);
    shown
}

/// An admin role of a service app.
pub(super) fn role(org: &Org, app: &App, role: &Role) -> Value {
    let at = time(role.created);
    let client = format!("{}/oauth2/v1/clients/{}", org.base(), app.client_id());
    json!({"id": role.id, "label": role.label, "type": role.kind, "status": "ACTIVE", "created": at, "lastUpdated": at,
        "assignmentType": "CLIENT", "_links": {"assignee": {"href": client}}})
}

/// A refresh token, as an app's list (`server_list` false) or an authorization server's list shows it.
pub(super) fn refresh_token(org: &Org, data: &super::Data, token: &RefreshToken, server_list: bool) -> Value {
    let base = org.base();
    let (app, server) = (data.apps.get(&token.app), data.servers.get(&token.server));
    let label = app.map(App::label).unwrap_or_default();
    let client = app.map(App::client_id).unwrap_or_default();
    let alias = server.map(Server::alias).unwrap_or_default();
    let own = if server_list {
        format!("{base}/api/v1/authorizationServers/{alias}/clients/{client}/tokens/{}", token.id)
    } else {
        format!("{base}/api/v1/apps/{}/tokens/{}", token.app, token.id)
    };
    let mut shown = json!({"id": token.id, "status": "ACTIVE", "expiresAt": time(token.expires()),
        "issuer": server.map(|server| super::oauth::issuer(org, server, None)), "clientId": client,
        "userId": token.user, "scopes": token.scopes, "_links": {
            "app": {"href": format!("{base}/api/v1/apps/{}", token.app), "title": label},
            "authorizationServer": {"href": format!("{base}/api/v1/authorizationServers/{alias}"),
                "title": server.map(|server| &server.name)},
            "self": {"href": own}, "revoke": allow(own.clone(), &["DELETE"]),
            "client": {"href": format!("{base}/oauth2/v1/clients/{client}"), "title": label},
            "user": {"href": format!("{base}/api/v1/users/{}", token.user),
                "title": data.users.get(&token.user).map(User::full_name)}}});
    stamped(&mut shown, token.stamp);
    shown
}

/// An SSWS token's description; its value is never shown.
pub(super) fn api_token(org: &Org, token: &ApiToken) -> Value {
    let base = org.base();
    let expires = time(token.stamp.updated + jiff::SignedDuration::from_hours(30 * 24));
    let mut shown = json!({"id": token.id, "name": token.name, "userId": token.user, "clientName": "Okta API",
        "tokenWindow": "P30D", "network": token.network, "expiresAt": expires,
        "_links": {"self": allow(format!("{base}/api/v1/api-tokens/{}", token.id), &["GET", "DELETE"]),
            "user": allow(format!("{base}/api/v1/users/{}", token.user), &["GET"])}});
    stamped(&mut shown, token.stamp);
    shown
}
