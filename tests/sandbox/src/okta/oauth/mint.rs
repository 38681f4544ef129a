//! Tokens: real RS256 JWTs of the authorization server's key, with its claims.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::data::{AccessToken, App, Data, Group, Server, User};
use super::super::{Org, ids, log};
use super::app_user_name;

/// For whom and what an access token is made.
pub(super) struct Order<'a> {
    pub server: &'a Server,
    pub issuer: String,
    pub app: &'a App,
    pub user: Option<&'a User>,
    pub scopes: &'a [String],
    pub minutes: i64,
    /// The refresh token it comes with.
    pub family: Option<&'a str>,
    pub thumbprint: Option<String>,
}

/// An access token and its record. Times are the real clock's: others judge signatures and expiry by it.
pub(super) fn access(org: &Org, data: &mut Data, order: &Order<'_>) -> String {
    let now = Timestamp::now().as_second();
    let family = order.family.map(|id| format!(".{id}")).unwrap_or_default();
    let jti = format!("AT.{}{family}", ids::token::<32>());
    let mut claims = json!({"ver": 1, "jti": jti, "iss": order.issuer, "aud": order.server.audiences.first(), "iat": now,
        "exp": now + order.minutes * 60, "cid": order.app.client_id(), "scp": order.scopes});
    if let Some(user) = order.user {
        claims["uid"] = json!(user.id);
    }
    if let Some(thumbprint) = &order.thumbprint {
        claims["cnf"] = json!({"jkt": thumbprint});
    }
    for (name, value) in custom(org, data, order, "RESOURCE") {
        claims[name] = value;
    }
    let token = sign(order.server, &claims);
    let record = AccessToken {
        app: order.app.id.clone(),
        user: order.user.map(|user| user.id.clone()),
        server: Some(order.server.id.clone()),
        scopes: order.scopes.to_vec(),
        thumbprint: order.thumbprint.clone(),
        revoked: false,
    };
    data.access_tokens.insert(jti, record);
    token
}

/// An ID token. Its `sub` is the user's id.
pub(super) fn id(org: &Org, data: &mut Data, order: &Order<'_>, user: &User, nonce: Option<&str>) -> String {
    let now = Timestamp::now().as_second();
    let mut claims = json!({"ver": 1, "jti": format!("ID.{}", ids::token::<32>()), "iss": order.issuer,
        "aud": order.app.client_id(), "iat": now, "exp": now + 3600, "auth_time": now, "sub": user.id,
        "amr": ["pwd"], "idp": super::super::seed::ORG_ID});
    if let Some(nonce) = nonce {
        claims["nonce"] = json!(nonce);
    }
    let has = |scope: &str| order.scopes.iter().any(|known| known == scope);
    let name = app_user_name(order.app, user);
    for (scope, claim, value) in [
        ("profile", "name", json!(user.full_name())),
        ("profile", "preferred_username", json!(name)),
        ("email", "email", json!(user.attribute("email"))),
        ("email", "email_verified", json!(true)),
    ] {
        if has(scope) {
            claims[claim] = value;
        }
    }
    for (name, value) in custom(org, data, order, "IDENTITY") {
        claims[name] = value;
    }
    sign(order.server, &claims)
}

fn sign(server: &Server, claims: &Value) -> String {
    match server.keys.first() {
        Some(key) => key.sign(claims),
        None => String::new(),
    }
}

/// The server's claims of one kind, evaluated; those whose expression fails are left out, and the log says so.
fn custom(org: &Org, data: &mut Data, order: &Order<'_>, kind: &str) -> Map<String, Value> {
    let mut claims = Map::new();
    let mut failed = Vec::new();
    for (id, claim) in &order.server.claims {
        let scopes = claim["conditions"]["scopes"].as_array();
        let asked = scopes.is_none_or(|list| {
            list.is_empty() || list.iter().any(|scope| order.scopes.iter().any(|known| scope == known))
        });
        let wanted = claim["status"] == "ACTIVE" && claim["claimType"] == kind && claim["valueType"] != "SYSTEM";
        if !wanted || !asked {
            continue;
        }
        let name = claim["name"].as_str().unwrap_or_default().to_owned();
        let text = claim["value"].as_str().unwrap_or_default();
        let value = if claim["valueType"] == "GROUPS" {
            order.user.map(|user| groups(data, claim, text, user))
        } else {
            expression(text, order)
        };
        match value {
            Some(value) => drop(claims.insert(name, value)),
            None => failed.push(log::target("OAuth2Claim", id, &name)),
        }
    }
    for target in failed {
        let who = log::target("PublicClientApp", order.app.client_id(), order.app.label());
        let event = "app.oauth2.as.evaluate.claim";
        log::entry(org, data, "/v1/token", "", event, who, vec![target], Err("expression_evaluation_failed"));
    }
    claims
}

/// The names of a person's groups that fit the claim's filter. REGEX knows `.*` only.
fn groups(data: &Data, claim: &Value, text: &str, user: &User) -> Value {
    let fits = |name: &str| match claim["group_filter_type"].as_str().unwrap_or_default() {
        "EQUALS" => name == text,
        "CONTAINS" => name.contains(text),
        "REGEX" => text == ".*" || name == text,
        _ => name.starts_with(text),
    };
    let mine = data.groups.values().filter(|group| data.member(&group.id, &user.id)).map(Group::name);
    json!(mine.filter(|name| fits(name)).collect::<Vec<_>>())
}

/// Okta's expression language as far as claims for Identity Center need it: attributes, literals, and the conditional
/// of the system claim `sub`.
fn expression(text: &str, order: &Order<'_>) -> Option<Value> {
    let text = text.trim();
    if let Some((condition, branches)) = text.split_once('?') {
        let (yes, no) = branches.split_once(':')?;
        let known = match condition.trim().trim_matches(['(', ')']).trim() {
            "appuser != null" | "user != null" => order.user.is_some(),
            _ => return None,
        };
        return expression(if known { yes } else { no }, order);
    }
    let quoted = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    if let Some(literal) = quoted('"').or_else(|| quoted('\'')) {
        return Some(json!(literal));
    }
    match text {
        "app.clientId" | "app.id" => return Some(json!(order.app.client_id())),
        "appuser.userName" => return order.user.map(|user| json!(app_user_name(order.app, user))),
        _ => {}
    }
    let (object, attribute) = text.split_once('.')?;
    if !matches!(object, "user" | "appuser") {
        return None;
    }
    let attribute = attribute.trim_start_matches("profile.");
    order.user?.profile.get(attribute).filter(|value| !value.is_null()).cloned()
}
