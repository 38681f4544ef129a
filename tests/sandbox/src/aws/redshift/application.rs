//! Redshift IdC applications: what a request may say, and how the API shows one.

use std::time::Instant;

use serde_json::{Value, json};

use super::super::sso_admin::{AuthorizedTokenIssuer, Tags, shown_tags};
use super::super::wire::AwsError;
use super::query::Node;
use crate::seed;

/// A Redshift IdC application. Its issuers are not here: they are the grant of its Identity Center application.
#[derive(Clone, Debug)]
pub(super) struct IdcApplication {
    pub number: u64,
    pub hidden_until: Option<Instant>,
    pub arn: String,
    pub name: String,
    pub display_name: String,
    pub namespace: Option<String>,
    pub role_arn: String,
    pub managed_arn: String,
    pub integrations: Vec<Integration>,
    pub application_type: Option<String>,
    pub tags: Tags,
    pub sso_tag_keys: Vec<String>,
}

/// One service integration: service, feature of that service, and whether it is enabled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Integration {
    pub service: &'static str,
    pub feature: &'static str,
    pub enabled: bool,
}

/// Each service with the only feature that it has (Redshift API reference, ServiceIntegrationsUnion).
const FEATURES: [(&str, &str); 3] =
    [("LakeFormation", "LakeFormationQuery"), ("S3AccessGrants", "ReadWriteAccess"), ("Redshift", "Connect")];

impl IdcApplication {
    /// The application `main` of the sandbox.
    pub fn seeded() -> Self {
        Self {
            number: 1,
            hidden_until: None,
            arn: seed::REDSHIFT_APPLICATION_ARN.to_owned(),
            name: "redshift-main".to_owned(),
            display_name: "redshift-main".to_owned(),
            namespace: Some("AWSIDC".to_owned()),
            role_arn: format!("arn:aws:iam::{}:role/redshift-idc", seed::ACCOUNT),
            managed_arn: seed::IDC_APPLICATION_ARN.to_owned(),
            integrations: vec![Integration { service: "Redshift", feature: "Connect", enabled: true }],
            application_type: Some("None".to_owned()),
            tags: Tags::new(),
            sso_tag_keys: Vec::new(),
        }
    }

    /// As Create, Describe and Modify show it. `IdcOnboardStatus` is a free text (its values are UNCONFIRMED).
    pub fn shown(&self, issuers: &[AuthorizedTokenIssuer]) -> Value {
        let issuers: Vec<Value> = issuers
            .iter()
            .map(|issuer| json!({"TrustedTokenIssuerArn": issuer.arn, "AuthorizedAudiencesList": issuer.audiences}))
            .collect();
        let mut integrations: Vec<Value> = Vec::new();
        for Integration { service, feature, enabled } in &self.integrations {
            let authorization = if *enabled { "Enabled" } else { "Disabled" };
            integrations.push(json!({ *service: [{ *feature: {"Authorization": authorization} }] }));
        }
        let mut shown = json!({
            "IdcInstanceArn": seed::INSTANCE_ARN,
            "RedshiftIdcApplicationName": self.name,
            "RedshiftIdcApplicationArn": self.arn,
            "IdcDisplayName": self.display_name,
            "IamRoleArn": self.role_arn,
            "IdcManagedApplicationArn": self.managed_arn,
            "IdcOnboardStatus": "COMPLETED",
            "AuthorizedTokenIssuerList": issuers,
            "ServiceIntegrations": integrations,
            "Tags": shown_tags(&self.tags),
            "SsoTagKeys": self.sso_tag_keys,
        });
        if let Some(namespace) = &self.namespace {
            shown["IdentityNamespace"] = json!(namespace);
        }
        if let Some(application_type) = &self.application_type {
            shown["ApplicationType"] = json!(application_type);
        }
        shown
    }

    /// Whether an application for a lakehouse has what it must have: both features enabled (Redshift management guide).
    pub fn fit_for_lakehouse(&self) -> bool {
        let enabled = |service: &str| self.integrations.iter().any(|i| i.service == service && i.enabled);
        self.application_type.as_deref() != Some("Lakehouse") || (enabled("LakeFormation") && enabled("Redshift"))
    }
}

