//! What is said of each kind of credential, and on which days of a year.

use std::collections::{BTreeMap, BTreeSet};

use extoauth_core::alert::{Alert, Matter, Next, Reading, Stage, review};
use extoauth_core::finding::Severity::{self, Critical, Info, Warning};
use extoauth_core::integration::Integration;
use extoauth_core::notice::NoticeKind;
use extoauth_core::policy::Policy;
use extoauth_core::systems::{Idp, SystemId, SystemKind, SystemsConfig};
use extoauth_systems::entra::{AppCredentials, Certificate, Password};
use extoauth_systems::secrets::StagedVersion;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::due::due_for_rotation;
use super::entra::told;
use super::judge::{Case, Credential, Standing};
use super::kept::Versions;
use super::{own, systems};
use crate::checks::testing::healthy;

const MARK: &str = "extoauth:prod/integration/analytics";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

fn now() -> Timestamp {
    at("2027-01-10T03:00:00Z")
}

fn desired(idp: Idp) -> Integration {
    healthy(idp).desired
}

fn credential(id: &str, standing: Standing, ends: Option<Timestamp>) -> Credential {
    let version = (standing != Standing::Foreign).then(|| format!("version of {id}"));
    Credential { id: id.into(), name: "a name".into(), kind: "client secret", standing, version, starts: None, ends }
}

fn matters(idp: Idp, now: Timestamp, credentials: &[Credential]) -> Vec<Matter> {
    let (desired, policy) = (desired(idp), Policy::default());
    let kind = if idp == Idp::Okta { SystemKind::Okta } else { SystemKind::Entra };
    let source = SystemId::new(kind, desired.idp_system.as_str());
    Case { desired: &desired, policy: &policy, source: &source, managed: true, now }.matters(
        "app",
        "the app",
        credentials,
    )
}

#[test]
fn each_credential_is_told_as_it_is() {
    use Standing::{Current, Foreign, Held, Older, Pending};
    let end = |left: i64| Some(now() + days(left));
    // What is told of it, by check and severity, and whether it has a date.
    type Row = (Idp, Standing, Option<Timestamp>, &'static [(&'static str, Severity, bool)]);
    let table: &[Row] = &[
        (Idp::Entra, Held, end(200), &[("secret_end", Info, true)]),
        (Idp::Entra, Held, end(31), &[("secret_end", Info, true)]),
        (Idp::Entra, Held, end(30), &[("secret_end", Warning, true)]),
        (Idp::Entra, Held, end(0), &[("secret_end", Critical, true)]),
        (Idp::Entra, Held, end(-9), &[("secret_end", Critical, true)]),
        (Idp::Entra, Held, None, &[]),
        (Idp::Entra, Current, end(20), &[("secret_end", Warning, true)]),
        (Idp::Entra, Pending, end(20), &[]),
        (Idp::Entra, Older, end(20), &[("older_client_secret", Info, false)]),
        (
            Idp::Entra,
            Foreign,
            end(200),
            &[("foreign_client_secret", Warning, false), ("foreign_client_secret", Info, true)],
        ),
        (Idp::Entra, Foreign, end(-1), &[("foreign_client_secret", Warning, true)]),
        (Idp::Entra, Foreign, None, &[("foreign_client_secret", Warning, false)]),
        (Idp::Okta, Held, end(31), &[("secret_end", Info, true)]),
        (Idp::Okta, Held, end(-400), &[("secret_end", Warning, true)]),
        (Idp::Okta, Foreign, None, &[("foreign_client_secret", Warning, false)]),
    ];
    for (idp, standing, ends, expected) in table {
        let said = matters(*idp, now(), &[credential("k1", *standing, *ends)]);
        let short: Vec<_> =
            said.iter().map(|m| (m.finding.check.as_str(), m.finding.severity, m.ends.is_some())).collect();
        assert_eq!(short, *expected, "{idp} {standing:?} {ends:?}");
        let keys: BTreeSet<_> = said.iter().map(|matter| &matter.key).collect();
        assert_eq!(keys.len(), said.len(), "each key once");
    }
}

#[test]
fn a_secret_of_okta_is_told_by_its_age() {
    let said = matters(Idp::Okta, now(), &[credential("ocs1", Standing::Held, Some(at("2027-03-01T10:00:00Z")))]);
    assert_eq!(said[0].finding.found, "ocs1 is as old as was agreed, 180 days, on 2027-03-01");
    assert!(said[0].finding.effect.contains("never end"));
    assert!(said[0].by_itself.contains("rotated from 2027-01-30"), "{}", said[0].by_itself);
}

