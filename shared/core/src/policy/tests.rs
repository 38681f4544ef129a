use jiff::Timestamp;

use super::*;
use crate::ids::TrustKey;
use crate::systems::Idp;

fn name(text: &str) -> IntegrationName {
    IntegrationName::try_from(text.to_owned()).expect("a valid name")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a valid time")
}

#[test]
fn an_empty_policy_is_the_default() {
    assert_eq!(Policy::parse("{}"), Ok(Policy::default()));
    let every_key_null = r#"{"requesters":null,"writes":null,"lifetimes":null}"#;
    assert_eq!(Policy::parse(every_key_null), Ok(Policy::default()));
}

#[test]
fn every_key_is_read() {
    let policy = Policy::parse(
        r#"{"requesters":["5137153cc611227c000bbd1bd8cd2005"],"requester_groups":["dbt admins"],
            "lifetimes":{"access_minutes":{"min":10,"max":60},"refresh_days":{"max":90},"idle_days":{"min":7,"max":90}},
            "secret_days":{"default":90,"max":365},"rotate_days_before":21,"thresholds":[7,30,7],
            "names":{"okta.app":"{integration} for dbt"},"freeze":[{"from":"2026-12-24T00:00:00Z","to":"2027-01-02T00:00:00Z"}],
            "writes":"off","protected":["payroll"],"owners":{"payroll":"hr@example.com"},"reactions":{"drift":"repair"}}"#,
    )
    .expect("a valid policy");
    assert_eq!(policy.lifetimes.refresh_days, Bounds { min: 1, max: 90 });
    assert_eq!(policy.secret_days, SecretDays { default: 90, max: 365 });
    assert_eq!(policy.thresholds, [30, 7]);
    assert_eq!(policy.rotate_days_before, 21);
    assert!(!policy.writes);
    assert_eq!(policy.reaction("drift"), Reaction::Repair);
    assert_eq!(policy.reaction("sign-in"), Reaction::Observe);
    assert!(policy.protected.contains(&name("payroll")));
}

#[test]
fn all_problems_are_told_at_once() {
    let problems = Policy::parse(
        r#"{"requestors":[],"lifetimes":{"access_minutes":{"min":1},"idle_days":{"min":9,"max":3}},
            "secret_days":{"default":900},"writes":"maybe","protected":["X"],
            "names":{"okta.app":"dbt","okta.server":"{integration}","okta.rule":"{who} {integration}","dbt.thing":"x",
                     "identity_center.issuer":"a b"},
            "freeze":[{"from":"2026-12-24T00:00:00Z","to":"2026-12-01T00:00:00Z"}]}"#,
    )
    .expect_err("an invalid policy");
    let mut fields: Vec<&str> = problems.0.iter().map(|p| p.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "freeze.0",
            "lifetimes.access_minutes",
            "lifetimes.idle_days",
            "names.dbt.thing",
            "names.identity_center.issuer",
            "names.okta.app",
            "names.okta.rule",
            "names.okta.server",
            "protected.0",
            "requestors",
            "secret_days.default",
            "writes",
        ]
    );
    let misplaced = Policy::parse(r#"{"requesters":"canary","lifetimes":"canary"}"#).expect_err("an invalid policy");
    assert_eq!(misplaced.to_string(), "lifetimes: must be an object of bounds; requesters: must be a sequence",);
    assert!(Policy::parse("[]").is_err());
    assert!(Policy::parse("{").is_err());
}

