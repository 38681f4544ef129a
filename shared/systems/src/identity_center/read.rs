//! Reads of Identity Center and its identity store.

use std::collections::BTreeMap;

use aws_sdk_identitystore::types::{AlternateIdentifier, UniqueAttribute};
use aws_sdk_ssoadmin::types::{Grant, GrantType, TrustedTokenIssuerConfiguration};
use aws_smithy_types::Document;
use extoauth_core::error::{CallError, CallResult, ErrorKind, absent_is_none};
use extoauth_core::systems::SystemId;
use futures::{StreamExt, TryStreamExt, stream};

use super::rules::Lookup;
use super::users::ListedUser;
use super::{Instance, Issuer, IssuerName, JWT_BEARER};
use crate::aws::issuers::AuthorizedIssuer;
use crate::aws::{Call, Caller, Session};

/// Describe calls that are in flight at once: the service throttles early (its rate is not published).
const PARALLEL: usize = 4;

/// Reads of one Identity Center instance.
#[derive(Clone, Debug)]
pub struct Read {
    pub(super) caller: Caller,
    pub(super) sso: aws_sdk_ssoadmin::Client,
    store: aws_sdk_identitystore::Client,
    pub(super) instance_arn: String,
}

impl Read {
    /// A reader of the instance. The session's region must be the instance's primary region.
    pub fn new(session: &Session, system: SystemId, instance_arn: impl Into<String>) -> Self {
        Self {
            caller: session.caller(system),
            sso: aws_sdk_ssoadmin::Client::new(session.config()),
            store: aws_sdk_identitystore::Client::new(session.config()),
            instance_arn: instance_arn.into(),
        }
    }

    /// The system as it is named in errors.
    pub fn system(&self) -> &SystemId {
        &self.caller.system
    }

    /// The configured instance: its state and its identity store.
    ///
    /// # Errors
    /// `NotFound` where the credentials see no such instance (the wrong account or region).
    pub async fn instance(&self) -> CallResult<Instance> {
        let call = Call::read("read the Identity Center instance", "sso:ListInstances", &self.instance_arn);
        let mut token = None;
        loop {
            let page = self
                .caller
                .send(call, || self.sso.list_instances().max_results(100).set_next_token(token.clone()).send())
                .await?;
            if let Some(found) = page.instances().iter().find(|i| i.instance_arn() == Some(&self.instance_arn)) {
                return Ok(Instance {
                    arn: self.instance_arn.clone(),
                    identity_store_id: found
                        .identity_store_id()
                        .ok_or_else(|| self.caller.incomplete(&call, "IdentityStoreId"))?
                        .to_owned(),
                    owner_account: found.owner_account_id().map(str::to_owned),
                    // An older answer has no status: such an instance is listed only once it works.
                    status: found.status().map_or("ACTIVE", |s| s.as_str()).to_owned(),
                    primary_region: found.primary_region().map(str::to_owned),
                });
            }
            token = page.next_token;
            if token.is_none() {
                let message = "these credentials see no such instance in this region";
                return Err(self.caller.error(&call, ErrorKind::NotFound, message));
            }
        }
    }

    /// Names of all issuers of the instance.
    ///
    /// # Errors
    /// As any call.
    pub async fn issuer_names(&self) -> CallResult<Vec<IssuerName>> {
        let call = Call::read("list trusted token issuers", "sso:ListTrustedTokenIssuers", &self.instance_arn);
        let mut names = Vec::new();
        let mut token = None;
        loop {
            let request =
                || self.sso.list_trusted_token_issuers().instance_arn(&self.instance_arn).set_next_token(token.clone());
            let page = self.caller.send(call, || request().send()).await?;
            for issuer in page.trusted_token_issuers() {
                names.push(IssuerName {
                    arn: issuer
                        .trusted_token_issuer_arn()
                        .ok_or_else(|| self.caller.incomplete(&call, "TrustedTokenIssuerArn"))?
                        .to_owned(),
                    name: issuer.name().unwrap_or_default().to_owned(),
                });
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(names);
            }
        }
    }

    /// All issuers of the instance with their URLs. The list shows no URL, so each one is described; at most
    /// [`super::MAX_ISSUERS`] calls. One that goes away meanwhile is left out.
    ///
    /// # Errors
    /// As any call.
    pub async fn issuers(&self) -> CallResult<Vec<Issuer>> {
        self.issuers_named(&self.issuer_names().await?).await
    }

    /// These issuers with their URLs. One that goes away meanwhile is left out.
    ///
    /// # Errors
    /// As any call.
    pub async fn issuers_named(&self, names: &[IssuerName]) -> CallResult<Vec<Issuer>> {
        // By value: a closure over references is not general enough for the callers' futures.
        let arns: Vec<String> = names.iter().map(|name| name.arn.clone()).collect();
        let described: Vec<Option<Issuer>> = stream::iter(arns)
            .map(|arn| async move { absent_is_none(self.issuer(&arn).await) })
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        Ok(described.into_iter().flatten().collect())
    }

