//! The time of an invocation of a process that has worked before.

use anyhow::ensure;
use extoauth_sandbox::sandbox::Sandbox;
use extoauth_scenarios::tickets::{anew, golden};
use serde_json::{Value, json};

use crate::calls::busy;
use crate::cold::Taken;
use crate::events;
use crate::figures::{Figures, HELLO, median, percentile};
use crate::instance::{Function, Instance, rss_peak};

/// Invocations of each kind that count.
const RUNS: usize = 300;
/// Invocations before them: connections are made, caches filled.
const BEFORE: usize = 10;

/// Times of one kind of invocation, milliseconds.
#[derive(Default)]
struct Samples {
    whole: Vec<f64>,
    less_stand_ins: Vec<f64>,
    calls: Vec<f64>,
}

impl Samples {
    async fn take(&mut self, sandbox: &Sandbox, instance: &mut Instance, event: &Value) -> anyhow::Result<Value> {
        let before = sandbox.world.calls.after(0).len();
        let answered = instance.invoke(event).await?;
        let whole = (answered.at - answered.handed).as_secs_f64() * 1e3;
        self.whole.push(whole);
        let calls = sandbox.world.calls.after(before as u64);
        self.less_stand_ins.push(whole - busy(&calls));
        self.calls.push(calls.len() as f64);
        Ok(answered.answer)
    }
}

/// Measures hello, then intake: a status and a duplicate in turns.
///
/// # Errors
/// A function does not start, or does not answer as it should.
pub async fn measure(
    figures: &mut Figures,
    sandbox: &Sandbox,
    hello: &Function,
    intake: &Function,
) -> anyhow::Result<()> {
    let mut nothing = Samples::default();
    let mut instance = Instance::start(hello).await?;
    for run in 0..BEFORE + RUNS {
        nothing.take(sandbox, &mut instance, &json!({})).await?;
        if run + 1 == BEFORE {
            nothing = Samples::default();
        }
    }
    instance.end().await?;

    let bearer = &sandbox.keys.bearer;
    let body = anew(&golden("okta-provision")?);
    let mut instance = Instance::start(intake).await?;
    let post = events::http("POST", "/requests", bearer, Some(&body));
    let taken = Taken::read(&instance.invoke(&post).await?.answer, body)?;
    let (mut status, mut duplicate) = (Samples::default(), Samples::default());
    for run in 0..BEFORE + RUNS {
        // A new event each time: the function judges its time.
        let get = events::http("GET", &format!("/requests/{}", taken.id), bearer, None);
        let answer = status.take(sandbox, &mut instance, &get).await?;
        ensure!(answer["statusCode"] == json!(200), "intake answered a status with {answer}");
        let post = events::http("POST", "/requests", bearer, Some(&taken.body));
        let answer = duplicate.take(sandbox, &mut instance, &post).await?;
        ensure!(answer["statusCode"] == json!(200), "intake answered a duplicate with {answer}");
        if run + 1 == BEFORE {
            (status, duplicate) = (Samples::default(), Samples::default());
        }
    }
    let peak = rss_peak(instance.pid()?)? as f64 / 1e6;
    instance.end().await?;

    let both = Samples {
        whole: [&status.whole[..], &duplicate.whole].concat(),
        less_stand_ins: [&status.less_stand_ins[..], &duplicate.less_stand_ins].concat(),
        calls: Vec::new(),
    };
    for (name, of) in [("warm_p50", 0.5), ("warm_p99", 0.99)] {
        let floor = percentile(&nothing.whole, of);
        let whole = percentile(&both.whole, of);
        figures.add(name, HELLO, floor, "ms", RUNS);
        figures.add(name, "intake", whole, "ms", 2 * RUNS);
        figures.add(&format!("{name}.status"), "intake", percentile(&status.whole, of), "ms", RUNS);
        figures.add(&format!("{name}.duplicate"), "intake", percentile(&duplicate.whole, of), "ms", RUNS);
        figures.add(&format!("{name}.above_hello"), "intake", whole - floor, "ms", 2 * RUNS);
    }
    figures.add("warm_less_stand_ins", HELLO, median(&nothing.less_stand_ins), "ms", RUNS);
    figures.add("warm_less_stand_ins", "intake", median(&both.less_stand_ins), "ms", 2 * RUNS);
    figures.add("warm_calls.status", "intake", median(&status.calls), "calls", RUNS);
    figures.add("warm_calls.duplicate", "intake", median(&duplicate.calls), "calls", RUNS);
    figures.add("rss_peak_warm", "intake", peak, "MB", 1);
    Ok(())
}