fn app(passwords: &[(&str, &str)]) -> AppCredentials {
    let password = |(id, name): &(&str, &str)| Password {
        key_id: (*id).into(),
        display_name: (*name).into(),
        hint: "abc".into(),
        starts: None,
        ends: Some(now() + days(90)),
    };
    AppCredentials {
        id: "o1".into(),
        app_id: "a1".into(),
        display_name: "dbt".into(),
        passwords: passwords.iter().map(password).collect(),
        certificates: vec![Certificate {
            key_id: "c1".into(),
            display_name: "by hand".into(),
            thumbprint: None,
            ends: None,
        }],
    }
}

fn staged(versions: &[(&str, &str)]) -> Vec<StagedVersion> {
    let one = |(id, stage): &(&str, &str)| StagedVersion {
        id: (*id).into(),
        stages: BTreeSet::from([(*stage).to_owned()]),
        created: None,
    };
    versions.iter().map(one).collect()
}

#[test]
fn entras_secrets_are_told_apart_by_their_names() {
    let ours = |version: &str| format!("{MARK}#{version}");
    let (v1, v2, v0) = (ours("v1"), ours("v2"), ours("v0"));
    let names =
        [("k1", &*v1), ("k2", &*v2), ("k0", &*v0), ("k3", "x"), ("k4", "extoauth:prod/integration/analytics-two#v1")];
    // A rotation that has reached dbt, and not yet Secrets Manager's stage.
    let versions = Versions::new(Some("v2".into()), &staged(&[("v1", "AWSCURRENT"), ("v2", "AWSPENDING")]));
    let all = told(&app(&names), MARK, &versions).expect("dbt's is there");
    let standing: Vec<_> = all.iter().map(|one| (one.id.as_str(), one.standing)).collect();
    use Standing::{Current, Foreign, Held, Older, Pending};
    assert_eq!(
        standing,
        [("k1", Current), ("k2", Held), ("k0", Older), ("k3", Foreign), ("k4", Foreign), ("c1", Foreign)]
    );
    // The same before dbt has it.
    let before = Versions::new(Some("v1".into()), &staged(&[("v1", "AWSCURRENT"), ("v2", "AWSPENDING")]));
    let all = told(&app(&names[..2]), MARK, &before).expect("dbt's is there");
    assert_eq!(all.iter().map(|one| one.standing).collect::<Vec<_>>(), [Held, Pending, Foreign]);
    let by_hand = told(&app(&[("k1", MARK)]), MARK, &versions).expect("a person made it for us");
    assert_eq!((by_hand[0].standing, by_hand[0].version.as_deref()), (Held, Some("v2")));
    assert!(told(&app(&[("k1", &v1)]), MARK, &versions).is_err(), "dbt's own is not there: nothing is known");
    let none = Versions::new(None, &[]);
    assert!(told(&app(&[("k3", "x")]), MARK, &none).is_ok(), "none was ever made");
}

/// An old secret is only let go once the newer one is current and dbt has it.
#[test]
fn an_old_secret_is_mended_when_the_newer_one_is_current_and_with_dbt() {
    let ours = |version: &str| format!("{MARK}#{version}");
    let (v1, v2) = (ours("v1"), ours("v2"));
    let both = app(&[("k1", &*v1), ("k2", &*v2)]);
    let of_old = |held: &str, current: &str, other: &str| {
        let versions = Versions::new(Some(held.into()), &staged(&[(current, "AWSCURRENT"), (other, "AWSPENDING")]));
        let credentials = told(&both, MARK, &versions).expect("dbt's is there");
        let said = matters(Idp::Entra, now(), &credentials);
        said.iter().any(|matter| matter.key.starts_with("secret_end/k1/"))
    };
    assert!(of_old("v1", "v1", "v2"), "made beside it");
    assert!(of_old("v2", "v1", "v2"), "dbt has it, it is not current");
    assert!(of_old("v1", "v2", "v1"), "it is current, dbt does not have it");
    assert!(!of_old("v2", "v2", "v1"));
}

