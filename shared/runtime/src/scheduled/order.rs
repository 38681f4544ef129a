//! In which order a check goes, so that each part of it can go on where the one before ended.

use extoauth_core::integration::Integration;
use extoauth_core::systems::{Idp, SystemId, SystemKind};

use super::event::Place;

/// What is looked at next.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A system: our own credentials for it.
    System(SystemId),
    /// An integration.
    Integration(Box<Integration>),
}

/// The identity provider of an integration.
pub(super) fn provider(desired: &Integration) -> SystemId {
    let kind = match desired.idp {
        Idp::Okta => SystemKind::Okta,
        Idp::Entra => SystemKind::Entra,
    };
    SystemId::new(kind, &desired.idp_system)
}

/// What comes after a place, in the order of the check: each system before the integrations on it. One that was made or
/// removed meanwhile changes nothing for the others.
pub(super) fn ordered(
    systems: Vec<SystemId>,
    integrations: &[Integration],
    after: Option<&Place>,
) -> Vec<(Place, Step)> {
    let systems = systems.into_iter().map(|system| {
        let place = Place { system: system.to_string(), integration: None };
        (place, Step::System(system))
    });
    let integrations = integrations.iter().map(|desired| {
        let place = Place { system: provider(desired).to_string(), integration: Some(desired.name.clone()) };
        (place, Step::Integration(Box::new(desired.clone())))
    });
    let all = systems.chain(integrations);
    let mut rest: Vec<_> = all.filter(|(place, _)| after.is_none_or(|after| place > after)).collect();
    rest.sort_by(|(one, _), (other, _)| one.cmp(other));
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use extoauth_core::integration::{Cutover, Lifetimes};
    use proptest::prelude::*;

    fn integration(name: &str, idp: Idp, system: &str) -> Integration {
        Integration {
            name: name.to_owned().try_into().expect("a name"),
            idp,
            idp_system: system.into(),
            warehouse_system: "main".into(),
            dbt_system: "acme".into(),
            environments: [].into(),
            connection_id: None,
            private_link_endpoint_id: None,
            warehouse_host: String::new(),
            database: "dev".into(),
            groups: [].into(),
            user_claim: None,
            identity_attribute: "emails.value".into(),
            lifetimes: Lifetimes { access_minutes: 60, refresh_days: 90, idle_days: 90 },
            secret_days: 180,
            cutover: Cutover::Now,
        }
    }

    fn systems() -> Vec<SystemId> {
        ["servicenow/one", "okta/acme", "entra/contoso"].map(|text| SystemId::parse(text).expect("a system")).into()
    }

    fn words(rest: &[(Place, Step)]) -> Vec<String> {
        let word = |place: &Place| match &place.integration {
            Some(name) => format!("{} {name}", place.system),
            None => place.system.clone(),
        };
        rest.iter().map(|(place, _)| word(place)).collect()
    }

    #[test]
    fn each_shard_goes_on_after_the_last_one() {
        let all = [
            integration("zebra", Idp::Okta, "acme"),
            integration("beta", Idp::Entra, "contoso"),
            integration("alpha", Idp::Okta, "acme"),
            integration("alpha-two", Idp::Okta, "a-later-org"),
        ];
        let whole = ordered(systems(), &all, None);
        let expected = [
            "entra/contoso",
            "entra/contoso beta",
            "okta/a-later-org alpha-two",
            "okta/acme",
            "okta/acme alpha",
            "okta/acme zebra",
            "servicenow/one",
        ];
        assert_eq!(words(&whole), expected);
        assert_eq!(words(&ordered(Vec::new(), &all, None)).len(), 4, "a check that asks of no systems");
        for (at, (place, _)) in whole.iter().enumerate() {
            assert_eq!(words(&ordered(systems(), &all, Some(place))), expected[at + 1..], "after {place:?}");
        }
    }

    #[test]
    fn the_last_one_may_be_gone() {
        let gone =
            Place { system: "okta/acme".into(), integration: Some("beta".to_owned().try_into().expect("a name")) };
        let left = [integration("alpha", Idp::Okta, "acme"), integration("zebra", Idp::Okta, "acme")];
        assert_eq!(words(&ordered(Vec::new(), &left, Some(&gone))), ["okta/acme zebra"]);
    }

    proptest! {
        /// However a check is cut, its parts together are the whole, in order, and nothing twice.
        #[test]
        fn nothing_is_missed_or_repeated(
            names in prop::collection::btree_set("[a-c]{3,4}", 0..12),
            okta in prop::collection::vec(any::<bool>(), 12),
            cuts in prop::collection::vec(1_usize..5, 1..20),
        ) {
            let all: Vec<_> = names.iter().zip(&okta).map(|(name, okta)| match okta {
                true => integration(name, Idp::Okta, "acme"),
                false => integration(name, Idp::Entra, "contoso"),
            }).collect();
            let whole = words(&ordered(systems(), &all, None));
            let (mut seen, mut after) = (Vec::new(), None);
            for cut in cuts.iter().cycle() {
                let rest = ordered(systems(), &all, after.as_ref());
                let part = &rest[..rest.len().min(*cut)];
                seen.extend(words(part));
                match part.last() {
                    Some((place, _)) => after = Some(place.clone()),
                    None => break,
                }
            }
            prop_assert_eq!(seen, whole);
        }
    }
}
