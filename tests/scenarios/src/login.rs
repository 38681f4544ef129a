//! A developer's login from end to end: what dbt has stored, the identity provider's authorization code flow under its
//! real host name, the exchange at IAM Identity Center, and the refresh after an hour.
//!
//! Which provider, and with it what is asked of it, is decided by the type of the stored configuration. Nothing is taken
//! from the product: the OAuth configuration is read from dbt's API, its secret (which dbt never shows)
//! is the value in Secrets Manager with the same SHA-256 as the one that dbt holds.

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use extoauth_sandbox::developer::{Developer, IdentityContext, OAuthConfiguration, Provider, Tokens};
use extoauth_sandbox::seed::{DBT_ACCOUNT, DBT_NAME};
use serde_json::{Value, json};

use crate::client::Client;

/// What a login went through. It holds no token and no secret.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The developer.
    pub username: String,
    /// Name of the connection that the dbt environment uses.
    pub connection: String,
    /// Name of the OAuth configuration that the connection uses.
    pub configuration: String,
    /// The identity provider, as people call it.
    pub provider: &'static str,
    /// Where dbt sends the browser.
    pub authorize_url: String,
    /// The client that dbt is at the identity provider.
    pub client_id: String,
    /// `iss` of the access token.
    pub issuer: String,
    /// `aud` of the access token.
    pub audience: String,
    /// The claim that Identity Center looks at.
    pub claim: String,
    /// Its value.
    pub claim_value: String,
    /// Scopes of the access token.
    pub scopes: String,
    /// Lifetime of the access token in minutes.
    pub access_minutes: u64,
    /// Name of the trusted token issuer in Identity Center whose URL is `iss`, byte for byte.
    pub trusted_issuer: String,
    /// The attribute of the identity store that the claim is compared with.
    pub attribute: String,
    /// The user of the identity store that Identity Center found.
    pub user: String,
    /// Groups of that user: the warehouse's roles follow them.
    pub groups: Vec<String>,
}

/// Signs a developer in from a dbt environment, exchanges the token, shows that it works once only, and that a refreshed
/// one works again.
///
/// # Errors
/// Where the chain breaks, in the words of the system that refused.
pub async fn sign_in(client: &Client, project: u64, environment: u64, username: &str) -> anyhow::Result<Chain> {
    let state = client.state().await?;
    let stored = stored_in_dbt(client, &state, project, environment).await?;
    let developer = Developer::new(stored.configuration.clone(), username, client.browser().clone());
    let tokens = developer.sign_in().await?;
    let claims = claims(&tokens.access_token)?;
    let issuer = text(&claims, "iss");
    let trusted = trusted_issuer(&state, &issuer);
    let first = exchange(client, &state, &developer, &tokens).await?;
    ensure!(exchange(client, &state, &developer, &tokens).await.is_err(), "a token was taken twice");

    let fresh = developer.refresh(&tokens).await?;
    ensure!(fresh.access_token != tokens.access_token, "the refresh gave the same access token");
    let again = exchange(client, &state, &developer, &fresh).await.context("after the refresh")?;
    let (user, groups) = person(&state, &first)?;
    ensure!(person(&state, &again)?.0 == user, "the refreshed token is another person's");

    let mapping = &trusted["TrustedTokenIssuerConfiguration"]["OidcJwtConfiguration"];
    let claim = text(mapping, "ClaimAttributePath");
    Ok(Chain {
        username: username.to_owned(),
        provider: match stored.configuration.provider {
            Provider::Okta => "Okta",
            Provider::Entra { .. } => "Entra ID",
        },
        connection: stored.connection,
        configuration: stored.name,
        authorize_url: stored.configuration.authorize_url,
        client_id: stored.configuration.client_id,
        audience: one_or_list(&claims["aud"]),
        claim_value: text(&claims, &claim),
        claim,
        scopes: tokens.scope,
        access_minutes: tokens.expires_in / 60,
        trusted_issuer: text(trusted, "Name"),
        attribute: text(mapping, "IdentityStoreAttributePath"),
        issuer,
        user,
        groups,
    })
}

/// What dbt has stored for the developers of an environment. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Name of the connection.
    pub connection: String,
    /// Host, port and database of the connection (`config` in dbt's API).
    pub warehouse: Value,
    /// Name of the OAuth configuration.
    pub name: String,
    /// The OAuth configuration with its secret.
    pub configuration: OAuthConfiguration,
}

/// What dbt has stored for the developers of an environment.
///
/// # Errors
/// The environment has no connection with an external OAuth configuration, or dbt does not hold the secret that is in
/// Secrets Manager.
pub async fn stored(client: &Client, project: u64, environment: u64) -> anyhow::Result<Stored> {
    stored_in_dbt(client, &client.state().await?, project, environment).await
}

