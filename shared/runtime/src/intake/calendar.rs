//! `GET /calendar.ics`: the dates of all open alerts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use extoauth_core::calendar::calendar;
use http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use http::{Request, StatusCode};

use super::answer::unavailable;
use super::{Answer, Door, Intake, Outbox, State};

impl<D: Door, S: State, O: Outbox> Intake<D, S, O> {
    /// Calendar programs know Basic only: here, and nowhere else, a bearer key may come as its password.
    pub(super) async fn calendar(&self, call: &Request<Vec<u8>>) -> Answer {
        let mut asked = Request::new(Vec::new());
        *asked.uri_mut() = call.uri().clone();
        *asked.headers_mut() = call.headers().clone();
        if let Some(value) = call.headers().get(AUTHORIZATION).and_then(bearer_of_basic) {
            asked.headers_mut().insert(AUTHORIZATION, value);
        }
        if let Err(refused) = self.reader(&asked).await {
            let asks = refused.status == StatusCode::UNAUTHORIZED;
            let basic = "Basic realm=\"extoauth\", charset=\"UTF-8\"";
            return if asks { refused.header(WWW_AUTHENTICATE, basic) } else { refused };
        }
        match self.state.alerts().await {
            Ok(alerts) => Answer::file("text/calendar; charset=utf-8", calendar(&self.deployment, &alerts)),
            Err(error) => {
                tracing::error!(%error, "the state store failed");
                unavailable("The dates could not be read. Ask again.")
            }
        }
    }
}

/// `Bearer <password>` of a Basic header; the user's name does not matter.
fn bearer_of_basic(value: &HeaderValue) -> Option<HeaderValue> {
    let (scheme, credentials) = value.to_str().ok()?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (_, password) = decoded.split_once(':')?;
    let mut bearer = HeaderValue::from_str(&format!("Bearer {password}")).ok()?;
    bearer.set_sensitive(true);
    Some(bearer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_the_key() {
        let of = |text: &str| bearer_of_basic(&HeaderValue::from_str(text).expect("a header"));
        let basic = |pair: &str| of(&format!("Basic {}", STANDARD.encode(pair)));
        assert_eq!(basic("calendar:abc").expect("a key"), "Bearer abc");
        assert_eq!(basic(":a:b").expect("a key"), "Bearer a:b");
        for other in [basic("abc"), of("Bearer abc"), of("Basic !"), basic("u:a\r\nb")] {
            assert_eq!(other, None);
        }
    }
}
