//! Writes of the Redshift IdC application: the list of accepted issuers, nothing else.

use std::ops::Deref;

use aws_config::retry::RetryConfig;
use aws_sdk_redshift::operation::RequestId;
use aws_sdk_redshift::types::AuthorizedTokenIssuer;
use extoauth_core::error::CallResult;

use super::read::told;
use super::{Application, Read};
use crate::aws::Call;
use crate::aws::issuers::AuthorizedIssuer;
use crate::http::Written;

/// Writes of Redshift IdC applications.
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

    /// Replaces the list of accepted issuers; an empty list clears it. Nothing else of the application is sent, so
    /// nothing else changes.
    ///
    /// AWS offers no condition for this write: somebody else's entry, added since the list was read, is lost. So hold
    /// a lease, read just before, read again after, and merge again where they differ. For the same reason a lost
    /// answer is not repeated here, it is `Ambiguous`: read before the next try.
    ///
    /// That the list is replaced and not merged is stated nowhere (UNCONFIRMED); it follows from the grant behind it,
    /// which is one document.
    ///
    /// # Errors
    /// `Forbidden` also where the caller lacks the Identity Center actions behind this one.
    pub async fn replace_issuers(&self, arn: &str, issuers: &[AuthorizedIssuer]) -> CallResult<Written<Application>> {
        let call = Call::write("replace the list of accepted issuers", "redshift:ModifyRedshiftIdcApplication", arn);
        let list: Vec<AuthorizedTokenIssuer> = issuers
            .iter()
            .map(|entry| {
                AuthorizedTokenIssuer::builder()
                    .trusted_token_issuer_arn(&entry.issuer_arn)
                    .set_authorized_audiences_list(Some(entry.audiences.iter().cloned().collect()))
                    .build()
            })
            .collect();
        let request = || {
            self.client
                .modify_redshift_idc_application()
                .redshift_idc_application_arn(arn)
                .set_authorized_token_issuer_list(Some(list.clone()))
                .customize()
                .config_override(aws_sdk_redshift::Config::builder().retry_config(RetryConfig::disabled()))
        };
        let done = self.caller.send(call, || request().send()).await?;
        let application = done
            .redshift_idc_application()
            .map(|application| told(arn, application))
            .ok_or_else(|| self.caller.incomplete(&call, "RedshiftIdcApplication"))?;
        Ok(Written { value: application, request_id: done.request_id().map(str::to_owned) })
    }
}