    /// One issuer.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn issuer(&self, arn: &str) -> CallResult<Issuer> {
        let call = Call::read("read a trusted token issuer", "sso:DescribeTrustedTokenIssuer", arn);
        let found = self
            .caller
            .send(call, || self.sso.describe_trusted_token_issuer().trusted_token_issuer_arn(arn).send())
            .await?;
        let Some(TrustedTokenIssuerConfiguration::OidcJwtConfiguration(oidc)) =
            found.trusted_token_issuer_configuration()
        else {
            return Err(self.caller.incomplete(&call, "OidcJwtConfiguration"));
        };
        Ok(Issuer {
            arn: arn.to_owned(),
            name: found.name().unwrap_or_default().to_owned(),
            url: oidc.issuer_url().to_owned(),
            claim: oidc.claim_attribute_path().to_owned(),
            attribute: oidc.identity_store_attribute_path().to_owned(),
        })
    }

    /// Tags of an issuer: whose it is.
    ///
    /// # Errors
    /// `NotFound` if there is no such issuer.
    pub async fn tags(&self, arn: &str) -> CallResult<BTreeMap<String, String>> {
        let call = Call::read("read the tags of a trusted token issuer", "sso:ListTagsForResource", arn);
        let mut tags = BTreeMap::new();
        let mut token = None;
        loop {
            let request = || {
                self.sso
                    .list_tags_for_resource()
                    .instance_arn(&self.instance_arn)
                    .resource_arn(arn)
                    .set_next_token(token.clone())
            };
            let page = self.caller.send(call, || request().send()).await?;
            tags.extend(page.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())));
            token = page.next_token;
            if token.is_none() {
                return Ok(tags);
            }
        }
    }

    /// The issuers that an application accepts, as Identity Center has them: its jwt-bearer grant. `None` if it has no
    /// such grant.
    ///
    /// # Errors
    /// As any call.
    pub async fn jwt_grant(&self, application_arn: &str) -> CallResult<Option<Vec<AuthorizedIssuer>>> {
        let call = Call::read("read the token exchange grant", "sso:GetApplicationGrant", application_arn);
        let request = || {
            self.sso.get_application_grant().application_arn(application_arn).grant_type(GrantType::from(JWT_BEARER))
        };
        let Some(found) = absent_is_none(self.caller.send(call, || request().send()).await)? else {
            return Ok(None);
        };
        let Some(Grant::JwtBearer(grant)) = found.grant() else {
            return Err(self.caller.incomplete(&call, "JwtBearer"));
        };
        let list = grant.authorized_token_issuers().iter().map(|entry| AuthorizedIssuer {
            issuer_arn: entry.trusted_token_issuer_arn().unwrap_or_default().to_owned(),
            audiences: entry.authorized_audiences().iter().cloned().collect(),
        });
        Ok(Some(list.collect()))
    }

    /// How many users and groups are assigned to an application that asks for an assignment, at most a page of them;
    /// `None`: it lets everybody in.
    ///
    /// # Errors
    /// `NotFound` if there is no such application.
    pub async fn assignments_required(&self, application_arn: &str) -> CallResult<Option<usize>> {
        let call = Call::read(
            "read whether assignments are required",
            "sso:GetApplicationAssignmentConfiguration",
            application_arn,
        );
        let request = || self.sso.get_application_assignment_configuration().application_arn(application_arn);
        if !self.caller.send(call, || request().send()).await?.assignment_required() {
            return Ok(None);
        }
        let call = Call::read("list who is assigned", "sso:ListApplicationAssignments", application_arn);
        let request = || self.sso.list_application_assignments().application_arn(application_arn);
        let page = self.caller.send(call, || request().send()).await?;
        Ok(Some(page.application_assignments().len()))
    }

    /// Id of the one user whose attribute has this value; `None` if there is none.
    ///
    /// # Errors
    /// `Refused` for an attribute by which the API cannot look up (see [`Lookup`]).
    pub async fn user_by(&self, identity_store_id: &str, attribute: &str, value: &str) -> CallResult<Option<String>> {
        let call = Call::read("look a user up", "identitystore:GetUserId", value);
        let Some(lookup) = Lookup::of(attribute) else {
            let message = format!("the identity store cannot be asked for users by `{attribute}`");
            return Err(self.caller.error(&call, ErrorKind::Refused, message));
        };
        let by = self.alternate(&call, lookup.path(), value)?;
        let request = || self.store.get_user_id().identity_store_id(identity_store_id).alternate_identifier(by.clone());
        let found = absent_is_none(self.caller.send(call, || request().send()).await)?;
        Ok(found.map(|user| user.user_id().to_owned()))
    }

    /// The users of the identity store by the values that an attribute has for each of them, for attributes by which the
    /// API cannot look up. `None` where there are more than `most` users: nothing can be said of all of them then.
    ///
    /// # Errors
    /// `Forbidden` without the right to list users.
    pub async fn users_listed(&self, identity_store_id: &str, most: usize) -> CallResult<Option<Vec<ListedUser>>> {
        let call = Call::read("list users", "identitystore:ListUsers", identity_store_id);
        let mut users = Vec::new();
        let mut token = None;
        loop {
            let request = || self.store.list_users().identity_store_id(identity_store_id).set_next_token(token.clone());
            let page = self.caller.send(call, || request().send()).await?;
            users.extend(page.users().iter().map(ListedUser::of));
            if users.len() > most {
                return Ok(None);
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(Some(users));
            }
        }
    }

    /// Id of the group with this display name; `None` if there is none.
    ///
    /// # Errors
    /// As any call.
    pub async fn group_by_name(&self, identity_store_id: &str, display_name: &str) -> CallResult<Option<String>> {
        let call = Call::read("look a group up", "identitystore:GetGroupId", display_name);
        let by = self.alternate(&call, "displayName", display_name)?;
        let request =
            || self.store.get_group_id().identity_store_id(identity_store_id).alternate_identifier(by.clone());
        let found = absent_is_none(self.caller.send(call, || request().send()).await)?;
        Ok(found.map(|group| group.group_id().to_owned()))
    }

    fn alternate(&self, call: &Call<'_>, path: &str, value: &str) -> Result<AlternateIdentifier, CallError> {
        UniqueAttribute::builder()
            .attribute_path(path)
            .attribute_value(Document::String(value.to_owned()))
            .build()
            .map(AlternateIdentifier::UniqueAttribute)
            .map_err(|e| self.caller.error(call, ErrorKind::Invalid, e.to_string()))
    }
}
