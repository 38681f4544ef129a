//! Entra ID: both app registrations, their service principals, consent, assignment, secret, and what stands beside them.

use anyhow::Context as _;
use futures::FutureExt as _;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::mutation::{Deed, Mutation};
use crate::ours::Ours;

const RESOURCE: &str = "entra.resource_app";
const CLIENT: &str = "entra.client_app";
const RESOURCE_PRINCIPAL: &str = "entra.resource_principal";
const CLIENT_PRINCIPAL: &str = "entra.client_principal";

/// A version shows at the app, at the issuer that tokens then have, and at their audience.
const VERSION: &[&str] = &["token_version", "issuer_matches", "issuer_accepted"];
const SERVER: &[&str] = &["server_app", "application_id_uri"];
const CLIENT_APP: &[&str] = &["client_app"];
const SCOPE: &[&str] = &["scope"];
const CONSENT: &[&str] = &["consent"];
const PRINCIPALS: &[&str] = &["principals"];
const ASSIGNED: &[&str] = &["client_assigned"];
const CLAIM: &[&str] = &["claim_in_token"];
const REDIRECT: &[&str] = &["redirect_uri"];
const SECRET: &[&str] = &["secret_proved", "client_secrets", "secret_end"];

/// The rows.
pub const ROWS: &[Mutation] = &[
    // The resource-server app.
    Mutation::new("resource app deleted", Deed::Delete(RESOURCE), &["server_app", "principals"]).at("entra"),
    Mutation::edit("resource app renamed", RESOURCE, SERVER, |app, _, dice| app["displayName"] = json!(dice.word()))
        .at("entra"),
    Mutation::edit("resource app: no tags", RESOURCE, SERVER, |app, _, _| app["tags"] = json!([])).at("entra"),
    Mutation::edit("resource app: other tenants", RESOURCE, SERVER, |app, _, _| {
        app["signInAudience"] = json!("AzureADMultipleOrgs");
    })
    .at("entra"),
    Mutation::edit("resource app: token version 2", RESOURCE, VERSION, |app, _, _| {
        app["api"] = json!({"requestedAccessTokenVersion": 2});
    })
    .at("entra"),
    Mutation::edit("resource app: token version by default", RESOURCE, VERSION, |app, _, _| {
        app["api"] = json!({"requestedAccessTokenVersion": null});
    })
    .at("entra"),
    Mutation::edit("resource app: no identifier URI", RESOURCE, SERVER, |app, _, _| app["identifierUris"] = json!([]))
        .at("entra"),
    Mutation::edit("resource app: an identifier URI more", RESOURCE, SERVER, |app, _, dice| {
        let first = app["identifierUris"][0].clone();
        app["identifierUris"] = json!([first, format!("{}/{}", first.as_str().unwrap_or_default(), dice.word())]);
    })
    .at("entra"),
    Mutation::edit("resource app: no optional claims", RESOURCE, CLAIM, |app, _, _| {
        app["optionalClaims"] = Value::Null;
    })
    .at("entra"),
    Mutation::edit("resource app: claims in the ID token alone", RESOURCE, CLAIM, |app, _, _| {
        let claims = app["optionalClaims"]["accessToken"].clone();
        app["optionalClaims"] = json!({"idToken": claims, "accessToken": [], "saml2Token": []});
    })
    .at("entra"),
    Mutation::edit("resource app: one optional claim", RESOURCE, CLAIM, |app, _, dice| {
        let name = *dice.one(&["email", "upn"]);
        app["optionalClaims"] = json!({"accessToken": [{"name": name, "essential": false}]});
    })
    .at("entra"),
    // The scope.
    Mutation::edit("scope disabled", RESOURCE, SCOPE, |app, _, _| scope(app, |one| one["isEnabled"] = json!(false)))
        .at("entra"),
    Mutation::act("scope renamed", SCOPE, |desk, ours, dice| {
        let name = dice.word();
        async move { rewrite_scope(desk, ours, "value", json!(name)).await }.boxed()
    })
    .at("entra"),
    Mutation::act("scope for administrators", SCOPE, |desk, ours, _| {
        async move { rewrite_scope(desk, ours, "type", json!("Admin")).await }.boxed()
    })
    .at("entra"),
    Mutation::act("scope: other words", SCOPE, |desk, ours, dice| {
        let words = dice.word();
        async move { rewrite_scope(desk, ours, "adminConsentDisplayName", json!(words)).await }.boxed()
    })
    .at("entra"),
    Mutation::act("scope deleted", SCOPE, |desk, ours, _| {
        async move {
            edit_scope(desk, ours, |one| one["isEnabled"] = json!(false)).await?;
            let body = json!({"api": {"oauth2PermissionScopes": []}});
            desk.graph("PATCH", &ours.path(RESOURCE), body).await.map(|_| ())
        }
        .boxed()
    })
    .at("entra"),
    Mutation::edit("the client pre-authorized", RESOURCE, CONSENT, |app, ours, _| {
        let scope = app["api"]["oauth2PermissionScopes"][0]["id"].clone();
        let entry = json!({"appId": ours.client_id, "delegatedPermissionIds": [scope]});
        app["api"] = json!({"preAuthorizedApplications": [entry]});
    })
    .at("entra"),
    // The client app.
    Mutation::new("client app deleted", Deed::Delete(CLIENT), CLIENT_APP).at("entra"),
    Mutation::edit("client app renamed", CLIENT, CLIENT_APP, |app, _, dice| app["displayName"] = json!(dice.word()))
        .at("entra"),
    Mutation::edit("client app: no tags", CLIENT, CLIENT_APP, |app, _, _| app["tags"] = json!([])).at("entra"),
    Mutation::edit("client app: other tenants", CLIENT, CLIENT_APP, |app, _, _| {
        app["signInAudience"] = json!("AzureADMultipleOrgs");
    })
    .at("entra"),
    Mutation::edit("client app: another redirect URI", CLIENT, REDIRECT, |app, _, dice| {
        let uri = redirect(app);
        app["web"] = json!({"redirectUris": [dice.slip(&uri)]});
    })
    .at("entra"),
    Mutation::edit("client app: no redirect URI", CLIENT, REDIRECT, |app, _, _| {
        app["web"] = json!({"redirectUris": []});
    })
    .at("entra"),
    Mutation::edit("client app: a redirect URI more", CLIENT, REDIRECT, |app, _, dice| {
        app["web"] = json!({"redirectUris": [redirect(app), format!("https://{}.example.net/cb", dice.word())]});
    })
    .at("entra"),
    Mutation::edit(
        "client app: redirect URI of a single-page app",
        CLIENT,
        &["redirect_uri", "client_app"],
        |app, _, _| {
            app["spa"] = json!({"redirectUris": [redirect(app)]});
            app["web"] = json!({"redirectUris": []});
        },
    )
    .at("entra"),
    Mutation::edit("client app: no permissions declared", CLIENT, CONSENT, |app, _, _| {
        app["requiredResourceAccess"] = json!([]);
    })
    .at("entra"),
    // Secrets.
    Mutation::act("secret removed", SECRET, |desk, ours, _| {
        async move {
            let app = desk.read(ours, CLIENT).await?;
            for known in app["passwordCredentials"].as_array().into_iter().flatten() {
                let path = format!("{}/removePassword", ours.path(CLIENT));
                desk.graph("POST", &path, json!({"keyId": known["keyId"]})).await?;
            }
            Ok(())
        }
        .boxed()
    })
    .at("entra"),
    Mutation::act("a secret more", SECRET, |desk, ours, dice| {
        let name = dice.word();
        async move {
            let path = format!("{}/addPassword", ours.path(CLIENT));
            desk.graph("POST", &path, json!({"passwordCredential": {"displayName": name}})).await.map(|_| ())
        }
        .boxed()
    })
    .at("entra"),
    // The service principals.
    Mutation::edit("client principal disabled", CLIENT_PRINCIPAL, PRINCIPALS, |one, _, _| {
        one["accountEnabled"] = json!(false);
    })
    .at("entra"),
    Mutation::new("client principal deleted", Deed::Delete(CLIENT_PRINCIPAL), PRINCIPALS).at("entra"),
    Mutation::edit("client principal: assignment not required", CLIENT_PRINCIPAL, ASSIGNED, |one, _, _| {
        one["appRoleAssignmentRequired"] = json!(false);
    })
    .at("entra"),
    Mutation::edit("client principal: not shown", CLIENT_PRINCIPAL, PRINCIPALS, |one, _, _| one["tags"] = json!([]))
        .at("entra"),
    Mutation::edit("resource principal disabled", RESOURCE_PRINCIPAL, PRINCIPALS, |one, _, _| {
        one["accountEnabled"] = json!(false);
    })
    .at("entra"),
    Mutation::new("resource principal deleted", Deed::Delete(RESOURCE_PRINCIPAL), PRINCIPALS).at("entra"),
    Mutation::edit(
        "resource principal: assignment required",
        RESOURCE_PRINCIPAL,
        &["principals", "client_assigned"],
        |one, _, _| {
            one["appRoleAssignmentRequired"] = json!(true);
        },
    )
    .at("entra")
    .undone(|desk, ours, _| {
        async move {
            let body = json!({"appRoleAssignmentRequired": false});
            desk.graph("PATCH", &ours.path(RESOURCE_PRINCIPAL), body).await.map(|_| ())
        }
        .boxed()
    }),
    // The assignment.
    Mutation::act("group unassigned", ASSIGNED, |desk, ours, _| unassign(desk, ours).boxed()).at("entra"),
    Mutation::act("group unassigned, two people assigned", ASSIGNED, |desk, ours, dice| {
        let first = dice.below(4);
        async move {
            unassign(desk, ours).await?;
            for person in &ours.people[first..=first + 1] {
                assign(desk, ours, person).await?;
            }
            Ok(())
        }
        .boxed()
    })
    .at("entra")
    .by_person(),
    Mutation::act("group unassigned, everybody assigned", ASSIGNED, |desk, ours, _| {
        async move {
            unassign(desk, ours).await?;
            for person in &ours.people {
                assign(desk, ours, person).await?;
            }
            Ok(())
        }
        .boxed()
    })
    .at("entra"),
    // Consent.
    Mutation::act("all consent revoked", CONSENT, |desk, ours, _| {
        async move {
            for grant in grants(desk, ours).await? {
                desk.graph("DELETE", &path_of(&grant), Value::Null).await?;
            }
            Ok(())
        }
        .boxed()
    })
    .at("entra"),
    Mutation::act("one consent revoked", CONSENT, |desk, ours, dice| {
        let n = dice.below(2);
        async move {
            let grants = grants(desk, ours).await?;
            let grant = grants.get(n).or(grants.first()).context("a grant")?;
            desk.graph("DELETE", &path_of(grant), Value::Null).await.map(|_| ())
        }
        .boxed()
    })
    .at("entra"),
    Mutation::act("consent shortened", CONSENT, |desk, ours, dice| {
        let scope = *dice.one(&["openid", "openid profile", "offline_access", "openid offline_access", "User.Read"]);
        async move {
            let grants = grants(desk, ours).await?;
            let graph = grants.iter().find(|grant| text(grant, "scope").contains("openid")).context("a grant")?;
            desk.graph("PATCH", &path_of(graph), json!({"scope": scope})).await.map(|_| ())
        }
        .boxed()
    })
    .at("entra"),
    Mutation::act("consent for one person alone", CONSENT, |desk, ours, dice| {
        let person = dice.below(5);
        async move {
            let grants = grants(desk, ours).await?;
            let one = grants.iter().find(|grant| text(grant, "scope") == "dbt-redshift").context("our grant")?;
            desk.graph("DELETE", &path_of(one), Value::Null).await?;
            let body = json!({
                "clientId": one["clientId"], "resourceId": one["resourceId"], "scope": one["scope"],
                "consentType": "Principal", "principalId": ours.people[person],
            });
            desk.graph("POST", "oauth2PermissionGrants", body).await.map(|_| ())
        }
        .boxed()
    })
    .at("entra")
    .by_person(),
];

