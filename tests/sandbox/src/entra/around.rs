//! Around every call of Graph: credential, bin, and the headers that every answer carries.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::audits::Act;
use super::error::{Problem, Refused};
use super::{Tenant, access, ids};

/// Judges the token, lets the handler answer, and writes ids, date and cost.
pub(super) async fn around(State(tenant): State<Arc<Tenant>>, mut request: Request, next: Next) -> Response {
    let now = tenant.now();
    let sent = request.headers().get("client-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let units = units(request.method(), request.uri());
    let response = match access::check(&tenant, request.headers()) {
        Ok(_) if left_out(request.uri().path()) => Problem::not_implemented().into_response(),
        Ok(who) => {
            tenant.data().sweep(now);
            let act = Act::of(&tenant.data(), request.method(), request.uri().path());
            request.extensions_mut().insert(who.clone());
            let response = next.run(request).await;
            if let Some(act) = act {
                act.record(&mut tenant.data(), &who, &response, now);
            }
            response
        }
        Err(problem) => problem.into_response(),
    };
    dressed(response, now, sent, units)
}

/// An answer without a call, with everything that answers carry.
pub(super) fn finished(problem: Problem, now: Timestamp) -> Response {
    dressed(problem.into_response(), now, None, 1)
}

fn dressed(mut response: Response, now: Timestamp, sent: Option<String>, units: i64) -> Response {
    let request_id = ids::guid();
    // Recorded: without one of the client's the answer repeats its own.
    let client_id = sent.unwrap_or_else(|| request_id.clone());
    if let Some(Refused(problem)) = response.extensions_mut().remove::<Refused>() {
        response = problem.answer(now, &request_id, &client_id);
    }
    let headers = response.headers_mut();
    write(headers, "request-id", &request_id);
    write(headers, "client-request-id", &client_id);
    write(headers, "x-ms-resource-unit", &units.to_string());
    write(headers, "date", &now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    let diagnostic = "{\"ServerInfo\":{\"DataCenter\":\"Sandbox\",\"Slice\":\"E\",\"Ring\":\"5\",\"ScaleUnit\":\"001\",\
                      \"RoleInstance\":\"SANDBOX00000001\"}}";
    write(headers, "x-ms-ags-diagnostic", diagnostic);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    response
}

fn write(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// What a call costs of the quota: lists of applications and grants 2, anything else 1 (recorded: with a filter as well;
/// `$select` makes it cheaper, so do small pages; never less than 1).
fn units(method: &Method, uri: &Uri) -> i64 {
    let list = matches!(uri.path(), "/v1.0/applications" | "/v1.0/oauth2PermissionGrants");
    if *method != Method::GET || !list {
        return 1;
    }
    let query: Vec<_> = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect();
    let select = query.iter().any(|(name, _)| name == "$select");
    let expand = query.iter().any(|(name, _)| name == "$expand");
    let small = query.iter().any(|(name, value)| name == "$top" && value.parse::<u32>().is_ok_and(|top| top < 20));
    (2 - i64::from(select) + i64::from(expand) - i64::from(small)).max(1)
}

/// `$count` of a whole set, which would otherwise be taken for the id of an object.
fn left_out(path: &str) -> bool {
    path.ends_with("/$count") && path.split('/').count() == 4
}

/// Parts of Graph that exist and are not stood in for answer 501; a path that Graph has not is its 400.
pub(super) async fn unknown(request: Request) -> Problem {
    const LEFT_OUT: [&str; 14] = [
        "$batch",
        "auditLogs",
        "directoryObjects",
        "directory",
        "directoryRoles",
        "roleManagement",
        "subscriptions",
        "me",
        "policies",
        "applications",
        "servicePrincipals",
        "oauth2PermissionGrants",
        "groups",
        "users",
    ];
    let path = request.uri().path();
    let mut segments = path.trim_matches('/').split('/');
    if segments.next() == Some("beta") {
        return Problem::not_implemented();
    }
    let segment = segments.next().unwrap_or_default();
    if LEFT_OUT.contains(&segment) {
        return Problem::not_implemented();
    }
    Problem::new(400, "BadRequest", format!("Resource not found for the segment '{segment}'."))
}
