//! dbt: the OAuth configuration, the connection, the environment.

use futures::FutureExt as _;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::mutation::{Deed, Mutation};

const CONFIGURATION: &str = "dbt.oauth_configuration";
const CONNECTION: &str = "dbt.connection";
const ENVIRONMENT: &str = "dbt.environment";

const AUTHORIZE: &[&str] = &["authorize_url"];
const TOKEN: &[&str] = &["token_url"];
const CLIENT: &[&str] = &["dbt_client", "client_app", "dbt_configuration"];
const REDIRECT: &[&str] = &["redirect_uri"];
const SECRET: &[&str] = &["secret_of_dbt", "secret_proved"];
const URI: &[&str] = &["application_id_uri", "dbt_configuration", "scope", "server_app", "dbt_client"];
const USE: &[&str] = &["dbt_connection", "dbt_configuration"];
const POINTS: &[&str] = &["dbt_environment", "dbt_connection"];

/// The rows.
pub const ROWS: &[Mutation] = &[
    // The OAuth configuration.
    Mutation::edit("configuration renamed", CONFIGURATION, USE, |one, _, dice| one["name"] = json!(dice.word())),
    Mutation::edit("configuration: another authorize URL", CONFIGURATION, AUTHORIZE, |one, _, dice| {
        one["authorize_url"] = json!(other_url(one, "authorize_url", dice));
    }),
    Mutation::edit("configuration: another token URL", CONFIGURATION, TOKEN, |one, _, dice| {
        one["token_url"] = json!(other_url(one, "token_url", dice));
    }),
    Mutation::edit("configuration: URLs swapped", CONFIGURATION, &["authorize_url", "token_url"], |one, _, _| {
        let authorize = one["authorize_url"].take();
        one["authorize_url"] = one["token_url"].take();
        one["token_url"] = authorize;
    }),
    Mutation::edit("configuration: version 1 authorize URL", CONFIGURATION, AUTHORIZE, |one, _, _| {
        let url = one["authorize_url"].as_str().unwrap_or_default().replace("/oauth2/v2.0/", "/oauth2/");
        one["authorize_url"] = json!(url);
    })
    .at("entra"),
    Mutation::edit("configuration: version 1 token URL", CONFIGURATION, TOKEN, |one, _, _| {
        let url = one["token_url"].as_str().unwrap_or_default().replace("/oauth2/v2.0/", "/oauth2/");
        one["token_url"] = json!(url);
    })
    .at("entra"),
    Mutation::edit("configuration: another client", CONFIGURATION, CLIENT, |one, _, dice| {
        let client = one["client_id"].as_str().unwrap_or_default().to_owned();
        one["client_id"] = json!(dice.slip(&client));
    }),
    Mutation::edit("configuration: another redirect URI", CONFIGURATION, REDIRECT, |one, _, dice| {
        let uri = one["redirect_uri"].as_str().unwrap_or_default().to_owned();
        one["redirect_uri"] = json!(dice.slip(&uri));
    }),
    Mutation::edit("configuration: another Application ID URI", CONFIGURATION, URI, |one, _, dice| {
        let uri = one["extra_data"]["application_id_uri"].as_str().unwrap_or_default().to_owned();
        one["extra_data"]["application_id_uri"] = json!(dice.slip(&uri));
    })
    .at("entra"),
    Mutation::edit("configuration: another secret", CONFIGURATION, SECRET, |one, _, dice| {
        one["client_secret"] = json!(format!("{}{}{}{}", dice.word(), dice.word(), dice.word(), dice.word()));
    })
    .of_the_secret(),
    Mutation::act("configuration deleted", USE, |desk, ours, _| {
        async move {
            // In use it cannot be deleted.
            let path = ours.path(CONNECTION);
            let body = json!({"account_id": extoauth_sandbox::seed::DBT_ACCOUNT, "oauth_configuration_id": null});
            desk.dbt("PATCH", &path, body).await?;
            desk.dbt("DELETE", &ours.configuration(), Value::Null).await.map(|_| ())
        }
        .boxed()
    }),
    // The connection.
    Mutation::edit("connection renamed", CONNECTION, USE, |one, _, dice| one["name"] = json!(dice.word())),
    Mutation::edit("connection: another host", CONNECTION, USE, |one, _, dice| {
        let host = one["config"]["hostname"].as_str().unwrap_or_default().to_owned();
        one["config"]["hostname"] = json!(format!("{}.{host}", dice.word()));
    }),
    Mutation::edit("connection: another port", CONNECTION, USE, |one, _, dice| {
        one["config"]["port"] = json!(dice.between(1024, 5438));
    }),
    Mutation::edit("connection: another database", CONNECTION, USE, |one, _, dice| {
        one["config"]["dbname"] = json!(dice.word());
    }),
    Mutation::edit("connection: no configuration", CONNECTION, USE, |one, _, _| {
        one["oauth_configuration_id"] = Value::Null;
    }),
    Mutation::act("connection: another configuration", USE, |desk, ours, dice| {
        let name = dice.word();
        async move {
            let mut other = desk.read(ours, CONFIGURATION).await?;
            let fields = ["type", "extra_data", "authorize_url", "token_url", "redirect_uri", "account_id"];
            let mut body = json!({"name": name, "client_id": "somebody-elses", "client_secret": "theirs"});
            for field in fields {
                body[field] = other[field].take();
            }
            let made = desk.dbt("POST", "oauth-configurations/", body).await?;
            let body = json!({
                "account_id": extoauth_sandbox::seed::DBT_ACCOUNT, "oauth_configuration_id": made["id"],
            });
            desk.dbt("PATCH", &ours.path(CONNECTION), body).await.map(|_| ())
        }
        .boxed()
    }),
    Mutation::act("connection deleted", POINTS, |desk, ours, _| {
        async move {
            // In use it cannot be deleted.
            let before = desk.read(ours, ENVIRONMENT).await?;
            let mut after = before.clone();
            after["connection_id"] = json!(ours.other_connection);
            desk.write(ours, ENVIRONMENT, &before, &after).await?;
            desk.dbt("DELETE", &ours.path(CONNECTION), Value::Null).await.map(|_| ())
        }
        .boxed()
    }),
    // The environment.
    Mutation::edit("environment: another connection", ENVIRONMENT, POINTS, |one, ours, _| {
        one["connection_id"] = json!(ours.other_connection);
    }),
    Mutation::edit("environment: no connection", ENVIRONMENT, POINTS, |one, _, _| one["connection_id"] = Value::Null),
    Mutation::edit("environment renamed", ENVIRONMENT, POINTS, |one, _, dice| one["name"] = json!(dice.word())),
    Mutation::new("environment deleted", Deed::Delete(ENVIRONMENT), POINTS).undone(|desk, _, _| {
        async move {
            // Nobody can bring it back: another one is another integration's matter.
            desk.go_back();
            Ok(())
        }
        .boxed()
    }),
    Mutation::act("environment: extended attributes with another host", POINTS, |desk, ours, dice| {
        let host = format!("{}.example.net", dice.word());
        async move {
            let body = json!({
                "account_id": extoauth_sandbox::seed::DBT_ACCOUNT, "project_id": ours.project, "state": 1,
                "extended_attributes": {"host": host},
            });
            let path = format!("projects/{}/extended-attributes/", ours.project);
            let made = desk.dbt("POST", &path, body).await?;
            let before = desk.read(ours, ENVIRONMENT).await?;
            let mut after = before.clone();
            after["extended_attributes_id"] = made["id"].clone();
            desk.write(ours, ENVIRONMENT, &before, &after).await
        }
        .boxed()
    })
    .undone(|desk, ours, _| {
        async move {
            let before = desk.read(ours, ENVIRONMENT).await?;
            let mut after = before.clone();
            after["extended_attributes_id"] = Value::Null;
            desk.write(ours, ENVIRONMENT, &before, &after).await
        }
        .boxed()
    }),
];

/// Another URL as people write it: cut, with a slash, of another server, or of the other endpoint.
fn other_url(one: &Value, field: &str, dice: &mut Dice) -> String {
    let url = one[field].as_str().unwrap_or_default().to_owned();
    match dice.below(4) {
        0 => {
            let other = if field == "token_url" { "authorize_url" } else { "token_url" };
            one[other].as_str().unwrap_or_default().to_owned()
        }
        1 => format!("{url}/"),
        2 => url.replacen("https://", "https://www.", 1),
        _ => dice.slip(&url),
    }
}
