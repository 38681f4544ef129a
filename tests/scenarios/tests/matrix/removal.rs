//! Every call of a removal × what can go wrong with it: the next attempt finishes it; what cannot be removed is named.

use extoauth_core::engine::StepStatus;

use crate::cells::{Cell, Place, cells, nothing_wrong, places, play_all, runtime};
use crate::drive::golden;
use crate::house::{House, beside_others, beside_others_blocking};
use crate::picture::Picture;
use crate::provider::{PROVIDERS, Provider};

async fn at_start(house: &mut House) -> Picture {
    house.picture().await
}

async fn one(house: &mut House, provider: &Provider, start: &Picture, cell: &Cell) -> Vec<String> {
    house.run(&provider.ticket("provision")).await.good();
    house.fault(cell.place.struck(cell.fault));
    let mut wrong = Vec::new();
    let ended = house.run(&provider.ticket("deprovision")).await;
    if cell.fault.starts_with("kill") && ended.crashes != 1 {
        wrong.push(format!("{} crashes instead of one: the call was not made", ended.crashes));
    }
    if !ended.is_good() {
        wrong.push(format!("it ended {:?}", ended.verdict));
    }
    wrong.extend(house.picture().await.unlike(start));
    wrong
}

async fn the_places(provider: &Provider) -> Option<Vec<Place>> {
    let house = House::open().await?;
    house.run(&provider.ticket("provision")).await.good();
    house.forget_calls();
    house.run(&provider.ticket("deprovision")).await.good();
    Some(places(&house.calls()))
}

#[test]
fn every_call_of_a_removal_may_go_wrong() {
    const FAULTS: [&str; 5] = ["reset_before", "reset_after", "status:503", "kill_before", "kill_after"];
    let _turn = beside_others_blocking();
    for provider in PROVIDERS {
        let Some(places) = runtime().block_on(the_places(provider)) else { return };
        let cells = cells(&places, &FAULTS, |place, _| provider.strikes(place));
        let (count, begun) = (cells.len(), std::time::Instant::now());
        let wrong = play_all(cells, at_start, async |house: &mut House, start: &Picture, cell: &Cell| {
            one(house, provider, start, cell).await
        });
        let (calls, seconds) = (places.len(), begun.elapsed().as_secs_f64());
        println!("{}: {count} cells of {calls} calls of a removal in {seconds:.0} s", provider.kind);
        nothing_wrong(&wrong);
    }
}

/// What is refused for good is named, with all that stands below it; once the refusal is gone, the next ticket finishes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_that_always_fails_names_what_is_left() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let mut wrong = Vec::new();
    for provider in PROVIDERS {
        wrong.extend(delete_refused(&mut house, provider).await);
    }
    nothing_wrong(&wrong);
}

async fn delete_refused(house: &mut House, provider: &Provider) -> Vec<String> {
    let (provision, deprovision) = (provider.ticket("provision"), provider.ticket("deprovision"));
    house.clear().await;
    let start = house.picture().await;
    house.run(&provision).await.good();
    house.forget_calls();
    house.run(&deprovision).await.good();
    let writes: Vec<_> = places(&house.calls()).into_iter().filter(|place| place.write).collect();
    assert!(writes.len() >= 6, "{writes:?}");
    let mut wrong = Vec::new();
    for place in writes {
        house.clear().await;
        house.run(&provision).await.good();
        house.fault(place.struck("status:403").times(1000));
        let failed = house.run(&deprovision).await;
        if failed.is_good() {
            wrong.push(format!("--- {place}: it succeeded"));
            continue;
        }
        let steps = failed.report.steps.iter();
        let mut named: Vec<String> =
            steps.filter(|step| step.status != StepStatus::Done).map(|step| step.resource.to_string()).collect();
        let books = house.books().await;
        // What of the trust was not begun yet is not this run's; its own rest is.
        let mut left: Vec<String> =
            books.iter().flat_map(|(_, book)| book.items.keys().map(ToString::to_string)).collect();
        named.sort();
        left.sort();
        if named != left {
            wrong.push(format!("--- {place}: named {named:?}\n    left {left:?}\n    {}", failed.error().message));
        }
        house.sandbox.world.faults.clear();
        let rest = house.run_again(&failed).await;
        if !rest.is_good() {
            wrong.push(format!("--- {place}: the next attempt ended {:?}", rest.verdict));
        }
        wrong.extend(house.picture().await.unlike(&start).into_iter().map(|line| format!("--- {place}: {line}")));
    }
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_removal_and_one_of_something_half_made() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let start = house.picture().await;
    // The app is refused for good: a part of the integration is there.
    house.fault(
        extoauth_sandbox::world::FaultSpec::new("okta", "/api/v1/apps", "status:403").method("POST").times(1000),
    );
    let failed = house.run("okta-provision").await;
    assert_eq!(failed.error().code, "forbidden", "{:?}", failed.error());
    house.sandbox.world.faults.clear();
    house.run("okta-deprovision").await.good();
    house.picture().await.must_be(&start, "after the removal of a half-made integration");
    house.forget_calls();
    house.run_anew(&golden("okta-deprovision")).await.good();
    assert!(house.calls().iter().all(|call| !call.write), "there was nothing left to remove");
}
