//! Removing what the inventory names, by its kind. A new kind of resource gets its line here.

use std::collections::BTreeSet;

use extoauth_core::engine::{InventoryItem, Ownership, Permit, Removal, Remover, Resource, Value};
use extoauth_core::error::{CallError, CallResult, ErrorKind, absent_is_none};
use extoauth_core::systems::{Mode, SystemKind};
use extoauth_systems::http::Written;
use extoauth_systems::{okta, secrets};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;

use super::aws::{ClientSecret, ClientSecretIdentity, EntryIdentity, IssuerEntry, IssuerIdentity, TrustedTokenIssuer};
use super::aws::{issuer_list_key, remove_entry};
use super::dbt::{
    Connection, ConnectionIdentity, ConnectionUse, EnvironmentConnection, EnvironmentIdentity, OauthConfiguration,
    OauthConfigurationIdentity, Tunnel, environment_key,
};
use super::entra::{
    AdminConsent, AppIdentity as EntraAppIdentity, ApplicationIdUri, AssignmentIdentity as EntraAssignmentIdentity,
    ClientApp, GroupAssignment as EntraGroupAssignment, IssuedSecret, IssuedSecretIdentity, PreAuthorization,
    PreAuthorizationIdentity, ResourceApp, ServicePrincipal, pre_authorization_key,
};
use super::okta::{
    AccessPolicy, AppIdentity, AssignmentIdentity, AuthorizationServer, GroupAssignment, OidcApp, PartIdentity,
    PolicyIdentity, RuleIdentity, Scope, ServerIdentity, TokenRule, UserClaim,
};
use crate::systems::Systems;

/// Knows how every kind is removed.
pub struct Removers;

impl Remover<Systems> for Removers {
    fn remove<'a>(
        &'a self,
        systems: &'a Systems,
        item: &'a InventoryItem,
        permit: &'a Permit,
    ) -> BoxFuture<'a, Removal> {
        remove(systems, item, permit).boxed()
    }

    fn mode(&self, systems: &Systems, item: &InventoryItem) -> Mode {
        if item.kind == EntraGroupAssignment::KIND
            && identity::<EntraAssignmentIdentity>(item).is_ok_and(|assignment| assignment.by_hand)
        {
            return Mode::Handoff;
        }
        match item.system.kind {
            SystemKind::Okta => systems.okta.as_ref().map_or(Mode::Observe, |port| port.mode),
            SystemKind::Dbt => systems.dbt.mode,
            SystemKind::Redshift => systems.redshift.mode,
            SystemKind::IdentityCenter => systems.identity_center.mode,
            SystemKind::SecretsManager => systems.secrets.mode,
            SystemKind::Entra => systems.entra.as_ref().map_or(Mode::Observe, |port| port.mode),
            SystemKind::Servicenow => Mode::Observe,
        }
    }

    fn shared_key(&self, item: &InventoryItem) -> Option<String> {
        match item.kind.as_str() {
            IssuerEntry::KIND => Some(issuer_list_key(&identity::<EntryIdentity>(item).ok()?.application_arn)),
            PreAuthorization::KIND => {
                Some(pre_authorization_key(&identity::<PreAuthorizationIdentity>(item).ok()?.app))
            }
            EnvironmentConnection::KIND => {
                let environment = identity::<EnvironmentIdentity>(item).ok()?;
                Some(environment_key(&environment.account, environment.id))
            }
            _ => None,
        }
    }
}