#[test]
fn writes_need_the_switch_no_freeze_and_no_protection() {
    let policy = Policy {
        freeze: vec![Freeze { from: at("2026-12-24T00:00:00Z"), to: at("2027-01-02T00:00:00Z") }],
        protected: [name("payroll")].into(),
        ..Policy::default()
    };
    let (before, during, after) = (at("2026-12-23T23:59:59Z"), at("2026-12-24T00:00:00Z"), at("2027-01-02T00:00:00Z"));
    assert_eq!(policy.allows_writes(before, &name("sales")), Ok(()));
    assert_eq!(policy.allows_writes(during, &name("sales")), Err(WritesRefused::Frozen { until: after }));
    assert_eq!(policy.allows_writes(after, &name("sales")), Ok(()));
    assert!(matches!(policy.allows_writes(after, &name("payroll")), Err(WritesRefused::Protected { .. })));
    let off = Policy { writes: false, ..policy };
    assert_eq!(off.allows_writes(before, &name("sales")), Err(WritesRefused::Off));
}

#[test]
fn requesters_are_people_or_groups() {
    let nobody_named = Policy::default();
    assert!(nobody_named.allows_requester(["a"], []));
    let policy = Policy {
        requesters: ["Ann@example.com".to_owned()].into(),
        requester_groups: ["admins".to_owned()].into(),
        ..Policy::default()
    };
    assert!(policy.allows_requester(["5137", "ann@example.com"], []));
    assert!(policy.allows_requester(["5137"], ["admins"]));
    assert!(!policy.allows_requester(["5137", ""], [""]));
}

#[test]
fn names_say_whose_they_are() {
    let trust = TrustKey::new(Idp::Okta, "acme", "main");
    let integration = name("analytics-dev");
    let context = NameContext {
        deployment: "prod",
        integration: Some(&integration),
        trust: &trust,
        idp_system: "acme",
        warehouse_system: "main",
    };
    let policy = Policy::default();
    assert_eq!(policy.name(NameKind::OktaApp, &context), "dbt to Redshift main (prod/analytics-dev)");
    assert_eq!(policy.name(NameKind::IdentityCenterIssuer, &context), "extoauth-prod-okta-acme-main");
    assert_eq!(policy.name(NameKind::DbtConnection, &context), "Redshift main via acme (prod/analytics-dev)");
    for kind in NameKind::ALL {
        assert_eq!(NameKind::of_key(kind.key()), Some(kind));
        let template = kind.default_template();
        assert_eq!(NameTemplate::parse(kind, kind.default_text()), Ok(template.clone()), "{kind}");
    }
}

#[test]
fn names_hold_what_the_vendor_takes() {
    let trust = TrustKey::new(Idp::Okta, "acme eu", "main");
    let deployment = "x".repeat(300);
    let context = NameContext {
        deployment: &deployment,
        integration: None,
        trust: &trust,
        idp_system: "acme eu",
        warehouse_system: "main",
    };
    let template = NameTemplate::parse(NameKind::IdentityCenterIssuer, "{trust}-{deployment}").expect("valid");
    let name = template.render(&context);
    assert!(name.starts_with("okta-acme-eu-main-x"), "{name}");
    assert_eq!(name.len(), 255);
}

#[test]
fn the_rotation_begins_within_a_secrets_life() {
    let of = |json: &str| Policy::parse(json).map(|policy| policy.rotate_days_before);
    let fields = |json: &str| of(json).expect_err("refused").0.into_iter().map(|p| p.field).collect::<Vec<_>>();
    assert_eq!(of("{}"), Ok(30));
    assert_eq!(of(r#"{"secret_days":{"max":20}}"#), Ok(19), "a short life shortens the window");
    assert_eq!(of(r#"{"rotate_days_before":179}"#), Ok(179));
    assert_eq!(fields(r#"{"rotate_days_before":180}"#), ["rotate_days_before"]);
    assert_eq!(fields(r#"{"rotate_days_before":0}"#), ["rotate_days_before"]);
    assert_eq!(fields(r#"{"rotate_days_before":"soon"}"#), ["rotate_days_before"]);
    let policy = Policy::default();
    for (lives, window) in [(730, 30), (180, 30), (60, 30), (59, 29), (10, 5), (1, 0)] {
        assert_eq!(policy.rotation_window(lives), window, "{lives}");
    }
}
