//! The pages of `/authorize`: they work without JavaScript, and for scripts that fill in forms.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::Form;
use super::error::Refusal;

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn page(status: StatusCode, title: &str, body: &str, policy: &'static str) -> Response {
    let text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body><h1>{title}</h1>\n{body}\n</body></html>\n"
    );
    let mut response = (status, Html(text)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache"));
    response
}

const CLOSED: &str = "default-src 'none'; frame-ancestors 'none'";

fn hidden<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let input = |(name, value): (&str, &str)| {
        format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escape(name), escape(value))
    };
    fields.into_iter().map(input).collect()
}

/// The request's own parameters, as hidden fields.
fn parameters(form: &Form, without: &[&str]) -> String {
    let kept = form.0.iter().filter(|(name, _)| !without.contains(&name.as_str()));
    hidden(kept.map(|(name, value)| (name.as_str(), value.as_str())))
}

/// The sign-in form with a field `login`. Who signs in is believed: there are no passwords in the sandbox.
pub(super) fn sign_in(path: &str, form: &Form, problem: Option<&Refusal>) -> Response {
    let note = problem.map(|refusal| format!("<p role=\"alert\">{}</p>\n", escape(&refusal.headline())));
    let hint = escape(form.get("login_hint").unwrap_or_default());
    let body = format!(
        "{}<form method=\"post\" action=\"{}\">\n{}<label>Account <input name=\"login\" value=\"{hint}\" autocomplete=\"username\" required></label>\n<button type=\"submit\">Sign in</button>\n</form>",
        note.unwrap_or_default(),
        escape(path),
        parameters(form, &["login", "consent"]),
    );
    let status = if problem.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    page(status, "Sign in", &body, CLOSED)
}

/// Asks the person who signed in for consent: a form whose button is the field `consent`.
pub(super) fn consent(path: &str, form: &Form, app: &str, refusal: &Refusal, scopes: &[&str]) -> Response {
    let list: String = scopes.iter().map(|scope| format!("<li>{}</li>\n", escape(scope))).collect();
    let body = format!(
        "<p>{} wants to:</p>\n<ul>\n{list}</ul>\n<p>{}</p>\n<form method=\"post\" action=\"{}\">\n{}<input type=\"submit\" name=\"consent\" value=\"accept\">\n</form>",
        escape(app),
        escape(&refusal.headline()),
        escape(path),
        parameters(form, &["consent"]),
    );
    page(StatusCode::OK, "Permissions requested", &body, CLOSED)
}

/// What a person sees where there is no way back to the client, or nothing that the client could do.
pub(super) fn refusal(refusal: &Refusal) -> Response {
    let body =
        format!("<p>Sorry, but we’re having trouble signing you in.</p>\n<p>{}</p>", escape(&refusal.description()));
    page(refusal.status(), "Sign in", &body, CLOSED)
}

/// Sends the person back with a form (`response_mode=form_post`).
pub(super) fn form_post(redirect: &str, fields: &[(&str, String)]) -> Response {
    let body = format!(
        "<form method=\"post\" action=\"{}\">\n{}<button type=\"submit\">Continue</button>\n</form>\n<script>document.forms[0].submit()</script>",
        escape(redirect),
        hidden(fields.iter().map(|(name, value)| (*name, value.as_str()))),
    );
    page(StatusCode::OK, "Working...", &body, "default-src 'none'; script-src 'unsafe-inline'; frame-ancestors 'none'")
}
