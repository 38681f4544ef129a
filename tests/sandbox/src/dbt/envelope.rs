//! The envelope of every answer, and the errors in it.

use std::collections::HashMap;

use axum::Json;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::store::{Row, Rows};

/// What a handler gives back.
pub(super) type Answer = Result<Response, Problem>;

/// dbt has two generations of endpoints whose envelopes differ a little (dbt's API description): the older one answers
/// `{data, status, extra}`, the newer one (connections, private endpoints, extended attributes, service tokens) adds
/// `error_code`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `{status, data, extra}`.
    Classic,
    /// `{status, data, extra, error_code}`.
    Newer,
}

/// An error answer.
#[derive(Debug)]
pub(super) struct Problem {
    status: u16,
    user_message: &'static str,
    developer_message: Value,
    data: Value,
    newer: bool,
}

const INVALID: &str = "The request was invalid. Please double check the provided data and try again.";
const NOT_FOUND: &str = "The requested resource was not found. Please check that you have the proper permissions.";
const SERVER_ERROR: &str = "There was a server error. Please contact support!";

impl Problem {
    fn new(status: u16, user_message: &'static str) -> Self {
        Self { status, user_message, developer_message: json!(""), data: Value::Null, newer: false }
    }

    /// 401: no token, a wrong prefix, an unknown or revoked token.
    pub(super) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized: Invalid or expired token.")
    }

    /// 403 by the account's IP restrictions (dbt docs, FAQ "ip-restrictions").
    pub(super) fn ip_restricted(account_id: u64, user_id: u64, is_service_token: bool) -> Self {
        Self {
            developer_message: Value::Null,
            data: json!({"account_id": account_id, "user_id": user_id, "is_service_token": is_service_token,
                "account_access_denied": true}),
            ..Self::new(403, "Forbidden: Access denied")
        }
    }

    /// 403: the token is good but its permission sets do not cover this. The words after "permission" are UNCONFIRMED.
    pub(super) fn forbidden() -> Self {
        Self::new(403, "Forbidden: You do not have permission to perform this action.")
    }

    /// 404: missing, deleted, or out of the token's sight.
    pub(super) fn not_found() -> Self {
        Self::new(404, NOT_FOUND)
    }

    /// 405.
    pub(super) fn method_not_allowed() -> Self {
        Self::new(405, "Method not allowed.")
    }

    /// 415.
    pub(super) fn unsupported_media_type() -> Self {
        Self::new(415, "Unsupported media type in request.")
    }

    /// 429 (words UNCONFIRMED). No `Retry-After`: dbt promises it for SCIM only.
    pub(super) fn too_many_requests() -> Self {
        Self::new(429, "Too many requests. Please try again later.")
    }

    /// 400 with one field at fault.
    pub(super) fn field(name: &str, message: impl Into<String>) -> Self {
        let mut data = Map::new();
        data.insert(name.to_owned(), Value::String(message.into()));
        Self::fields(data)
    }

    /// 400 with a message for each field at fault.
    pub(super) fn fields(data: Map<String, Value>) -> Self {
        Self { data: Value::Object(data), ..Self::new(400, INVALID) }
    }

    /// 500: dbt's answer to integrity mistakes in a payload as well.
    pub(super) fn server_error() -> Self {
        Self { newer: true, ..Self::new(500, SERVER_ERROR) }
    }

    /// Any status without a particular reason.
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            400 => Self::new(400, INVALID),
            401 => Self::unauthorized(),
            403 => Self::forbidden(),
            404 => Self::not_found(),
            405 => Self::method_not_allowed(),
            429 => Self::too_many_requests(),
            500 => Self::server_error(),
            other => Self::new(other, SERVER_ERROR),
        }
    }

    /// The same error as an endpoint of this generation words it.
    pub(super) fn styled(self, style: Style) -> Self {
        Self { newer: self.newer || style == Style::Newer, ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "status": {"code": self.status, "is_success": false, "user_message": self.user_message,
                "developer_message": self.developer_message},
            "data": self.data,
        });
        if self.newer {
            body["extra"] = json!({});
            body["error_code"] = Value::Null;
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(body)).into_response()
    }
}

