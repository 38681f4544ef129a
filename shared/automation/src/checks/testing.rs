//! A healthy integration for the checks' tests, which each test then changes where it looks.

use std::collections::BTreeMap;

use extoauth_core::finding::{Finding, Severity};
use extoauth_core::integration::{Cutover, EnvironmentRef, Integration, Lifetimes};
use extoauth_core::policy::LifetimeBounds;
use extoauth_core::registry::{Baseline, TrustRecord};
use extoauth_core::systems::{Idp, SystemId, SystemKind};
use extoauth_systems::aws::issuers::AuthorizedIssuer;
use extoauth_systems::dbt::{AccountPlan, Connection, Environment, OauthConfiguration};
use extoauth_systems::identity_center::{Instance, Issuer, IssuerName};
use extoauth_systems::redshift::Application;
use serde_json::json;

use crate::federation::SecretRef;
use crate::observe::{
    CenterView, Claim, DbtView, Document, EnvironmentView, HeldSecret, IdpView, Observed, Person, ProviderView,
    Resolved, SecretProof, Seen, Unread, WarehouseView,
};

/// The host of the warehouse.
pub(super) const HOST: &str = "wg.123456789012.us-east-1.redshift-serverless.amazonaws.com";
/// ARN of our trusted token issuer.
pub(super) const ISSUER_ARN: &str = "arn:aws:sso::123456789012:trustedTokenIssuer/ssoins-1/tti-1";
/// Id of the tenant.
pub(super) const TENANT: &str = "0f1e2d3c-0000-4000-8000-000000000000";
/// Issuer of the Okta side.
pub(super) const OKTA_ISSUER: &str = "https://acme.okta.com/oauth2/aus1";
/// Client id of the Okta side.
pub(super) const OKTA_CLIENT: &str = "0oa1";
/// Client id of the Entra side.
pub(super) const ENTRA_CLIENT: &str = "c11e0000-0000-4000-8000-000000000000";
/// Application ID URI of the Entra side, and the audience of its version 1 tokens.
pub(super) const ENTRA_URI: &str = "api://5e5e0000-0000-4000-8000-000000000000";

/// What differs between the providers.
struct Words {
    idp_system: &'static str,
    kind: SystemKind,
    issuer: String,
    audience: String,
    claim: &'static str,
    client: &'static str,
    authorize_urls: Vec<String>,
    token_urls: Vec<String>,
    redirect_uri: String,
    application_id_uri: Option<String>,
    provider: ProviderView,
}

fn words(idp: Idp) -> Words {
    match idp {
        Idp::Okta => Words {
            idp_system: "acme",
            kind: SystemKind::Okta,
            issuer: OKTA_ISSUER.into(),
            audience: format!("https://{HOST}"),
            claim: "sub",
            client: OKTA_CLIENT,
            authorize_urls: vec![format!("{OKTA_ISSUER}/v1/authorize")],
            token_urls: vec![format!("{OKTA_ISSUER}/v1/token")],
            redirect_uri: "https://ab123.us1.dbt.com/complete/okta".into(),
            application_id_uri: None,
            provider: ProviderView::Okta(Box::default()),
        },
        Idp::Entra => {
            let base = format!("https://login.microsoftonline.com/{TENANT}/oauth2");
            Words {
                idp_system: "contoso",
                kind: SystemKind::Entra,
                issuer: format!("https://sts.windows.net/{TENANT}/"),
                audience: ENTRA_URI.into(),
                claim: "upn",
                client: ENTRA_CLIENT,
                authorize_urls: vec![format!("{base}/v2.0/authorize")],
                token_urls: vec![format!("{base}/v2.0/token"), format!("{base}/token")],
                redirect_uri: "https://ab123.us1.dbt.com/complete/entra".into(),
                application_id_uri: Some(ENTRA_URI.into()),
                provider: ProviderView::Entra(Box::default()),
            }
        }
    }
}

