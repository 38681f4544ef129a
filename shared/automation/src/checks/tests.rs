//! What holds for all checks together.

use std::collections::BTreeSet;

use super::ids;

/// Every id has its entry in the manual, and the manual has no entry of a check that is gone.
#[test]
fn every_check_is_in_the_manual() {
    let manual = include_str!("../../../../docs/CHECKS.md");
    let entries: BTreeSet<&str> =
        manual.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    let missing: Vec<&str> = ids().into_iter().filter(|id| !entries.contains(id)).collect();
    assert!(missing.is_empty(), "docs/CHECKS.md has no entry for {missing:?}");
}

#[test]
fn ids_are_words_of_lower_case() {
    for id in ids() {
        assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{id}");
    }
}
