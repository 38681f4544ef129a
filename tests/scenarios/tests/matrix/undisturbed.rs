//! A day on which nothing goes wrong: how many calls it takes, and what each kind of repetition costs.

use std::collections::BTreeMap;
use std::time::Duration;

use extoauth_core::finding::Severity;
use extoauth_sandbox::world::Call;

use crate::drive::golden;
use crate::house::{House, alone, beside_others};
use crate::provider::{OKTA, PROVIDERS, Provider};

fn by_system(calls: &[Call]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.system.as_str()).or_default() += 1;
    }
    counts
}

fn writes(calls: &[Call]) -> Vec<String> {
    calls
        .iter()
        .filter(|call| call.write)
        .map(|call| format!("{} {} {}", call.system, call.method, call.path))
        .collect()
}

fn listing(calls: &[Call]) -> String {
    let line = |call: &Call| {
        format!(
            "{:6.0} {:6.0} {} {} {} {}",
            call.start_ms, call.end_ms, call.system, call.method, call.path, call.status
        )
    };
    calls.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_run_and_its_repetitions_cost_what_they_must() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    for provider in PROVIDERS {
        house.clear().await;
        a_life(&house, provider).await;
    }
}

async fn a_life(house: &House, provider: &Provider) {
    let ticket = |what: &str| provider.ticket(what);
    let plan = house.run(&ticket("plan")).await.good();
    assert!(!plan.report.plan.is_empty());
    assert_eq!(writes(&house.calls()), Vec::<String>::new(), "a plan writes nothing");

    house.forget_calls();
    let first = house.run(&ticket("provision")).await.good();
    assert_eq!((first.rounds, first.crashes), (1, 0));
    let calls = house.calls();
    let picture = house.picture().await;
    assert_eq!(picture.faulty, Vec::<String>::new());
    assert_eq!(by_system(&calls), provider.first.iter().copied().collect(), "{}", listing(&calls));

    house.forget_calls();
    let again = house.run_anew(&golden(&ticket("provision"))).await.good();
    let calls = house.calls();
    assert_eq!(writes(&calls), Vec::<String>::new(), "a repetition writes nothing");
    assert!(again.report.plan.is_empty(), "{:?}", again.report.plan);
    assert_eq!(by_system(&calls), provider.repeat.iter().copied().collect(), "{}", listing(&calls));
    house.picture().await.must_be(&picture, "after a repetition");

    if provider.idp == OKTA.idp {
        house.forget_calls();
        house.run("okta-change-lifetime").await.good();
        let changed = writes(&house.calls());
        assert_eq!(changed.len(), 1, "one lifetime is one write: {changed:#?}");
        assert!(changed[0].contains("/rules/"), "{changed:?}");
    }

    house.forget_calls();
    let verified = house.run(&ticket("verify")).await.good();
    let calls = house.calls();
    assert_eq!(writes(&calls), Vec::<String>::new(), "a comparison writes nothing");
    assert_eq!(by_system(&calls), provider.verify.iter().copied().collect(), "{}", listing(&calls));
    let not_ok = |severity: Severity| matches!(severity, Severity::Warning | Severity::Critical);
    let worst: Vec<_> = verified.report.findings.iter().filter(|finding| not_ok(finding.severity)).collect();
    assert!(worst.is_empty(), "{worst:#?}");

    house.run(&ticket("deprovision")).await.good();
    let after = house.picture().await;
    assert_eq!(after.faulty, Vec::<String>::new());
    let start = extoauth_scenarios::state::comparable(&house.start, &house.start);
    assert_eq!(
        extoauth_scenarios::state::differences(&start, &after.shown),
        vec!["/_inventory: null expected, found {}"]
    );
}

/// From the first call's start to the last one's end, in milliseconds.
fn wall(calls: &[Call]) -> f64 {
    let start = calls.iter().map(|call| call.start_ms).fold(f64::INFINITY, f64::min);
    let end = calls.iter().map(|call| call.end_ms).fold(0.0, f64::max);
    end - start
}

/// With two latencies the difference of the walls is the chain's length alone: what the machine itself needs cancels out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longest_chain_of_dependent_calls() {
    const STEP: u32 = 200;
    const TIMES: [u32; 2] = [1, 5];
    let _turn = alone().await;
    let Some(mut house) = House::open().await else { return };
    house.invocation = Duration::from_secs(300);
    for provider in PROVIDERS {
        let (mut walls, mut verify) = (Vec::new(), Vec::new());
        for times in TIMES {
            house.clear().await;
            house.sandbox.world.set_latency(Duration::from_millis(u64::from(STEP * times)));
            house.run(&provider.ticket("provision")).await.good();
            walls.push(wall(&house.calls()));
            house.forget_calls();
            house.run(&provider.ticket("verify")).await.good();
            verify.push(wall(&house.calls()));
        }
        let links = |walls: &[f64]| (walls[1] - walls[0]) / f64::from((TIMES[1] - TIMES[0]) * STEP);
        let of_verify = links(&verify);
        println!("{}: the longest chain of a verify: {of_verify:.2} calls ({verify:?} ms)", provider.kind);
        assert!(
            (of_verify - f64::from(provider.verify_chain)).abs() < 1.5,
            "{of_verify:.2}\n{}",
            listing(&house.calls())
        );
        let chain = links(&walls);
        println!("{}: the longest chain: {chain:.2} calls ({walls:?} ms)", provider.kind);
        // A busy machine adds to either wall, so a link and a half are allowed for that; a call that is made to wait for
        // another without need shows as a whole one.
        assert!((chain - f64::from(provider.chain)).abs() < 1.5, "{chain:.2}\n{}", listing(&house.calls()));
    }
}
