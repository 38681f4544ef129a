//! The two URLs in dbt's OAuth configuration, judged alike.

use extoauth_core::finding::Finding;
use url::Url;

use super::Rule;
use super::common::{listed, needed, same_place, slip};
use crate::observe::{Observed, Seen};

/// Judges a URL against those at which the client's sign-in works. `why` names a known cause of its own.
pub(super) fn judged(
    observed: &Observed,
    rule: &Rule<'_>,
    is: impl Fn(&extoauth_systems::dbt::OauthConfiguration) -> &str,
    working: &Seen<Vec<String>>,
    effect: &str,
    why: impl Fn(&str) -> Option<&'static str>,
) -> Finding {
    let configuration = match needed(&observed.dbt.configuration, "dbt's OAuth configuration", "dbt_configuration") {
        Ok(configuration) => configuration,
        Err(why) => return rule.unknown(&why),
    };
    let working = match needed(working, "what these URLs belong to", "server_app") {
        Ok(working) => working,
        Err(why) => return rule.unknown(&why),
    };
    let is = is(configuration);
    if working.iter().any(|url| same_place(url, is)) {
        return rule.ok(format!("`{is}`"));
    }
    let place = "dbt: Account settings > Integrations > Custom";
    let Some(first) = working.first() else {
        return rule.critical(format!("`{is}`; the identity provider has none that works"), effect, "see `server_app`");
    };
    let cause = why(is).or_else(|| slip(is, first)).or_else(|| place_of(is, first));
    let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
    if without_query(is).is_some_and(|is| working.iter().any(|url| same_place(url, &is))) {
        let effect = "whether the identity provider minds what was added to it is not known";
        return rule.warning(
            format!("`{is}`: something was added to it"),
            effect,
            format!("set it to `{first}`: {place}"),
        );
    }
    rule.critical(format!("`{is}`{cause}"), effect, format!("set it to {}: {place}", listed(working.iter().take(1))))
}

fn without_query(url: &str) -> Option<String> {
    let mut url = Url::parse(url).ok()?;
    url.query()?;
    url.set_query(None);
    Some(url.into())
}

fn place_of(is: &str, wanted: &str) -> Option<&'static str> {
    let (Ok(is), Ok(wanted)) = (Url::parse(is), Url::parse(wanted)) else { return Some("it is no URL") };
    let segments = |url: &Url| url.path().split('/').map(str::to_owned).collect::<Vec<_>>();
    let (a, b) = (segments(&is), segments(&wanted));
    let server = |path: &[String]| path.get(1).is_some_and(|first| first == "oauth2");
    if is.host_str() != wanted.host_str() {
        Some("another host")
    } else if server(&b) && a.get(2).is_some_and(|second| second == "v1") {
        Some("it is the org's own authorization server, not the custom one")
    } else if server(&b) && a.get(2) != b.get(2) {
        Some("it is another authorization server of the same org")
    } else if b.get(2).is_some_and(|second| second == "oauth2") && a.get(1) != b.get(1) {
        Some("it is another tenant's")
    } else {
        Some("another path")
    }
}
