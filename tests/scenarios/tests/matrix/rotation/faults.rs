//! Every call of a rotation × every fault and crash, from its ticket to the end of the old secret.

use extoauth_automation::conduct::Verdict;
use extoauth_scenarios::login::sign_in;

use crate::cells::{Cell, Place, cells, nothing_wrong, places, play_all, runtime};
use crate::drive::golden;
use crate::house::{House, beside_others_blocking};
use crate::picture::Picture;
use crate::provider::{PROVIDERS, Provider};

/// Every so many cells a developer signs in at the end.
const SIGN_IN_EVERY: usize = 9;

async fn undisturbed(house: &mut House, provider: &Provider) -> (Picture, Vec<Place>) {
    house.run(&provider.ticket("provision")).await.good();
    house.forget_calls();
    let orders = house.orders();
    let rotated = house.rotate(house.post(&golden(&provider.ticket("rotate"))), &orders).await.good();
    assert_eq!(rotated.rotations, 1);
    let places = places(&house.calls());
    (house.picture().await, places)
}

async fn one(house: &mut House, provider: &Provider, end: &Picture, cell: &Cell) -> Vec<String> {
    house.run(&provider.ticket("provision")).await.good();
    let orders = house.orders();
    house.fault(cell.place.struck(cell.fault));
    let mut rotated = house.rotate(house.post(&golden(&provider.ticket("rotate"))), &orders).await;
    let mut wrong = std::mem::take(&mut rotated.wrong);
    if cell.fault.starts_with("kill") && rotated.crashes != 1 {
        wrong.push(format!("{} crashes instead of one: the call was not made", rotated.crashes));
    }
    if let Verdict::Failed(error) = &rotated.verdict {
        if cell.fault != "status:403" {
            wrong.push(format!("failed: {error:?}"));
        }
        let request = &rotated.request;
        let next = request.next_attempt(request.content.clone(), None, request.updated);
        rotated = house.rotate(next, &orders).await;
        wrong.append(&mut rotated.wrong);
    }
    if !matches!(rotated.verdict, Verdict::Succeeded) {
        wrong.push(format!("it ended {:?}: {:#?}", rotated.verdict, rotated.failures));
    }
    let picture = house.picture().await;
    wrong.extend(picture.unlike(end));
    let live = house.live_secrets().await;
    if live != 1 {
        wrong.push(format!("{live} secrets are good instead of one"));
    }
    wrong.extend(house.secrets_told().await);
    if cell.n.is_multiple_of(SIGN_IN_EVERY) && wrong.is_empty() {
        let (project, environment) = provider.environment();
        if let Err(error) = sign_in(&house.admin, project, environment, "dev1@example.com").await {
            wrong.push(format!("a developer cannot sign in: {error:#}"));
        }
    }
    wrong
}

fn all(faults: &[&'static str], wanted: impl Fn(&Place, &str) -> bool) {
    let _turn = beside_others_blocking();
    for provider in PROVIDERS {
        let known = runtime().block_on(async {
            let mut house = House::open().await?;
            Some(undisturbed(&mut house, provider).await)
        });
        let Some((_, places)) = known else { return };
        let cells = cells(&places, faults, &wanted);
        let (count, begun) = (cells.len(), std::time::Instant::now());
        let wrong = play_all(
            cells,
            async |house: &mut House| undisturbed(house, provider).await.0,
            async |house: &mut House, end: &Picture, cell: &Cell| one(house, provider, end, cell).await,
        );
        let (calls, seconds) = (places.len(), begun.elapsed().as_secs_f64());
        println!("{}: {count} cells of {calls} calls × {faults:?} in {seconds:.0} s", provider.kind);
        nothing_wrong(&wrong);
    }
}

#[test]
fn a_rotations_call_that_is_lost() {
    // A read that is lost is read again, whether it got there or not.
    all(&["reset_before", "reset_after"], |place, fault| place.write || fault == "reset_after");
}

#[test]
fn a_rotations_call_that_is_refused_or_fails() {
    all(&["status:503", "status:403"], |place, fault| place.write || place.last || fault == "status:403");
}

#[test]
fn a_crash_at_every_call_of_a_rotation() {
    // Before a read acts or after is the same to whoever died.
    all(&["kill_before", "kill_after"], |place, fault| place.write || fault == "kill_after");
}
