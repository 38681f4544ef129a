//! Okta: the app, its secrets and its assignment, the authorization server with its scope and claim.

use anyhow::Context as _;
use extoauth_sandbox::seed;
use futures::FutureExt as _;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::dice::Dice;
use crate::mutation::{Deed, Mutation};
use crate::ours::Ours;

const APP: &str = "okta.app";
const SERVER: &str = "okta.server";
const SCOPE: &str = "okta.server.scope";
const CLAIM: &str = "okta.server.claim";

/// Where a missing audience shows: at the server, or at Redshift, which accepts another one.
const AUDIENCE: &[&str] = &["server_app", "issuer_accepted"];
/// Where a wrong user shows: in the token, or in the identity store.
const USER: &[&str] = &["claim_in_token", "users_resolvable", "issuer_mapping"];
const CLIENT: &[&str] = &["client_app"];
/// A scope that asks each user is told with the scope or with the client.
const CONSENT: &[&str] = &["scope", "consent", "client_app"];
const SECRETS: &[&str] = &["secret_proved", "client_secrets", "secret_of_dbt"];

/// The rows.
pub const ROWS: &[Mutation] = &[
    // The app.
    Mutation::new("app deactivated", Deed::Deactivate(APP), CLIENT).at("okta"),
    Mutation::new("app deleted", Deed::Delete(APP), CLIENT).at("okta"),
    Mutation::edit("app renamed", APP, CLIENT, |app, _, dice| app["label"] = json!(dice.word())).at("okta"),
    Mutation::edit("app: another redirect URI", APP, &["redirect_uri"], |app, _, dice| {
        let uri = redirect(app);
        oauth(app)["redirect_uris"] = json!([dice.slip(&uri)]);
    })
    .at("okta"),
    Mutation::edit("app: a redirect URI more", APP, &["redirect_uri"], |app, _, dice| {
        let uri = redirect(app);
        oauth(app)["redirect_uris"] = json!([uri, format!("https://{}.example.net/callback", dice.word())]);
    })
    .at("okta"),
    Mutation::edit("app: no refresh tokens", APP, CLIENT, |app, _, _| {
        oauth(app)["grant_types"] = json!(["authorization_code"]);
    })
    .at("okta"),
    Mutation::edit("app: the implicit grant besides", APP, CLIENT, |app, _, _| {
        oauth(app)["grant_types"] = json!(["authorization_code", "refresh_token", "implicit"]);
        oauth(app)["response_types"] = json!(["code", "id_token", "token"]);
    })
    .at("okta"),
    Mutation::edit("app: another client authentication", APP, CLIENT, |app, _, dice| {
        let method = *dice.one(&["client_secret_post", "client_secret_jwt"]);
        app["credentials"]["oauthClient"]["token_endpoint_auth_method"] = json!(method);
    })
    .at("okta"),
    Mutation::edit("app: DPoP", APP, CLIENT, |app, _, _| oauth(app)["dpop_bound_access_tokens"] = json!(true))
        .at("okta"),
    Mutation::edit("app: PKCE required", APP, CLIENT, |app, _, _| {
        app["credentials"]["oauthClient"]["pkce_required"] = json!(true);
    })
    .at("okta")
    .undone(pkce_off),
    Mutation::edit("app: refresh tokens rotate", APP, &["refresh_rotation"], |app, _, dice| {
        oauth(app)["refresh_token"] = json!({"rotation_type": "ROTATE", "leeway": dice.between(0, 60)});
    })
    .at("okta"),
    Mutation::edit("app: consent required", APP, CONSENT, |app, _, _| {
        oauth(app)["consent_method"] = json!("REQUIRED");
    })
    .at("okta"),
    Mutation::act("app: a second secret", SECRETS, |desk, ours, _| {
        async move { second_secret(desk, ours).await.map(|_| ()) }.boxed()
    })
    .at("okta"),
    Mutation::act("app: a second secret, ours deactivated", SECRETS, |desk, ours, _| {
        async move {
            let first = second_secret(desk, ours).await?;
            let path = format!("{}/credentials/secrets/{first}/lifecycle/deactivate", ours.path(APP));
            desk.okta("POST", &path, Value::Null).await.map(|_| ())
        }
        .boxed()
    })
    .at("okta")
    .undone(|desk, ours, _| {
        async move {
            for secret in secrets(desk, ours).await?.iter().filter(|one| one["status"] != "ACTIVE") {
                let path = format!("{}/credentials/secrets/{}/lifecycle/activate", ours.path(APP), id(secret));
                desk.okta("POST", &path, Value::Null).await?;
            }
            Ok(())
        }
        .boxed()
    }),
    // The assignment.
    Mutation::act("group unassigned", &["client_assigned"], |desk, ours, _| unassign(desk, ours).boxed()).at("okta"),
    Mutation::act("group unassigned, two people assigned", &["client_assigned"], |desk, ours, dice| {
        async move {
            unassign(desk, ours).await?;
            let first = dice.below(4);
            for person in &ours.people[first..=first + 1] {
                let body = json!({"id": person, "scope": "USER"});
                desk.okta("POST", &format!("{}/users", ours.path(APP)), body).await?;
            }
            Ok(())
        }
        .boxed()
    })
    .at("okta")
    .by_person(),
    Mutation::act("group unassigned, everybody assigned", &["client_assigned"], |desk, ours, _| {
        async move {
            unassign(desk, ours).await?;
            for person in &ours.people {
                let body = json!({"id": person, "scope": "USER"});
                desk.okta("POST", &format!("{}/users", ours.path(APP)), body).await?;
            }
            Ok(())
        }
        .boxed()
    })
    .at("okta"),
    // The authorization server.
    Mutation::new("server deactivated", Deed::Deactivate(SERVER), &["server_app"]).at("okta"),
    Mutation::new("server deleted", Deed::Delete(SERVER), &["server_app"]).at("okta"),
    Mutation::edit("server renamed", SERVER, AUDIENCE, |server, _, dice| server["name"] = json!(dice.word()))
        .at("okta"),
    Mutation::edit("server: another audience", SERVER, AUDIENCE, |server, ours, dice| {
        server["audiences"] = json!([dice.slip(&ours.audience)]);
    })
    .at("okta"),
    Mutation::edit("server: another issuer mode", SERVER, &["server_app", "issuer_matches"], |server, _, _| {
        server["issuerMode"] = json!("DYNAMIC");
    })
    .at("okta"),
    Mutation::act("server: keys rotated", &["signing_keys"], |desk, ours, _| {
        async move {
            let path = format!("{}/credentials/lifecycle/keyRotate", ours.path(SERVER));
            desk.okta("POST", &path, json!({"use": "sig"})).await.map(|_| ())
        }
        .boxed()
    })
    .at("okta"),
    // The scope.
    Mutation::new("scope deleted", Deed::Delete(SCOPE), &["scope"]).at("okta"),
    Mutation::edit("scope renamed", SCOPE, &["scope"], |scope, _, dice| scope["name"] = json!(dice.word())).at("okta"),
    Mutation::edit("scope: not published", SCOPE, &["scope"], |scope, _, _| {
        scope["metadataPublish"] = json!("NO_CLIENTS");
    })
    .at("okta"),
    Mutation::edit("scope: consent", SCOPE, CONSENT, |scope, _, dice| {
        scope["consent"] = json!(*dice.one(&["REQUIRED", "FLEXIBLE"]));
    })
    .at("okta"),
    Mutation::edit("scope: other words", SCOPE, &["scope"], |scope, _, dice| {
        scope["displayName"] = json!(dice.word());
        scope["description"] = json!(dice.word());
    })
    .at("okta"),
    // The claim.
    Mutation::new("claim deleted", Deed::Delete(CLAIM), USER).at("okta"),
    Mutation::edit("claim inactive", CLAIM, USER, |claim, _, _| claim["status"] = json!("INACTIVE")).at("okta"),
    Mutation::edit("claim renamed", CLAIM, USER, |claim, _, dice| claim["name"] = json!(dice.word())).at("okta"),
    Mutation::edit("claim moved to the ID token", CLAIM, USER, |claim, _, _| claim["claimType"] = json!("IDENTITY"))
        .at("okta"),
    Mutation::edit("claim: another value", CLAIM, USER, |claim, _, dice| {
        claim["value"] = json!(*dice.one(&["user.firstName", "user.email", "user.lastName"]));
    })
    .at("okta"),
    Mutation::edit("claim for another scope alone", CLAIM, USER, |claim, _, _| {
        claim["conditions"] = json!({"scopes": ["profile"]});
    })
    .at("okta"),
    Mutation::edit("claim for our scope alone", CLAIM, USER, |claim, _, _| {
        claim["conditions"] = json!({"scopes": ["session:role-any"]});
    })
    .at("okta"),
];

