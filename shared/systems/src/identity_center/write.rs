//! Writes of Identity Center.

use std::collections::BTreeMap;
use std::ops::Deref;

use aws_sdk_ssoadmin::operation::RequestId;
use aws_sdk_ssoadmin::types::{
    JwksRetrievalOption, OidcJwtConfiguration, OidcJwtUpdateConfiguration, Tag, TrustedTokenIssuerConfiguration,
    TrustedTokenIssuerType, TrustedTokenIssuerUpdateConfiguration,
};
use extoauth_core::error::{CallError, CallResult, ErrorKind};
use uuid::Uuid;

use super::{MAX_ISSUERS, NewIssuer, Read, rules};
use crate::aws::Call;
use crate::http::Written;

/// Writes of one Identity Center instance.
#[derive(Clone, Debug)]
pub struct Write {
    read: Read,
}

impl Deref for Write {
    type Target = Read;

    fn deref(&self) -> &Read {
        &self.read
    }
}

impl Write {
    /// A writer where the reader reads.
    pub fn new(read: Read) -> Self {
        Self { read }
    }

    /// Creates an issuer and gives its ARN. `token` names the attempt: the same token with the same content creates
    /// nothing twice (for how long AWS remembers it is not documented: UNCONFIRMED).
    ///
    /// # Errors
    /// `Refused`, before anything is sent, for values that Identity Center does not take.
    pub async fn create_issuer(&self, new: &NewIssuer, token: Uuid) -> CallResult<Written<String>> {
        let call = Call::write("create the trusted token issuer", "sso:CreateTrustedTokenIssuer", &new.name);
        for check in [
            rules::issuer_name(&new.name),
            rules::issuer_url(&new.url),
            rules::claim_path(&new.claim),
            rules::attribute_path(&new.attribute),
        ] {
            check.map_err(|why| self.caller.error(&call, ErrorKind::Refused, why))?;
        }
        let config = OidcJwtConfiguration::builder()
            .issuer_url(&new.url)
            .claim_attribute_path(&new.claim)
            .identity_store_attribute_path(&new.attribute)
            .jwks_retrieval_option(JwksRetrievalOption::OpenIdDiscovery)
            .build()
            .map_err(|e| self.caller.error(&call, ErrorKind::Invalid, e.to_string()))?;
        let tags = self.tag_list(&call, &new.tags)?;
        let request = || {
            self.sso
                .create_trusted_token_issuer()
                .instance_arn(&self.instance_arn)
                .name(&new.name)
                .trusted_token_issuer_type(TrustedTokenIssuerType::OidcJwt)
                .trusted_token_issuer_configuration(TrustedTokenIssuerConfiguration::OidcJwtConfiguration(
                    config.clone(),
                ))
                .client_token(token.to_string())
                .set_tags(Some(tags.clone()))
        };
        let made = self.caller.send(call, || request().send()).await.map_err(explain)?;
        let arn =
            made.trusted_token_issuer_arn().ok_or_else(|| self.caller.incomplete(&call, "TrustedTokenIssuerArn"))?;
        Ok(Written { value: arn.to_owned(), request_id: made.request_id().map(str::to_owned) })
    }

    /// Changes what an issuer's tokens are matched by; `None` leaves it. Its URL can never be changed.
    ///
    /// # Errors
    /// `Refused`, before anything is sent, for values that Identity Center does not take.
    pub async fn update_issuer(
        &self,
        arn: &str,
        claim: Option<&str>,
        attribute: Option<&str>,
    ) -> CallResult<Written<()>> {
        let call = Call::write("change the trusted token issuer", "sso:UpdateTrustedTokenIssuer", arn);
        for check in [claim.map(rules::claim_path), attribute.map(rules::attribute_path)].into_iter().flatten() {
            check.map_err(|why| self.caller.error(&call, ErrorKind::Refused, why))?;
        }
        let config = OidcJwtUpdateConfiguration::builder()
            .set_claim_attribute_path(claim.map(str::to_owned))
            .set_identity_store_attribute_path(attribute.map(str::to_owned))
            .build();
        let request = || {
            self.sso.update_trusted_token_issuer().trusted_token_issuer_arn(arn).trusted_token_issuer_configuration(
                TrustedTokenIssuerUpdateConfiguration::OidcJwtConfiguration(config.clone()),
            )
        };
        let done = self.caller.send(call, || request().send()).await?;
        Ok(Written { value: (), request_id: done.request_id().map(str::to_owned) })
    }

    /// Deletes an issuer. Users of every application that accepts it lose access.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn delete_issuer(&self, arn: &str) -> CallResult<Written<()>> {
        let call = Call::write("delete the trusted token issuer", "sso:DeleteTrustedTokenIssuer", arn);
        let request = || self.sso.delete_trusted_token_issuer().trusted_token_issuer_arn(arn);
        let done = self.caller.send(call, || request().send()).await?;
        Ok(Written { value: (), request_id: done.request_id().map(str::to_owned) })
    }

    /// Sets tags of an issuer; others stay.
    ///
    /// # Errors
    /// As any call.
    pub async fn tag_issuer(&self, arn: &str, tags: &BTreeMap<String, String>) -> CallResult<Written<()>> {
        let call = Call::write("tag the trusted token issuer", "sso:TagResource", arn);
        let tags = self.tag_list(&call, tags)?;
        let request =
            || self.sso.tag_resource().instance_arn(&self.instance_arn).resource_arn(arn).set_tags(Some(tags.clone()));
        let done = self.caller.send(call, || request().send()).await?;
        Ok(Written { value: (), request_id: done.request_id().map(str::to_owned) })
    }

    /// Takes tags off an issuer.
    ///
    /// # Errors
    /// As any call.
    pub async fn untag_issuer(&self, arn: &str, keys: &[String]) -> CallResult<Written<()>> {
        let call = Call::write("untag the trusted token issuer", "sso:UntagResource", arn);
        let request = || {
            self.sso
                .untag_resource()
                .instance_arn(&self.instance_arn)
                .resource_arn(arn)
                .set_tag_keys(Some(keys.to_vec()))
        };
        let done = self.caller.send(call, || request().send()).await?;
        Ok(Written { value: (), request_id: done.request_id().map(str::to_owned) })
    }

    fn tag_list(&self, call: &Call<'_>, tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, CallError> {
        tags.iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect::<Result<_, _>>()
            .map_err(|e| self.caller.error(call, ErrorKind::Invalid, e.to_string()))
    }
}

/// Two refusals of a create whose texts alone do not say what to do.
fn explain(mut error: CallError) -> CallError {
    match error.code.as_deref() {
        Some("ServiceQuotaExceededException") => {
            error.message = format!(
                "{}; an Identity Center instance takes {MAX_ISSUERS} trusted token issuers, which cannot be raised: \
                 delete one that nobody uses",
                error.message
            );
        }
        // Not in the service model; documented for the client token.
        Some("IdempotentParameterMismatch") => {
            error.message = format!("{}; an earlier try of this step asked for other values", error.message);
        }
        _ => {}
    }
    error
}

#[cfg(test)]
mod tests {
    use extoauth_core::systems::{SystemId, SystemKind};

    use super::*;

    #[test]
    fn a_full_instance_is_explained() {
        let mut error =
            CallError::new(ErrorKind::Invalid, SystemId::new(SystemKind::IdentityCenter, "main"), "create", "limit");
        error.code = Some("ServiceQuotaExceededException".into());
        assert!(explain(error.clone()).message.contains("cannot be raised"));
        error.code = Some("ValidationException".into());
        assert_eq!(explain(error).message, "limit");
    }
}