/// A parameter that breaks a rule. Redshift does not declare this code, and answers it all the same.
pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "InvalidParameterValue", message)
}

/// A parameter that must be sent.
pub(super) fn required<'a>(request: &'a Node, name: &str) -> Result<&'a str, AwsError> {
    let missing = || AwsError::new(400, "MissingParameter", format!("The request must contain the parameter {name}"));
    request.text(name).filter(|text| !text.is_empty()).ok_or_else(missing)
}

/// `IdcDisplayName`: no spaces.
pub(super) fn display_name(text: &str) -> Result<String, AwsError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    valid("IdcDisplayName", text, 127, text.chars().all(fits))
}

/// `IdentityNamespace`.
pub(super) fn namespace(text: &str) -> Result<String, AwsError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+.#@$-".contains(c);
    valid("IdentityNamespace", text, 127, text.chars().all(fits))
}

/// `RedshiftIdcApplicationName`: lower-case words joined by single hyphens, a letter first.
pub(super) fn name(text: &str) -> Result<String, AwsError> {
    let words = text.split('-');
    let fits = words
        .clone()
        .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    let fits = fits && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    valid("RedshiftIdcApplicationName", text, 63, fits)
}

fn valid(name: &str, text: &str, max: usize, fits: bool) -> Result<String, AwsError> {
    if text.is_empty() || text.chars().count() > max || !fits {
        return Err(invalid(format!("The parameter {name} is not valid")));
    }
    Ok(text.to_owned())
}

/// `AuthorizedTokenIssuerList`; `None` where it was not sent.
pub(super) fn issuers(request: &Node) -> Option<Vec<AuthorizedTokenIssuer>> {
    let entries = request.list("AuthorizedTokenIssuerList", "member")?.into_iter();
    let issuers = entries.map(|entry| AuthorizedTokenIssuer {
        arn: entry.text("TrustedTokenIssuerArn").unwrap_or_default().to_owned(),
        audiences: entry.texts("AuthorizedAudiencesList", "member").unwrap_or_default(),
    });
    Some(issuers.collect())
}

/// `ServiceIntegrations`; `None` where it was not sent.
pub(super) fn integrations(request: &Node) -> Result<Option<Vec<Integration>>, AwsError> {
    let Some(entries) = request.list("ServiceIntegrations", "member") else { return Ok(None) };
    let mut integrations = Vec::new();
    for entry in entries {
        let services: Vec<&(&str, &str)> = FEATURES.iter().filter(|(name, _)| entry.child(name).is_some()).collect();
        let [(service, feature)] = services[..] else {
            return Err(invalid("A service integration must name exactly one service"));
        };
        let settings = entry.list(service, "member").unwrap_or_default();
        for setting in settings {
            let authorization = setting.child(feature).and_then(|node| node.text("Authorization"));
            let enabled = match authorization {
                Some("Enabled") => true,
                Some("Disabled") => false,
                _ => return Err(invalid(format!("The authorization of {service} must be Enabled or Disabled"))),
            };
            integrations.push(Integration { service, feature, enabled });
        }
    }
    Ok(Some(integrations))
}

/// `Tags`, none where not sent.
pub(super) fn tags(request: &Node) -> Result<Tags, AwsError> {
    let entries = request.list("Tags", "Tag").unwrap_or_default();
    if entries.len() > 50 {
        return Err(AwsError::new(400, "TagLimitExceededFault", "A resource has at most 50 tags"));
    }
    let mut tags = Tags::new();
    for entry in entries {
        let key = entry.text("Key").unwrap_or_default();
        let reserved = key.to_ascii_lowercase().starts_with("aws:");
        if key.is_empty() || key.chars().count() > 128 || reserved {
            return Err(AwsError::new(400, "InvalidTagFault", "The tag is not valid"));
        }
        tags.insert(key.to_owned(), entry.text("Value").unwrap_or_default().to_owned());
    }
    Ok(tags)
}
