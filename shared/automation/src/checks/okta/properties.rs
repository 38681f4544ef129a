//! What holds of every check of the Okta side, whatever was read and whatever not.

use extoauth_core::finding::Severity;
use extoauth_systems::okta::Member;
use proptest::prelude::*;
use serde_json::json;

use super::testing::{GROUP, app, claims, observed, policies, rules, scopes, server, view};
use super::{CHECKS, access_rule, claim_in_token, client_app, client_assigned, client_secrets, refresh_rotation};
use super::{scope, secret_end, server_app, token_lifetimes};
use crate::observe::okta::{Assigned, Members};
use crate::observe::{OktaView, SecretProof, Seen, Unread};

/// Some state of one part: as it should be, gone, not read, or changed in one of these ways.
fn state<T: Clone + std::fmt::Debug + 'static>(healthy: Seen<T>, changed: Vec<Seen<T>>) -> BoxedStrategy<Seen<T>> {
    let unread = Seen::Unread(Unread::because("not read", "read it"));
    let all: Vec<Seen<T>> = [healthy, Seen::Gone, unread].into_iter().chain(changed).collect();
    prop::sample::select(all).boxed()
}

fn views() -> impl Strategy<Value = OktaView> {
    let well = view();
    let group_rule = ("/conditions/people", json!({"groups": {"include": [GROUP]}, "users": {"exclude": ["00u2"]}}));
    let member = Member { id: "00u1".into(), status: None, login: None, email: None };
    let objects = (
        state(
            well.app.clone(),
            vec![
                Seen::There(app(&[("/status", json!("INACTIVE"))])),
                Seen::There(app(&[("/settings/implicitAssignment", json!(true))])),
                Seen::There(app(&[("/settings", json!({})), ("/credentials", json!({}))])),
            ],
        ),
        state(well.secrets.clone(), vec![Seen::There(vec![])]),
        state(well.groups.clone(), vec![Seen::There(vec![])]),
        state(well.assigned.clone(), vec![Seen::There(Assigned::default())]),
        state(well.server.clone(), vec![Seen::There(server(&[("/audiences", json!([]))]))]),
        state(well.scopes.clone(), vec![scopes(&[])]),
        state(well.claims.clone(), vec![claims(&[]), claims(&[json!({"name": "sub", "claimType": "RESOURCE"})])]),
        state(well.policies.clone(), vec![policies(&[])]),
        state(well.rules.clone(), vec![rules(&[group_rule]), Seen::There(vec![])]),
        state(Seen::There(Members { people: vec![member], complete: true }), vec![]),
    );
    (objects, any::<bool>()).prop_map(|(parts, recorded)| {
        let (app, secrets, groups, assigned, server, scopes, claims, policies, rules, members) = parts;
        let mut view = OktaView {
            app,
            secrets,
            groups,
            assigned,
            server,
            scopes,
            claims,
            policies,
            rules,
            members: [(GROUP.to_owned(), members)].into(),
            ..view()
        };
        if !recorded {
            (view.policy, view.rule, view.wanted[0].id) = (None, None, None);
        }
        view
    })
}

/// Whether all that a check needs was read.
fn was_read(view: &OktaView, id: &str) -> bool {
    let app = view.app.there().is_some();
    let assigned = view.assigned.there().is_some();
    let rules = view.rules.there().is_some();
    match id {
        client_app::ID | refresh_rotation::ID => app,
        client_assigned::ID => app && assigned && view.groups.there().is_some(),
        client_secrets::ID | secret_end::ID => view.secrets.there().is_some(),
        server_app::ID => view.server.there().is_some(),
        scope::ID => view.scopes.there().is_some(),
        claim_in_token::ID => view.claims.there().is_some(),
        access_rule::ID => assigned && rules && view.policies.there().is_some(),
        token_lifetimes::ID => assigned && rules,
        other => panic!("what does {other} need?"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_is_said_to_be_well_that_was_not_read(
        view in views(),
        client in state(observed().idp.client_id, vec![]),
        people in state(observed().idp.people, vec![Seen::There(vec![])]),
        secret in state(observed().idp.secret, vec![Seen::There(SecretProof::Refused)]),
        issuer in state(observed().center.issuer, vec![]),
    ) {
        let mut observed = observed();
        (observed.idp.client_id, observed.idp.people) = (client, people);
        (observed.idp.secret, observed.center.issuer) = (secret, issuer);
        for check in CHECKS {
            let found = (check.run)(&view, &observed);
            prop_assert!(!found.is_empty(), "{} says nothing", check.id);
            for finding in found {
                prop_assert_eq!(&finding.check, check.id);
                prop_assert!(!finding.found.is_empty() && !finding.expected.is_empty(), "{:?}", finding);
                let told = !finding.effect.is_empty() && !finding.fix.is_empty();
                prop_assert!(told || finding.severity == Severity::Ok, "{:?}", finding);
                let read = was_read(&view, check.id);
                prop_assert!(read || finding.severity != Severity::Ok, "{:?}", finding);
            }
        }
    }
}

#[test]
fn a_healthy_integration_is_well() {
    let (view, observed) = (view(), observed());
    for check in CHECKS {
        for finding in (check.run)(&view, &observed) {
            assert_eq!(finding.severity, Severity::Ok, "{finding:?}");
        }
    }
}
