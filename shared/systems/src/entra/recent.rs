//! What this process made and removed a moment ago, so that an answer that does not know of it yet is recognised.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Longer than [`super::visible`] waits for anything to appear; then every answer is believed.
const MEMORY: Duration = Duration::from_secs(180);

/// Where something is: one of the collections, or a collection below an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// Applications by object id.
    Applications,
    /// Applications by unique name.
    UniqueNames,
    /// Applications by app id.
    AppIds,
    /// Applications of a display name, by object id.
    Displayed(String),
    /// Service principals by app id.
    Principals,
    /// Secrets of an application.
    Passwords(String),
    /// Grants of a client's service principal.
    Grants(String),
    /// Assignments of a service principal.
    Assignments(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Made,
    Removed,
}

type Entries = HashMap<(Place, String), (Fate, Instant, String)>;

/// What was made and removed a moment ago.
#[derive(Default)]
pub(super) struct Recent(Mutex<Entries>);

impl Recent {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, place: Place, id: &str, fate: Fate, application: &str) {
        let mut entries = self.entries();
        entries.retain(|_, (_, at, _)| at.elapsed() < MEMORY);
        entries.insert((place, id.to_owned()), (fate, Instant::now(), application.to_owned()));
    }

    /// Something was made now.
    pub(super) fn made(&self, place: Place, id: &str) {
        self.note(place, id, Fate::Made, "");
    }

    /// Something was made now by which an application is found.
    pub(super) fn made_for(&self, place: Place, id: &str, application: &str) {
        self.note(place, id, Fate::Made, application);
    }

    /// Something was removed now: its absence is the truth.
    pub(super) fn removed(&self, place: Place, id: &str) {
        self.note(place, id, Fate::Removed, "");
    }

    /// An application was deleted now, its service principal with it (recorded).
    pub(super) fn deleted(&self, application: &str) {
        let names: Vec<_> = self.entries().extract_if(|_, (_, _, of)| of == application).map(|(key, _)| key).collect();
        for (place, id) in names {
            if place == Place::AppIds {
                self.removed(Place::Principals, &id);
            }
        }
        self.removed(Place::Applications, application);
    }

    /// Something was removed now, wherever it was.
    pub(super) fn forget(&self, id: &str) {
        self.entries().retain(|(_, i), _| i != id);
    }

    /// The wait was in vain: from now on answers are believed. Without an id: all of the place.
    pub(super) fn believe(&self, place: &Place, id: Option<&str>) {
        self.entries().retain(|(p, i), _| p != place || id.is_some_and(|id| id != i));
    }

    fn fate(&self, place: &Place, id: &str) -> Option<Fate> {
        let entries = self.entries();
        let (fate, at, _) = entries.get(&(place.clone(), id.to_owned()))?;
        (at.elapsed() < MEMORY).then_some(*fate)
    }

    /// Whether something was made a moment ago.
    pub(super) fn was_made(&self, place: &Place, id: &str) -> bool {
        self.fate(place, id) == Some(Fate::Made)
    }

    /// The same, wherever it was.
    pub(super) fn was_made_somewhere(&self, id: &str) -> bool {
        let entries = self.entries();
        entries.iter().any(|((_, i), (fate, at, _))| i == id && *fate == Fate::Made && at.elapsed() < MEMORY)
    }

    /// Whether something was removed a moment ago.
    pub(super) fn was_removed(&self, place: &Place, id: &str) -> bool {
        self.fate(place, id) == Some(Fate::Removed)
    }

    /// Whether this process has made a client secret a moment ago, of whatever application.
    pub(super) fn has_new_password(&self) -> bool {
        let is_new = |place: &Place, fate: Fate, at: &Instant| {
            matches!(place, Place::Passwords(_)) && fate == Fate::Made && at.elapsed() < MEMORY
        };
        self.entries().iter().any(|((place, _), (fate, at, _))| is_new(place, *fate, at))
    }

    /// Whether a collection with exactly these items can be the present one.
    pub(super) fn fits<'i>(&self, place: &Place, ids: impl Iterator<Item = &'i str> + Clone) -> bool {
        self.entries().iter().filter(|((p, _), (_, at, _))| p == place && at.elapsed() < MEMORY).all(
            |((_, id), (fate, ..))| {
                let is_there = ids.clone().any(|i| i == id);
                is_there == (*fate == Fate::Made)
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_collection_fits_what_was_done_to_it() {
        let recent = Recent::default();
        let place = Place::Passwords("a".into());
        recent.made(place.clone(), "k1");
        recent.made(Place::Passwords("b".into()), "k9");
        recent.removed(place.clone(), "k2");
        assert!(recent.fits(&place, ["k0", "k1"].into_iter()));
        assert!(!recent.fits(&place, ["k0"].into_iter()));
        assert!(!recent.fits(&place, ["k1", "k2"].into_iter()));
        tokio::time::advance(MEMORY).await;
        assert!(recent.fits(&place, ["k2"].into_iter()) && !recent.was_made(&place, "k1"));
        recent.made(place.clone(), "k1");
        recent.believe(&place, None);
        assert!(recent.fits(&place, [].into_iter()));
    }

    #[tokio::test(start_paused = true)]
    async fn with_an_application_its_names_go() {
        let recent = Recent::default();
        recent.made_for(Place::Applications, "o1", "o1");
        recent.made_for(Place::UniqueNames, "n1", "o1");
        recent.made_for(Place::AppIds, "a1", "o1");
        recent.made(Place::Principals, "a1");
        recent.deleted("o1");
        assert!(!recent.was_made(&Place::UniqueNames, "n1") && recent.was_removed(&Place::Principals, "a1"));
        assert!(recent.was_removed(&Place::Applications, "o1"));
    }
}
