//! The resources that recipes consist of: how each is read, compared, made and removed. A folder a system, a file a
//! resource.

pub mod aws;
pub mod dbt;
pub mod entra;
pub mod okta;
mod remove;

use extoauth_core::engine::Found;

pub use remove::Removers;

/// What a look-up by natural key means, where names are not unique: ours is what carries our mark while a create of ours
/// is not confirmed; by hand, whatever has the name; everything else is somebody else's.
fn found<T>(
    mut same_name: Vec<T>,
    marked: Option<usize>,
    intent: bool,
    by_hand: bool,
    what: impl Fn(&T) -> String,
) -> Found<T> {
    if same_name.is_empty() {
        return Found::Absent;
    }
    match marked {
        Some(at) if intent => Found::Here(same_name.swap_remove(at)),
        _ if by_hand => Found::Here(same_name.swap_remove(marked.unwrap_or_default())),
        _ => Found::Foreign { what: what(&same_name[marked.unwrap_or_default()]), marked: marked.is_some() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_counts_only_with_an_open_intent() {
        let names = || vec!["theirs", "ours"];
        let what = |name: &&str| (*name).to_owned();
        assert_eq!(found(names(), Some(1), true, false, what), Found::Here("ours"));
        assert_eq!(found(names(), Some(1), false, false, what), Found::Foreign { what: "ours".into(), marked: true });
        assert_eq!(found(names(), None, true, false, what), Found::Foreign { what: "theirs".into(), marked: false });
        assert_eq!(found(names(), None, false, true, what), Found::Here("theirs"));
        assert_eq!(found(Vec::<&str>::new(), None, true, true, what), Found::Absent);
    }
}
