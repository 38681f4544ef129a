//! What Okta keeps, as far as we use it. Reading is lenient: fields come and go (`orn` and `universalLogout` appeared
//! in 2026), so all but the id may be missing. What is replaced as a whole keeps the fields that we do not know.

mod app;
mod policy;
mod server;

pub use app::{Account, App, AppGroup, AppSpec, AppUser, ClientSecret};
pub use policy::{EVERYONE, Policy, PolicySpec, Rule, RuleSpec};
pub use server::{AuthorizationServer, Claim, ClaimSpec, Scope, ScopeSpec, ServerSpec};

use serde_json::Value;

use crate::http::{merge, strip_nulls};

/// Members that Okta keeps itself, in every kind of object. What a replace sends of them is ignored or refused.
const KEPT_BY_OKTA: [&str; 9] =
    ["id", "orn", "created", "lastUpdated", "status", "system", "default", "_links", "_embedded"];

/// The body of a full replace: what is there, less what Okta keeps itself, overlaid with what is wanted.
fn replacement(raw: &Value, kept: &[&str], wanted: Value) -> Value {
    let mut body = raw.clone();
    if let Value::Object(members) = &mut body {
        members.retain(|name, _| !kept.contains(&name.as_str()));
    }
    strip_nulls(&mut body);
    merge(&mut body, wanted);
    body
}

/// The `id` of an object.
fn id(raw: &Value) -> Result<String, &'static str> {
    raw.get("id").and_then(Value::as_str).map(str::to_owned).ok_or("an object without id")
}
