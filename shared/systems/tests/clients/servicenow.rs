//! Reading tickets back and writing onto them.

use extoauth_core::error::ErrorKind;
use extoauth_systems::servicenow::NewIncident;
use serde_json::{Value, json};

use crate::vendor::{Act, Request, Vendor};

const ID: &str = "0123456789abcdef0123456789abcdef";
const PERSON: &str = "46d44a23a9fe19810012d100cca80666";
const BASIC: &str = r#"{"auth":"basic","user":"extoauth","password":"canary-password"}"#;
const CLIENT: &str = r#"{"auth":"oauth_client_credentials","client_id":"c1","client_secret":"canary-secret"}"#;

fn parameter(request: &Request, name: &str) -> String {
    let query = request.target.split_once('?').map(|(_, q)| q).unwrap_or_default();
    let found = url::form_urlencoded::parse(query.as_bytes()).find(|(n, _)| n == name);
    found.map(|(_, v)| v.into_owned()).unwrap_or_default()
}

fn result(value: Value) -> Act {
    Act::json(200, json!({"result": value}))
}

#[tokio::test]
async fn a_ticket_is_read_with_its_variables() {
    let vendor = Vendor::start(|_, _| {
        result(json!({"sys_id": ID, "number": "RITM1", "cat_item": {"value": PERSON}, "variables.action": "plan"}))
    })
    .await;
    let (read, _) = vendor.servicenow(BASIC);
    let ticket = read.ticket("sc_req_item", ID, &["action", "groups"]).await.expect("a ticket");
    assert_eq!(ticket.variables.get("action").map(String::as_str), Some("plan"));
    let call = &vendor.calls()[0];
    assert_eq!(call.path(), format!("/api/now/table/sc_req_item/{ID}"));
    assert!(parameter(call, "sysparm_fields").ends_with("sys_updated_on,variables.action,variables.groups"));
    assert!(call.headers["authorization"].starts_with("Basic "));
}

#[tokio::test]
async fn nothing_can_be_slipped_into_a_query() {
    let vendor = Vendor::start(|_, _| result(json!([]))).await;
    let (read, write) = vendor.servicenow(BASIC);
    let bad = "x^NQactive=true";
    let mut kinds = vec![
        read.ticket("sc_req_item", bad, &[]).await.expect_err("no id").kind,
        read.ticket("sc_req_item/../incident", ID, &[]).await.expect_err("no table").kind,
        read.ticket("sc_req_item", ID, &["action,sys_user.password"]).await.expect_err("no variable").kind,
        read.approvals(bad).await.expect_err("no id").kind,
        read.groups_of(bad).await.expect_err("no id").kind,
        read.has_work_note(ID, bad).await.expect_err("no marker").kind,
        read.has_work_note(ID, "").await.expect_err("no marker").kind,
        write.add_work_note("sc_req_item", bad, "t").await.expect_err("no id").kind,
    ];
    kinds.dedup();
    assert_eq!(kinds, [ErrorKind::Refused]);
    assert!(vendor.calls().is_empty());
}

#[tokio::test]
async fn rows_that_do_not_fit_are_not_believed() {
    // An instance that ignores what it does not understand gives back everything.
    let other = "ffffffffffffffffffffffffffffffff";
    let vendor = Vendor::start(move |request, _| match request.path() {
        "/api/now/table/sys_journal_field" => result(json!([
            {"element_id": other, "element": "work_notes", "value": "[extoauth step 1]"},
            {"element_id": ID, "element": "comments", "value": "[extoauth step 1]"},
            {"element_id": ID, "element": "work_notes", "value": "text [extoauth step 2]"}])),
        "/api/now/table/sys_user_grmember" => result(json!([
            {"user": PERSON, "group": {"value": other}, "group.name": "admins"},
            {"user": other, "group": ID}])),
        _ => result(json!([
            {"sysapproval": ID, "state": "approved", "approver": PERSON, "sys_updated_on": "2026-02-03 04:05:06"},
            {"sysapproval": other, "state": "approved", "approver": PERSON}])),
    })
    .await;
    let (read, _) = vendor.servicenow(BASIC);
    assert!(!read.has_work_note(ID, "[extoauth step 1]").await.expect("an answer"));
    assert!(read.has_work_note(ID, "[extoauth step 2]").await.expect("an answer"));
    assert_eq!(read.groups_of(PERSON).await.expect("groups"), [other, "admins"]);
    assert_eq!(read.approvals(ID).await.expect("approvals").len(), 1);
    let query = parameter(&vendor.calls()[0], "sysparm_query");
    assert_eq!(query, format!("element_id={ID}^element=work_notes^valueLIKE[extoauth step 1]^ORDERBYsys_created_on"));
}