async fn remove(systems: &Systems, item: &InventoryItem, permit: &Permit) -> Removal {
    let okta = || systems.okta.as_ref().map(|port| port.write(permit)).ok_or_else(|| no_system(item));
    let entra = || systems.entra.as_ref().map(|port| port.write(permit)).ok_or_else(|| no_system(item));
    let dbt = systems.dbt.write(permit);
    match item.kind.as_str() {
        AuthorizationServer::KIND => delete_server(okta()?, &identity::<ServerIdentity>(item)?.id).await,
        Scope::KIND => {
            let part = identity::<PartIdentity>(item)?;
            gone(okta()?.delete_scope(&part.server, &part.id).await)
        }
        UserClaim::KIND => {
            let part = identity::<PartIdentity>(item)?;
            gone(okta()?.delete_claim(&part.server, &part.id).await)
        }
        AccessPolicy::KIND => {
            let policy = identity::<PolicyIdentity>(item)?;
            gone(okta()?.delete_policy(&policy.server, &policy.policy).await)
        }
        TokenRule::KIND => {
            let rule = identity::<RuleIdentity>(item)?;
            gone(okta()?.delete_rule(&rule.server, &rule.policy, &rule.rule).await)
        }
        OidcApp::KIND => delete_app(okta()?, &identity::<AppIdentity>(item)?.id).await,
        GroupAssignment::KIND => {
            let assignment = identity::<AssignmentIdentity>(item)?;
            gone(okta()?.unassign_group(&assignment.app, &assignment.group).await)
        }
        ResourceApp::KIND | ClientApp::KIND => {
            gone(entra()?.delete_application(&identity::<EntraAppIdentity>(item)?.id).await)
        }
        // They go with their app, and serve nobody until then.
        ApplicationIdUri::KIND | ServicePrincipal::KIND | AdminConsent::KIND => Ok(None),
        EntraGroupAssignment::KIND => {
            let assignment = identity::<EntraAssignmentIdentity>(item)?;
            gone(entra()?.unassign(&assignment.principal, &assignment.id).await)
        }
        PreAuthorization::KIND => {
            let entry = identity::<PreAuthorizationIdentity>(item)?;
            gone(entra()?.pre_authorize(&entry.app, &entry.client, &BTreeSet::new()).await)
        }
        IssuedSecret::KIND => {
            // The credential goes with the app, so the value is worth nothing: it need not be kept for a while.
            let arn = identity::<IssuedSecretIdentity>(item)?.arn;
            gone(systems.secrets.write(permit).delete(&arn, secrets::Removal::Forced).await)
        }
        ClientSecret::KIND => {
            // The provider's client goes as well, so the value is worth nothing: it need not be kept for a while.
            let arn = identity::<ClientSecretIdentity>(item)?.arn;
            gone(systems.secrets.write(permit).delete(&arn, secrets::Removal::Forced).await)
        }
        TrustedTokenIssuer::KIND => {
            let arn = identity::<IssuerIdentity>(item)?.arn;
            gone(systems.identity_center.write(permit).delete_issuer(&arn).await)
        }
        IssuerEntry::KIND => {
            let entry = identity::<EntryIdentity>(item)?;
            remove_entry(systems.redshift.write(permit), &entry, &pre_image::<Value>(item)).await
        }
        OauthConfiguration::KIND => {
            gone(dbt.delete_oauth_configuration(identity::<OauthConfigurationIdentity>(item)?.id).await)
        }
        Connection::KIND => gone(dbt.delete_connection(identity::<ConnectionIdentity>(item)?.id).await),
        // dbt has no call for it: it goes with its connection.
        Tunnel::KIND => Ok(None),
        ConnectionUse::KIND => {
            let id = identity::<ConnectionIdentity>(item)?.id;
            let ours = number(item, super::dbt::CONFIGURATION);
            super::dbt::put_back_configuration(dbt, id, ours, &pre_image::<Value>(item)).await
        }
        EnvironmentConnection::KIND => {
            let environment = identity::<EnvironmentIdentity>(item)?;
            let ours = number(item, super::dbt::CONNECTION);
            super::dbt::put_back_connection(dbt, &environment, ours, pre_image(item)).await
        }
        other => Err(unreadable(item, format!("this version does not know how to remove a `{other}`"))),
    }
}

/// Okta deletes only what is inactive.
async fn delete_server(client: &okta::Write, id: &str) -> Removal {
    if absent_is_none(client.deactivate_authorization_server(id).await)?.is_none() {
        return Ok(None);
    }
    gone(client.delete_authorization_server(id).await)
}

/// Okta deletes only what is inactive.
async fn delete_app(client: &okta::Write, id: &str) -> Removal {
    if absent_is_none(client.deactivate_app(id).await)?.is_none() {
        return Ok(None);
    }
    gone(client.delete_app(id).await)
}

fn gone<T>(result: CallResult<Written<T>>) -> Removal {
    Ok(absent_is_none(result)?.and_then(|written| written.request_id))
}

fn identity<T: DeserializeOwned>(item: &InventoryItem) -> CallResult<T> {
    serde_json::from_value(item.identity.clone()).map_err(|e| unreadable(item, e.to_string()))
}

fn pre_image<T: DeserializeOwned + Default>(item: &InventoryItem) -> T {
    match &item.ownership {
        Ownership::Entry { pre_image } => serde_json::from_value(pre_image.clone()).unwrap_or_default(),
        _ => T::default(),
    }
}

fn number(item: &InventoryItem, key: &str) -> Option<u64> {
    item.written.get(key)?.parse().ok()
}

fn no_system(item: &InventoryItem) -> CallError {
    unreadable(item, format!("it is in {}, which is not this integration's identity provider", item.system))
}

fn unreadable(item: &InventoryItem, why: String) -> CallError {
    CallError::new(ErrorKind::Invalid, item.system.clone(), "remove", why).on(item.address.to_string())
}
