//! Client secrets: `addPassword` and `removePassword` of applications.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::routing::post;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::context::{Cx, Input, no_content, raw};
use super::data::Password;
use super::error::{Answer, Problem};
use super::{Tenant, ids, management_policies, names, show};

pub(super) fn routes() -> Router<Arc<Tenant>> {
    Router::new()
        .route("/v1.0/applications/{id}/addPassword", post(add))
        .route("/v1.0/applications/{id}/removePassword", post(remove))
}

/// Applications whose users may have personal accounts hold so many secrets.
const PERSONAL_LIMIT: usize = 2;

async fn add(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx, Input(body): Input) -> Answer {
    let now = tenant.now();
    let mut data = tenant.data();
    let app = data.application(&segment)?;
    cx.who.writes(app)?;
    let wanted = body.get("passwordCredential").cloned().unwrap_or(json!({}));
    let start = time(&wanted, "startDateTime")?.unwrap_or(now);
    let end = match time(&wanted, "endDateTime")? {
        Some(end) => end,
        // The default of the API; there is no upper limit (recorded: an end in 2100).
        None => years_after(start, 2)?,
    };
    if end <= start {
        let text = "Key credential end date is invalid.";
        return Err(Problem::new(400, "KeyCredentialsInvalidEndDate", text).detail("InvalidKeyEndDate", "EndDate"));
    }
    // Reported of keys whose start lies in the past; by how much it may is not published.
    if start < now - jiff::SignedDuration::from_hours(24) {
        let text = "Key credential start date is invalid.";
        return Err(
            Problem::new(400, "KeyCredentialsInvalidStartDate", text).detail("InvalidKeyStartDate", "StartDate")
        );
    }
    management_policies::allows_password(&data, app, start, end)?;
    let personal = app.shown["signInAudience"].as_str().is_some_and(|audience| audience.contains("Personal"));
    if personal && app.passwords.len() >= PERSONAL_LIMIT {
        return Err(Problem::bad("The limit of password credentials for this application has been reached."));
    }
    let password = Password {
        key_id: ids::guid(),
        display_name: wanted["displayName"].as_str().map(str::to_owned),
        custom_key_identifier: wanted["customKeyIdentifier"].clone(),
        start,
        end,
        secret: ids::secret(),
    };
    let id = app.id.clone();
    let shown = show::password(&password, json!(password.secret));
    cx.hide(&mut data, &password.key_id);
    if let Some(app) = data.applications.get_mut(&id) {
        app.passwords.push(password);
    }
    let mut response = raw("microsoft.graph.passwordCredential", shown)?;
    // Recorded.
    let location = HeaderValue::from_str(&format!("https://{}", names::GRAPH_HOST));
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

fn time(wanted: &Value, name: &str) -> Result<Option<Timestamp>, Problem> {
    match &wanted[name] {
        Value::Null => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(|_| Problem::invalid(name)),
        _ => Err(Problem::invalid(name)),
    }
}

fn years_after(start: Timestamp, years: i64) -> Result<Timestamp, Problem> {
    let then = start.to_zoned_datetime(TimeZone::UTC).checked_add(years.years());
    then.map(|then| then.timestamp()).map_err(|_| Problem::invalid("endDateTime"))
}

async fn remove(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx, Input(body): Input) -> Answer {
    let mut data = tenant.data();
    let key = body.get("keyId").and_then(Value::as_str).ok_or_else(|| Problem::invalid("keyId"))?.to_owned();
    let visible = data.replicated(&key);
    let app = data.application_to_change(&cx.who, &segment)?;
    let at = app.passwords.iter().position(|known| known.key_id.eq_ignore_ascii_case(&key)).filter(|_| visible);
    // The text is reported by clients; its code is UNCONFIRMED.
    let at = at.ok_or_else(|| Problem::bad(format!("No password credential found with keyId '{key}'.")))?;
    app.passwords.remove(at);
    no_content()
}
