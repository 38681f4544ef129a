//! Reading and judging bodies.

use serde_json::{Value, json};

use super::{body, fields, systems, valid, validate, with};
use crate::integration::{Cutover, EnvironmentRef, Lifetimes};
use crate::policy::{Bounds, LifetimeBounds, Policy, SecretDays};
use crate::request::{Action, Submission};

#[test]
fn defaults_are_filled_in() {
    let content = valid(&body());
    let wanted = content.desired(&systems(), &Policy::default()).expect("allowed").expect("an integration");
    assert_eq!(wanted.lifetimes, Lifetimes { access_minutes: 60, refresh_days: 90, idle_days: 90 });
    assert_eq!(wanted.secret_days, 180);
    assert_eq!(wanted.warehouse_host, "wg.123456789012.us-east-1.redshift-serverless.amazonaws.com");
    assert_eq!(wanted.database, "dev");
    assert_eq!(wanted.identity_attribute, "emails.value");
    assert_eq!((wanted.user_claim, wanted.connection_id), (None, None));
    assert_eq!(wanted.cutover, Cutover::Now);
    assert_eq!(wanted.environments, [EnvironmentRef { project: 70001, environment: Some(90001) }].into());
}

#[test]
fn an_empty_idle_window_is_the_refresh_tokens_life() {
    let mut body = with("refresh_token_days", "30");
    body["variables"]["idle_days"] = json!("");
    assert_eq!(valid(&body).variables.number("idle_days"), Some(30));
}

#[test]
fn a_narrow_policy_moves_the_defaults_with_it() {
    let lifetimes = LifetimeBounds {
        access_minutes: Bounds { min: 5, max: 30 },
        refresh_days: Bounds { min: 1, max: 14 },
        ..LifetimeBounds::default()
    };
    let policy = Policy { lifetimes, secret_days: SecretDays { default: 60, max: 90 }, ..Policy::default() };
    let submission = Submission::parse(body().to_string().as_bytes()).expect("JSON");
    let content = submission.validate(&systems(), &policy).expect("valid");
    assert_eq!(content.variables.number("access_token_minutes"), Some(30));
    assert_eq!(content.variables.number("idle_days"), Some(14));
    assert_eq!(content.variables.number("secret_days"), Some(60));
}

#[test]
fn the_same_meaning_in_other_forms_is_the_same_content() {
    let mut plain = with("access_token_minutes", "60");
    plain["variables"]["groups"] = json!("b, a,,b");
    plain["variables"]["dbt_environments"] = json!(" 70002 , 70001/90001");
    plain["variables"]["warehouse_host"] = json!("");
    plain["variables"]["cutover"] = json!("2026-12-01T19:00:00+01:00");
    let mut other = with("access_token_minutes", 60);
    other["variables"]["groups"] = json!(["a", "b"]);
    other["variables"]["dbt_environments"] = json!(["70001/90001", 70002, "70002"]);
    other["variables"]["warehouse_host"] = json!("WG.123456789012.us-east-1.redshift-serverless.amazonaws.com");
    other["variables"]["cutover"] = json!("2026-12-01T18:00:00Z");
    other["variables"]["idp"] = json!({"value": " OKTA ", "display_value": "Okta"});
    other["ticket"]["sys_id"] = json!({"value": "0123456789ABCDEF0123456789ABCDEF", "link": "https://x"});
    other["instance"] = json!("ACME.service-now.com");
    other["unknown"] = json!({"is": "ignored"});
    let (plain, other) = (valid(&plain), valid(&other));
    assert_eq!(plain.digest(), other.digest());
    assert_eq!(plain.id(), other.id());
    assert_eq!(plain.differences(&other), Vec::<String>::new());
}

#[test]
fn every_problem_is_told_at_once() {
    let body = json!({
        "action": "provision", "instance": "evil.example.com", "integration": "X",
        "ticket": {"table": "sc_req_item?x", "sys_id": "12", "opened_by": ["a"]},
        "variables": {"idp": "ping", "warehouse_system": "other", "dbt_system": "none", "dbt_environments": "70001/x",
            "dbt_connection_id": "abc", "user_claim": "https://x/email", "identity_attribute": "emails_value",
            "access_token_minutes": "3", "refresh_token_days": "-1", "secret_days": 9999, "cutover": "tomorrow",
            "plan_digest": "xyz", "groops": "typo", "warehouse_database": "dev; drop", "until": "2026-12-01 10:00:00"},
    });
    let mut found = fields(&body);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "instance",
            "integration",
            "ticket.opened_by",
            "ticket.sys_id",
            "ticket.table",
            "variables.access_token_minutes",
            "variables.cutover",
            "variables.dbt_connection_id",
            "variables.dbt_environments",
            "variables.dbt_system",
            "variables.groops",
            "variables.groups",
            "variables.identity_attribute",
            "variables.idp",
            "variables.idp_system",
            "variables.plan_digest",
            "variables.refresh_token_days",
            "variables.secret_days",
            "variables.until",
            "variables.user_claim",
            "variables.warehouse_database",
            "variables.warehouse_system",
        ]
    );
}

