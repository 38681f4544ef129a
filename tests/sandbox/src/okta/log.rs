//! The System Log: every change is an entry with its actor and targets; `GET /api/v1/logs` reads it.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Router, http::header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::context::{Cx, Pages, Principal};
use super::data::Data;
use super::error::{Answer, Problem};
use super::filter::Filter;
use super::{Org, ids};

pub(super) fn routes() -> Router<Arc<Org>> {
    Router::new().route("/api/v1/logs", get(list))
}

/// A target of an entry.
pub(super) fn target(kind: &str, id: &str, name: &str) -> Value {
    json!({"id": id, "type": kind, "alternateId": name, "displayName": name, "detailEntry": null})
}

/// Adds an entry for something the caller did.
pub(super) fn add(org: &Org, data: &mut Data, cx: &Cx, event: &str, targets: Vec<Value>) {
    let actor = match &cx.who {
        Some(Principal::Token(id)) => {
            let user = data.api_tokens.get(id).and_then(|token| data.users.get(&token.user));
            user.map(|user| {
                json!({"id": user.id, "type": "User", "alternateId": user.login(),
                "displayName": user.full_name(), "detailEntry": null})
            })
        }
        Some(Principal::App(id)) => data.apps.get(id).map(|app| {
            json!({"id": app.client_id(), "type": "PublicClientApp", "alternateId": app.client_id(),
                "displayName": app.label(), "detailEntry": null})
        }),
        None => None,
    };
    let actor = actor.unwrap_or_else(|| {
        json!({"id": "unknown", "type": "User", "alternateId": "unknown",
        "displayName": "unknown", "detailEntry": null})
    });
    let agent = cx.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    entry(org, data, &cx.path, agent, event, actor, targets, Ok(()));
}

/// Adds an entry with its actor and outcome spelled out.
#[expect(clippy::too_many_arguments, reason = "one argument a part of the entry")]
pub(super) fn entry(
    org: &Org,
    data: &mut Data,
    path: &str,
    agent: &str,
    event: &str,
    actor: Value,
    targets: Vec<Value>,
    outcome: Result<(), &str>,
) {
    let published = ids::log_time(org.now());
    let (result, reason) = match outcome {
        Ok(()) => ("SUCCESS", Value::Null),
        Err(reason) => ("FAILURE", json!(reason)),
    };
    let words = event.replace(['.', '_'], " ");
    data.log.push(json!({
        "uuid": uuid::Uuid::new_v4(),
        "published": published,
        "eventType": event,
        "version": "0",
        "severity": if outcome.is_ok() { "INFO" } else { "WARN" },
        "legacyEventType": null,
        "displayMessage": words,
        "actor": actor,
        "client": {"userAgent": {"rawUserAgent": agent, "os": "Unknown", "browser": "UNKNOWN"}, "zone": "null",
            "device": "Unknown", "id": null, "ipAddress": "127.0.0.1", "geographicalContext": null},
        "device": null,
        "authenticationContext": {"authenticationProvider": null, "credentialProvider": null, "credentialType": null,
            "issuer": null, "interface": null, "authenticationStep": 0, "externalSessionId": "unknown"},
        "outcome": {"result": result, "reason": reason},
        "securityContext": {"asNumber": null, "asOrg": null, "isp": null, "domain": null, "isProxy": null},
        "debugContext": {"debugData": {"requestUri": path, "url": path}},
        "transaction": {"type": "WEB", "id": ids::alphanumeric(27), "detail": {}},
        "request": {"ipChain": [{"ip": "127.0.0.1", "geographicalContext": null, "version": "V4", "source": null}]},
        "target": if targets.is_empty() { Value::Null } else { Value::Array(targets) },
    }));
}

/// `GET /api/v1/logs`: between `since` (default seven days ago) and `until`, by `filter` or `q`, in pages. Without
/// `until` there always is a next page: callers poll it.
async fn list(State(org): State<Arc<Org>>, cx: Cx) -> Answer {
    let time = |name: &str| -> Result<Option<Timestamp>, Problem> {
        let parse = |text: &str| text.parse().map_err(|_| Problem::invalid(name, ["The time is not valid ISO 8601."]));
        cx.arg(name).map(parse).transpose()
    };
    let week_ago = org.now() - SignedDuration::from_hours(7 * 24);
    let since = ids::log_time(time("since")?.unwrap_or(week_ago));
    let until = time("until")?.map(ids::log_time);
    let filter = cx.arg("filter").map(Filter::parse).transpose().map_err(|text| Problem::invalid("filter", [text]))?;
    let words = cx.arg("q").map(str::to_lowercase);
    let descending = cx.arg("sortOrder") == Some("DESCENDING");
    let data = org.data();
    let fits = |entry: &&Value| {
        let published = entry["published"].as_str().unwrap_or_default();
        published >= since.as_str()
            && until.as_deref().is_none_or(|until| published < until)
            && filter.as_ref().is_none_or(|filter| filter.fits(entry))
            && words.as_ref().is_none_or(|words| entry.to_string().to_lowercase().contains(words))
    };
    let mut found: Vec<(String, &Value)> = data
        .log
        .iter()
        .enumerate()
        .filter(|(_, entry)| fits(entry))
        .map(|(n, entry)| (format!("{n:012}"), entry))
        .collect();
    if descending {
        let count = data.log.len();
        found.reverse();
        for (key, _) in &mut found {
            *key = format!("{:012}", count - key.parse::<usize>().unwrap_or(0));
        }
    }
    let pages = Pages { default: 100, max: 1000, always_next: until.is_none() && !descending };
    pages.answer(&org, &cx, found.iter().map(|(key, entry)| (key.as_str(), *entry)), Value::clone)
}
