mod content;
mod properties;
mod resubmission;
mod submission;

use serde_json::{Value, json};

use super::{Content, Submission};
use crate::policy::Policy;
use crate::problem::Problems;
use crate::systems::SystemsConfig;

/// A configuration with an org, an account, a warehouse and a ticket system.
fn systems() -> SystemsConfig {
    serde_json::from_value(json!({
        "okta": {"acme": {"url": "https://acme.okta.com", "credential": "arn"}},
        "entra": {"contoso": {"tenant_id": "t", "authority": "https://login.microsoftonline.com",
            "graph": "https://graph.microsoft.com", "credential": "arn"}},
        "dbt": {"acme": {"url": "https://ab123.us1.dbt.com", "account_id": 54321, "credential": "arn",
            "redirect_uri": {"okta": "https://ab123.us1.dbt.com/complete/okta"}}},
        "redshift": {"main": {"region": "us-east-1", "application_arn": "arn",
            "hosts": ["*.us-east-1.redshift-serverless.amazonaws.com"],
            "default_host": "wg.123456789012.us-east-1.redshift-serverless.amazonaws.com",
            "identity_center": {"region": "us-east-1", "instance_arn": "arn"}}},
        "servicenow": {"acme.service-now.com": {"url": "https://acme.service-now.com", "cat_items": [], "credential": "arn"}},
    }))
    .expect("a valid configuration")
}

/// A provision request with its required variables.
fn body() -> Value {
    json!({
        "action": "provision", "source": "servicenow", "instance": "acme.service-now.com", "integration": "analytics-dev",
        "ticket": {"table": "sc_req_item", "sys_id": "0123456789abcdef0123456789abcdef", "number": "RITM0012345",
            "approval": "approved", "requested_for": {"value": "5137153cc611227c000bbd1bd8cd2005", "email": "a@example.com"},
            "opened_by": "5137153cc611227c000bbd1bd8cd2005"},
        "variables": {"idp": "okta", "idp_system": "acme", "warehouse_system": "main", "dbt_system": "acme",
            "dbt_environments": "70001/90001", "groups": "data-engineers"},
    })
}

/// The body with one variable set.
fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut body = body();
    body["variables"][name] = value.into();
    body
}

fn validate(body: &Value) -> Result<Content, Problems> {
    let submission = Submission::parse(body.to_string().as_bytes()).expect("a JSON object");
    submission.validate(&systems(), &Policy::default())
}

fn valid(body: &Value) -> Content {
    validate(body).expect("a valid request")
}

fn fields(body: &Value) -> Vec<String> {
    let problems = validate(body).expect_err("an invalid request");
    problems.0.into_iter().map(|problem| problem.field).collect()
}
