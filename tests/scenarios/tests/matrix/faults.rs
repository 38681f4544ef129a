//! Every call of a first run × every fault and crash: the end is the undisturbed run's.

use extoauth_automation::conduct::Verdict;

use crate::cells::{Cell, Place, cells, nothing_wrong, places, play_all, runtime};
use crate::house::{House, beside_others_blocking};
use crate::picture::Picture;
use crate::provider::{PROVIDERS, Provider};

/// What a lane knows of the undisturbed run.
struct Undisturbed {
    /// What is there before it.
    start: Picture,
    /// What it leaves.
    end: Picture,
}

/// Every so many cells the removal after the run is proved as well.
const REMOVE_EVERY: usize = 7;

async fn undisturbed(house: &mut House, provider: &Provider) -> Undisturbed {
    let start = house.picture().await;
    house.run(&provider.ticket("provision")).await.good();
    let end = house.picture().await;
    assert_eq!(end.faulty, Vec::<String>::new());
    Undisturbed { start, end }
}

async fn the_places(provider: &Provider) -> Option<Vec<Place>> {
    let house = House::open().await?;
    house.run(&provider.ticket("provision")).await.good();
    Some(places(&house.calls()))
}

async fn one(house: &mut House, provider: &Provider, known: &Undisturbed, cell: &Cell) -> Vec<String> {
    house.fault(cell.place.struck(cell.fault));
    let mut ended = house.run(&provider.ticket("provision")).await;
    let mut wrong = Vec::new();
    if cell.fault.starts_with("kill") && ended.crashes != 1 {
        wrong.push(format!("{} crashes instead of one: the call was not made", ended.crashes));
    }
    if let Verdict::Failed(error) = &ended.verdict {
        // Only a refusal ends a request; everything else passes by itself.
        if cell.fault != "status:403" {
            wrong.push(format!("failed: {error:?}"));
        }
        let state = house.state().await;
        let books = format!("{:?}", house.books().await);
        wrong.extend(
            house.orphans(&state, &books.into()).into_iter().map(|orphan| format!("after the failure: {orphan}")),
        );
        ended = house.run_again(&ended).await;
    }
    if !ended.is_good() {
        wrong.push(format!("it ended {:?}", ended.verdict));
    }
    wrong.extend(house.picture().await.unlike(&known.end));
    if cell.n.is_multiple_of(REMOVE_EVERY) && wrong.is_empty() {
        let removed = house.run(&provider.ticket("deprovision")).await;
        if !removed.is_good() {
            wrong.push(format!("the removal ended {:?}", removed.verdict));
        }
        let left = house.picture().await.unlike(&known.start);
        wrong.extend(left.into_iter().map(|line| format!("after the removal: {line}")));
    }
    wrong
}

fn all(faults: &[&'static str], wanted: impl Fn(&Place, &str) -> bool) {
    let _turn = beside_others_blocking();
    for provider in PROVIDERS {
        let Some(places) = runtime().block_on(the_places(provider)) else { return };
        let cells = cells(&places, faults, |place, fault| provider.strikes(place) && wanted(place, fault));
        let (count, begun) = (cells.len(), std::time::Instant::now());
        let wrong = play_all(
            cells,
            async |house: &mut House| undisturbed(house, provider).await,
            async |house: &mut House, known: &Undisturbed, cell: &Cell| one(house, provider, known, cell).await,
        );
        let (calls, seconds) = (places.len(), begun.elapsed().as_secs_f64());
        println!("{}: {count} cells of {calls} calls × {faults:?} in {seconds:.0} s", provider.kind);
        nothing_wrong(&wrong);
    }
}

#[test]
fn a_call_that_is_lost_before_or_after_it_acted() {
    all(&["reset_before", "reset_after"], |_, _| true);
}

#[test]
fn a_call_that_is_answered_with_an_error() {
    all(&["status:500", "status:503", "status:403"], |_, _| true);
}

/// A limit costs seconds of waiting, so of reads that are alike only the last one meets it.
#[test]
fn a_call_that_meets_a_limit() {
    all(&["throttle"], |place, _| place.write || place.last);
}

/// A slow answer differs from a quick one only in what others do meanwhile: of reads that are alike the last one is slow.
#[test]
fn a_call_whose_answer_is_broken_or_slow() {
    let wanted = |place: &Place, fault: &str| !fault.starts_with("delay") || place.write || place.last;
    all(&["garbage", "truncate", "delay:300"], wanted);
}

#[test]
fn a_crash_at_every_call() {
    all(&["kill_before", "kill_after"], |_, _| true);
}