/// A path that no route knows, for instance one without its trailing slash: the answer comes from in front of the API and
/// is not JSON. (That dbt answers 404 rather than a redirect is UNCONFIRMED.)
pub(super) fn no_route() -> Response {
    (StatusCode::NOT_FOUND, Html("<!doctype html>\n<html lang=\"en\">\n<head>\n  <title>Not Found</title>\n</head>\n<body>\n  <h1>Not Found</h1><p>The requested resource was not found on this server.</p>\n</body>\n</html>\n"))
        .into_response()
}

/// A success with one object.
pub(super) fn success(style: Style, status: StatusCode, data: Value) -> Response {
    let mut body = json!({
        "status": {"code": status.as_u16(), "is_success": true, "user_message": "Success!", "developer_message": ""},
        "data": data,
        "extra": {},
    });
    if style == Style::Newer {
        body["error_code"] = Value::Null;
    }
    (status, Json(body)).into_response()
}

/// 200 with one object.
pub(super) fn ok(style: Style, data: Value) -> Response {
    success(style, StatusCode::OK, data)
}

/// 204.
pub(super) fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// Query parameters.
pub(super) type Params = HashMap<String, String>;

/// The largest page dbt gives; a larger `limit` is cut to it.
pub(super) const PAGE: usize = 100;

fn number(params: &Params, name: &str, default: usize) -> Result<usize, Problem> {
    match params.get(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| Problem::field(name, "A valid integer is required.")),
    }
}

/// One page of a list, with `extra.pagination`.
pub(super) fn page(style: Style, params: &Params, mut rows: Vec<Value>) -> Answer {
    let order_by = params.get("order_by").map_or("id", String::as_str);
    let (descending, field) = order_by.strip_prefix('-').map_or((false, order_by), |field| (true, field));
    rows.sort_by(|a, b| compare(&a[field], &b[field]));
    if descending {
        rows.reverse();
    }
    let limit = number(params, "limit", PAGE).map_err(|problem| problem.styled(style))?.min(PAGE);
    let offset = number(params, "offset", 0).map_err(|problem| problem.styled(style))?;
    let total = rows.len();
    let data: Vec<Value> = rows.into_iter().skip(offset).take(limit).collect();
    let mut filters = Map::new();
    for (name, value) in params {
        if name != "order_by" {
            filters.insert(name.clone(), json!(value));
        }
    }
    filters.insert("limit".into(), json!(limit));
    filters.insert("offset".into(), json!(offset));
    let mut body = json!({
        "status": {"code": 200, "is_success": true, "user_message": "Success!", "developer_message": ""},
        "extra": {"filters": filters, "order_by": order_by,
            "pagination": {"count": data.len(), "total_count": total}},
        "data": data,
    });
    if style == Style::Newer {
        body["error_code"] = Value::Null;
    }
    Ok(Json(body).into_response())
}

fn compare(a: &Value, b: &Value) -> std::cmp::Ordering {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.as_str().unwrap_or_default().cmp(b.as_str().unwrap_or_default()),
    }
}

/// The rows that a list shows: `state` = `active` (default), `deleted`, `all`, 1 or 2; nothing that replication hides.
pub(super) fn listed<'a>(
    rows: &'a Rows,
    params: &Params,
) -> Result<impl Iterator<Item = (u64, &'a Row)> + use<'a>, Problem> {
    let want = match params.get("state").map(String::as_str) {
        None | Some("active" | "1") => Some(false),
        Some("deleted" | "2") => Some(true),
        Some("all") => None,
        Some(_) => return Err(Problem::field("state", "Must be one of: active, deleted, all, 1, 2.")),
    };
    Ok(rows
        .iter()
        .filter(move |(_, row)| row.visible() && want.is_none_or(|deleted| row.deleted == deleted))
        .map(|(id, row)| (*id, row)))
}
