//! The list of trusted token issuers that an application accepts: Redshift shows it as a field of its application,
//! Identity Center as the application's jwt-bearer grant. It is one document, replaced whole, shared by everybody.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Issuers that one grant can name (Identity Center API reference, `AuthorizedTokenIssuers`).
pub const MAX_ISSUERS: usize = 10;
/// Audiences that one issuer can have in a grant (Identity Center API reference, `AuthorizedAudiences`).
pub const MAX_AUDIENCES: usize = 10;
/// Characters of an audience (Identity Center API reference, `TokenIssuerAudience`).
pub const MAX_AUDIENCE_CHARS: usize = 512;

/// One entry of the list: an issuer, and the audiences accepted from it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AuthorizedIssuer {
    /// ARN of the trusted token issuer.
    pub issuer_arn: String,
    /// Accepted audiences; their order means nothing.
    pub audiences: BTreeSet<String>,
}

/// Whether two lists mean the same: their order means nothing.
pub fn same(a: &[AuthorizedIssuer], b: &[AuthorizedIssuer]) -> bool {
    a.iter().collect::<BTreeSet<_>>() == b.iter().collect::<BTreeSet<_>>()
}

/// The list with this audience accepted from this issuer, everything else as it was.
///
/// # Errors
/// A text for people, where the list would exceed what Identity Center takes.
pub fn with(list: &[AuthorizedIssuer], issuer_arn: &str, audience: &str) -> Result<Vec<AuthorizedIssuer>, String> {
    if audience.is_empty() || audience.chars().count() > MAX_AUDIENCE_CHARS {
        return Err(format!("an audience has 1 to {MAX_AUDIENCE_CHARS} characters"));
    }
    let mut list = list.to_vec();
    match list.iter_mut().find(|entry| entry.issuer_arn == issuer_arn) {
        Some(entry) => {
            entry.audiences.insert(audience.to_owned());
            if entry.audiences.len() > MAX_AUDIENCES {
                return Err(format!(
                    "the issuer would have more than {MAX_AUDIENCES} audiences, which AWS does not take"
                ));
            }
        }
        None => {
            list.push(AuthorizedIssuer {
                issuer_arn: issuer_arn.to_owned(),
                audiences: BTreeSet::from([audience.to_owned()]),
            });
            if list.len() > MAX_ISSUERS {
                return Err(format!(
                    "the application would accept more than {MAX_ISSUERS} issuers, which AWS does not take"
                ));
            }
        }
    }
    Ok(list)
}

/// The list without this audience of this issuer; an issuer that has none left goes too.
pub fn without(list: &[AuthorizedIssuer], issuer_arn: &str, audience: &str) -> Vec<AuthorizedIssuer> {
    let mut list = list.to_vec();
    if let Some(entry) = list.iter_mut().find(|entry| entry.issuer_arn == issuer_arn) {
        entry.audiences.remove(audience);
    }
    list.retain(|entry| entry.issuer_arn != issuer_arn || !entry.audiences.is_empty());
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(arn: &str, audiences: &[&str]) -> AuthorizedIssuer {
        AuthorizedIssuer { issuer_arn: arn.into(), audiences: audiences.iter().map(|&a| a.to_owned()).collect() }
    }

    #[test]
    fn other_entries_are_kept() {
        let before = vec![entry("other", &["api://x", "y"])];
        let after = with(&before, "ours", "https://wg").expect("room");
        assert_eq!(after, vec![before[0].clone(), entry("ours", &["https://wg"])]);
        assert!(same(&with(&after, "ours", "https://wg").expect("room"), &after));
        assert_eq!(without(&after, "ours", "https://wg"), before);
        assert_eq!(without(&before, "ours", "https://wg"), before);
    }

    #[test]
    fn audiences_of_a_shared_issuer_are_merged_and_taken_out_singly() {
        let list = with(&[entry("i", &["a"])], "i", "b").expect("room");
        assert_eq!(list, vec![entry("i", &["a", "b"])]);
        assert_eq!(without(&list, "i", "b"), vec![entry("i", &["a"])]);
        assert!(without(&[entry("i", &["a"])], "i", "a").is_empty());
    }

    #[test]
    fn limits_are_told_before_anything_is_sent() {
        let full: Vec<_> = (0..MAX_ISSUERS).map(|n| entry(&n.to_string(), &["a"])).collect();
        assert!(with(&full, "new", "a").is_err());
        assert!(with(&full, "0", "b").is_ok());
        let audiences: Vec<String> = (0..MAX_AUDIENCES).map(|n| n.to_string()).collect();
        let wide = [AuthorizedIssuer { issuer_arn: "i".into(), audiences: audiences.into_iter().collect() }];
        assert!(with(&wide, "i", "new").is_err());
        assert!(with(&[], "i", "").is_err());
        assert!(with(&[], "i", &"x".repeat(513)).is_err());
    }

    #[test]
    fn order_means_nothing() {
        assert!(same(&[entry("a", &["1"]), entry("b", &["2"])], &[entry("b", &["2"]), entry("a", &["1"])]));
        assert!(!same(&[entry("a", &["1"])], &[entry("a", &["1", "2"])]));
    }
}
