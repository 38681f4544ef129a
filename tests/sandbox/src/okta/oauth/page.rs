//! The pages of `/authorize`: a sign-in form that works without JavaScript, and the error page.

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::Form;

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body><h1>{title}</h1>\n{body}\n</body></html>\n"
    );
    let mut response = (status, Html(text)).into_response();
    let policy = "default-src 'none'; frame-ancestors 'none'".parse();
    if let Ok(policy) = policy {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The form: every parameter of the request hidden, and a field `username`. Who signs in is believed: there are no
/// passwords in the sandbox.
pub(super) fn sign_in(path: &str, form: &Form, problem: Option<&str>) -> Response {
    let hidden: String = form
        .0
        .iter()
        .filter(|(name, _)| name != "username")
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escape(name), escape(value)))
        .collect();
    let note = problem.map(|text| format!("<p role=\"alert\">{}</p>\n", escape(text))).unwrap_or_default();
    let hint = escape(form.get("login_hint").unwrap_or_default());
    let body = format!(
        "{note}<form method=\"post\" action=\"{}\">\n{hidden}<label>Username <input name=\"username\" value=\"{hint}\" autocomplete=\"username\" required></label>\n<button type=\"submit\">Sign in</button>\n</form>",
        escape(path)
    );
    page(if problem.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK }, "Sign in", &body)
}

/// What a person sees where a redirect would be unsafe: an unknown client or redirect URI.
pub(super) fn error(code: &str, description: &str) -> Response {
    let body = format!(
        "<p>Your request resulted in an error. {}</p>\n<p>Error code: <code>{}</code></p>",
        escape(description),
        escape(code)
    );
    page(StatusCode::BAD_REQUEST, "400 Bad Request", &body)
}
