//! What Identity Center holds, and how its API shows it.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::wire::epoch_seconds;
use super::shapes::JWT_BEARER;
use crate::seed;

/// Tags of one object.
pub(in crate::aws) type Tags = BTreeMap<String, String>;

/// Whether there is an instance of IAM Identity Center, and whether it works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InstanceStatus {
    /// The usual case.
    #[default]
    Active,
    /// It exists, but is being made.
    CreateInProgress,
    /// The account sees no instance.
    Absent,
}

/// An issuer that a grant trusts, with the audiences that its tokens may carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizedTokenIssuer {
    /// ARN of the trusted token issuer; it may dangle after the issuer was deleted.
    pub arn: String,
    /// Audiences, as sent.
    pub audiences: Vec<String>,
}

/// A trusted token issuer.
#[derive(Clone, Debug)]
pub struct Issuer {
    pub(super) number: u64,
    pub(super) hidden_until: Option<Instant>,
    pub(super) name: String,
    pub(super) tags: Tags,
    /// Its ARN.
    pub arn: String,
    /// What `iss` must be, byte for byte.
    pub issuer_url: String,
    /// The claim that names the user.
    pub claim_attribute_path: String,
    /// The identity store's attribute that the claim must equal.
    pub identity_store_attribute_path: String,
}

/// An application of the instance.
#[derive(Clone, Debug)]
pub struct Application {
    pub(super) number: u64,
    pub(super) hidden_until: Option<Instant>,
    pub(super) arn: String,
    pub(super) provider_arn: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) created: Timestamp,
    pub(super) portal_url: Option<String>,
    pub(super) other_grants: BTreeMap<String, Value>,
    pub(super) actor_policy: Option<Value>,
    pub(super) scopes: BTreeMap<String, Vec<String>>,
    pub(super) tags: Tags,
    /// The issuers of its jwt-bearer grant, `None` where it has no such grant.
    pub jwt_bearer: Option<Vec<AuthorizedTokenIssuer>>,
    /// Whether only assigned users may come in.
    pub assignment_required: bool,
    /// Principal id and type (`USER`, `GROUP`) of each assignment.
    pub assignments: Vec<(String, String)>,
}

/// Everything behind one instance.
#[derive(Clone)]
pub(super) struct Directory {
    pub instance: InstanceStatus,
    pub instance_tags: Tags,
    pub issuers: Vec<Issuer>,
    pub applications: Vec<Application>,
    /// Client tokens of creations: what was sent, and the ARN that it made.
    pub client_tokens: HashMap<String, (Value, String)>,
    /// Writes that are yet to be answered with a ConflictException.
    pub conflicts: u32,
    /// Whether a grant may name an issuer that does not exist and was not in it before.
    pub unknown_issuers_accepted: bool,
    last_number: u64,
}

/// The audience of somebody else's tokens.
const FOREIGN_AUDIENCE: &str = "api://tableau-redshift";
/// Another application of the instance, so that the list of applications is not ours alone.
const OTHER_APPLICATION_ARN: &str =
    "arn:aws:sso::123456789012:application/ssoins-7223b05b8f8ca0d1/apl-9a8b7c6d5e4f3a2b";
/// What Redshift's applications are made from. UNCONFIRMED: AWS does not list the ARNs of its managed providers.
pub(super) const REDSHIFT_PROVIDER: &str = "arn:aws:sso::aws:applicationProvider/redshift";
/// What customer-managed OAuth applications are made from (Identity Center API reference, CreateApplication).
const CUSTOM_PROVIDER: &str = "arn:aws:sso::aws:applicationProvider/custom";

impl Directory {
    /// The objects at start, made at `now`.
    pub fn seeded(now: Timestamp) -> Self {
        let mut directory = Self {
            instance: InstanceStatus::Active,
            instance_tags: Tags::new(),
            issuers: Vec::new(),
            applications: Vec::new(),
            client_tokens: HashMap::new(),
            conflicts: 0,
            unknown_issuers_accepted: false,
            last_number: 0,
        };
        let foreign = Issuer {
            number: directory.next_number(),
            hidden_until: None,
            name: "tableau".to_owned(),
            tags: Tags::from([("team".to_owned(), "reporting".to_owned())]),
            arn: seed::FOREIGN_ISSUER_ARN.to_owned(),
            issuer_url: seed::FOREIGN_ISSUER_URL.to_owned(),
            claim_attribute_path: "sub".to_owned(),
            identity_store_attribute_path: "userName".to_owned(),
        };
        directory.issuers.push(foreign);
        let trusts = AuthorizedTokenIssuer {
            arn: seed::FOREIGN_ISSUER_ARN.to_owned(),
            audiences: vec![FOREIGN_AUDIENCE.to_owned()],
        };
        let number = directory.next_number();
        let mut redshift = Application::managed(number, seed::IDC_APPLICATION_ARN, "redshift-main", now);
        redshift.jwt_bearer = Some(vec![trusts.clone()]);
        let number = directory.next_number();
        let mut other = Application::managed(number, OTHER_APPLICATION_ARN, "tableau-server", now);
        other.provider_arn = CUSTOM_PROVIDER.to_owned();
        other.description = Some("Tableau Server".to_owned());
        other.portal_url = Some("https://tableau.example.net/".to_owned());
        other.jwt_bearer = Some(vec![trusts]);
        other.actor_policy = Some(actor_policy(json!({"AWS": format!("arn:aws:iam::{}:root", seed::ACCOUNT)})));
        other.scopes = BTreeMap::from([("sts:identity_context".to_owned(), Vec::new())]);
        other.assignment_required = true;
        directory.applications.extend([redshift, other]);
        directory
    }