/// A healthy integration on this provider. The provider's own view is the empty one.
pub fn healthy(idp: Idp) -> Observed {
    let w = words(idp);
    let desired = Integration {
        name: "analytics".to_owned().try_into().expect("a name"),
        idp,
        idp_system: w.idp_system.into(),
        warehouse_system: "main".into(),
        dbt_system: "acme".into(),
        environments: [EnvironmentRef { project: 70_001, environment: Some(90_001) }].into(),
        connection_id: None,
        private_link_endpoint_id: None,
        warehouse_host: HOST.into(),
        database: "dev".into(),
        groups: ["analysts".to_owned()].into(),
        user_claim: None,
        identity_attribute: "emails.value".into(),
        lifetimes: Lifetimes { access_minutes: 60, refresh_days: 90, idle_days: 90 },
        secret_days: 180,
        cutover: Cutover::Now,
    };
    let trust = TrustRecord {
        key: desired.trust(),
        claim: w.claim.into(),
        attribute: "emails.value".into(),
        audience: (idp == Idp::Okta).then(|| w.audience.clone()),
        owners: [desired.name.clone()].into(),
    };
    let people = ["dev1@example.com", "dev2@example.com"];
    let person = |name: &str| Person {
        name: name.into(),
        claims: BTreeMap::from([(w.claim.to_owned(), Claim::Is(name.into()))]),
    };
    let idp_view = IdpView {
        system: SystemId::new(w.kind, w.idp_system),
        issuer: Seen::There(w.issuer.clone()),
        audience: Seen::There(w.audience.clone()),
        discovery: Seen::There(Document { issuer: w.issuer.clone(), jwks_uri: format!("{}keys", w.issuer) }),
        keys: Seen::There(2),
        authorize_urls: Seen::There(w.authorize_urls.clone()),
        token_urls: Seen::There(w.token_urls.clone()),
        client_id: Seen::There(w.client.to_owned()),
        redirect_uris: Seen::There(vec![w.redirect_uri.clone()]),
        people: Seen::There(people.map(person).into()),
        secret: Seen::There(SecretProof::Proved),
    };
    let configuration = OauthConfiguration {
        id: 777,
        kind: idp.to_string(),
        name: "extoauth-analytics".into(),
        client_id: w.client.into(),
        authorize_url: w.authorize_urls[0].clone(),
        token_url: w.token_urls[0].clone(),
        redirect_uri: w.redirect_uri.clone(),
        application_id_uri: w.application_id_uri,
        updated_at: Some("2026-03-01T10:00:00Z".parse().expect("a time")),
    };
    let dbt = DbtView {
        plan: Seen::There(AccountPlan { id: 54_321, plan: "enterprise_2025".into(), locked: false }),
        configuration: Seen::There(configuration),
        secret: Seen::There(HeldSecret {
            held: SecretRef { arn: "arn:aws:secretsmanager:us-east-1:1:secret:x".into(), version: "v1".into() },
            current: Some("v1".into()),
            deleted: false,
        }),
        connection: Seen::There(connection(801, Some(777))),
        foreign_configuration: None,
        connection_is_given: false,
        tunnel: None,
        tunnel_is_ours: false,
        environments: vec![EnvironmentView {
            project: 70_001,
            id: 90_001,
            environment: Seen::There(environment(&json!({}))),
            attributes: None,
            elsewhere: None,
        }],
    };
    Observed {
        now: "2026-03-02T10:00:00Z".parse().expect("a time"),
        baseline: Some(Baseline {
            oauth_configuration_written: dbt.configuration.there().and_then(|configuration| configuration.updated_at),
            oauth_configuration_name: dbt.configuration.there().map(|configuration| configuration.name.clone()),
        }),
        redirect_uri: Some(w.redirect_uri),
        bounds: LifetimeBounds::default(),
        idp: idp_view,
        provider: w.provider,
        center: CenterView {
            instance: Seen::There(Instance {
                arn: "arn:aws:sso:::instance/ssoins-1".into(),
                identity_store_id: "d-1".into(),
                owner_account: None,
                status: "ACTIVE".into(),
                primary_region: None,
            }),
            issuer: Seen::There(Issuer {
                arn: ISSUER_ARN.into(),
                name: "extoauth".into(),
                url: w.issuer,
                claim: w.claim.into(),
                attribute: "emails.value".into(),
            }),
            issuers: Seen::There(vec![IssuerName { arn: ISSUER_ARN.into(), name: "extoauth".into() }]),
            others: Vec::new(),
            assigned: Seen::There(None),
            people: Seen::There(people.map(|name| (name.to_owned(), Resolved::Found)).into()),
        },
        warehouse: WarehouseView {
            application: Seen::There(Application {
                arn: "arn:aws:redshift:us-east-1:1:redshiftidcapplication:1".into(),
                name: "redshift-main".into(),
                display_name: None,
                namespace: Some("AWSIDC".into()),
                role_arn: None,
                managed_application_arn: Some("arn:aws:sso::1:application/ssoins-1/apl-1".into()),
                instance_arn: Some("arn:aws:sso:::instance/ssoins-1".into()),
                onboard_status: None,
                application_type: None,
                issuers: vec![AuthorizedIssuer { issuer_arn: ISSUER_ARN.into(), audiences: [w.audience].into() }],
                integrations: Vec::new(),
                tags: BTreeMap::new(),
            }),
            registered: unread(),
        },
        dbt,
        desired,
        trust,
    }
}

/// A Redshift connection to the warehouse.
pub(super) fn connection(id: u64, configuration: Option<u64>) -> Connection {
    Connection {
        id,
        name: "extoauth-analytics".into(),
        adapter_version: "redshift_v0".into(),
        hostname: Some(HOST.into()),
        port: Some(5439),
        dbname: Some("dev".into()),
        oauth_configuration_id: configuration,
        private_link_endpoint_id: None,
        is_ssh_tunnel_enabled: false,
        oauth_redirect_uri: None,
    }
}

/// The environment as dbt shows it, with these fields instead of the healthy ones.
pub(super) fn environment(with: &serde_json::Value) -> Environment {
    let mut raw = json!({
        "id": 90_001, "project_id": 70_001, "name": "Development", "type": "development", "dbt_version": "latest",
        "state": 1, "connection_id": 801,
    });
    for (name, value) in with.as_object().into_iter().flatten() {
        raw[name] = value.clone();
    }
    serde_json::from_value(raw).expect("an environment")
}

/// Something that was not read for want of a right.
pub(super) fn unread<T>() -> Seen<T> {
    Seen::Unread(Unread::because("the right `some:Right` is missing", "give it"))
}

/// The findings of one check, by its id.
pub(super) fn findings(observed: &Observed, id: &str) -> Vec<Finding> {
    let check = super::CHECKS.iter().find(|check| check.id == id).expect("a check of this id");
    (check.run)(observed)
}

/// The severities of one check's findings.
pub(super) fn severities(observed: &Observed, id: &str) -> Vec<Severity> {
    findings(observed, id).iter().map(|finding| finding.severity).collect()
}
