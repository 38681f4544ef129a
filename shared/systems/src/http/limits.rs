//! What the vendors' headers say about limits and pages.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, HeaderName, LINK, RETRY_AFTER};
use url::Url;

/// Longest wait that a header can ask for: beyond it the header is taken for nonsense.
const LONGEST: Duration = Duration::from_secs(3600);

/// A header as text.
pub(crate) fn header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim)
}

/// A moment in the form of HTTP: `Mon, 02 Feb 2026 11:11:19 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// `Retry-After`: seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = header(headers, &RETRY_AFTER)?;
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let from = header(headers, &DATE).and_then(http_date).unwrap_or(now);
            between(from, http_date(text)?)
        }
    };
    Some(wait.min(LONGEST))
}

/// Okta's wait: reset less the answer's own `Date`, and one second (the server's clock, not ours: what Okta's own SDK
/// does). Without a `Date`, our clock must do.
pub(crate) fn until_reset(headers: &HeaderMap, reset: &HeaderName, now: Timestamp) -> Option<Duration> {
    let reset = header(headers, reset)?.parse().ok().and_then(|s| Timestamp::from_second(s).ok())?;
    let from = header(headers, &DATE).and_then(http_date).unwrap_or(now);
    Some((between(from, reset) + Duration::from_secs(1)).min(LONGEST))
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// The next page: the target of the `Link` with `rel="next"`. There may be several headers, or several links in one.
pub(crate) fn link_next(headers: &HeaderMap) -> Option<Url> {
    headers.get_all(LINK).iter().filter_map(|v| v.to_str().ok()).find_map(next_in)
}

fn next_in(mut rest: &str) -> Option<Url> {
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>')?;
        let target = &rest[start + 1..end];
        // Parameters run to the next link; a comma may stand in a URL, but not in the parameters that vendors send.
        let after = &rest[end + 1..];
        let stop = after.find('<').unwrap_or(after.len());
        let is_next = after[..stop].split([';', ',']).any(|p| {
            p.trim().split_once('=').is_some_and(|(k, v)| {
                k.trim().eq_ignore_ascii_case("rel") && v.trim().trim_matches('"').split(' ').any(|r| r == "next")
            })
        });
        if is_next {
            return Url::parse(target).ok();
        }
        rest = &after[stop..];
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RESET: HeaderName = HeaderName::from_static("x-rate-limit-reset");

    /// Headers, and the seconds to wait that they mean.
    type Case<'a> = (&'a [(&'static str, &'a str)], Option<u64>);

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (HeaderName::from_static(k), v.parse().expect("a header value"))).collect()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a timestamp")
    }

    #[test]
    fn retry_after_in_both_forms() {
        let now = at("2026-02-02T11:00:00Z");
        let cases: &[Case] = &[
            (&[("retry-after", "17")], Some(17)),
            (&[("retry-after", "0")], Some(0)),
            (&[("retry-after", "Mon, 02 Feb 2026 11:00:30 GMT")], Some(30)),
            (&[("retry-after", "Mon, 02 Feb 2026 11:00:30 GMT"), ("date", "Mon, 02 Feb 2026 11:00:25 GMT")], Some(5)),
            (&[("retry-after", "Mon, 02 Feb 2026 10:00:00 GMT")], Some(0)),
            (&[("retry-after", "999999999")], Some(3600)),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "-4")], None),
            (&[], None),
        ];
        for (pairs, wanted) in cases {
            assert_eq!(retry_after(&headers(pairs), now), wanted.map(Duration::from_secs), "{pairs:?}");
        }
    }

    #[test]
    fn the_reset_is_counted_from_the_servers_date() {
        let now = at("2026-02-02T12:00:00Z");
        let reset = at("2026-02-02T11:11:59Z").as_second().to_string();
        let cases: &[Case] = &[
            (&[("x-rate-limit-reset", &reset), ("date", "Mon, 02 Feb 2026 11:11:19 GMT")], Some(41)),
            (&[("x-rate-limit-reset", &reset), ("date", "Mon, 02 Feb 2026 11:12:19 GMT")], Some(1)),
            (&[("x-rate-limit-reset", &reset)], Some(1)),
            (&[("x-rate-limit-reset", "99999999999")], Some(3600)),
            (&[("x-rate-limit-reset", "x")], None),
            (&[], None),
        ];
        for (pairs, wanted) in cases {
            assert_eq!(until_reset(&headers(pairs), &RESET, now), wanted.map(Duration::from_secs), "{pairs:?}");
        }
    }

    #[test]
    fn the_next_page_is_found_in_one_header_or_several() {
        let next = "https://acme.okta.com/api/v1/apps?after=a,b&limit=200";
        let own = "<https://acme.okta.com/api/v1/apps?limit=200>; rel=\"self\"";
        let one = format!("{own}, <{next}>; rel=\"next\"");
        let other = format!("<{next}>; rel=\"next\"");
        assert_eq!(link_next(&headers(&[("link", &one)])), Url::parse(next).ok());
        let mut both = headers(&[("link", own)]);
        both.append(LINK, other.parse().expect("a header value"));
        assert_eq!(link_next(&both), Url::parse(next).ok());
        assert_eq!(link_next(&headers(&[("link", own)])), None);
        assert_eq!(link_next(&headers(&[("link", "<no url>; rel=next")])), None);
        assert_eq!(link_next(&headers(&[])), None);
    }

    proptest! {
        #[test]
        fn no_link_header_panics(text in "[ -~]{0,80}") {
            let _ = next_in(&text);
        }
    }
}
