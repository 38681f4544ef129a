//! What several checks have in common.

use std::fmt::Display;

use extoauth_core::finding::Finding;
use url::Url;

use super::Rule;
use crate::observe::{Seen, Unread};

/// A value that a check needs, or why it is not there: what was not read, or what is gone and judged by another check.
pub(super) fn needed<'s, T>(seen: &'s Seen<T>, what: &str, judged_by: &str) -> Result<&'s T, Unread> {
    match seen {
        Seen::There(value) => Ok(value),
        Seen::Unread(why) => Err(why.clone()),
        Seen::Gone => Err(follows(what, judged_by)),
    }
}

/// Something cannot be judged while something else is not there, which another check says.
pub(super) fn follows(what: &str, judged_by: &str) -> Unread {
    Unread::because(
        format!("{what} is not there, so there is nothing to compare"),
        format!("first mend what `{judged_by}` says"),
    )
}

/// From here on people are told that something fills up.
pub(super) const NEAR: usize = 8;

/// How full something is. `effects`: of nearly full, and of full.
pub(super) fn filled(
    rule: &Rule<'_>,
    (holds, most): (usize, usize),
    found: String,
    effects: [&str; 2],
    fix: &str,
) -> Finding {
    let [soon, full] = effects;
    match holds {
        _ if holds < NEAR => rule.ok(found),
        _ if holds < most => rule.info(found, soon, fix),
        _ => rule.warning(found, full, fix),
    }
}

/// A list in words.
pub(super) fn listed<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| format!("`{item}`")).collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

/// The first ten of many, and how many more there are.
pub(super) fn first_ten(items: &[String]) -> String {
    const SHOWN: usize = 10;
    let shown = items.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Whether two URLs lead to the same place although they are not written alike: the case of the host, a port that is the
/// usual one.
pub(super) fn same_place(a: &str, b: &str) -> bool {
    match (Url::parse(a), Url::parse(b)) {
        (Ok(mut a), Ok(mut b)) => {
            a.set_fragment(None);
            b.set_fragment(None);
            a == b
        }
        _ => a == b,
    }
}

/// In what a text differs from the one that must be there, byte for byte, where that is a usual mistake.
pub(super) fn slip(is: &str, wanted: &str) -> Option<&'static str> {
    let well_known = |text: &str| text.find("/.well-known").map(|at| text[..at].trim_end_matches('/').to_owned());
    if is.trim() == wanted {
        Some("a space at its beginning or end")
    } else if is.strip_suffix('/') == Some(wanted) {
        Some("a slash too much at its end")
    } else if wanted.strip_suffix('/') == Some(is) {
        Some("the slash at its end is missing")
    } else if well_known(is).is_some_and(|base| base == wanted.trim_end_matches('/')) {
        Some("`.well-known/…` was pasted with it")
    } else if is.strip_prefix("http://").is_some_and(|rest| Some(rest) == wanted.strip_prefix("https://")) {
        Some("`http` instead of `https`")
    } else if is.eq_ignore_ascii_case(wanted) {
        Some("upper and lower case differ")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_named() {
        let issuer = "https://acme.okta.com/oauth2/aus1";
        let table = [
            ("https://acme.okta.com/oauth2/aus1/", issuer, Some("a slash too much at its end")),
            (issuer, "https://acme.okta.com/oauth2/aus1/", Some("the slash at its end is missing")),
            ("http://acme.okta.com/oauth2/aus1", issuer, Some("`http` instead of `https`")),
            ("https://Acme.okta.com/oauth2/aus1", issuer, Some("upper and lower case differ")),
            (" https://acme.okta.com/oauth2/aus1", issuer, Some("a space at its beginning or end")),
            (
                "https://acme.okta.com/oauth2/aus1/.well-known/openid-configuration",
                issuer,
                Some("`.well-known/…` was pasted with it"),
            ),
            ("https://other.okta.com/oauth2/aus1", issuer, None),
        ];
        for (is, wanted, cause) in table {
            assert_eq!(slip(is, wanted), cause, "{is}");
        }
    }

    #[test]
    fn places() {
        assert!(same_place("https://A.example.com:443/x", "https://a.example.com/x"));
        assert!(!same_place("https://a.example.com/x/", "https://a.example.com/x"));
        assert!(same_place("", ""));
        assert!(!same_place("", "https://a.example.com"));
    }

    #[test]
    fn many_names() {
        let names: Vec<String> = (1..=12).map(|n| n.to_string()).collect();
        assert_eq!(first_ten(&names), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more");
        assert_eq!(first_ten(&names[..2]), "1, 2");
        assert_eq!(listed(Vec::<String>::new()), "none");
    }
}