#[test]
fn single_problems_name_their_field() {
    let cases: [(&str, Value, &str); 20] = [
        ("idp_system", json!("other"), "variables.idp_system"),
        ("idp_system", json!("contoso"), "variables.idp_system"),
        ("dbt_system", json!("globex"), "variables.dbt_system"),
        ("warehouse_host", json!("evil.example.com"), "variables.warehouse_host"),
        ("warehouse_host", json!("us-east-1.redshift-serverless.amazonaws.com"), "variables.warehouse_host"),
        ("warehouse_host", json!("https://wg.us-east-1.redshift-serverless.amazonaws.com"), "variables.warehouse_host"),
        ("warehouse_host", json!("x.us-east-1.redshift-serverless.amazonaws.com.evil.com"), "variables.warehouse_host"),
        ("groups", json!(" , "), "variables.groups"),
        ("groups", json!([["a"]]), "variables.groups"),
        ("dbt_environments", json!("70001/90001/1"), "variables.dbt_environments"),
        ("dbt_environments", json!("0"), "variables.dbt_environments"),
        ("dbt_connection_id", json!(0), "variables.dbt_connection_id"),
        ("dbt_connection_id", json!(1.5), "variables.dbt_connection_id"),
        ("user_claim", json!("a.b.c.d"), "variables.user_claim"),
        ("user_claim", json!("mail1"), "variables.user_claim"),
        ("idle_days", json!(91), "variables.idle_days"),
        ("secret_days", json!(0), "variables.secret_days"),
        ("secret_days", json!(731), "variables.secret_days"),
        ("okta_app_id", json!("0oa1"), "variables.okta_app_id"),
        ("action", json!("deprovision"), "variables.action"),
    ];
    for (name, value, field) in cases {
        assert_eq!(fields(&with(name, value.clone())), [field], "{name} = {value}");
    }
}

#[test]
fn idle_windows_are_between_access_and_refresh() {
    let lifetimes = |access: u32, idle: u32, refresh: u32| {
        let mut body = with("access_token_minutes", access);
        body["variables"]["idle_days"] = json!(idle);
        body["variables"]["refresh_token_days"] = json!(refresh);
        body
    };
    assert!(validate(&lifetimes(1440, 1, 1)).is_ok());
    assert_eq!(fields(&lifetimes(60, 31, 30)), ["variables.idle_days"]);
}

#[test]
fn an_identity_provider_needs_a_redirect_uri() {
    let mut body = with("idp", "entra");
    body["variables"]["idp_system"] = json!("contoso");
    assert_eq!(fields(&body), ["variables.dbt_system"]);
}

#[test]
fn other_actions_need_no_variables() {
    for action in ["verify", "rotate_secret", "deprovision", "release"] {
        let mut body = body();
        body["action"] = json!(action);
        body["variables"] = json!({});
        let content = valid(&body);
        assert_eq!(content.desired(&systems(), &Policy::default()), Ok(None), "{action}");
        body["variables"] = json!({"idp_system": "none"});
        assert_eq!(fields(&body), ["variables.idp_system"], "{action}");
    }
    let mut hook = body();
    hook["action"] = json!("register_hook");
    hook["integration"] = json!("");
    hook["variables"] = json!({"system": "okta/acme"});
    assert_eq!(valid(&hook).integration, None);
    hook["integration"] = json!("analytics-dev");
    assert_eq!(fields(&hook), ["integration"]);
}

#[test]
fn variables_may_repeat_action_and_integration() {
    let mut body = with("action", "provision");
    body["variables"]["integration"] = json!("analytics-dev");
    assert_eq!(valid(&body), valid(&super::body()));
}

#[test]
fn a_body_is_a_json_object() {
    for bad in ["", "[]", "null", "{", "\"x\""] {
        assert!(Submission::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    let nothing = Submission::parse(b"{}").expect("an object");
    assert_eq!((nothing.action(), nothing.instance()), (None, None));
    let problems = nothing.validate(&systems(), &Policy::default()).expect_err("nothing is there");
    let fields: Vec<&str> = problems.0.iter().map(|p| p.field.as_str()).collect();
    assert_eq!(fields, ["action", "instance", "integration", "ticket"]);
}

#[test]
fn actions_have_the_names_of_their_json() {
    for action in Action::ALL {
        assert_eq!(Action::of_name(action.name()), Some(action));
        assert_eq!(serde_json::to_value(action).expect("text"), json!(action.name()));
    }
}
