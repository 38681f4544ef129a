//! AWS: the trusted token issuer, Redshift's list of issuers, the stored secret.

use extoauth_sandbox::seed;
use futures::FutureExt as _;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::dice::Dice;
use crate::mutation::Mutation;
use crate::ours::Ours;

/// An issuer under another URL is a wrong issuer, and Redshift's list lacks the right one.
const URL: &[&str] = &["issuer_matches", "issuer_accepted"];
const ACCEPTED: &[&str] = &["issuer_accepted"];
/// A wrong mapping shows where it is, in the token, or at the users it does not find.
const MAPPING: &[&str] = &["issuer_mapping", "claim_in_token", "users_resolvable"];
const APPLICATION: &[&str] = &["application_there", "application_assigned", "issuer_accepted"];
const SECRET: &[&str] = &["secret_proved", "client_secrets", "secret_of_dbt"];

/// The rows.
pub const ROWS: &[Mutation] = &[
    // The trusted token issuer.
    Mutation::act("issuer deleted", URL, |desk, ours, _| {
        async move {
            desk.center("DeleteTrustedTokenIssuer", json!({"TrustedTokenIssuerArn": ours.issuer()})).await.map(|_| ())
        }
        .boxed()
    }),
    Mutation::act("issuer renamed", URL, |desk, ours, dice| {
        let name = dice.word();
        async move {
            let body = json!({"TrustedTokenIssuerArn": ours.issuer(), "Name": name});
            desk.center("UpdateTrustedTokenIssuer", body).await.map(|_| ())
        }
        .boxed()
    }),
    Mutation::act("issuer: another claim", MAPPING, |desk, ours, dice| {
        let claim = *dice.one(&["sub", "upn", "preferred_username", "name", "nonsense", "oid"]);
        map(desk, ours, json!({"ClaimAttributePath": claim})).boxed()
    }),
    Mutation::act("issuer: another attribute", MAPPING, |desk, ours, dice| {
        let attribute = *dice.one(&["userName", "externalIds.id", "name.givenName", "displayName", "nickName"]);
        map(desk, ours, json!({"IdentityStoreAttributePath": attribute})).boxed()
    }),
    Mutation::act("issuer made anew with another URL", URL, |desk, ours, dice| {
        let url = other_url(ours, dice);
        replace(desk, ours, url).boxed()
    }),
    Mutation::act("issuer of another URL in the list beside ours", URL, |desk, ours, dice| {
        let url = other_url(ours, dice);
        async move {
            let made = make(desk, ours, &url).await?;
            let mut all = desk.accepted().await;
            all.push((made, vec![ours.audience.clone()]));
            desk.accept(&all).await
        }
        .boxed()
    }),
    Mutation::act("list points at an issuer of another URL", URL, |desk, ours, dice| {
        let url = other_url(ours, dice);
        async move {
            let made = make(desk, ours, &url).await?;
            repoint(desk, ours, &made).await
        }
        .boxed()
    }),
    Mutation::act("issuer made anew with the same URL", URL, |desk, ours, _| {
        replace(desk, ours, ours.issuer_url.clone()).boxed()
    }),
    // Redshift's list.
    Mutation::act("list: our entry removed", ACCEPTED, |desk, ours, _| {
        async move {
            let mut all = desk.accepted().await;
            all.retain(|(arn, _)| *arn != ours.issuer());
            desk.accept(&all).await
        }
        .boxed()
    }),
    Mutation::act("list: another audience", ACCEPTED, |desk, ours, dice| {
        let audience = dice.slip(&ours.audience);
        async move { desk.accept_ours(ours, |audiences| *audiences = vec![audience]).await }.boxed()
    }),
    Mutation::act("list: an audience more", ACCEPTED, |desk, ours, dice| {
        let audience = dice.slip(&ours.audience);
        async move { desk.accept_ours(ours, |audiences| audiences.push(audience)).await }.boxed()
    }),
    Mutation::act("application deleted", APPLICATION, |desk, _, _| {
        async move {
            let arn = ("RedshiftIdcApplicationArn".to_owned(), seed::REDSHIFT_APPLICATION_ARN.to_owned());
            desk.redshift("DeleteRedshiftIdcApplication", vec![arn]).await
        }
        .boxed()
    })
    .undone(nothing_but_restoring),
    Mutation::act("application: assignment required", APPLICATION, |desk, _, _| require(desk, true).boxed())
        .undone(|desk, _, _| require(desk, false).boxed()),
    Mutation::act("application: the grant for tokens deleted", APPLICATION, |desk, _, _| {
        async move {
            let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
            let body = json!({"ApplicationArn": seed::IDC_APPLICATION_ARN, "GrantType": grant});
            desk.center("DeleteApplicationGrant", body).await.map(|_| ())
        }
        .boxed()
    }),
    // The stored secret.
    Mutation::act("stored secret: another value", SECRET, |desk, ours, dice| {
        let value = format!("{}{}{}{}", dice.word(), dice.word(), dice.word(), dice.word());
        async move {
            let token = uuid::Uuid::new_v4().to_string();
            let body = json!({"SecretId": ours.secret(), "SecretString": value, "ClientRequestToken": token});
            desk.secrets("PutSecretValue", body).await.map(|_| ())
        }
        .boxed()
    })
    .outside(),
    Mutation::act("stored secret deleted", SECRET, |desk, ours, _| {
        async move {
            let body = json!({"SecretId": ours.secret(), "RecoveryWindowInDays": 7});
            desk.secrets("DeleteSecret", body).await.map(|_| ())
        }
        .boxed()
    })
    .outside()
    .undone(|desk, ours, _| {
        async move { desk.secrets("RestoreSecret", json!({"SecretId": ours.secret()})).await.map(|_| ()) }.boxed()
    }),
];

