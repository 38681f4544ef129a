//! Reads of the Redshift IdC application.

use aws_sdk_redshift::types::{
    LakeFormationScopeUnion, RedshiftIdcApplication, RedshiftScopeUnion, S3AccessGrantsScopeUnion,
    ServiceAuthorization, ServiceIntegrationsUnion,
};
use extoauth_core::error::{CallResult, ErrorKind};
use extoauth_core::systems::SystemId;

use super::{Application, ServiceIntegration};
use crate::aws::issuers::AuthorizedIssuer;
use crate::aws::{Call, Caller, Session};

/// Reads of Redshift IdC applications.
#[derive(Clone, Debug)]
pub struct Read {
    pub(super) caller: Caller,
    pub(super) client: aws_sdk_redshift::Client,
}

impl Read {
    /// A reader in the session's region.
    pub fn new(session: &Session, system: SystemId) -> Self {
        Self { caller: session.caller(system), client: aws_sdk_redshift::Client::new(session.config()) }
    }

    /// The system as it is named in errors.
    pub fn system(&self) -> &SystemId {
        &self.caller.system
    }

    /// The application with this ARN.
    ///
    /// # Errors
    /// `NotFound` if there is none in this account and region.
    pub async fn application(&self, arn: &str) -> CallResult<Application> {
        let call = Call::read("read the Redshift application", "redshift:DescribeRedshiftIdcApplications", arn);
        let request = || self.client.describe_redshift_idc_applications().redshift_idc_application_arn(arn);
        let found = self.caller.send(call, || request().send()).await?;
        found
            .redshift_idc_applications()
            .iter()
            .find(|application| application.redshift_idc_application_arn() == Some(arn))
            .map(|application| told(arn, application))
            .ok_or_else(|| {
                let message = "there is no such Redshift IdC application in this account and region";
                self.caller.error(&call, ErrorKind::NotFound, message)
            })
    }
}

/// The SDK's application as ours.
pub(super) fn told(arn: &str, from: &RedshiftIdcApplication) -> Application {
    let text = |value: Option<&str>| value.filter(|v| !v.is_empty()).map(str::to_owned);
    Application {
        arn: arn.to_owned(),
        name: from.redshift_idc_application_name().unwrap_or_default().to_owned(),
        display_name: text(from.idc_display_name()),
        namespace: text(from.identity_namespace()),
        role_arn: text(from.iam_role_arn()),
        managed_application_arn: text(from.idc_managed_application_arn()),
        instance_arn: text(from.idc_instance_arn()),
        onboard_status: text(from.idc_onboard_status()),
        application_type: text(from.application_type().map(|t| t.as_str())),
        issuers: from
            .authorized_token_issuer_list()
            .iter()
            .map(|entry| AuthorizedIssuer {
                issuer_arn: entry.trusted_token_issuer_arn().unwrap_or_default().to_owned(),
                audiences: entry.authorized_audiences_list().iter().cloned().collect(),
            })
            .collect(),
        integrations: from.service_integrations().iter().flat_map(integrations).collect(),
        tags: from
            .tags()
            .iter()
            .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
            .collect(),
    }
}

fn integrations(from: &ServiceIntegrationsUnion) -> Vec<ServiceIntegration> {
    let one = |service: &str, scope: &str, authorization: Option<&ServiceAuthorization>| ServiceIntegration {
        service: service.to_owned(),
        scope: scope.to_owned(),
        enabled: authorization == Some(&ServiceAuthorization::Enabled),
    };
    match from {
        ServiceIntegrationsUnion::LakeFormation(scopes) => scopes
            .iter()
            .map(|scope| match scope {
                LakeFormationScopeUnion::LakeFormationQuery(query) => {
                    one("LakeFormation", "LakeFormationQuery", query.authorization())
                }
                _ => one("LakeFormation", "unknown", None),
            })
            .collect(),
        ServiceIntegrationsUnion::S3AccessGrants(scopes) => scopes
            .iter()
            .map(|scope| match scope {
                S3AccessGrantsScopeUnion::ReadWriteAccess(access) => {
                    one("S3AccessGrants", "ReadWriteAccess", access.authorization())
                }
                _ => one("S3AccessGrants", "unknown", None),
            })
            .collect(),
        ServiceIntegrationsUnion::Redshift(scopes) => scopes
            .iter()
            .map(|scope| match scope {
                RedshiftScopeUnion::Connect(connect) => one("Redshift", "Connect", connect.authorization()),
                _ => one("Redshift", "unknown", None),
            })
            .collect(),
        _ => vec![one("unknown", "unknown", None)],
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_redshift::types::{AuthorizedTokenIssuer, Connect};

    use super::*;

    #[test]
    fn an_application_is_told_whole() {
        let connect = Connect::builder().authorization(ServiceAuthorization::Enabled).build();
        let from = RedshiftIdcApplication::builder()
            .redshift_idc_application_name("main")
            .identity_namespace("AWSIDC")
            .idc_display_name("")
            .authorized_token_issuer_list(
                AuthorizedTokenIssuer::builder()
                    .trusted_token_issuer_arn("arn:tti")
                    .authorized_audiences_list("b")
                    .authorized_audiences_list("a")
                    .build(),
            )
            .service_integrations(ServiceIntegrationsUnion::Redshift(vec![RedshiftScopeUnion::Connect(connect)]))
            .build();
        let application = told("arn:app", &from);
        assert_eq!(application.namespace.as_deref(), Some("AWSIDC"));
        assert_eq!(application.display_name, None);
        assert_eq!(application.issuers[0].audiences.iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(
            application.integrations,
            [ServiceIntegration { service: "Redshift".into(), scope: "Connect".into(), enabled: true }]
        );
    }
}
