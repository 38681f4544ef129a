//! A whole year of two integrations, day by day, through the functions' real binaries: every notice on its day, every
//! rotation done, and a developer of each signs in every day.

use std::collections::{BTreeMap, BTreeSet};

use extoauth_scenarios::login::sign_in;
use extoauth_scenarios::stage::Stage;
use extoauth_scenarios::tickets::golden;

use crate::{stage, succeeded};

const DAYS: usize = 365;
const CHECKS: [&str; 2] = ["token-lifetime-check", "secret-expiry-check"];
/// Integration, ticket's provider, project and environment in dbt.
const INTEGRATIONS: [(&str, &str, u64, u64); 2] =
    [("analytics-dev", "okta", 70_001, 90_001), ("reporting-dev", "entra", 70_002, 90_011)];
/// A secret lives 180 days and is rotated 30 before that, so a year has two rotations; the second secret begins on day 150.
const TOLD: [(u32, [usize; 2]); 3] = [(90, [90, 240]), (60, [120, 270]), (30, [150, 300])];

/// Digests of all client secrets that dbt holds.
async fn held(stage: &Stage) -> BTreeSet<String> {
    let state = stage.client.state().await.expect("a state");
    let rows = state["dbt"]["acme"]["oauth-configurations"].as_array().cloned().unwrap_or_default();
    rows.iter().filter_map(|row| row["client_secret"]["sha256"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_goes_by_and_every_login_works() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let listening = client.listen().await.expect("queues");
    let strangers = held(&stage).await;
    for (_, kind, _, _) in INTEGRATIONS {
        succeeded(&stage.run(&golden(&format!("{kind}-provision")).expect("a ticket")).await.expect("an end"));
    }
    let mut secrets = BTreeSet::new();
    let mut diary: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for day in 1..=DAYS {
        client.advance("PT23H54M").await.expect("a day");
        client.advance("PT6M").await.expect("a sweep");
        stage.checked_times(CHECKS, day).await.expect("both checks");
        stage.host.run_schedule("sweep").await.expect("a sweep sends what they have stored");
        for (name, _, project, environment) in INTEGRATIONS {
            let login = sign_in(client, project, environment, "dev1@example.com").await;
            login.unwrap_or_else(|error| panic!("day {day}, {name}: {error:#}"));
        }
        secrets.extend(held(&stage).await.difference(&strangers).cloned());
        for subject in client.subjects(&listening).await.expect("messages") {
            diary.entry(subject).or_default().push(day);
        }
    }
    assert_eq!(secrets.len(), 6, "three secrets an integration: {secrets:#?}");
    for (name, kind, _, _) in INTEGRATIONS {
        for (threshold, days) in TOLD {
            let told = |subject: &str| {
                subject.contains(&format!("{name}: secret_end"))
                    && subject.ends_with(&format!("ends in {threshold} days"))
            };
            let on: Vec<usize> =
                diary.iter().filter(|(subject, _)| told(subject)).flat_map(|(_, on)| on.clone()).collect();
            // A message may be read one round later than it was sent.
            let fits = on.len() == 2 && on.iter().zip(days).all(|(on, day)| on.abs_diff(day) <= 1);
            assert!(fits, "{name} at {threshold} days: told on {on:?} instead of {days:?}\n{diary:#?}");
        }
        succeeded(&stage.run(&golden(&format!("{kind}-verify")).expect("a ticket")).await.expect("an end"));
    }
    assert_eq!(stage.host.dead_letters().await.expect("a count"), 0);
}
