//! Any sequence of descriptions, with anything going wrong on the way, ends as if the last one had been the first.

use std::time::Duration;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use crate::cloud::{FAULTS, Fault};
use crate::crossing::{SIDES, Side};
use crate::recipe::Desired;
use crate::world::{World, same, undisturbed};

fn desired() -> impl Strategy<Value = Desired> {
    let numbers = (1..3_u8, 1..3_u8, 1..3_u8, 1..3_u8, 1..3_u8, 1..4_u8, 1..3_u8, 1..3_u8);
    (numbers, btree_set(1..5_u8, 0..4), btree_set(1..4_u8, 0..3)).prop_map(|(n, groups, environments)| Desired {
        audience: n.0,
        label: n.1,
        published: n.2,
        redirect: n.3,
        secret: n.4,
        path: n.5,
        attribute: n.6,
        config: n.7,
        groups,
        environments,
    })
}

#[derive(Clone, Debug)]
enum Mishap {
    None,
    Call(usize, Fault),
    Crash(usize, Side),
    Store(usize, bool),
}

fn mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        1 => Just(Mishap::None),
        3 => (0..40_usize, proptest::sample::select(FAULTS.to_vec())).prop_map(|(n, fault)| Mishap::Call(n, fault)),
        4 => (0..60_usize, proptest::sample::select(SIDES.to_vec())).prop_map(|(n, side)| Mishap::Crash(n, side)),
        1 => (0..30_usize, any::<bool>()).prop_map(|(n, stored)| Mishap::Store(n, stored)),
    ]
}

async fn life(steps: Vec<(Desired, Vec<Mishap>)>, lag: Duration) {
    let world = World::new();
    world.cloud.set_lag(lag);
    let mut last = Desired::default();
    for (want, mishaps) in steps {
        for mishap in mishaps {
            world.cloud.forget_calls();
            world.crossing.clear();
            match mishap {
                Mishap::None => {}
                Mishap::Call(n, fault) => world.cloud.fail(n, fault),
                Mishap::Crash(moment, side) => world.crossing.crash_at(moment, side),
                Mishap::Store(n, stored) => world.books.fail(n, stored),
            }
            let _ = world.apply(&want).await;
        }
        last = want;
    }
    world.cloud.forget_calls();
    world.crossing.clear();
    world.books.clear();
    world.complete(&last).await;
    same(&world.snapshot(), &undisturbed(&last).await, "end");
    world.is_at_rest(&last).await;
    world.clean_up(&last).await;
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_life_ends_in_the_undisturbed_state(
        steps in vec((desired(), vec(mishap(), 1..3)), 1..4),
        lag in prop_oneof![Just(0_u64), Just(150)],
    ) {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime")
            .block_on(life(steps, Duration::from_millis(lag)));
    }
}