#[test]
fn rotation_begins_in_its_window() {
    let policy = Policy::default();
    let due = |left: i64, standing, managed, lives: u32| {
        let desired = Integration { secret_days: lives, ..desired(Idp::Entra) };
        let credentials = [credential("k1", standing, Some(now() + days(left)))];
        due_for_rotation(&credentials, &desired, &policy, managed, now()).map(|due| due.version)
    };
    let version = Some("version of k1".to_owned());
    assert_eq!(due(31, Standing::Held, true, 180), None);
    assert_eq!(due(30, Standing::Held, true, 180), version);
    assert_eq!(due(-3, Standing::Held, true, 180), version, "late is better than never");
    assert_eq!(due(10, Standing::Held, false, 180), None, "people do it");
    assert_eq!(due(10, Standing::Foreign, true, 180), None, "nobody else's is touched");
    assert_eq!(due(10, Standing::Older, true, 180), None);
    assert_eq!(due(14, Standing::Held, true, 20), None, "a short life has a short window");
    assert_eq!(due(10, Standing::Held, true, 20), version);
    // The tenant lets it live 20 days only, whatever the ticket asked for.
    let capped = |left: i64| {
        let ends = now() + days(left);
        let one = Credential { starts: Some(ends - days(20)), ..credential("k1", Standing::Held, Some(ends)) };
        due_for_rotation(&[one], &desired(Idp::Entra), &policy, true, now()).is_some()
    };
    assert!(!capped(20) && !capped(11) && capped(10));
}

#[test]
fn every_credential_of_the_configuration_is_looked_at() {
    let config: SystemsConfig = serde_json::from_value(serde_json::json!({
        "okta": {"acme": {"url": "https://acme.okta.com", "credential": "a1", "credential_read": "a2", "hook_secret": "a3"}},
        "entra": {"contoso": {"tenant_id": "t", "authority": "https://login.example.com",
            "graph": "https://graph.example.com", "credential": "b1", "credential_read": "b1", "notification_secret": "b3"}},
        "dbt": {"acme": {"url": "https://dbt.example.com", "account_id": 1, "redirect_uri": {}, "credential": "c1"}},
        "servicenow": {"one": {"url": "https://one.example.com", "cat_items": [], "credential": "d1"}},
    }))
    .expect("a configuration");
    let all = systems(&config);
    let names: Vec<_> = all.iter().map(SystemId::to_string).collect();
    assert_eq!(names, ["okta/acme", "entra/contoso", "dbt/acme", "servicenow/one"]);
    let arns: Vec<_> = all.iter().flat_map(|system| own::stored(&config, system)).map(|one| one.arn).collect();
    assert_eq!(arns, ["a1", "a2", "a3", "b1", "b3", "c1", "d1"], "each once");
}

proptest! {
    /// A year of checks with pauses: each secret is told at its thresholds, only the nearest after a pause, daily once it
    /// has ended, and nothing is stored on a day on which nothing is new.
    #[test]
    fn a_year_of_checks(
        lives in 40_i64..300,
        foreign in 1_i64..300,
        pauses in prop::collection::vec(1_i64..40, 1..60),
    ) {
        const THRESHOLDS: [u32; 8] = [90, 60, 30, 14, 7, 3, 1, 0];
        let start = now();
        let credentials = [
            credential("ours", Standing::Held, Some(start + days(lives))),
            credential("theirs", Standing::Foreign, Some(start + days(foreign))),
        ];
        let mut stored: BTreeMap<String, Alert> = BTreeMap::new();
        let mut told: BTreeMap<String, Vec<Stage>> = BTreeMap::new();
        let mut day = 0;
        for pause in pauses.iter().cycle() {
            if day > 365 {
                break;
            }
            let now = start + days(day);
            let reading = || Reading {
                watch: super::WATCH,
                now,
                matters: matters(Idp::Entra, now, &credentials),
                read: BTreeSet::from([SystemId::new(SystemKind::Entra, "contoso")]),
                thresholds: &THRESHOLDS,
                owner: None,
                deployment: "prod",
            };
            for next in review(stored.values().cloned().collect(), &reading()) {
                let matter = next.notice().filter(|notice| notice.kind == NoticeKind::Matter);
                if let Some(stage) = matter.and_then(|notice| notice.stage) {
                    told.entry(next.alert().matter.key.clone()).or_default().push(stage);
                }
                match next {
                    Next::Keep { alert, .. } => drop(stored.insert(alert.matter.key.clone(), *alert)),
                    Next::Forget { alert, .. } => drop(stored.remove(&alert.matter.key)),
                }
            }
            let again = review(stored.values().cloned().collect(), &reading());
            prop_assert!(again.is_empty(), "repeated: {:?}", again);
            day += pause;
        }
        for (key, stages) in told {
            let distinct: BTreeSet<_> = stages.iter().map(ToString::to_string).collect();
            prop_assert_eq!(distinct.len(), stages.len(), "{} told twice: {:?}", key, stages);
            let before: Vec<u32> = stages.iter().filter_map(|stage| match stage {
                Stage::Before(days) => Some(*days),
                _ => None,
            }).collect();
            prop_assert!(before.is_sorted_by(|one, next| one > next), "only nearer ones: {:?}", before);
        }
    }
}