    /// The next number of an object; lists are in this order.
    pub fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}

impl Application {
    /// An application as Redshift makes it: a managed one, open to every user that the token names.
    pub(super) fn managed(number: u64, arn: &str, name: &str, now: Timestamp) -> Self {
        Self {
            number,
            hidden_until: None,
            arn: arn.to_owned(),
            provider_arn: REDSHIFT_PROVIDER.to_owned(),
            name: name.to_owned(),
            description: None,
            created: now,
            portal_url: None,
            other_grants: BTreeMap::new(),
            actor_policy: Some(actor_policy(json!({"Service": "redshift.amazonaws.com"}))),
            scopes: BTreeMap::from([("redshift:connect".to_owned(), Vec::new())]),
            tags: Tags::new(),
            jwt_bearer: None,
            assignment_required: false,
            assignments: Vec::new(),
        }
    }

    /// Whether it has this grant besides the jwt-bearer one.
    pub fn has_grant(&self, grant_type: &str) -> bool {
        self.other_grants.contains_key(grant_type)
    }

    /// As DescribeApplication and ListApplications show it.
    pub(super) fn shown(&self) -> Value {
        let mut shown = json!({
            "ApplicationArn": self.arn,
            "ApplicationProviderArn": self.provider_arn,
            "Name": self.name,
            "ApplicationAccount": seed::ACCOUNT,
            "InstanceArn": seed::INSTANCE_ARN,
            "IdentityStoreArn": identity_store_arn(),
            "Status": "ENABLED",
            "PortalOptions": {"Visibility": "DISABLED"},
            "CreatedDate": epoch_seconds(self.created),
            "CreatedFrom": seed::REGION,
        });
        if let Some(description) = &self.description {
            shown["Description"] = json!(description);
        }
        if let Some(url) = &self.portal_url {
            shown["PortalOptions"] =
                json!({"SignInOptions": {"Origin": "APPLICATION", "ApplicationUrl": url}, "Visibility": "ENABLED"});
        }
        shown
    }

    /// Its grants in the order of their types: type and the union's value.
    pub(super) fn grants(&self) -> Vec<(String, Value)> {
        let mut grants: Vec<(String, Value)> = self.other_grants.clone().into_iter().collect();
        if let Some(issuers) = &self.jwt_bearer {
            let issuers: Vec<Value> = issuers
                .iter()
                .map(|issuer| json!({"TrustedTokenIssuerArn": issuer.arn, "AuthorizedAudiences": issuer.audiences}))
                .collect();
            grants.push((JWT_BEARER.to_owned(), json!({"JwtBearer": {"AuthorizedTokenIssuers": issuers}})));
        }
        grants
    }
}

impl Issuer {
    /// As DescribeTrustedTokenIssuer shows it: no date, no tags.
    pub(super) fn shown(&self) -> Value {
        json!({
            "TrustedTokenIssuerArn": self.arn,
            "Name": self.name,
            "TrustedTokenIssuerType": "OIDC_JWT",
            "TrustedTokenIssuerConfiguration": {"OidcJwtConfiguration": {
                "IssuerUrl": self.issuer_url,
                "ClaimAttributePath": self.claim_attribute_path,
                "IdentityStoreAttributePath": self.identity_store_attribute_path,
                "JwksRetrievalOption": "OPEN_ID_DISCOVERY",
            }},
        })
    }
}

/// Who may call CreateTokenWithIAM for an application.
fn actor_policy(principal: Value) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": principal,
            "Action": ["sso-oauth:CreateTokenWithIAM", "sso-oauth:IntrospectTokenWithIAM", "sso-oauth:RevokeTokenWithIAM"],
            "Resource": "*",
        }],
    })
}

/// ARN of the identity store.
pub(super) fn identity_store_arn() -> String {
    format!("arn:aws:identitystore::{}:identitystore/{}", seed::ACCOUNT, seed::IDENTITY_STORE)
}

/// Tags as the API shows them.
pub(in crate::aws) fn shown_tags(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// The part of an instance that every member account may read.
pub(super) fn shown_instance(status: InstanceStatus, created: Timestamp) -> Map<String, Value> {
    let status = match status {
        InstanceStatus::CreateInProgress => "CREATE_IN_PROGRESS",
        InstanceStatus::Active | InstanceStatus::Absent => "ACTIVE",
    };
    let shown = json!({
        "InstanceArn": seed::INSTANCE_ARN,
        "IdentityStoreId": seed::IDENTITY_STORE,
        "IdentityStoreArn": identity_store_arn(),
        "OwnerAccountId": seed::ACCOUNT,
        "Name": "workforce",
        "CreatedDate": epoch_seconds(created),
        "Status": status,
        "PrimaryRegion": seed::REGION,
        "Regions": [{
            "RegionName": seed::REGION,
            "Status": "ACTIVE",
            "AddedDate": epoch_seconds(created),
            "IsPrimaryRegion": true,
        }],
    });
    match shown {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
