//! OIDC apps, their secrets and their groups.

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{KEPT_BY_OKTA, id, replacement};
use crate::http::{flag, text, texts, time};

/// An app. Array fields may come back in another order than they were sent.
#[derive(Clone, Deserialize)]
#[serde(try_from = "Value")]
pub struct App {
    /// `0oa…`
    pub id: String,
    /// Label; not unique in an org.
    pub label: String,
    /// `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// `oidc_client` for our kind.
    pub name: Option<String>,
    /// The OAuth client id; by default the app's own.
    pub client_id: Option<String>,
    /// `web`, `native`, `browser`, `service`.
    pub application_type: Option<String>,
    /// How the client proves itself at the token endpoint.
    pub token_endpoint_auth_method: Option<String>,
    /// Whether PKCE is required.
    pub pkce_required: Option<bool>,
    /// Redirect URIs, compared by Okta as they are.
    pub redirect_uris: Vec<String>,
    /// Grant types.
    pub grant_types: Vec<String>,
    /// Response types.
    pub response_types: Vec<String>,
    /// Issuer mode of the ID token: `ORG_URL`, `CUSTOM_URL`, `DYNAMIC`.
    pub issuer_mode: Option<String>,
    /// `TRUSTED` or `REQUIRED`.
    pub consent_method: Option<String>,
    /// `STATIC` or `ROTATE`; absent without the refresh-token grant.
    pub refresh_token_rotation: Option<String>,
    /// Whether access tokens are bound to a key. dbt cannot use such tokens.
    pub dpop_bound: Option<bool>,
    /// `DISABLED` or `SUBDOMAIN`.
    pub wildcard_redirect: Option<String>,
    /// The template of the app user name, which is the `sub` of access tokens: `${source.login}` by default.
    pub user_name_template: Option<String>,
    /// Whether everybody of the org may use the app without being assigned (the console's Federation Broker Mode).
    pub implicit_assignment: Option<bool>,
    /// Free data that clients of the API may keep with the app.
    pub profile: Map<String, Value>,
    /// The note that admins see in the console.
    pub admin_note: Option<String>,
    /// Creation.
    pub created: Option<Timestamp>,
    /// Last change.
    pub last_updated: Option<Timestamp>,
    /// The client secret: Okta shows it in the answer of a create and of a replace only.
    pub client_secret: Option<SecretString>,
    raw: Value,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("id", &self.id)
            .field("label", &self.label)
            .field("status", &self.status)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

impl TryFrom<Value> for App {
    type Error = &'static str;

    fn try_from(mut raw: Value) -> Result<Self, Self::Error> {
        // The secret leaves the raw form, which is echoed in replaces and may be printed.
        let client_secret = raw
            .pointer_mut("/credentials/oauthClient")
            .and_then(Value::as_object_mut)
            .and_then(|client| client.remove("client_secret"))
            .and_then(|secret| secret.as_str().map(SecretString::from));
        let client = |field: &str| format!("/settings/oauthClient/{field}");
        Ok(Self {
            id: id(&raw)?,
            label: text(&raw, "/label").unwrap_or_default(),
            status: text(&raw, "/status").unwrap_or_default(),
            name: text(&raw, "/name"),
            client_id: text(&raw, "/credentials/oauthClient/client_id"),
            application_type: text(&raw, &client("application_type")),
            token_endpoint_auth_method: text(&raw, "/credentials/oauthClient/token_endpoint_auth_method"),
            pkce_required: flag(&raw, "/credentials/oauthClient/pkce_required"),
            redirect_uris: texts(&raw, &client("redirect_uris")),
            grant_types: texts(&raw, &client("grant_types")),
            response_types: texts(&raw, &client("response_types")),
            issuer_mode: text(&raw, &client("issuer_mode")),
            consent_method: text(&raw, &client("consent_method")),
            refresh_token_rotation: text(&raw, &client("refresh_token/rotation_type")),
            dpop_bound: flag(&raw, &client("dpop_bound_access_tokens")),
            wildcard_redirect: text(&raw, &client("wildcard_redirect")),
            user_name_template: text(&raw, "/credentials/userNameTemplate/template"),
            implicit_assignment: flag(&raw, "/settings/implicitAssignment"),
            profile: raw.get("profile").and_then(Value::as_object).cloned().unwrap_or_default(),
            admin_note: text(&raw, "/settings/notes/admin"),
            created: time(&raw, "/created"),
            last_updated: time(&raw, "/lastUpdated"),
            client_secret,
            raw,
        })
    }
}

impl App {
    /// Whether the app lets people in at all.
    pub fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }

    /// The body that replaces this app by what is wanted. The secret is not part of it: Okta keeps the one it has when
    /// a replace has none, as with every app that was read before (recorded with an empty one; absent: UNCONFIRMED,
    /// so the answer's [`client_secret`](Self::client_secret) is worth comparing).
    pub(crate) fn replacement(&self, wanted: &AppSpec) -> Value {
        const MORE: [&str; 2] = ["universalLogout", "features"];
        let kept: Vec<&str> = KEPT_BY_OKTA.into_iter().chain(MORE).collect();
        replacement(&self.raw, &kept, wanted.body())
    }
}

/// What we state of an app; the rest is Okta's default, or stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSpec {
    /// Label, 1 to 100 characters.
    pub label: String,
    /// Redirect URIs.
    pub redirect_uris: Vec<String>,
    /// Grant types.
    pub grant_types: Vec<String>,
    /// Issuer mode of the ID token.
    pub issuer_mode: String,
    /// `STATIC` or `ROTATE`. The leeway that may stand beside it is dropped by Okta for `STATIC`, so it is not sent.
    pub refresh_token_rotation: String,
    /// How the client proves itself.
    pub token_endpoint_auth_method: String,
    /// Whether PKCE is required.
    pub pkce_required: bool,
    /// `TRUSTED`: people are not asked for consent.
    pub consent_method: String,
    /// Free data, laid over what is there.
    pub profile: Map<String, Value>,
    /// The note for admins; `None` leaves it as it is.
    pub admin_note: Option<String>,
}

impl AppSpec {
    /// The web app that dbt needs: code and refresh token, one redirect URI, a secret sent by Basic, no rotation of
    /// refresh tokens (dbt keeps one for many sessions).
    pub fn web(label: impl Into<String>, redirect_uri: impl Into<String>, issuer_mode: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            redirect_uris: vec![redirect_uri.into()],
            grant_types: vec!["authorization_code".into(), "refresh_token".into()],
            issuer_mode: issuer_mode.into(),
            refresh_token_rotation: "STATIC".into(),
            token_endpoint_auth_method: "client_secret_basic".into(),
            pkce_required: false,
            consent_method: "TRUSTED".into(),
            profile: Map::new(),
            admin_note: None,
        }
    }

    /// The body of a create, but for the secret.
    pub(crate) fn body(&self) -> Value {
        let mut client = json!({
            "application_type": "web",
            "redirect_uris": self.redirect_uris,
            "response_types": ["code"],
            "grant_types": self.grant_types,
            "consent_method": self.consent_method,
            "issuer_mode": self.issuer_mode,
            "dpop_bound_access_tokens": false,
        });
        if self.grant_types.iter().any(|g| g == "refresh_token") {
            client["refresh_token"] = json!({"rotation_type": self.refresh_token_rotation});
        }
        let mut body = json!({
            "name": "oidc_client",
            "label": self.label,
            "signOnMode": "OPENID_CONNECT",
            "credentials": {"oauthClient": {
                "autoKeyRotation": true,
                "token_endpoint_auth_method": self.token_endpoint_auth_method,
                "pkce_required": self.pkce_required,
            }},
            "settings": {"oauthClient": client},
        });
        if !self.profile.is_empty() {
            body["profile"] = Value::Object(self.profile.clone());
        }
        if let Some(note) = &self.admin_note {
            body["settings"]["notes"] = json!({"admin": note});
        }
        body
    }
}

/// A client secret of an app. An app has at most two; both are good while active.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub struct ClientSecret {
    /// `ocs…`
    pub id: String,
    /// `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// Creation. Okta's secrets never expire, so age is all there is.
    pub created: Option<Timestamp>,
    /// Okta's own hash of the value.
    pub hash: Option<String>,
    /// The value, which Okta shows at every read.
    pub value: Option<SecretString>,
}

