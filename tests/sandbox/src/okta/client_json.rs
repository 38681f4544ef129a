//! An OpenID Connect app as it is stored and shown: what was sent, with Okta's defaults and normalisation.

use serde_json::{Map, Value, json};

use super::data::App;

/// What an app is made of besides the request.
pub(super) struct Given<'a> {
    pub id: &'a str,
    /// Id of the org's signing key.
    pub kid: &'a str,
    /// The issuer mode of an org of this kind.
    pub issuer_mode: &'a str,
    /// The app that is replaced.
    pub old: Option<&'a App>,
}

/// The stored form, without id, status, times, links and secrets.
pub(super) fn oidc(input: &Value, given: &Given<'_>) -> Value {
    let credentials = &input["credentials"]["oauthClient"];
    let or = |value: &Value, default: Value| if value.is_null() { default } else { value.clone() };
    let kind = input["settings"]["oauthClient"]["application_type"].as_str().unwrap_or("web");
    let client_id = given.old.map_or(given.id, App::client_id);
    let mut shown = json!({
        "name": "oidc_client",
        "label": input["label"],
        "signOnMode": "OPENID_CONNECT",
        "features": [],
        "accessibility": {
            "selfService": or(&input["accessibility"]["selfService"], json!(false)),
            "errorRedirectUrl": input["accessibility"]["errorRedirectUrl"],
            "loginRedirectUrl": input["accessibility"]["loginRedirectUrl"],
        },
        "visibility": {
            "autoLaunch": or(&input["visibility"]["autoLaunch"], json!(false)),
            "autoSubmitToolbar": or(&input["visibility"]["autoSubmitToolbar"], json!(false)),
            "hide": or(&input["visibility"]["hide"], json!({"iOS": true, "web": true})),
            "appLinks": or(&input["visibility"]["appLinks"], json!({"oidc_client_link": true})),
        },
        "universalLogout": {"status": "DISABLED", "supportType": "FULL", "identityStack": "NOT_SHARED",
            "protocol": "GLOBAL_TOKEN_REVOCATION"},
        "credentials": {
            "userNameTemplate":
                or(&input["credentials"]["userNameTemplate"], json!({"template": "${source.login}", "type": "BUILT_IN"})),
            "signing": {"kid": given.kid},
            "oauthClient": {
                "autoKeyRotation": or(&credentials["autoKeyRotation"], json!(true)),
                "client_id": or(&credentials["client_id"], json!(client_id)),
                "token_endpoint_auth_method":
                    or(&credentials["token_endpoint_auth_method"], json!("client_secret_basic")),
                "pkce_required": or(&credentials["pkce_required"], json!(matches!(kind, "browser" | "native"))),
            },
        },
        "settings": {
            "app": {},
            "notifications": or(&input["settings"]["notifications"],
                json!({"vpn": {"network": {"connection": "DISABLED"}, "message": null, "helpUrl": null}})),
            "manualProvisioning": or(&input["settings"]["manualProvisioning"], json!(false)),
            "implicitAssignment": or(&input["settings"]["implicitAssignment"], json!(false)),
            "emOptInStatus": "NONE",
            "notes": {"admin": input["settings"]["notes"]["admin"], "enduser": input["settings"]["notes"]["enduser"]},
            "oauthClient": client(&input["settings"]["oauthClient"], given),
        },
    });
    if input["profile"].is_object() {
        shown["profile"] = input["profile"].clone();
    }
    shown
}

fn client(sent: &Value, given: &Given<'_>) -> Value {
    let or = |name: &str, default: Value| if sent[name].is_null() { default } else { sent[name].clone() };
    let kind = sent["application_type"].as_str().unwrap_or("web");
    let mut client = Map::new();
    for (name, default) in [
        ("client_uri", Value::Null),
        ("logo_uri", Value::Null),
        ("redirect_uris", json!([])),
        ("response_types", json!(["code"])),
        ("grant_types", json!([])),
        ("application_type", json!("web")),
        ("consent_method", json!("TRUSTED")),
        ("issuer_mode", json!(given.issuer_mode)),
        ("idp_initiated_login", json!({"mode": "DISABLED", "default_scope": []})),
        ("wildcard_redirect", json!("DISABLED")),
        ("dpop_bound_access_tokens", json!(false)),
        ("participate_slo", json!(false)),
    ] {
        client.insert(name.to_owned(), or(name, default));
    }
    // These are there only if they were sent.
    for name in [
        "network",
        "initiate_login_uri",
        "post_logout_redirect_uris",
        "policy_uri",
        "tos_uri",
        "jwks",
        "jwks_uri",
        "request_object_signing_alg",
    ] {
        if !sent[name].is_null() {
            client.insert(name.to_owned(), sent[name].clone());
        }
    }
    let refreshes =
        sent["grant_types"].as_array().is_some_and(|list| list.iter().any(|grant| grant == "refresh_token"));
    if refreshes {
        let old = given.old.map(|old| &old.oauth()["refresh_token"]).filter(|old| !old.is_null());
        let default = json!({"rotation_type": if kind == "browser" { "ROTATE" } else { "STATIC" }});
        let wanted = match (&sent["refresh_token"], old) {
            (Value::Null, Some(old)) => old.clone(),
            (Value::Null, None) => default,
            (sent, _) => sent.clone(),
        };
        client.insert("refresh_token".to_owned(), refresh(&wanted));
    }
    Value::Object(client)
}

/// The leeway belongs to rotation: Okta drops it for STATIC.
fn refresh(wanted: &Value) -> Value {
    let rotation = wanted["rotation_type"].as_str().unwrap_or("STATIC");
    if rotation == "STATIC" {
        json!({"rotation_type": "STATIC"})
    } else {
        json!({"rotation_type": rotation, "leeway": wanted["leeway"].as_i64().unwrap_or(30)})
    }
}

/// The stored form of an app that is no OAuth client (a bookmark).
pub(super) fn bookmark(label: &str, url: &str) -> Value {
    json!({
        "name": "bookmark",
        "label": label,
        "signOnMode": "BOOKMARK",
        "features": [],
        "accessibility": {"selfService": false, "errorRedirectUrl": null, "loginRedirectUrl": null},
        "visibility": {"autoLaunch": false, "autoSubmitToolbar": false, "hide": {"iOS": false, "web": false},
            "appLinks": {"login": true}},
        "credentials": {"userNameTemplate": {"template": "${source.login}", "type": "BUILT_IN"}, "signing": {}},
        "settings": {"app": {"requestIntegration": false, "url": url},
            "notifications": {"vpn": {"network": {"connection": "DISABLED"}, "message": null, "helpUrl": null}},
            "manualProvisioning": false, "implicitAssignment": false,
            "notes": {"admin": null, "enduser": null}, "emOptInStatus": "NONE"},
    })
}