fn oauth(app: &mut Value) -> &mut Value {
    &mut app["settings"]["oauthClient"]
}

fn redirect(app: &Value) -> String {
    app["settings"]["oauthClient"]["redirect_uris"][0].as_str().unwrap_or_default().to_owned()
}

fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap_or_default()
}

async fn unassign(desk: &Desk<'_>, ours: &Ours) -> anyhow::Result<()> {
    desk.okta("DELETE", &format!("{}/groups/{}", ours.path(APP), ours.group), Value::Null).await.map(|_| ())
}

async fn secrets(desk: &Desk<'_>, ours: &Ours) -> anyhow::Result<Vec<Value>> {
    let all = desk.okta("GET", &format!("{}/credentials/secrets", ours.path(APP)), Value::Null).await?;
    Ok(all.as_array().cloned().unwrap_or_default())
}

/// Adds a secret; returns the id of the first one.
async fn second_secret(desk: &Desk<'_>, ours: &Ours) -> anyhow::Result<String> {
    let before = secrets(desk, ours).await?;
    desk.okta("POST", &format!("{}/credentials/secrets", ours.path(APP)), json!({})).await?;
    before.first().map(|one| id(one).to_owned()).with_context(|| format!("{} has no secret", seed::OKTA_NAME))
}

fn pkce_off<'a>(
    desk: &'a Desk<'a>,
    ours: &'a Ours,
    _: &'a mut Dice,
) -> futures::future::BoxFuture<'a, anyhow::Result<()>> {
    async move {
        let mut app = desk.read(ours, APP).await?;
        app["credentials"]["oauthClient"]["pkce_required"] = json!(false);
        desk.okta("PUT", &ours.path(APP), app).await.map(|_| ())
    }
    .boxed()
}