#[tokio::test]
async fn a_note_is_never_resent_and_a_close_is() {
    for (times, act) in [(1, Act::Reset), (1, Act::Truncate)] {
        let vendor =
            Vendor::start(
                move |_, before| {
                    if before < times { act.clone() } else { result(json!({"sys_id": ID, "state": "3"})) }
                },
            )
            .await;
        let (_, write) = vendor.servicenow(BASIC);
        let error = write.add_work_note("sc_req_item", ID, "done").await.expect_err("lost");
        assert_eq!((error.kind, vendor.calls().len()), (ErrorKind::Ambiguous, 1));
        let closed = write.close("sc_req_item", ID, "3", "done").await.expect("closed");
        assert_eq!(closed.value.state.as_deref(), Some("3"));
    }
    let vendor =
        Vendor::start(|_, before| if before == 0 { Act::Reset } else { result(json!({"sys_id": ID, "state": "3"})) })
            .await;
    vendor.servicenow(BASIC).1.close("sc_req_item", ID, "3", "done").await.expect("the second try");
    assert_eq!(vendor.calls()[1].json(), json!({"state": "3", "close_notes": "done"}));
}

#[tokio::test]
async fn incidents_are_found_by_our_own_id_and_opened_once() {
    let row = |id: &str, state: &str| json!({"sys_id": ID, "number": "INC1", "state": state, "correlation_id": id});
    let vendor = Vendor::start(move |request, _| match request.method.as_str() {
        // What was not asked for is given back, too.
        "GET" => result(json!([row("extoauth:other", "1"), row("extoauth:1", "2")])),
        "POST" => Act::Reset,
        _ => result(json!({"sys_id": ID, "number": "INC1", "state": "2"})),
    })
    .await;
    let (read, write) = vendor.servicenow(BASIC);
    let found = read.incidents("extoauth:1").await.expect("an answer");
    assert_eq!((found.len(), found[0].state.as_str(), found[0].is_over()), (1, "2", false));
    assert_eq!(read.incidents("x^NQactive=true").await.expect_err("no id").kind, ErrorKind::Refused);
    assert_eq!(read.group("x^NQactive=true").await.expect_err("no name").kind, ErrorKind::Refused);
    assert_eq!(read.group(ID).await.expect("an answer").as_deref(), Some(ID));
    let new = NewIncident {
        correlation_id: "extoauth:1".into(),
        short_description: "x".repeat(300),
        description: "y".into(),
        impact: "2",
        urgency: "1",
        assignment_group: Some(ID.into()),
    };
    assert_eq!(write.open_incident(&new).await.expect_err("lost").kind, ErrorKind::Ambiguous);
    let posted: Vec<Value> = vendor.calls().iter().filter(|call| call.method == "POST").map(Request::json).collect();
    assert_eq!(posted.len(), 1, "never sent twice");
    assert_eq!(
        (posted[0]["correlation_id"].as_str(), posted[0]["assignment_group"].as_str()),
        (Some("extoauth:1"), Some(ID))
    );
    assert_eq!(posted[0]["short_description"].as_str().map(str::len), Some(160));
    // Answered well, and left as it was.
    assert_eq!(write.resolve_incident(&found[0], "mended").await.expect_err("open").kind, ErrorKind::Forbidden);
}

#[tokio::test]
async fn client_credentials_get_one_token() {
    let vendor = Vendor::start(|request, _| match request.path() {
        "/oauth_token.do" => Act::json(200, json!({"access_token": "canary-at", "expires_in": 1799})),
        _ => result(json!([])),
    })
    .await;
    let (read, _) = vendor.servicenow(CLIENT);
    let (one, other) = futures::join!(read.approvals(ID), read.approvals(ID));
    one.and(other).expect("two answers");
    let calls = vendor.calls();
    assert_eq!(calls.iter().filter(|c| c.path() == "/oauth_token.do").count(), 1);
    assert!(
        calls
            .iter()
            .filter(|c| c.path() != "/oauth_token.do")
            .all(|c| { c.method == "GET" && c.headers["authorization"] == "Bearer canary-at" })
    );
}
