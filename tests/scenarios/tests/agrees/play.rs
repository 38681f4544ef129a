//! The rows one by one, then random ones and pairs of them.

use std::time::{Duration, Instant};

use extoauth_sandbox::seed::USERS;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::dice::Dice;
use crate::house::beside_others;
use crate::mutation::{Fix, Mutation};
use crate::provider::Provider;
use crate::stage::Stage;
use crate::table;
use crate::tally::{Kind, Tally};

/// Number of random changes at all providers together.
const RANDOM: &str = "EXTOAUTH_AGREES_RANDOM";
/// What they grow from.
const SEED: &str = "EXTOAUTH_AGREES_SEED";
/// Only the changes play whose name holds this.
const ONLY: &str = "EXTOAUTH_AGREES_ONLY";
/// Random changes, if nobody says how many.
const USUAL: u64 = 1000;
/// The seed, if nobody says another.
const USUAL_SEED: u64 = 20_260_101;
/// Houses of one provider that play at the same time.
const HOUSES: usize = 2;
/// A row that takes longer is named: somebody waits for something in vain.
const SLOW: Duration = Duration::from_secs(6);
/// Draws until a change is one that the vendors take.
const DRAWS: usize = 8;

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// What is asked for.
#[derive(Clone)]
struct Asked {
    /// Random changes at all providers together.
    random: u64,
    seed: u64,
    /// Only the changes play whose name holds this.
    only: String,
}

/// Plays everything at one provider, shared out between houses: most of the time is waiting.
pub async fn whole(provider: &'static Provider) {
    let _turn = beside_others().await;
    let asked = Asked {
        random: number(RANDOM, USUAL) / 2,
        seed: number(SEED, USUAL_SEED),
        only: std::env::var(ONLY).unwrap_or_default(),
    };
    let rows: Vec<Mutation> = table::all().into_iter().filter(|row| row.is_for(provider.kind)).collect();
    let (count, random, seed) = (rows.len(), asked.random, asked.seed);
    println!("{}: {count} rows, {random} random changes, {SEED}={seed}", provider.kind);
    // A thread each: a run of the product stays on the thread on which it began.
    let share = |house| {
        let (rows, asked, runtime) = (rows.clone(), asked.clone(), Handle::current());
        spawn_blocking(move || runtime.block_on(part(provider, rows, asked, house)))
    };
    let shares: Vec<_> = (0..HOUSES).map(share).collect();
    let mut all = Tally::default();
    for share in shares {
        // Something is not installed: nothing was played.
        let Some(tally) = share.await.expect("a share that was played to its end") else { return };
        all.add(tally);
    }
    all.judge(provider.kind);
}

/// Every [`HOUSES`]th change, from this one.
async fn part(provider: &'static Provider, rows: Vec<Mutation>, asked: Asked, house: usize) -> Option<Tally> {
    let mut stage = Stage::open(provider).await.expect("a healthy integration")?;
    let mut tally = Tally::default();
    health(&mut stage, &mut tally, "nothing at all", &USERS).await;
    let named = rows.iter().enumerate().filter(|(_, row)| row.name.contains(&asked.only));
    for (number, row) in named.filter(|(number, _)| number % HOUSES == house) {
        let mut dice = Dice::of(asked.seed, u64::MAX - u64::try_from(number).unwrap_or(0));
        single(&mut stage, &mut tally, row, &mut dice).await;
    }
    for number in (0..asked.random).skip(house).step_by(HOUSES) {
        random(&mut stage, &mut tally, &rows, &asked, number).await;
    }
    Some(tally)
}

/// Whom to let log in: everybody where a change can tell people apart, else two of them.
fn people(rows: &[&Mutation], dice: &mut Dice) -> Vec<&'static str> {
    if rows.iter().any(|row| row.tells_people_apart) {
        return USERS.to_vec();
    }
    let first = dice.below(USERS.len());
    let second = (first + 1 + dice.below(USERS.len() - 1)) % USERS.len();
    vec![USERS[first], USERS[second]]
}

