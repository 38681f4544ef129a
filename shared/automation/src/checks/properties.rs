//! Laws of all checks that every integration gets, whatever was read and whatever was not.

use extoauth_core::finding::Severity;
use extoauth_core::systems::Idp;
use proptest::prelude::*;

use super::testing::{healthy, unread};
use super::{CHECKS, judge};
use crate::observe::{Observed, Resolved, SecretProof, Seen};

/// One thing that may be there, be gone, or not be read, and the checks that need it for an `ok`.
type Part = (fn(&mut Observed, State), &'static [&'static str]);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    There,
    Gone,
    Unread,
}

fn put<T>(seen: &mut Seen<T>, state: State) {
    match state {
        State::There => {}
        State::Gone => *seen = Seen::Gone,
        State::Unread => *seen = unread(),
    }
}

const PARTS: &[Part] = &[
    (|o, s| put(&mut o.idp.issuer, s), &["issuer_matches"]),
    (|o, s| put(&mut o.idp.audience, s), &["issuer_accepted"]),
    (|o, s| put(&mut o.idp.discovery, s), &["discovery_reachable", "issuer_matches"]),
    (|o, s| put(&mut o.idp.keys, s), &["signing_keys"]),
    (|o, s| put(&mut o.idp.authorize_urls, s), &["authorize_url"]),
    (|o, s| put(&mut o.idp.token_urls, s), &["token_url"]),
    (|o, s| put(&mut o.idp.client_id, s), &["dbt_client"]),
    (|o, s| put(&mut o.idp.redirect_uris, s), &["redirect_uri"]),
    (|o, s| put(&mut o.idp.secret, s), &["secret_proved"]),
    (|o, s| put(&mut o.center.instance, s), &["identity_center_active"]),
    (|o, s| put(&mut o.center.issuer, s), &["issuer_matches", "issuer_mapping", "issuer_accepted", "audience_ceiling"]),
    (|o, s| put(&mut o.center.issuers, s), &["issuer_ceiling"]),
    (|o, s| put(&mut o.center.people, s), &["users_resolvable"]),
    (
        |o, s| put(&mut o.warehouse.application, s),
        &["application_there", "issuer_accepted", "audience_ceiling", "warehouse_registered"],
    ),
    (|o, s| put(&mut o.warehouse.registered, s), &["warehouse_registered"]),
    (|o, s| put(&mut o.dbt.plan, s), &["dbt_plan"]),
    (
        |o, s| put(&mut o.dbt.configuration, s),
        &[
            "dbt_configuration",
            "dbt_client",
            "authorize_url",
            "token_url",
            "redirect_uri",
            "secret_of_dbt",
            "dbt_connection",
        ],
    ),
    (|o, s| put(&mut o.dbt.secret, s), &["secret_of_dbt"]),
    (|o, s| put(&mut o.dbt.connection, s), &["dbt_connection", "dbt_environment"]),
    (|o, s| put(&mut o.dbt.environments[0].environment, s), &["dbt_environment", "dbt_engine"]),
];

fn states() -> impl Strategy<Value = Vec<State>> {
    let state = prop_oneof![4 => Just(State::There), 1 => Just(State::Gone), 1 => Just(State::Unread)];
    prop::collection::vec(state, PARTS.len())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "\\PC{0,12}",
        "https?://[a-z.]{0,8}(/[a-z0-9.]{0,6}){0,3}/?",
        Just("https://[".to_owned()),
        Just("api://".to_owned()),
    ]
}

proptest! {
    #[test]
    fn what_was_not_read_is_never_ok(entra in any::<bool>(), states in states()) {
        let mut observed = healthy(if entra { Idp::Entra } else { Idp::Okta });
        for ((apply, _), state) in PARTS.iter().zip(&states) {
            apply(&mut observed, *state);
        }
        for check in CHECKS {
            let needs_more = PARTS.iter().zip(&states).any(|((_, checks), state)| {
                *state != State::There && checks.contains(&check.id)
            });
            let findings = (check.run)(&observed);
            prop_assert!(!findings.is_empty(), "{} says nothing", check.id);
            for finding in findings {
                prop_assert_eq!(finding.check.as_str(), check.id);
                prop_assert!(!finding.expected.is_empty() && !finding.found.is_empty());
                if finding.severity != Severity::Ok {
                    prop_assert!(!finding.effect.is_empty() && !finding.fix.is_empty(), "{}: {:?}", check.id, finding);
                }
                prop_assert!(!(needs_more && finding.severity == Severity::Ok), "{:?}", finding);
            }
        }
    }

    /// A login fails for sure only where something was read: what nobody read is no news.
    #[test]
    fn nothing_read_is_nothing_critical(entra in any::<bool>(), unread_parts in prop::collection::vec(any::<bool>(), PARTS.len())) {
        let mut observed = healthy(if entra { Idp::Entra } else { Idp::Okta });
        for ((apply, _), is_unread) in PARTS.iter().zip(unread_parts) {
            apply(&mut observed, if is_unread { State::Unread } else { State::There });
        }
        for check in CHECKS {
            for finding in (check.run)(&observed) {
                prop_assert!(finding.severity != Severity::Critical, "{:?}", finding);
            }
        }
    }

    #[test]
    fn no_text_makes_a_check_panic(texts in prop::collection::vec(text(), 12), states in states(), n in 0_usize..12) {
        let mut observed = healthy(if n % 2 == 0 { Idp::Okta } else { Idp::Entra });
        let mut next = texts.into_iter().cycle();
        let mut take = || next.next().unwrap_or_default();
        observed.idp.issuer = Seen::There(take());
        observed.idp.audience = Seen::There(take());
        observed.idp.authorize_urls = Seen::There((0..n % 3).map(|_| take()).collect());
        observed.idp.redirect_uris = Seen::There((0..n % 3).map(|_| take()).collect());
        observed.idp.secret = Seen::There(SecretProof::Unclear(take()));
        if let Seen::There(issuer) = &mut observed.center.issuer {
            issuer.url = take();
            issuer.claim = take();
        }
        if let Seen::There(configuration) = &mut observed.dbt.configuration {
            configuration.authorize_url = take();
            configuration.token_url = take();
            configuration.redirect_uri = take();
            configuration.application_id_uri = Some(take());
            configuration.kind = take();
        }
        observed.center.people = Seen::There((0..n).map(|_| (take(), Resolved::NoUser(take()))).collect());
        for ((apply, _), state) in PARTS.iter().zip(&states) {
            apply(&mut observed, *state);
        }
        judge(&observed);
    }
}

#[test]
fn a_healthy_integration_has_no_news() {
    for idp in [Idp::Okta, Idp::Entra] {
        let observed = healthy(idp);
        for check in CHECKS {
            for finding in (check.run)(&observed) {
                // Only SQL tells of the registration.
                let expected = if check.id == "warehouse_registered" { Severity::Unknown } else { Severity::Ok };
                assert_eq!(finding.severity, expected, "{finding:?}");
            }
        }
    }
}

#[test]
fn ids_are_stable_and_said_once() {
    let mut ids: Vec<&str> = CHECKS.iter().map(|check| check.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), CHECKS.len());
    assert_eq!(ids.len(), 23);
}
