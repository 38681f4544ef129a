//! Applications: what a tenant registers.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{TokenVersion, items, required};
use crate::http::{flag, integer, merge, text, texts, time};

/// An application: a resource server, a client, or both.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub struct Application {
    /// Object id: the one that paths take.
    pub id: String,
    /// Client id: the one that tokens name.
    pub app_id: String,
    /// The name that its creator chose; unique in the tenant, never changes. Only an upsert can give one.
    pub unique_name: Option<String>,
    /// Name for people; not unique.
    pub display_name: String,
    /// Who may sign in: `AzureADMyOrg` is this tenant alone.
    pub sign_in_audience: Option<String>,
    /// Version of the access tokens for this app as a resource; null means 1.
    pub token_version: TokenVersion,
    /// Application ID URIs, in no order.
    pub identifier_uris: Vec<String>,
    /// The delegated permissions that it offers.
    pub scopes: Vec<PermissionScope>,
    /// Names of the optional claims in access tokens for this app.
    pub access_token_claims: Vec<String>,
    /// Where the authorize endpoint may send a browser back to (platform web), in no order.
    pub redirect_uris: Vec<String>,
    /// The delegated permissions that it declares to need. A declaration only: a grant is what consents.
    pub required_access: Vec<RequiredScope>,
    /// The same of the platform single-page application: a code for one of these is redeemed by a browser alone.
    pub spa_redirect_uris: Vec<String>,
    /// The same of the platform mobile and desktop: a code for one of these is redeemed without a secret alone.
    pub public_redirect_uris: Vec<String>,
    /// Clients that need no consent for scopes of this app.
    pub pre_authorized: Vec<PreAuthorized>,
    /// Whether it was deactivated (`isDisabled`): it gets no new tokens.
    pub disabled: bool,
    /// Whether claims mapping policies may change its tokens (`acceptMappedClaims`).
    pub accepts_mapped_claims: bool,
    /// Its client secrets, without their values.
    pub passwords: Vec<Password>,
    /// Free marks.
    pub tags: Vec<String>,
    /// Creation. The answer of a create has fractions of a second that later reads lack: not to be compared.
    pub created: Option<Timestamp>,
    raw: Value,
}

impl TryFrom<Value> for Application {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        let token_version = match integer(&raw, "/api/requestedAccessTokenVersion") {
            Some(2..) => TokenVersion::V2,
            _ => TokenVersion::V1,
        };
        Ok(Self {
            id: required(&raw, "id", "an application without id")?,
            app_id: required(&raw, "appId", "an application without appId")?,
            unique_name: text(&raw, "/uniqueName"),
            display_name: text(&raw, "/displayName").unwrap_or_default(),
            sign_in_audience: text(&raw, "/signInAudience"),
            token_version,
            identifier_uris: texts(&raw, "/identifierUris"),
            scopes: items(&raw, "/api/oauth2PermissionScopes").iter().filter_map(PermissionScope::read).collect(),
            access_token_claims: items(&raw, "/optionalClaims/accessToken")
                .iter()
                .filter_map(|claim| text(claim, "/name"))
                .collect(),
            redirect_uris: texts(&raw, "/web/redirectUris"),
            spa_redirect_uris: texts(&raw, "/spa/redirectUris"),
            public_redirect_uris: texts(&raw, "/publicClient/redirectUris"),
            disabled: flag(&raw, "/isDisabled").unwrap_or_default(),
            accepts_mapped_claims: flag(&raw, "/api/acceptMappedClaims").unwrap_or_default(),
            required_access: items(&raw, "/requiredResourceAccess").iter().flat_map(RequiredScope::read).collect(),
            pre_authorized: items(&raw, "/api/preAuthorizedApplications")
                .iter()
                .filter_map(PreAuthorized::read)
                .collect(),
            passwords: items(&raw, "/passwordCredentials").iter().filter_map(Password::read).collect(),
            tags: texts(&raw, "/tags"),
            created: time(&raw, "/createdDateTime"),
            raw,
        })
    }
}

impl Application {
    /// The items of one of its collections as they were read: a PATCH replaces collections whole, so what others put
    /// there must be sent back as it is.
    pub(in crate::entra) fn collection(&self, pointer: &str) -> &[Value] {
        items(&self.raw, pointer)
    }

    /// Whether an optional claim of its access tokens has an additional property (`use_guid` of `aud`, say).
    pub fn access_token_claim_says(&self, claim: &str, property: &str) -> bool {
        let claims = items(&self.raw, "/optionalClaims/accessToken").iter();
        let mut of_name = claims.filter(|one| text(one, "/name").as_deref() == Some(claim));
        of_name.any(|one| texts(one, "/additionalProperties").iter().any(|known| known == property))
    }