async fn stored_in_dbt(client: &Client, state: &Value, project: u64, environment: u64) -> anyhow::Result<Stored> {
    let environment = dbt(client, &format!("projects/{project}/environments/{environment}")).await?;
    ensure!(environment["type"] == json!("development"), "the environment is no development environment");
    let id = environment["connection_id"].as_u64().context("the environment has no connection")?;
    let connection = dbt(client, &format!("connections/{id}")).await?;
    let id = connection["oauth_configuration_id"].as_u64();
    let id = id.context("the environment's connection has no external OAuth configuration")?;
    let row = dbt(client, &format!("oauth-configurations/{id}")).await?;
    let provider = Provider::of(&text(&row, "type"), row["extra_data"]["application_id_uri"].as_str());
    let configuration = OAuthConfiguration {
        provider: provider.context("dbt's OAuth configuration names no provider that it can sign in with")?,
        authorize_url: text(&row, "authorize_url"),
        token_url: text(&row, "token_url"),
        client_id: text(&row, "client_id"),
        client_secret: secret_of(client, state, id).await?,
        redirect_uri: text(&row, "redirect_uri"),
    };
    Ok(Stored {
        connection: text(&connection, "name"),
        warehouse: connection["config"].clone(),
        name: text(&row, "name"),
        configuration,
    })
}

async fn dbt(client: &Client, path: &str) -> anyhow::Result<Value> {
    let door = &client.sandbox_json()["admin"]["dbt"][DBT_NAME];
    let call = client.http().get(format!("{}/api/v3/accounts/{DBT_ACCOUNT}/{path}/", text(door, "url")));
    let mut answer = client.send(call.bearer_auth(text(door, "token"))).await?.good()?;
    Ok(answer["data"].take())
}

/// The secret that dbt holds: the value in Secrets Manager with the same digest.
async fn secret_of(client: &Client, state: &Value, configuration: u64) -> anyhow::Result<String> {
    let rows = state["dbt"][DBT_NAME]["oauth-configurations"].as_array().context("dbt's OAuth configurations")?;
    let row = rows.iter().find(|row| row["id"] == json!(configuration)).context("no such OAuth configuration")?;
    let digest = &row["client_secret"]["sha256"];
    ensure!(digest.is_string(), "dbt holds no client secret");
    let regions = state["secretsmanager"].as_object().context("the state of Secrets Manager")?;
    for secret in regions.values().flat_map(|region| region["SecretList"].as_array().into_iter().flatten()) {
        for (version, shown) in secret["Versions"].as_object().into_iter().flatten() {
            if shown["SecretString"]["sha256"] == *digest {
                return secret_value(client, &text(secret, "ARN"), version).await;
            }
        }
    }
    bail!("dbt's client secret is not the one in Secrets Manager")
}

/// A secret's value, read as the administrator.
async fn secret_value(client: &Client, arn: &str, version: &str) -> anyhow::Result<String> {
    let body = json!({"SecretId": arn, "VersionId": version});
    let answer = client.aws("secretsmanager", "secretsmanager.GetSecretValue", &body).await?;
    answer["SecretString"].as_str().map(str::to_owned).context("a secret of text")
}

async fn exchange(
    client: &Client,
    state: &Value,
    developer: &Developer,
    tokens: &Tokens,
) -> anyhow::Result<IdentityContext> {
    let applications = state["redshift"].as_object().into_iter().flat_map(|named| named.values());
    let application =
        applications.map(|named| text(&named["RedshiftIdcApplications"][0], "IdcManagedApplicationArn")).next();
    let application = application.context("no Redshift application")?;
    let (endpoint, key) = (client.told("/aws/sso-oidc"), client.told("/aws/access_key_id"));
    Ok(developer.exchange(endpoint, &application, key, tokens).await?)
}

/// The claims of a token, read without proof: Identity Center proves it.
fn claims(token: &str) -> anyhow::Result<Value> {
    let part = token.split('.').nth(1).context("the access token is no JWT")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
}

fn trusted_issuer<'a>(state: &'a Value, url: &str) -> &'a Value {
    static NONE: Value = Value::Null;
    let named = state["sso-admin"].as_object().into_iter().flat_map(|named| named.values());
    let mut issuers = named.flat_map(|named| named["TrustedTokenIssuers"].as_array().into_iter().flatten());
    let is =
        |issuer: &&Value| issuer["TrustedTokenIssuerConfiguration"]["OidcJwtConfiguration"]["IssuerUrl"] == json!(url);
    issuers.find(is).unwrap_or(&NONE)
}

/// User name and groups of the person in an identity context.
fn person(state: &Value, context: &IdentityContext) -> anyhow::Result<(String, Vec<String>)> {
    let id = claims(context.answer["idToken"].as_str().unwrap_or_default())?["sub"].take();
    let directory = state["identitystore"].as_object().and_then(|named| named.values().next());
    let directory = directory.context("no identity store")?;
    let list = |name: &str| directory[name].as_array().cloned().unwrap_or_default();
    let user =
        list("Users").into_iter().find(|user| user["UserId"] == id).context("nobody has the context's user id")?;
    let memberships = list("GroupMemberships");
    let of_user = memberships.iter().filter(|membership| membership["MemberId"]["UserId"] == id);
    let groups: Vec<&Value> = of_user.map(|membership| &membership["GroupId"]).collect();
    let named = list("Groups").into_iter().filter(|group| groups.contains(&&group["GroupId"]));
    Ok((text(&user, "UserName"), named.map(|group| text(&group, "DisplayName")).collect()))
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn one_or_list(value: &Value) -> String {
    match value {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        one => one.as_str().unwrap_or_default().to_owned(),
    }
}
