//! Answers of an AWS query service.

use axum::response::Response;
use serde_json::Value;

use super::super::wire::{AwsError, answer, request_id};

const NAMESPACE: &str = "http://redshift.amazonaws.com/doc/2012-12-01/";

/// The answer to a call of `action`: the result's members, or the error.
pub(super) fn respond(action: &str, result: Result<Option<Value>, AwsError>) -> Response {
    let id = request_id();
    match result {
        Ok(result) => {
            let mut body = String::new();
            if let Some(result) = result {
                element(&mut body, &format!("{action}Result"), &result);
            }
            let body = format!(
                "<{action}Response xmlns=\"{NAMESPACE}\">{body}<ResponseMetadata><RequestId>{id}</RequestId>\
                 </ResponseMetadata></{action}Response>"
            );
            answer(200, "text/xml", &id, body)
        }
        Err(error) => {
            let side = if error.status < 500 { "Sender" } else { "Receiver" };
            let (code, message) = (error.code, escaped(&error.message));
            let body = format!(
                "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{side}</Type><Code>{code}</Code>\
                 <Message>{message}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"
            );
            answer(error.status, "text/xml", &id, body)
        }
    }
}

/// Writes a value as an element: members as elements, list entries under the name that the list's shape gives them.
fn element(out: &mut String, name: &str, value: &Value) {
    out.push_str(&format!("<{name}>"));
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| element(out, name, value)),
        Value::Array(entries) => {
            let entry_name = match name {
                "Tags" => "Tag",
                "SsoTagKeys" => "TagKey",
                _ => "member",
            };
            entries.iter().for_each(|entry| element(out, entry_name, entry));
        }
        Value::String(text) => out.push_str(&escaped(text)),
        Value::Null => {}
        other => out.push_str(&other.to_string()),
    }
    out.push_str(&format!("</{name}>"));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