    /// The application as it is after a PATCH that Entra took: its answer has no body, and a read could come from a
    /// replica that does not know it yet.
    pub(in crate::entra) fn patched(&self, patch: Value) -> Self {
        let mut raw = self.raw.clone();
        merge(&mut raw, patch);
        Self::try_from(raw).unwrap_or_else(|_| self.clone())
    }
}

/// A delegated permission that an app offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionScope {
    /// GUID, chosen by whoever adds it.
    pub id: String,
    /// What a client asks for: `dbt-redshift`.
    pub value: String,
    /// Whether users may consent to it (type `User`), not only admins.
    pub for_users: bool,
    /// Whether it can be used. Only a disabled one can be changed or removed.
    pub enabled: bool,
    /// Name that the consent page of admins shows.
    pub display_name: String,
    /// Description that the consent page of admins shows.
    pub description: String,
}

impl PermissionScope {
    fn read(raw: &Value) -> Option<Self> {
        Some(Self {
            id: text(raw, "/id")?,
            value: text(raw, "/value").unwrap_or_default(),
            for_users: text(raw, "/type").is_some_and(|kind| kind.eq_ignore_ascii_case("user")),
            // Absent means enabled (TypeScript types of Graph: on creation it must be true, which is the default).
            enabled: flag(raw, "/isEnabled").unwrap_or(true),
            display_name: text(raw, "/adminConsentDisplayName").unwrap_or_default(),
            description: text(raw, "/adminConsentDescription").unwrap_or_default(),
        })
    }
}

/// A delegated permission of a resource, as a client declares to need it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequiredScope {
    /// The resource's app id.
    pub resource_app_id: String,
    /// The scope's id there.
    pub scope_id: String,
}

impl RequiredScope {
    fn read(raw: &Value) -> Vec<Self> {
        let Some(resource) = text(raw, "/resourceAppId") else { return Vec::new() };
        let scopes = items(raw, "/resourceAccess").iter().filter(|a| text(a, "/type").as_deref() == Some("Scope"));
        scopes
            .filter_map(|access| text(access, "/id"))
            .map(|scope_id| Self { resource_app_id: resource.clone(), scope_id })
            .collect()
    }
}

/// A client that needs no consent for some scopes of a resource app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreAuthorized {
    /// The client's app id.
    pub app_id: String,
    /// Ids of the scopes.
    pub scope_ids: BTreeSet<String>,
}

impl PreAuthorized {
    fn read(raw: &Value) -> Option<Self> {
        Some(Self {
            app_id: text(raw, "/appId")?,
            scope_ids: texts(raw, "/delegatedPermissionIds").into_iter().collect(),
        })
    }
}

/// A client secret, as Entra shows it: never its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Password {
    /// Id of the secret. Not its value: people mix the two up.
    pub key_id: String,
    /// Name.
    pub display_name: String,
    /// The first three characters of the value.
    pub hint: String,
    /// From when on it is good.
    pub starts: Option<Timestamp>,
    /// When it ends.
    pub ends: Option<Timestamp>,
}

impl Password {
    pub(in crate::entra) fn read(raw: &Value) -> Option<Self> {
        Some(Self {
            key_id: text(raw, "/keyId")?,
            display_name: text(raw, "/displayName").unwrap_or_default(),
            hint: text(raw, "/hint").unwrap_or_default(),
            starts: time(raw, "/startDateTime"),
            ends: time(raw, "/endDateTime"),
        })
    }
}

/// An application in the bin. It stays there for 30 days and may still hold its names (UNCONFIRMED).
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub struct DeletedApplication {
    /// Object id.
    pub id: String,
    /// Client id.
    pub app_id: String,
    /// The name that its creator chose.
    pub unique_name: Option<String>,
    /// Name for people.
    pub display_name: String,
    /// Free marks.
    pub tags: Vec<String>,
    /// When it was deleted.
    pub deleted: Option<Timestamp>,
}

impl TryFrom<Value> for DeletedApplication {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            id: required(&raw, "id", "a deleted application without id")?,
            app_id: text(&raw, "/appId").unwrap_or_default(),
            unique_name: text(&raw, "/uniqueName"),
            display_name: text(&raw, "/displayName").unwrap_or_default(),
            tags: texts(&raw, "/tags"),
            deleted: time(&raw, "/deletedDateTime"),
        })
    }
}