/// Another URL as people write it, or as they paste it.
fn other_url(ours: &Ours, dice: &mut Dice) -> String {
    let url = ours.issuer_url.as_str();
    let bare = url.trim_end_matches('/');
    let mut others = vec![
        format!("{bare}/v2.0"),
        format!("{bare}/.well-known/openid-configuration"),
        format!("{bare}/oauth2/default"),
        "https://acme.okta.com".to_owned(),
        "https://acme.okta.com/oauth2/default".to_owned(),
        format!("https://login.microsoftonline.com/{}/v2.0", seed::ENTRA_TENANT),
        "https://sts.windows.net/00000000-1111-2222-3333-444444444444/".to_owned(),
        "https://login.microsoftonline.com/common/v2.0".to_owned(),
        if bare == url { format!("{bare}/") } else { bare.to_owned() },
    ];
    others.retain(|other| other != url);
    dice.one(&others).clone()
}

async fn map(desk: &Desk<'_>, ours: &Ours, change: Value) -> anyhow::Result<()> {
    let body = json!({
        "TrustedTokenIssuerArn": ours.issuer(),
        "TrustedTokenIssuerConfiguration": {"OidcJwtConfiguration": change},
    });
    desk.center("UpdateTrustedTokenIssuer", body).await.map(|_| ())
}

/// Makes an issuer with our mapping.
async fn make(desk: &Desk<'_>, ours: &Ours, url: &str) -> anyhow::Result<String> {
    let configuration = json!({
        "IssuerUrl": url, "ClaimAttributePath": ours.claim, "IdentityStoreAttributePath": ours.attribute,
        "JwksRetrievalOption": "OPEN_ID_DISCOVERY",
    });
    let body = json!({
        "InstanceArn": seed::INSTANCE_ARN, "Name": "by-hand", "TrustedTokenIssuerType": "OIDC_JWT",
        "TrustedTokenIssuerConfiguration": {"OidcJwtConfiguration": configuration},
    });
    let made = desk.center("CreateTrustedTokenIssuer", body).await?;
    Ok(made["TrustedTokenIssuerArn"].as_str().unwrap_or_default().to_owned())
}

/// Lets Redshift's list name another issuer in the place of ours.
async fn repoint(desk: &Desk<'_>, ours: &Ours, to: &str) -> anyhow::Result<()> {
    let mut all = desk.accepted().await;
    for (arn, _) in &mut all {
        if *arn == ours.issuer() {
            to.clone_into(arn);
        }
    }
    desk.accept(&all).await
}

/// The issuer's URL cannot be changed: ours goes, and another comes in its place.
async fn replace(desk: &Desk<'_>, ours: &Ours, url: String) -> anyhow::Result<()> {
    let mut all = desk.accepted().await;
    all.retain(|(arn, _)| *arn != ours.issuer());
    desk.accept(&all).await?;
    desk.center("DeleteTrustedTokenIssuer", json!({"TrustedTokenIssuerArn": ours.issuer()})).await?;
    all.push((make(desk, ours, &url).await?, vec![ours.audience.clone()]));
    desk.accept(&all).await
}

async fn require(desk: &Desk<'_>, required: bool) -> anyhow::Result<()> {
    let body = json!({"ApplicationArn": seed::IDC_APPLICATION_ARN, "AssignmentRequired": required});
    desk.center("PutApplicationAssignmentConfiguration", body).await.map(|_| ())
}

/// The application is Redshift's, made by its own set-up: nothing of it is ours to make.
fn nothing_but_restoring<'a>(
    desk: &'a Desk<'a>,
    _: &'a Ours,
    _: &'a mut Dice,
) -> futures::future::BoxFuture<'a, anyhow::Result<()>> {
    async move {
        desk.go_back();
        Ok(())
    }
    .boxed()
}
