//! The control API: what the systems hold, who called them, faults, latency, calendar, configuration, reset.

use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use hyper::body::Incoming;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::Sandbox;
use crate::world::{FaultSpec, Listener};

/// So much latency makes no sense any more.
const MAX_LATENCY_MS: u64 = 60_000;
/// The calendar's end: what the stand-ins add to the present time must still be a time.
const LAST: Timestamp = Timestamp::constant(16_725_225_600, 0);

/// Starts the control API of this sandbox.
pub(super) async fn listen(sandbox: &Arc<Sandbox>) -> anyhow::Result<Listener> {
    let router = Router::new()
        .route("/state", get(state))
        .route("/calls", get(calls))
        .route("/permissions", get(permissions))
        .route("/faults", post(add_faults).delete(clear_faults))
        .route("/latency", post(latency))
        .route("/clock", post(clock).get(now))
        .route("/config", put(config))
        .route("/reset", post(reset))
        .with_state(Control(Arc::downgrade(sandbox)));
    Listener::http(None, move |request: Request<Incoming>| {
        let router = router.clone();
        async move {
            match router.oneshot(request.map(Body::new)).await {
                Ok(answer) => Ok(answer),
                Err(never) => match never {},
            }
        }
    })
    .await
}

#[derive(Clone)]
struct Control(Weak<Sandbox>);

impl Control {
    fn sandbox(&self) -> Result<Arc<Sandbox>, Refusal> {
        self.0.upgrade().ok_or_else(|| Refusal(StatusCode::SERVICE_UNAVAILABLE, "the sandbox is ending".to_owned()))
    }
}

/// Why a call was refused.
struct Refusal(StatusCode, String);

impl Refusal {
    fn bad(reason: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, reason.into())
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

type Answer = Result<Json<Value>, Refusal>;

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::bad(format!("the body is not what is expected: {error}")))
}

async fn state(State(control): State<Control>) -> Answer {
    Ok(Json(Value::Object(control.sandbox()?.state().await?)))
}

#[derive(Deserialize)]
struct After {
    after: Option<String>,
}

async fn calls(State(control): State<Control>, Query(query): Query<After>) -> Answer {
    let after = match query.after.as_deref() {
        None | Some("") => 0,
        Some(after) => after.parse().map_err(|_| Refusal::bad(format!("after={after} is not the number of a call")))?,
    };
    Ok(Json(json!(control.sandbox()?.world.calls.after(after))))
}

async fn permissions(State(control): State<Control>) -> Answer {
    let iam = &control.sandbox()?.world.iam;
    Ok(Json(json!({"enforced": iam.enforced(), "used": iam.used(), "granted": iam.granted().as_deref()})))
}

async fn add_faults(State(control): State<Control>, body: Bytes) -> Answer {
    let specs: Vec<FaultSpec> = read(&body)?;
    control.sandbox()?.world.faults.add(specs).map_err(Refusal::bad)?;
    Ok(Json(json!({})))
}

async fn clear_faults(State(control): State<Control>) -> Answer {
    control.sandbox()?.world.faults.clear();
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Latency {
    ms: u64,
}

async fn latency(State(control): State<Control>, body: Bytes) -> Answer {
    let Latency { ms } = read(&body)?;
    if ms > MAX_LATENCY_MS {
        return Err(Refusal::bad(format!("ms: at most {MAX_LATENCY_MS}")));
    }
    control.sandbox()?.world.set_latency(Duration::from_millis(ms));
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance: String,
}

async fn clock(State(control): State<Control>, body: Bytes) -> Answer {
    let Advance { advance } = read(&body)?;
    let sandbox = control.sandbox()?;
    let by = duration(&advance, sandbox.world.clock.now()).map_err(Refusal::bad)?;
    sandbox.world.clock.advance(by);
    let fired = match sandbox.host() {
        Some(host) => host.clock_moved().await,
        None => Vec::new(),
    };
    Ok(Json(json!({"now": sandbox.world.clock.now(), "fired": fired})))
}

async fn now(State(control): State<Control>) -> Answer {
    Ok(Json(json!({"now": control.sandbox()?.world.clock.now()})))
}

/// The length of an ISO 8601 duration that starts now: a month is this calendar's.
fn duration(text: &str, now: Timestamp) -> Result<SignedDuration, String> {
    let span: Span = text.parse().map_err(|error| format!("advance: {text:?} is no ISO 8601 duration: {error}"))?;
    let then = now
        .to_zoned_datetime(TimeZone::UTC)
        .checked_add(span)
        .map_err(|error| format!("advance: {error}"))?
        .timestamp();
    if then < now {
        return Err("advance: the calendar only goes forward".to_owned());
    }
    if then > LAST {
        return Err(format!("advance: the calendar ends at {LAST}"));
    }
    Ok(then.duration_since(now))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewConfig {
    systems: Option<serde_json::Map<String, Value>>,
    policy: Option<serde_json::Map<String, Value>>,
}

/// What is not given stays as it is.
async fn config(State(control): State<Control>, body: Bytes) -> Answer {
    let new: NewConfig = read(&body)?;
    let sandbox = control.sandbox()?;
    let changed = sandbox.reconfigure(new.systems.map(Value::Object), new.policy.map(Value::Object)).await;
    changed.map_err(|error| Refusal::bad(format!("{error:#}")))?;
    Ok(Json(json!({"systems": sandbox.systems_config(), "policy": sandbox.policy()})))
}

async fn reset(State(control): State<Control>) -> Answer {
    control.sandbox()?.reset().await?;
    Ok(Json(json!({})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let now: Timestamp = "2026-01-31T00:00:00Z".parse().expect("a time");
        assert_eq!(duration("P30D", now), Ok(SignedDuration::from_hours(24 * 30)));
        assert_eq!(duration("PT90S", now), Ok(SignedDuration::from_secs(90)));
        assert_eq!(duration("P1M", now), Ok(SignedDuration::from_hours(24 * 28)));
        for wrong in ["30 days or so", "-P1D", "P9000Y", ""] {
            assert!(duration(wrong, now).is_err(), "{wrong}");
        }
    }
}
