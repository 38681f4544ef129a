//! Rate limits: a bucket per group of endpoints, half of it for one principal, windows of 60 s that start with the first
//! call and not with the minute.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use axum::http::{HeaderValue, Method};
use axum::response::Response;
use jiff::Timestamp;

use super::options::RateLimits;

const WINDOW: Duration = Duration::from_secs(60);

/// Counters by bucket and principal.
#[derive(Default)]
pub(super) struct Limits {
    windows: HashMap<(&'static str, String), (Instant, i64)>,
}

/// What the `X-Rate-Limit-*` headers say.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    pub limit: i64,
    pub remaining: i64,
    /// UTC epoch seconds.
    pub reset: i64,
    pub exceeded: bool,
}

/// The bucket of an endpoint; none for the public documents, which have no limit.
fn bucket(method: &Method, path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        [.., "keys"] if parts[0] == "oauth2" => None,
        [first, ..] if first.starts_with(".well-known") => None,
        _ if path.contains("/.well-known/") => None,
        ["api", "v1", "apps", _] if matches!(*method, Method::GET | Method::PUT | Method::DELETE) => {
            Some("/api/v1/apps/{id}")
        }
        ["api", "v1", "apps", ..] => Some("/api/v1/apps"),
        ["api", "v1", "groups"] => Some("/api/v1/groups"),
        ["api", "v1", "groups", _] => Some("/api/v1/groups/{id}"),
        ["api", "v1", "logs"] => Some("/api/v1/logs"),
        ["oauth2", "v1", "clients", ..] => Some("/oauth2/v1/clients"),
        ["oauth2", "v1", "token"] => Some("/oauth2/v1/token"),
        ["oauth2", _, "v1", "token"] => Some("/oauth2/{id}/v1/token"),
        ["oauth2", ..] => Some("/oauth2/v1"),
        _ => Some("/api/v1"),
    }
}

fn per_minute(limits: RateLimits, bucket: &str) -> i64 {
    let (workforce, free) = match bucket {
        "/api/v1/apps" => (100, 20),
        "/api/v1/apps/{id}" => (500, 100),
        "/api/v1/groups" => (500, 100),
        "/api/v1/groups/{id}" => (1000, 100),
        "/api/v1/logs" => (120, 20),
        "/oauth2/v1/clients" => (100, 25),
        "/api/v1" => (1200, 100),
        _ => (2000, 300),
    };
    match limits {
        RateLimits::Workforce => workforce,
        RateLimits::Free => free,
        RateLimits::Generous => 1_000_000,
    }
}

impl Limits {
    /// Counts a call and says where its bucket stands.
    pub fn count(&mut self, limits: RateLimits, method: &Method, path: &str, principal: &str) -> Option<Standing> {
        let bucket = bucket(method, path)?;
        let limit = per_minute(limits, bucket);
        let now = Instant::now();
        let whole = self.take(bucket, "", now);
        let own = self.take(bucket, principal, now);
        // Each API token or OAuth app gets at most half of a bucket by default.
        let (used, limit, start) =
            if own.1 > limit / 2 { (own.1, limit / 2, own.0) } else { (whole.1, limit, whole.0) };
        let left = WINDOW.saturating_sub(now - start);
        let reset = Timestamp::now().as_second() + i64::try_from(left.as_secs()).unwrap_or(60) + 1;
        Some(Standing { limit, remaining: (limit - used).max(0), reset, exceeded: used > limit })
    }

    fn take(&mut self, bucket: &'static str, principal: &str, now: Instant) -> (Instant, i64) {
        let window = self.windows.entry((bucket, principal.to_owned())).or_insert((now, 0));
        if now - window.0 >= WINDOW {
            *window = (now, 0);
        }
        window.1 += 1;
        *window
    }
}

impl Standing {
    /// An exhausted bucket that opens again in a moment (fault `throttle`).
    pub fn exhausted() -> Self {
        Self { limit: 100, remaining: 0, reset: Timestamp::now().as_second() + 1, exceeded: true }
    }

    /// Puts the headers on an answer. There is no `Retry-After`: callers wait until `Reset`, by the server's `Date`.
    pub fn write(self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert("x-rate-limit-limit", HeaderValue::from(self.limit));
        headers.insert("x-rate-limit-remaining", HeaderValue::from(self.remaining));
        headers.insert("x-rate-limit-reset", HeaderValue::from(self.reset));
    }
}