impl TryFrom<Value> for ClientSecret {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            id: id(&raw)?,
            status: text(&raw, "/status").unwrap_or_default(),
            created: time(&raw, "/created"),
            hash: text(&raw, "/secret_hash"),
            value: text(&raw, "/client_secret").map(SecretString::from),
        })
    }
}

impl ClientSecret {
    /// Whether it is accepted.
    pub fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }
}

/// A group that an app is assigned to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AppGroup {
    /// The group's id.
    pub id: String,
    /// Priority among the app's groups.
    #[serde(default)]
    pub priority: Option<i64>,
}

/// Somebody who is assigned to an app, by themselves or through a group.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct AppUser {
    /// The user's id, `00u…`.
    pub id: String,
    /// `USER` (assigned by themselves) or `GROUP`.
    pub scope: Option<String>,
    /// Of the assignment, not of the account: `ACTIVE`, `PROVISIONED`, `SUSPENDED` …
    pub status: Option<String>,
    /// The user's name in the app: what Okta's own claim `sub` of access tokens holds.
    pub user_name: Option<String>,
    /// The user's profile in the app.
    pub profile: Map<String, Value>,
    /// The account behind it, where Okta sent it along.
    pub account: Option<Account>,
}

/// An account of the org, as it stands beside an assignment.
#[derive(Clone, PartialEq)]
pub struct Account {
    /// `ACTIVE`, `SUSPENDED`, `DEPROVISIONED` …
    pub status: Option<String>,
    /// `login`, `email` and the rest: what expressions call `user.…`.
    pub profile: Map<String, Value>,
}

/// Profiles are personal data: shown is what tells people apart.
impl fmt::Debug for AppUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppUser").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("status", &self.status).finish_non_exhaustive()
    }
}

impl TryFrom<Value> for AppUser {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        let map = |pointer: &str| raw.pointer(pointer).and_then(Value::as_object).cloned().unwrap_or_default();
        Ok(Self {
            id: id(&raw)?,
            scope: text(&raw, "/scope"),
            status: text(&raw, "/status"),
            user_name: text(&raw, "/credentials/userName"),
            profile: map("/profile"),
            account: raw.pointer("/_embedded/user").map(|_| Account {
                status: text(&raw, "/_embedded/user/status"),
                profile: map("/_embedded/user/profile"),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read() -> App {
        let raw = json!({
            "id": "0oa1", "label": "old", "status": "ACTIVE", "orn": "orn:x", "created": "2026-03-27T04:46:11.000Z",
            "visibility": {"hide": {"web": true}}, "profile": {"theirs": 1},
            "credentials": {"oauthClient": {"client_id": "0oa1", "client_secret": "canary-secret-value"},
                            "signing": {"kid": "k"}},
            "settings": {"notes": {"admin": null, "enduser": "hi"},
                         "oauthClient": {"client_uri": null, "redirect_uris": ["https://a"], "new_field": true}},
            "_links": {}
        });
        serde_json::from_value(raw).expect("an app")
    }

    #[test]
    fn a_replace_keeps_what_we_do_not_know() {
        let mut spec = AppSpec::web("new", "https://b", "ORG_URL");
        spec.profile.insert("ours".into(), 2.into());
        let body = read().replacement(&spec);
        assert_eq!(body["visibility"], json!({"hide": {"web": true}}));
        assert_eq!(body["profile"], json!({"theirs": 1, "ours": 2}));
        assert_eq!(body["settings"]["notes"], json!({"enduser": "hi"}));
        assert_eq!(body["settings"]["oauthClient"]["new_field"], true);
        assert_eq!(body["settings"]["oauthClient"]["redirect_uris"], json!(["https://b"]));
        assert_eq!(body["label"], "new");
        for gone in ["id", "status", "orn", "created", "_links"] {
            assert!(body.get(gone).is_none(), "{gone}");
        }
    }

    #[test]
    fn the_secret_is_apart() {
        let app = read();
        assert_eq!(app.client_secret.as_ref().expect("a secret").expose_secret(), "canary-secret-value");
        let body = app.replacement(&AppSpec::web("new", "https://b", "ORG_URL")).to_string();
        for text in [body, format!("{app:?}"), app.raw.to_string()] {
            assert!(!text.contains("canary"), "{text}");
        }
    }
}
