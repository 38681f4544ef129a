//! `profiles.yml` for dbt Core: how a developer's own dbt signs in with an integration.
//!
//! The secrets are environment variables whose names begin with `DBT_ENV_SECRET_`: dbt keeps their values out of its
//! output. dbt Core 1.11 takes one of them in a value, no more (`config/renderer.py`), so what belongs into one form is one
//! variable. The shape is dbt-redshift's (`connections.py`, `auth_providers.py`): `request_data` is the form that is posted
//! to `request_url`, `idp_auth_credentials` goes into its Authorization header.

use std::fmt::Write as _;

use extoauth_core::integration::Integration;
use extoauth_core::registry::SignIn;

/// The port that Redshift listens on unless it is told otherwise.
const PORT: u16 = 5439;

/// The file, with comments that say what each variable holds. It holds no secret.
pub fn render(desired: &Integration, sign_in: &SignIn) -> String {
    let name = desired.name.as_str();
    let mut file = format!(
        "# dbt Core: sign in to Redshift as yourself, with the integration `{name}`.\n\
         # Set before `dbt debug`:\n\
         #   DBT_SCHEMA                      your schema\n"
    );
    let is_okta = sign_in.kind == "okta";
    let secrets: &[(&str, &str)] = if is_okta {
        &[
            (
                "DBT_ENV_SECRET_IDP_CREDENTIALS",
                "base64 of client_id:client_secret (printf '%s' \"id:secret\" | base64 -w0)",
            ),
            ("DBT_ENV_SECRET_REFRESH_TOKEN", "your refresh token, percent-encoded"),
        ]
    } else {
        &[(
            "DBT_ENV_SECRET_IDP_FORM",
            "client_secret=<secret>&refresh_token=<your refresh token>, both percent-encoded",
        )]
    };
    for (variable, holds) in secrets {
        let _ = writeln!(file, "#   {variable:<31} {holds}");
    }
    let scope = match &sign_in.application_id_uri {
        Some(uri) => format!("{uri}/dbt-redshift offline_access"),
        None => "session:role-any offline_access".to_owned(),
    };
    let fields = [
        ("type", "redshift".to_owned()),
        ("method", "oauth_token_identity_center".to_owned()),
        ("host", text(&desired.warehouse_host)),
        ("port", PORT.to_string()),
        ("dbname", text(&desired.database)),
        ("schema", variable("DBT_SCHEMA")),
        ("sslmode", "verify-full".to_owned()),
        ("threads", "4".to_owned()),
    ];
    let _ = write!(file, "{name}:\n  target: dev\n  outputs:\n    dev:\n");
    for (field, value) in fields {
        let _ = writeln!(file, "      {field}: {value}");
    }
    let form = if is_okta {
        format!(
            "grant_type=refresh_token&redirect_uri={}&scope={}&refresh_token={{{{ env_var('DBT_ENV_SECRET_REFRESH_TOKEN') }}}}",
            encoded(&sign_in.redirect_uri),
            encoded(&scope)
        )
    } else {
        format!(
            "grant_type=refresh_token&client_id={}&scope={}&{{{{ env_var('DBT_ENV_SECRET_IDP_FORM') }}}}",
            encoded(&sign_in.client_id),
            encoded(&scope)
        )
    };
    let _ = write!(
        file,
        "      token_endpoint:\n        type: {}\n        request_url: {}\n        request_data: {}\n",
        text(&sign_in.kind),
        text(&sign_in.token_url),
        text(&form)
    );
    if is_okta {
        let _ = writeln!(file, "        idp_auth_credentials: {}", variable("DBT_ENV_SECRET_IDP_CREDENTIALS"));
    }
    file
}

/// A YAML text: JSON's quoting is YAML's double-quoted style.
fn text(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

fn variable(name: &str) -> String {
    text(&format!("{{{{ env_var('{name}') }}}}"))
}

fn encoded(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desired() -> Integration {
        serde_json::from_value(serde_json::json!({
            "name": "analytics-dev", "idp": "okta", "idp_system": "acme", "warehouse_system": "main",
            "dbt_system": "acme", "environments": [{"project": 1, "environment": 2}], "connection_id": null,
            "private_link_endpoint_id": null, "warehouse_host": "wg.example.com", "database": "dev",
            "groups": ["engineers"], "user_claim": null, "identity_attribute": "emails.value",
            "lifetimes": {"access_minutes": 60, "refresh_days": 90, "idle_days": 30}, "secret_days": 180, "cutover": "now",
        }))
        .expect("an integration")
    }

    #[test]
    fn a_value_takes_one_secret_and_the_file_holds_none() {
        for (kind, uri) in [("okta", None), ("entra", Some("api://1234".to_owned()))] {
            let sign_in = SignIn {
                kind: kind.into(),
                client_id: "0oa1".into(),
                token_url: "https://idp.example.com/token".into(),
                redirect_uri: "https://ab123.us1.dbt.com/complete".into(),
                application_id_uri: uri,
            };
            let file = render(&desired(), &sign_in);
            let values = file.lines().filter(|line| !line.starts_with('#'));
            assert!(values.clone().all(|line| line.matches("DBT_ENV_SECRET_").count() <= 1), "{file}");
            assert!(values.clone().any(|line| line.contains("DBT_ENV_SECRET_")), "{file}");
            assert!(file.contains("type: \"") && file.contains("host: \"wg.example.com\""), "{file}");
        }
    }

    #[test]
    fn hostile_text_stays_text() {
        assert_eq!(text("a\"\n  b: c"), r#""a\"\n  b: c""#);
    }
}
