//! The Table API as the stand-in gives it, and the golden tickets it holds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extoauth_sandbox::seed::{SERVICENOW_APPROVER, SERVICENOW_CAT_ITEM, SERVICENOW_REQUESTER};
use extoauth_sandbox::servicenow::Instance;
use extoauth_sandbox::world::{System, World};
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tower::ServiceExt as _;

fn tickets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/intake")
}

#[derive(Clone)]
struct Client {
    world: Arc<World>,
    instance: Arc<Instance>,
    authorization: String,
}

impl Client {
    fn admin() -> Self {
        let world = World::new();
        let instance = Instance::new(&world, &tickets());
        let authorization = basic(instance.admin_user(), instance.admin_password());
        Self { world, instance, authorization }
    }

    fn automation(&self) -> Self {
        let authorization = basic(self.instance.automation_user(), self.instance.automation_password());
        Self { authorization, ..self.clone() }
    }

    async fn send(&self, method: &str, path: &str, kind: &str, body: String) -> (u16, HeaderMap, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", &self.authorization)
            .header("content-type", kind)
            .body(Body::from(body))
            .expect("a well-formed request");
        let answer = Arc::clone(&self.instance).router().oneshot(request).await.expect("infallible");
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.expect("a body in memory").to_bytes();
        (parts.status.as_u16(), parts.headers, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let (status, _, answer) = self.send(method, &format!("/api/now/table/{path}"), "application/json", body).await;
        (status, answer)
    }

    async fn result(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.call(method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer["result"].clone()
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn golden(name: &str) -> Value {
    let text = std::fs::read_to_string(tickets().join(name)).expect("a golden ticket");
    serde_json::from_str(&text).expect("JSON")
}

fn path(body: &Value) -> String {
    format!("sc_req_item/{}", body["ticket"]["sys_id"].as_str().expect("a sys_id"))
}

#[tokio::test]
async fn each_golden_body_has_its_approved_ticket() {
    let client = Client::admin();
    let automation = client.automation();
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(tickets()).expect("the folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        if !name.ends_with(".json") {
            continue;
        }
        let body = golden(&name);
        let mut fields = vec!["number".to_owned(), "approval".into(), "opened_by".into(), "requested_for.email".into()];
        fields.extend(["cat_item", "state", "variables.action", "variables.integration"].map(str::to_owned));
        let variables = body["variables"].as_object().expect("variables");
        fields.extend(variables.keys().map(|name| format!("variables.{name}")));
        let row = automation
            .result(
                "GET",
                &format!("{}?sysparm_exclude_reference_link=true&sysparm_fields={}", path(&body), fields.join(",")),
                None,
            )
            .await;
        assert_eq!(row["number"], body["ticket"]["number"], "{name}");
        assert_eq!((row["approval"].as_str(), row["state"].as_str()), (Some("approved"), Some("1")));
        assert_eq!(row["opened_by"], SERVICENOW_REQUESTER);
        assert_eq!(row["requested_for.email"], "requester@example.com");
        assert_eq!(row["cat_item"], SERVICENOW_CAT_ITEM);
        assert_eq!(row["variables.action"], body["action"]);
        assert_eq!(row["variables.integration"], body["integration"]);
        for (variable, value) in variables {
            assert_eq!(&row[format!("variables.{variable}")], value, "{name}: {variable}");
        }
        let sys_id = body["ticket"]["sys_id"].as_str().expect("a sys_id");
        let approvals = automation
            .result(
                "GET",
                &format!("sysapproval_approver?sysparm_query=sysapproval={sys_id}%5Estate=approved&sysparm_exclude_reference_link=true"),
                None,
            )
            .await;
        assert_eq!(approvals.as_array().map(Vec::len), Some(1), "{name}");
        assert_eq!(approvals[0]["approver"], SERVICENOW_APPROVER);
        let now = client.world.clock.now().strftime("%Y-%m-%d %H:%M:%S").to_string();
        assert!(approvals[0]["sys_updated_on"].as_str().is_some_and(|at| at < now.as_str()));
        assert!(!seen.contains(&sys_id.to_owned()), "{name}: a sys_id twice");
        seen.push(sys_id.to_owned());
    }
    assert!(seen.len() >= 8);
}

#[tokio::test]
async fn refused_tickets_are_as_their_files_say() {
    let client = Client::admin();
    let read = async |name: &str| {
        let body = golden(&format!("refused/{name}"))["body"].clone();
        let query = "sysparm_exclude_reference_link=true&sysparm_fields=sys_id,approval,opened_by,variables.groups";
        let row = client.result("GET", &format!("{}?{query}", path(&body)), None).await;
        let sys_id = row["sys_id"].as_str().expect("a sys_id");
        let query = format!("sysapproval={sys_id}&sysparm_exclude_reference_link=true");
        let approver = client.result("GET", &format!("sysapproval_approver?{query}"), None).await[0].clone();
        (row, approver)
    };
    let (row, approver) = read("not-approved.json").await;
    assert_eq!((row["approval"].as_str(), approver["state"].as_str()), (Some("requested"), Some("requested")));
    let (row, _) = read("not-allowed.json").await;
    assert_eq!(row["opened_by"], client.instance.outsider());
    let (row, _) = read("mismatch.json").await;
    assert_eq!(row["variables.groups"], "contractors");
    let (row, approver) = read("self-approved.json").await;
    assert_eq!(row["opened_by"], approver["approver"]);
    assert_eq!(approver["state"], "approved");
}

#[tokio::test]
async fn references_and_display_values() {
    let client = Client::admin();
    let one = path(&golden("okta-provision.json"));
    let row = client.result("GET", &one, None).await;
    assert_eq!(row["opened_by"]["value"], SERVICENOW_REQUESTER);
    assert_eq!(
        row["opened_by"]["link"],
        format!("https://acme.service-now.com/api/now/table/sys_user/{SERVICENOW_REQUESTER}")
    );
    let row = client.result("GET", &format!("{one}?sysparm_display_value=true"), None).await;
    assert_eq!(row["state"], "Open");
    assert_eq!(row["opened_by"]["display_value"], "Data Platform Requester");
    let row = client
        .result("GET", &format!("{one}?sysparm_display_value=all&sysparm_fields=approval,opened_by,nonsense"), None)
        .await;
    assert_eq!(row["approval"], json!({"display_value": "Approved", "value": "approved"}));
    assert!(row["opened_by"]["link"].is_string());
    assert!(row.get("nonsense").is_none());
}

#[tokio::test]
async fn encoded_queries() {
    let client = Client::admin();
    let count = async |query: &str| {
        let query = query.replace('^', "%5E").replace(' ', "%20").replace('<', "%3C").replace('>', "%3E");
        let rows = client.result("GET", &format!("sc_req_item?sysparm_query={query}"), None).await;
        rows.as_array().map_or(0, Vec::len)
    };
    let all = count("").await;
    assert_eq!(count("number=RITM0012345").await, 1);
    assert_eq!(count("numberINRITM0012345,RITM0012346,RITM9").await, 2);
    assert_eq!(count("numberSTARTSWITHRITM001234").await, 5);
    assert_eq!(count("numberLIKE12345^approval=approved").await, 1);
    assert_eq!(count("number=RITM0012345^ORnumber=RITM0012346").await, 2);
    assert_eq!(count("number=RITM0012345^NQnumber=RITM0012346").await, 2);
    assert_eq!(count("number!=RITM0012345").await, all - 1);
    assert_eq!(count("number>RITM0012345^number<RITM0012348").await, 2);
    assert_eq!(count("opened_by.email=outsider@example.com").await, 1);
    assert_eq!(count("correlation_idISNOTEMPTY").await, 0);
    assert_eq!(count("numbr=RITM0012345").await, all, "a mistyped field finds everything");
    let (_, headers, page) = client
        .send(
            "GET",
            "/api/now/table/sc_req_item?sysparm_query=ORDERBYDESCnumber&sysparm_limit=2&sysparm_offset=1&sysparm_fields=number",
            "",
            String::new(),
        )
        .await;
    assert_eq!(headers["x-total-count"], all.to_string().as_str());
    assert_eq!(page["result"], json!([{"number": "RITM0012363"}, {"number": "RITM0012362"}]));
}

#[tokio::test]
async fn notes_append_and_closing_shows() {
    let client = Client::admin();
    let automation = client.automation();
    let body = golden("okta-provision.json");
    let one = path(&body);
    let count = |row: &Value| row["sys_mod_count"].as_str().and_then(|n| n.parse::<u32>().ok()).expect("a number");
    let before = count(&automation.result("GET", &one, None).await);
    for _ in 0..2 {
        automation.result("PATCH", &one, Some(&json!({"work_notes": "step 1 [x:1]"}))).await;
    }
    let row = automation.result("GET", &one, None).await;
    assert_eq!((count(&row), row["work_notes"].as_str()), (before + 2, Some("")));
    let sys_id = body["ticket"]["sys_id"].as_str().expect("a sys_id");
    let query = format!("element_id={sys_id}%5Eelement=work_notes%5EvalueLIKE%5Bx:1%5D");
    let notes = automation.result("GET", &format!("sys_journal_field?sysparm_query={query}"), None).await;
    assert_eq!(notes.as_array().map(Vec::len), Some(2), "a repeat makes a second note");
    assert_eq!(notes[0]["sys_created_by"], automation.instance.automation_user());
    let shown = automation.result("GET", &format!("{one}?sysparm_display_value=true"), None).await;
    assert!(shown["work_notes"].as_str().is_some_and(|text| text.contains("(Work notes)\nstep 1 [x:1]")));

    let closing = json!({"state": "3", "close_notes": "done", "correlation_id": "r1", "approval": "rejected"});
    let row = automation.result("PATCH", &one, Some(&closing)).await;
    assert_eq!((row["state"].as_str(), row["active"].as_str()), (Some("3"), Some("false")));
    assert_eq!(row["approval"], "approved", "a column without the right is skipped");
    let again = count(&automation.result("PATCH", &one, Some(&closing)).await);
    assert_eq!(again, count(&row), "nothing changed");
}

#[tokio::test]
async fn a_closing_item_has_no_open_task() {
    let client = Client::admin();
    let body = golden("okta-plan.json");
    let task = json!({"request_item": body["ticket"]["sys_id"], "state": "1"});
    let task = client.result("POST", "sc_task", Some(&task)).await;
    let close = json!({"state": "3"});
    assert_eq!(client.automation().call("PATCH", &path(&body), Some(&close)).await.0, 403);
    client.result("PATCH", &format!("sc_task/{}", task["sys_id"].as_str().expect("an id")), Some(&close)).await;
    assert_eq!(client.automation().call("PATCH", &path(&body), Some(&close)).await.0, 200);
}

#[tokio::test]
async fn tickets_made_through_the_api() {
    let client = Client::admin();
    let sys_id = "0123456789abcdef0123456789abcdef";
    let ticket = json!({
        "sys_id": sys_id, "number": "RITM0099999", "approval": "approved", "approver": SERVICENOW_APPROVER,
        "requested_for": {"value": SERVICENOW_REQUESTER, "email": "requester@example.com"},
        "opened_by": SERVICENOW_REQUESTER, "cat_item": SERVICENOW_CAT_ITEM, "state": 1,
        "variables.action": "provision", "variables.integration": "x-dev", "variables.refresh_token_days": 60,
    });
    let (status, made) = client.call("POST", "sc_req_item", Some(&ticket)).await;
    assert_eq!((status, made["result"]["sys_id"].as_str()), (201, Some(sys_id)));
    assert_eq!(client.call("POST", "sc_req_item", Some(&ticket)).await.0, 403, "a sys_id is unique");
    let row =
        client.result("GET", &format!("sc_req_item/{sys_id}?sysparm_fields=variables.refresh_token_days"), None).await;
    assert_eq!(row, json!({"variables.refresh_token_days": "60"}));
    let approvals = client.result("GET", &format!("sysapproval_approver?sysapproval={sys_id}"), None).await;
    assert_eq!(
        (approvals[0]["state"].as_str(), approvals[0]["approver"]["value"].as_str()),
        (Some("approved"), Some(SERVICENOW_APPROVER))
    );

    // A ticket that is approved later.
    let waiting = json!({"approval": "requested", "approver": SERVICENOW_APPROVER, "opened_by": SERVICENOW_REQUESTER});
    let waiting = client.result("POST", "sc_req_item", Some(&waiting)).await;
    let waiting = waiting["sys_id"].as_str().expect("an id");
    let asked = client.result("GET", &format!("sysapproval_approver?sysapproval={waiting}"), None).await;
    let asked = format!("sysapproval_approver/{}", asked[0]["sys_id"].as_str().expect("an id"));
    client.result("PATCH", &asked, Some(&json!({"state": "approved"}))).await;
    assert_eq!(client.result("GET", &format!("sc_req_item/{waiting}"), None).await["approval"], "approved");
    assert!(client.instance.state()["sc_req_item"].to_string().contains("variables.integration"));
    client.instance.reset();
    assert_eq!(client.call("GET", &format!("sc_req_item/{sys_id}"), None).await.0, 404);
}

#[tokio::test]
async fn rights() {
    let client = Client::admin();
    let automation = client.automation();
    let provision = path(&golden("okta-provision.json"));
    for (method, path) in
        [("GET", "sc_cat_item"), ("POST", "sc_req_item"), ("DELETE", provision.as_str()), ("POST", "sys_user")]
    {
        let (status, body) = automation.call(method, path, Some(&json!({"short_description": "x"}))).await;
        assert_eq!((status, body["status"].as_str()), (403, Some("failure")), "{method} {path}");
        assert!(body["error"]["message"].is_string() && body["error"]["detail"].is_string());
    }
    let missing = automation.call("GET", "sc_req_item/ffffffffffffffffffffffffffffffff", None).await;
    assert_eq!((missing.0, missing.1["error"]["message"].as_str()), (404, Some("No Record found")));
    let unknown = client.call("GET", "no_such_table", None).await;
    assert_eq!((unknown.0, unknown.1["error"]["message"].as_str()), (400, Some("Invalid table no_such_table")));
    let stranger = Client { authorization: basic("admin", "wrong"), ..client.clone() };
    let (status, headers, body) = stranger.send("GET", "/api/now/table/sys_user", "", String::new()).await;
    assert_eq!((status, body["error"]["message"].as_str()), (401, Some("User Not Authenticated")));
    assert!(headers.contains_key("www-authenticate"));
    let incident = json!({"short_description": "secret expires", "correlation_id": "dbtrs:k:30"});
    client.result("POST", "incident", Some(&incident)).await;
    let found = client.result("GET", "incident?sysparm_query=correlation_id=dbtrs:k:30&sysparm_limit=1", None).await;
    assert!(found[0]["number"].as_str().is_some_and(|number| number.starts_with("INC")));
}

#[tokio::test]
async fn the_automation_opens_and_resolves_incidents() {
    let automation = Client::admin().automation();
    let new = json!({"short_description": "secret ends", "correlation_id": "extoauth:1", "impact": "3"});
    let made = automation.result("POST", "incident", Some(&new)).await;
    assert_eq!((made["state"].as_str(), made["active"].as_str()), (Some("1"), Some("true")));
    let path = format!("incident/{}", made["sys_id"].as_str().expect("an id"));
    let (status, body) = automation.call("PATCH", &path, Some(&json!({"state": "6"}))).await;
    assert_eq!(status, 403);
    assert!(body["error"].to_string().contains("Data Policy Exception"), "{body}");
    let resolved = json!({"state": "6", "close_code": "Solution provided", "close_notes": "mended"});
    assert_eq!(automation.result("PATCH", &path, Some(&resolved)).await["state"], "6");
    assert_eq!(automation.call("DELETE", &path, None).await.0, 403);
}

#[tokio::test]
async fn oauth_and_throttling() {
    let client = Client::admin();
    let (id, secret) = client.instance.automation_client();
    let token = async |secret: &str| {
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        client.send("POST", "/oauth_token.do", "application/x-www-form-urlencoded", form).await
    };
    let (status, _, body) = token("wrong").await;
    assert_eq!((status, body["error"].as_str()), (401, Some("invalid_client")));
    let (_, _, body) = token(secret).await;
    let bearer = format!("Bearer {}", body["access_token"].as_str().expect("a token"));
    let automation = Client { authorization: bearer, ..client.clone() };
    assert_eq!(automation.call("GET", "sc_req_item", None).await.0, 200);

    client.instance.throttle_for(SignedDuration::from_secs(60));
    let (status, headers, _) = automation.send("GET", "/api/now/table/sc_req_item", "", String::new()).await;
    assert_eq!(status, 429);
    assert!(headers.contains_key("retry-after"));
    assert_eq!(client.call("GET", "sc_req_item", None).await.0, 200, "the operator has no limit");
    client.world.clock.advance(SignedDuration::from_secs(61));
    assert_eq!(automation.call("GET", "sc_req_item", None).await.0, 200);
    client.world.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(automation.call("GET", "sc_req_item", None).await.0, 401, "the token is old");
}
