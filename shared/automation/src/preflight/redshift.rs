//! The Redshift application is there, belongs to the instance, and has room (rows R24, R25).

use extoauth_core::error::CallResult;
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::registry::TrustRecord;
use extoauth_core::systems::RedshiftSettings;
use extoauth_systems::aws::issuers::{MAX_AUDIENCE_CHARS, MAX_ISSUERS};

use super::missing;
use crate::handoffs::WarehouseFacts;
use crate::systems::Systems;

pub(super) async fn check(
    systems: &Systems,
    settings: &RedshiftSettings,
    trust: &TrustRecord,
    trust_is_new: bool,
) -> CallResult<(WarehouseFacts, Vec<Finding>)> {
    let port = &systems.redshift;
    let application = port.read().application(&settings.application_arn).await?;
    let resource = port.id.to_string();
    let mut findings = Vec::new();
    let instance = &settings.identity_center.instance_arn;
    if let Some(other) = application.instance_arn.as_ref().filter(|other| *other != instance) {
        findings.push(missing(
            "application_of_instance",
            &resource,
            "R24",
            &format!("the application belongs to {instance}"),
            format!("the Redshift application belongs to the Identity Center instance {other}"),
            "correct the configuration of this warehouse",
        ));
    }
    if trust_is_new && application.issuers.len() >= MAX_ISSUERS {
        findings.push(missing(
            "issuer_list_ceiling",
            &resource,
            "R25",
            "room for one more issuer in the application",
            format!("the application accepts {} issuers; {MAX_ISSUERS} is the limit", application.issuers.len()),
            "take an issuer that nobody uses out of the application",
        ));
    }
    if let Some(audience) = &trust.audience
        && (audience.is_empty() || audience.chars().count() > MAX_AUDIENCE_CHARS)
    {
        findings.push(missing(
            "audience_length",
            &resource,
            "R25",
            &format!("an audience of 1 to {MAX_AUDIENCE_CHARS} characters"),
            format!("the audience `{audience}` is not"),
            "set `audience` of this warehouse in the configuration",
        ));
    }
    let connects = |i: &extoauth_systems::redshift::ServiceIntegration| i.service == "Redshift" && i.enabled;
    if !application.integrations.iter().any(connects) {
        findings.push(Finding {
            check: "redshift_connect".into(),
            severity: Severity::Info,
            resource,
            expected: "the service integration Redshift Connect is enabled".into(),
            found: "it is not".into(),
            effect: "AWS does not say whether tokens of third parties need it: if logins are refused, this may be why"
                .into(),
            fix: "enable it in the application's service integrations".into(),
            row: "R24".into(),
        });
    }
    let facts = WarehouseFacts {
        managed_application_arn: application.managed_application_arn,
        namespace: application.namespace,
        role_arn: application.role_arn,
    };
    Ok((facts, findings))
}
