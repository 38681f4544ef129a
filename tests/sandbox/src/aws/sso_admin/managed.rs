//! The applications that Redshift makes and keeps in Identity Center on its caller's behalf.

use std::time::Instant;

use uuid::Uuid;

use super::super::wire::AwsError;
use super::grants::check_issuers;
use super::model::{Application, AuthorizedTokenIssuer, InstanceStatus, Tags};
use super::{SsoAdmin, not_found, shapes};
use crate::seed;
use crate::world::Lag;

impl SsoAdmin {
    /// Whether this instance can be used.
    pub(in crate::aws) fn usable(&self, instance_arn: &str) -> bool {
        instance_arn == seed::INSTANCE_ARN && self.lock().instance == InstanceStatus::Active
    }

    /// Makes a managed application; answers its ARN. Tags must fit Identity Center's stricter pattern.
    pub(in crate::aws) fn create_managed(
        &self,
        name: &str,
        tags: Tags,
        issuers: &[AuthorizedTokenIssuer],
        lag: Option<Lag>,
    ) -> Result<String, AwsError> {
        if !tags.iter().all(|(key, value)| (shapes::TAG_KEY.accepts)(key) && (shapes::TAG_VALUE.accepts)(value)) {
            return Err(AwsError::new(400, "InvalidTagFault", "A tag that is copied does not fit IAM Identity Center"));
        }
        let instance = seed::INSTANCE_ARN.rsplit('/').next().unwrap_or_default();
        let id = Uuid::new_v4().simple().to_string();
        let arn = format!("arn:aws:sso::{}:application/{instance}/apl-{}", seed::ACCOUNT, &id[..16]);
        let mut directory = self.lock();
        let number = directory.next_number();
        let mut application = Application::managed(number, &arn, name, self.world.clock.now());
        application.tags = tags;
        application.hidden_until = lag.map(|lag| Instant::now() + lag.0);
        directory.applications.push(application);
        drop(directory);
        if let Err(error) = self.set_authorized_issuers(&arn, issuers) {
            self.delete_managed(&arn);
            return Err(error);
        }
        Ok(arn)
    }

    /// The issuers of the application's jwt-bearer grant; none where it has no such grant.
    pub(in crate::aws) fn authorized_issuers(&self, application_arn: &str) -> Vec<AuthorizedTokenIssuer> {
        self.application(application_arn).and_then(|application| application.jwt_bearer).unwrap_or_default()
    }

    /// Replaces the application's jwt-bearer grant; no issuer removes it.
    pub(in crate::aws) fn set_authorized_issuers(
        &self,
        application_arn: &str,
        issuers: &[AuthorizedTokenIssuer],
    ) -> Result<(), AwsError> {
        let mut directory = self.lock();
        let directory = &mut *directory;
        let found = directory.applications.iter_mut().find(|application| application.arn == application_arn);
        let application = found.ok_or_else(|| not_found("The application"))?;
        if issuers.is_empty() {
            application.jwt_bearer = None;
            return Ok(());
        }
        let (known, any) = (&directory.issuers, directory.unknown_issuers_accepted);
        let exists = |arn: &str| any || known.iter().any(|issuer| issuer.arn == arn);
        check_issuers(issuers, application.jwt_bearer.as_deref(), exists)?;
        application.jwt_bearer = Some(issuers.to_vec());
        Ok(())
    }

    /// Removes the application with all that it has.
    pub(in crate::aws) fn delete_managed(&self, application_arn: &str) {
        self.lock().applications.retain(|application| application.arn != application_arn);
    }
}