fn text<'v>(object: &'v Value, field: &str) -> &'v str {
    object[field].as_str().unwrap_or_default()
}

fn redirect(app: &Value) -> String {
    app["web"]["redirectUris"][0].as_str().unwrap_or_default().to_owned()
}

fn path_of(grant: &Value) -> String {
    format!("oauth2PermissionGrants/{}", text(grant, "id"))
}

/// Changes the scope; nothing else of `api` is sent.
fn scope(app: &mut Value, change: impl FnOnce(&mut Value)) {
    let mut scopes = app["api"]["oauth2PermissionScopes"].clone();
    if let Some(one) = scopes.get_mut(0) {
        change(one);
    }
    app["api"] = json!({"oauth2PermissionScopes": scopes});
}

async fn edit_scope(desk: &Desk<'_>, ours: &Ours, change: impl FnOnce(&mut Value)) -> anyhow::Result<()> {
    let before = desk.read(ours, RESOURCE).await?;
    let mut after = before.clone();
    scope(&mut after, change);
    desk.write(ours, RESOURCE, &before, &after).await
}

/// Changes a field of the scope, which must be disabled for it.
async fn rewrite_scope(desk: &Desk<'_>, ours: &Ours, field: &str, value: Value) -> anyhow::Result<()> {
    edit_scope(desk, ours, |one| one["isEnabled"] = json!(false)).await?;
    edit_scope(desk, ours, |one| one[field] = value).await?;
    edit_scope(desk, ours, |one| one["isEnabled"] = json!(true)).await
}

async fn grants(desk: &Desk<'_>, ours: &Ours) -> anyhow::Result<Vec<Value>> {
    let path = format!("servicePrincipals/{}/oauth2PermissionGrants", ours.principal);
    Ok(desk.graph("GET", &path, Value::Null).await?["value"].as_array().cloned().unwrap_or_default())
}

async fn unassign(desk: &Desk<'_>, ours: &Ours) -> anyhow::Result<()> {
    let path = format!("servicePrincipals/{}/appRoleAssignedTo", ours.principal);
    let all = desk.graph("GET", &path, Value::Null).await?;
    for one in all["value"].as_array().into_iter().flatten().filter(|one| one["principalId"] == ours.group.as_str()) {
        desk.graph("DELETE", &format!("{path}/{}", text(one, "id")), Value::Null).await?;
    }
    Ok(())
}

async fn assign(desk: &Desk<'_>, ours: &Ours, person: &str) -> anyhow::Result<()> {
    let body = json!({
        "principalId": person, "resourceId": ours.principal, "appRoleId": "00000000-0000-0000-0000-000000000000",
    });
    let path = format!("servicePrincipals/{}/appRoleAssignedTo", ours.principal);
    desk.graph("POST", &path, body).await.map(|_| ())
}
