//! Texts and the links that they name; what is refused; what never happens.

mod properties;
mod refusing;
mod texts;

use std::collections::BTreeMap;

use extoauth_core::engine::{Book, InventoryItem, Ownership};
use extoauth_core::ids::Address;
use extoauth_core::registry::{IntegrationRecord, TrustRecord};
use extoauth_core::systems::{Idp, SystemId, SystemKind};
use serde_json::{Value, json};

use super::{Explanation, Pasted, Values, explain};

fn book(items: &[(&str, Value)]) -> Book {
    let item = |(address, identity): &(&str, Value)| {
        let item = InventoryItem {
            address: Address::of(address),
            kind: (*address).to_owned(),
            system: SystemId::new(SystemKind::Okta, "acme"),
            identity: identity.clone(),
            ownership: Ownership::Ours,
            written: BTreeMap::new(),
            order: 1,
        };
        (item.address.clone(), item)
    };
    Book { items: items.iter().map(item).collect(), ..Book::default() }
}

fn values(idp: Idp) -> Values {
    let record: IntegrationRecord = serde_json::from_value(json!({
        "desired": {"name": "analytics-dev", "idp": idp, "idp_system": if idp == Idp::Okta { "acme" } else { "contoso" },
            "warehouse_system": "main", "dbt_system": "acme", "environments": [{"project": 70001, "environment": 90001}],
            "connection_id": null, "private_link_endpoint_id": null, "warehouse_host": "wg.example.com", "database": "dev",
            "groups": ["data-engineers"], "user_claim": null, "identity_attribute": "emails.value",
            "lifetimes": {"access_minutes": 60, "refresh_days": 90, "idle_days": 30}, "secret_days": 180, "cutover": "now"},
        "recipe_version": 1, "request": "r", "updated": "2026-11-23T12:00:00Z", "complete": true}))
    .expect("a record");
    let systems = serde_json::from_value(json!({
        "okta": {"acme": {"url": "https://acme.okta.com", "credential": "arn"}},
        "entra": {"contoso": {"tenant_id": "11111111-2222-3333-4444-555555555555", "credential": "arn",
            "authority": "https://login.microsoftonline.com", "graph": "https://graph.microsoft.com"}},
        "dbt": {"acme": {"url": "https://ab123.us1.dbt.com", "account_id": 54321, "credential": "arn", "redirect_uri": {
            "okta": "https://ab123.us1.dbt.com/complete/okta", "entra": "https://ab123.us1.dbt.com/complete/entra"}}},
        "redshift": {"main": {"region": "us-east-1", "application_arn": "arn:aws:redshift:app", "hosts": [],
            "default_host": "wg.example.com", "identity_center": {"region": "eu-west-1", "instance_arn": "arn"}}},
    }))
    .expect("a configuration");
    let entry = |audience: &str| json!({"application_arn": "a", "issuer_arn": "i", "audience": audience});
    let common = [("dbt.oauth_configuration", json!({"id": 777})), ("dbt.connection", json!({"id": 888}))];
    let (own, trust, audience) = match idp {
        Idp::Okta => (
            vec![
                ("okta.app", json!({"id": "0oaAPP"})),
                ("okta.app.group[data-engineers]", json!({"app": "0oaAPP", "group": "00g"})),
                ("secrets_manager.client_secret", json!({"arn": "arn:secret"})),
            ],
            vec![
                ("okta.server", json!({"id": "ausSERVER"})),
                ("okta.server.scope[session:role-any]", json!({"server": "ausSERVER", "id": "scp"})),
                ("identity_center.issuer", json!({"arn": "arn:issuer"})),
                ("redshift.issuer_entry", entry("https://wg.example.com")),
            ],
            Some("https://wg.example.com".to_owned()),
        ),
        Idp::Entra => (
            vec![
                ("entra.client_principal", json!({"app_id": "client-app-id"})),
                ("entra.assignment[data-engineers]", json!({"principal": "p", "id": "a"})),
                ("entra.client_secret", json!({"app": "o", "arn": "arn:secret"})),
            ],
            vec![
                ("entra.resource_principal", json!({"app_id": "resource-app-id"})),
                ("identity_center.issuer", json!({"arn": "arn:issuer"})),
                ("redshift.issuer_entry", entry("api://resource-app-id")),
            ],
            None,
        ),
    };
    let terms = TrustRecord {
        key: record.desired.trust(),
        claim: if idp == Idp::Okta { "sub" } else { "upn" }.into(),
        attribute: "emails.value".into(),
        audience,
        owners: [record.desired.name.clone()].into(),
    };
    let own: Vec<_> = own.into_iter().chain(common).collect();
    Values::of(&record, Some(terms), book(&own), book(&trust), &systems)
}

fn explained(idp: Idp, text: &str) -> Explanation {
    let text = Pasted::of(text).unwrap_or_else(|refused| panic!("{text}: {refused}"));
    explain(&text, &values(idp))
}