/// Verify and reality after these changes.
async fn compare(stage: &mut Stage, tally: &mut Tally, name: &str, rows: &[&Mutation], dice: &mut Dice) {
    let start = Instant::now();
    let said = stage.verify().await;
    tally.verifying += start.elapsed();
    let start = Instant::now();
    let logins = stage.logins(&people(rows, dice)).await.expect("a judge");
    tally.judging += start.elapsed();
    let links: Vec<&str> = rows.iter().flat_map(|row| row.links.iter().copied()).collect();
    tally.compare(name, &links, &logins, &said);
}

/// Notes what is not healthy.
async fn health(stage: &mut Stage, tally: &mut Tally, after: &str, users: &[&str]) {
    let said = stage.verify().await;
    let logins = stage.logins(users).await.expect("a judge");
    let name = format!("after the fix of: {after}");
    if let Some((user, login)) = logins.iter().find(|(_, login)| !login.ok) {
        tally.note(Kind::NotMended, &name, format!("{user} ends at {}: {}", login.step, login.error));
    }
    if let Some(finding) = said.criticals.first() {
        tally.note(Kind::NotMended, &name, format!("verify: {}: found {}", finding.check, finding.found));
    }
}

/// One change, its fix, and back.
async fn single(stage: &mut Stage, tally: &mut Tally, row: &Mutation, dice: &mut Dice) {
    if let Err(error) = row.apply(&stage.desk(), &stage.ours, dice).await {
        tally.note(Kind::Refused, row.name, format!("{error:#}"));
        stage.restore(row.is_outside).await.expect("the way back");
        return;
    }
    let begun = Instant::now();
    compare(stage, tally, row.name, &[row], dice).await;
    let compared = begun.elapsed();
    let start = Instant::now();
    match row.fix {
        Fix::Provision => {
            let ended = stage.mend().await;
            if !ended.is_good() {
                tally.note(Kind::NotMended, row.name, format!("the provision request: {:?}", ended.verdict));
            } else if let Err(error) = stage.look_again().await {
                tally.note(Kind::NotMended, row.name, format!("{error:#}"));
            } else {
                health(stage, tally, row.name, &people(&[row], dice)).await;
            }
        }
        Fix::Undo(act) => {
            let done = act(&stage.desk(), &stage.ours, dice).await;
            done.unwrap_or_else(|error| panic!("{}: it cannot be undone: {error:#}", row.name));
            health(stage, tally, row.name, &people(&[row], dice)).await;
        }
    }
    stage.restore(row.is_outside).await.expect("the way back");
    tally.mending += start.elapsed();
    if begun.elapsed() > SLOW {
        println!("slow: {}: compared after {compared:?}, all of it {:?}", row.name, begun.elapsed());
    }
}

/// A random change with random values, or a pair of them, and back.
async fn random(stage: &mut Stage, tally: &mut Tally, rows: &[Mutation], asked: &Asked, number: u64) {
    let mut dice = Dice::of(asked.seed, number);
    let wants_pair = dice.below(5) > 1;
    for _ in 0..DRAWS {
        let mut drawn = vec![dice.one(rows)];
        if wants_pair {
            let other = dice.one(rows);
            if !drawn[0].goes_with(other) {
                continue;
            }
            drawn.push(other);
        }
        let name = drawn.iter().map(|row| row.name).collect::<Vec<_>>().join(" + ");
        let name = format!("random {number}: {name}");
        if !name.contains(&asked.only) {
            return;
        }
        let mut done = Vec::new();
        for row in &drawn {
            // What the first took away, the second cannot change: then there is one change.
            if row.apply(&stage.desk(), &stage.ours, &mut dice).await.is_ok() {
                done.push(*row);
            }
        }
        let outside = drawn.iter().any(|row| row.is_outside);
        if !done.is_empty() {
            compare(stage, tally, &name, &done, &mut dice).await;
        }
        let start = Instant::now();
        stage.restore(outside).await.expect("the way back");
        tally.mending += start.elapsed();
        if !done.is_empty() {
            return;
        }
    }
    panic!("random {number}: {DRAWS} draws and no change that the vendors take");
}
