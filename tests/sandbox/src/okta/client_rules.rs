//! What Okta refuses in an OpenID Connect app. The texts of the client secret's rules are those of the API description;
//! the others are UNCONFIRMED.

use serde_json::Value;

use super::data::{App, Data};

/// Everything that is wrong with an app that is to be created or replaced (`old`), field by field.
pub(super) fn problems(data: &Data, input: &Value, old: Option<&App>, custom_domain: bool) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut add = |field: &str, text: &str| found.push((field.to_owned(), format!("{field}: {text}")));
    match input["label"].as_str() {
        None | Some("") => add("label", "The field cannot be left blank"),
        Some(label) if label.chars().count() > 100 => add("label", "must be no more than 100 characters long"),
        Some(_) => {}
    }
    if input["name"] != "oidc_client" {
        add("name", "'oidc_client' is the only valid value for OPENID_CONNECT apps");
    }
    let (client, credentials) = (&input["settings"]["oauthClient"], &input["credentials"]["oauthClient"]);
    let kind = client["application_type"].as_str().unwrap_or("web");
    one_of(&mut add, client, "application_type", &["web", "native", "browser", "service"]);
    one_of(&mut add, client, "issuer_mode", &["ORG_URL", "CUSTOM_URL", "DYNAMIC"]);
    one_of(&mut add, client, "consent_method", &["TRUSTED", "REQUIRED"]);
    one_of(&mut add, client, "wildcard_redirect", &["DISABLED", "SUBDOMAIN"]);
    let methods = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"];
    one_of(&mut add, credentials, "token_endpoint_auth_method", &methods);
    if client["issuer_mode"] == "CUSTOM_URL" && !custom_domain {
        add("issuer_mode", "CUSTOM_URL needs a custom domain");
    }
    grants(&mut add, client, kind);
    redirects(&mut add, client, kind);
    refresh(&mut add, client);
    if credentials["token_endpoint_auth_method"] == "private_key_jwt"
        && client["jwks"]["keys"].as_array().is_none_or(Vec::is_empty)
        && !client["jwks_uri"].is_string()
        && old.is_none()
    {
        add("jwks", "A JSON Web Key Set is required when 'token_endpoint_auth_method' is 'private_key_jwt'");
    }
    if let Some(id) = credentials["client_id"].as_str() {
        let taken = data.apps.values().any(|app| app.client_id() == id && old.is_none_or(|old| old.id != app.id));
        if old.is_some_and(|old| old.client_id() != id) {
            add("client_id", "'client_id' can't be changed");
        } else if id == "ALL_CLIENTS" || !(6..=100).contains(&id.chars().count()) || taken {
            add("client_id", "'client_id' must be unique, of 6 to 100 characters, and not ALL_CLIENTS");
        }
    }
    if let Some(secret) = credentials["client_secret"].as_str().filter(|secret| !secret.is_empty()) {
        let method = credentials["token_endpoint_auth_method"].as_str().unwrap_or("client_secret_basic");
        if let Some(text) = secret_problem(secret, method) {
            found.push(("client_secret".to_owned(), text));
        }
    }
    found
}

fn one_of(add: &mut impl FnMut(&str, &str), object: &Value, field: &str, values: &[&str]) {
    let value = &object[field];
    if !value.is_null() && !values.iter().any(|known| value == *known) {
        add(field, &format!("must be one of {values:?}"));
    }
}

fn texts<'a>(object: &'a Value, field: &str) -> Vec<&'a str> {
    object[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn grants(add: &mut impl FnMut(&str, &str), client: &Value, kind: &str) {
    const KNOWN: [&str; 9] = [
        "authorization_code",
        "implicit",
        "refresh_token",
        "client_credentials",
        "password",
        "interaction_code",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ];
    let grants = texts(client, "grant_types");
    if grants.is_empty() {
        add("grant_types", "The field cannot be left blank");
        return;
    }
    if grants.iter().any(|grant| !KNOWN.contains(grant)) {
        add("grant_types", &format!("must be some of {KNOWN:?}"));
    }
    if kind == "web" {
        if !grants.contains(&"authorization_code") {
            add("grant_types", "must contain 'authorization_code' for 'application_type' 'web'");
        }
        if grants.contains(&"client_credentials") {
            add("grant_types", "'client_credentials' is valid for 'application_type' 'service' only");
        }
    }
    if kind == "service" && !grants.contains(&"client_credentials") {
        add("grant_types", "must contain 'client_credentials' for 'application_type' 'service'");
    }
    let answers = texts(client, "response_types");
    for (grant, answer) in [("authorization_code", &["code"][..]), ("implicit", &["token", "id_token"])] {
        let has_answer = answers.iter().any(|given| answer.contains(given));
        let service_token = kind == "service" && grant == "implicit";
        if grants.contains(&grant) != has_answer && !answers.is_empty() && !service_token {
            add("response_types", &format!("{answer:?} goes with the grant type '{grant}' and only with it"));
        }
    }
}

fn redirects(add: &mut impl FnMut(&str, &str), client: &Value, kind: &str) {
    let uris = texts(client, "redirect_uris");
    if uris.is_empty() && matches!(kind, "web" | "native" | "browser") {
        add("redirect_uris", "'redirect_uris' must not be empty");
    }
    for uri in uris {
        match url::Url::parse(&uri.replace("*.", "wildcard.")) {
            Err(_) => add("redirect_uris", "must be absolute URIs"),
            Ok(parsed) if parsed.fragment().is_some() => add("redirect_uris", "must not have a fragment"),
            Ok(_) if uri.contains('*') && client["wildcard_redirect"] != "SUBDOMAIN" => {
                add("redirect_uris", "must not have wildcards");
            }
            Ok(_) => {}
        }
    }
}

fn refresh(add: &mut impl FnMut(&str, &str), client: &Value) {
    let refresh = &client["refresh_token"];
    if refresh.is_null() {
        return;
    }
    if !matches!(refresh["rotation_type"].as_str(), Some("STATIC" | "ROTATE")) {
        add("rotation_type", "The field cannot be left blank: STATIC or ROTATE");
    }
    if !refresh["leeway"].is_null() && !refresh["leeway"].as_i64().is_some_and(|leeway| (0..=60).contains(&leeway)) {
        add("leeway", "must be between 0 and 60");
    }
}

/// What is wrong with a client secret for this authentication method, in Okta's words.
pub(super) fn secret_problem(secret: &str, method: &str) -> Option<String> {
    let length = secret.chars().count();
    if method == "private_key_jwt" {
        let text =
            "client_secret: 'client_secret' can't be used when 'token_endpoint_auth_method' is 'private_key_jwt'.";
        return Some(text.to_owned());
    }
    if !secret.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
        return Some("client_secret: ''client_secret'' must only contain printable ASCII: [x20-x7E]+".to_owned());
    }
    if length < 14 {
        return Some("client_secret: 'client_secret' must be at least '14' characters long.".to_owned());
    }
    if length > 100 {
        return Some("client_secret: 'client_secret' can't be more than '100' characters long.".to_owned());
    }
    if method == "client_secret_jwt" && length < 32 {
        let text = "client_secret: 'client_secret' must be at least '32' characters long when 'token_endpoint_auth_method' is 'client_secret_jwt'.";
        return Some(text.to_owned());
    }
    None
}
