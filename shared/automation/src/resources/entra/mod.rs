//! What we keep in an Entra tenant.
//!
//! Both apps carry a `uniqueName` that we choose, so that a create that is sent twice makes one app; everything else of
//! Entra's is a part of one of them and goes with it.

mod application_id_uri;
mod assignment;
mod client_app;
mod client_secret;
mod consent;
mod pre_authorization;
mod resource_app;
mod service_principal;

use std::time::Duration;

use extoauth_core::engine::{Found, Lookup, Mark};
use extoauth_core::error::{CallError, CallResult, ErrorKind, absent_is_none};
use extoauth_systems::entra::{Application, Read, Write};
use futures::future::try_join;
use serde::{Deserialize, Serialize};

pub use application_id_uri::ApplicationIdUri;
pub use assignment::{AssignmentIdentity, GroupAssignment, assign_by_hand};
pub use client_app::{Client, ClientApp};
pub use client_secret::{IssuedSecret, IssuedSecretIdentity};
pub use consent::{AdminConsent, ConsentIdentity};
pub use pre_authorization::{PreAuthorization, PreAuthorizationIdentity, pre_authorization_key};
pub use resource_app::{ResourceApp, ResourceServer, TOKEN_VERSION};
pub use service_principal::{Principal, ServicePrincipal};

use crate::resources::found;

/// Who acts for Entra where we may not write.
const ENTRA_ADMIN: &str = "an administrator of the Entra tenant";
/// Apps of this tenant alone. Never left to Graph's default, which has changed over the years, and which with personal
/// accounts also brings another limit of writes (60 a minute).
const SINGLE_TENANT: &str = "AzureADMyOrg";
/// New objects come and go between replicas; terraform-provider-azuread's issues tell of more than a minute.
pub(crate) const REPLICATION: Duration = Duration::from_secs(90);
/// Where an administrator finds apps.
const APP_REGISTRATIONS: &str = "Entra admin center > App registrations";
/// Where an administrator finds service principals.
const ENTERPRISE_APPS: &str = "Entra admin center > Enterprise applications";

/// How Graph names an app.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AppIdentity {
    /// Object id; the app's client id is another one.
    pub id: String,
}

/// The identity of an app that we choose. Graph takes it once, with the create, and never changes it.
fn unique_name(mark: &Mark) -> String {
    mark.to_string().replace([':', '/'], "-")
}

fn tags(mark: &Mark) -> Vec<String> {
    vec![mark.to_string()]
}

/// Looks an app up: by record; else by the identity that we choose. Display names are not unique: one of the same name is
/// told, or, where a person makes it, meant.
async fn find_app(client: &Read, by: &Lookup<'_, AppIdentity>, display_name: &str) -> CallResult<Found<Application>> {
    if let Some(identity) = by.recorded {
        return Ok(absent_is_none(client.application(&identity.id).await)?.map_or(Found::Absent, Found::Here));
    }
    let chosen = unique_name(by.mark);
    let ours = async { absent_is_none(client.application_named(&chosen).await) };
    let (ours, mut same_name) = if by.intent {
        (ours.await?, Vec::new())
    } else {
        let same_name = async { Ok(seen(client.applications_displayed(display_name).await)?.unwrap_or_default()) };
        try_join(ours, same_name).await?
    };
    if let Some(ours) = ours {
        same_name.retain(|app| app.id != ours.id);
        same_name.insert(0, ours);
        return Ok(found(same_name, Some(0), by.intent, by.by_hand, named));
    }
    Ok(found(same_name, None, by.intent, by.by_hand, named))
}

/// After a refusal to make an app under the identity that we choose. An app of ours that was deleted waits in the tenant's
/// bin for thirty days and may hold that identity (whether Graph then refuses it is UNCONFIRMED): it is ours, so it is
/// purged, and the create may be sent again. Anybody else's is left where it is.
async fn make_room(client: &Write, mark: &Mark, refused: CallError) -> CallResult<()> {
    if !matches!(refused.kind, ErrorKind::Conflict | ErrorKind::Invalid) {
        return Err(refused);
    }
    let Some(deleted) = seen(client.deleted_application(&unique_name(mark)).await)?.flatten() else {
        return Err(refused);
    };
    if !deleted.tags.contains(&mark.to_string()) {
        let message = format!(
            "{}; the deleted app registration `{}` ({}) holds the unique name and is not ours: have it purged, or wait \
             until the tenant purges it, thirty days after its deletion",
            refused.message, deleted.display_name, deleted.id
        );
        return Err(CallError { message, kind: ErrorKind::Invalid, ..refused });
    }
    client.purge_application(&deleted.id).await.map(drop)
}

/// What a look at other people's apps shows, if we may look: without `Application.Read.All` Graph may refuse it.
fn seen<T>(result: CallResult<T>) -> CallResult<Option<T>> {
    match result {
        Err(e) if e.kind == ErrorKind::Forbidden => Ok(None),
        other => other.map(Some),
    }
}

fn named(app: &Application) -> String {
    format!("the app registration `{}` ({})", app.display_name, app.app_id)
}

/// What is wanted of a set to which others may add: what of it is there.
fn held<'a>(wanted: &'a [&'a str], there: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let there: Vec<&str> = there.into_iter().collect();
    wanted.iter().copied().filter(|one| there.contains(one)).collect()
}
