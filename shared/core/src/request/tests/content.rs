//! Identity, differences, and the ticket that was read back.

use std::collections::BTreeMap;

use serde_json::json;

use super::{body, systems, valid, with};
use crate::policy::{Policy, SecretDays};
use crate::problem::Problem;
use crate::request::{Content, RequestId};

#[test]
fn a_request_is_its_ticket_and_action() {
    let one = valid(&body());
    let mut other = with("groups", "analysts");
    other["integration"] = json!("other-name");
    other["ticket"]["number"] = json!("RITM9");
    assert_eq!(one.id(), valid(&other).id());
    other["action"] = json!("plan");
    assert_ne!(one.id(), valid(&other).id());
    let text = one.id().to_string();
    assert_eq!(text.parse::<RequestId>(), Ok(one.id()));
    for bad in ["", "x", &text.to_uppercase(), &format!("{{{text}}}")] {
        assert!(bad.parse::<RequestId>().is_err(), "{bad}");
    }
}

#[test]
fn the_id_of_a_ticket_never_changes() {
    assert_eq!(valid(&body()).id().to_string(), "4d4ed806-0a60-530c-bf71-eaa9c97fe8c6");
}

#[test]
fn differences_name_the_fields() {
    let mut other = with("groups", "analysts");
    other["integration"] = json!("other-name");
    other["variables"]["idle_days"] = json!("30");
    let (one, other) = (valid(&body()), valid(&other));
    assert_eq!(one.differences(&other), ["integration", "variables.groups", "variables.idle_days"]);
    assert_eq!(other.differences(&one), one.differences(&other));
    assert_ne!(one.digest(), other.digest());
}

fn compare(content: &Content, ticket: &[(&str, &str)], policy: &Policy) -> Vec<Problem> {
    let variables: BTreeMap<String, String> =
        ticket.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    content.ticket_matches("provision", "analytics-dev", &variables, &systems(), policy)
}

const TICKET: [(&str, &str); 8] = [
    ("idp", "okta"),
    ("idp_system", "acme"),
    ("warehouse_system", "main"),
    ("dbt_system", "acme"),
    ("dbt_environments", "70001/90001"),
    ("groups", "data-engineers"),
    ("access_token_minutes", "60"),
    ("justification", "because; it's needed"),
];

#[test]
fn a_ticket_that_says_the_same_matches() {
    assert_eq!(compare(&valid(&body()), &TICKET, &Policy::default()), []);
}

#[test]
fn a_default_that_changed_meanwhile_is_no_mismatch() {
    let policy = Policy { secret_days: SecretDays { default: 30, max: 730 }, ..Policy::default() };
    assert_eq!(compare(&valid(&body()), &TICKET, &policy), []);
    assert_eq!(compare(&valid(&with("secret_days", "30")), &TICKET, &policy), []);
    let fields: Vec<String> =
        compare(&valid(&with("secret_days", "180")), &TICKET, &policy).into_iter().map(|p| p.field).collect();
    assert_eq!(fields, ["variables.secret_days"]);
}

#[test]
fn a_ticket_that_says_something_else_does_not_match() {
    let mut ticket = TICKET;
    ticket[1] = ("idp_system", "globex");
    ticket[5] = ("groups", "interns, data-engineers");
    ticket[6] = ("access_token_minutes", "an hour");
    let content = valid(&body());
    let found = compare(&content, &ticket, &Policy::default());
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "variables.access_token_minutes: the ticket's value cannot be read: must be a whole number",
            "variables.groups: the request says `data-engineers`, the ticket `data-engineers, interns`",
            "variables.idp_system: the request says `acme`, the ticket `globex`",
        ]
    );
    let empty = content.ticket_matches("deprovision", " other ", &BTreeMap::new(), &systems(), &Policy::default());
    let fields: Vec<&str> = empty.iter().map(|p| p.field.as_str()).collect();
    assert_eq!(fields[..2], ["action", "integration"]);
    assert!(fields.contains(&"variables.groups"), "{fields:?}");
}

#[test]
fn what_is_asked_is_judged_by_the_configuration_in_force() {
    let content = valid(&body());
    let mut systems = systems();
    systems.redshift.get_mut("main").expect("it is there").hosts = vec![];
    assert!(content.desired(&systems, &Policy::default()).is_ok(), "the default host is always allowed");
    systems.redshift.get_mut("main").expect("it is there").default_host = "other.example.com".into();
    let problems = content.desired(&systems, &Policy::default()).expect_err("the host is not allowed any more");
    assert_eq!(problems.0[0].field, "variables.warehouse_host");
}

#[test]
fn contents_are_stored_and_read_again() {
    let content = valid(&body());
    let text = serde_json::to_string(&content).expect("JSON");
    assert_eq!(serde_json::from_str::<Content>(&text).expect("the same"), content);
}
