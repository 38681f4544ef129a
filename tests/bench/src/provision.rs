//! A whole provisioning run with 80 ms in every remote call: its wall time beside its longest chain, its calls, its
//! memory; and the same ticket's content once more, which changes nothing. With each identity provider.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use extoauth_sandbox::host::Host;
use extoauth_sandbox::sandbox::Sandbox;
use extoauth_sandbox::world::Call;
use extoauth_scenarios::cost::{ENTRA_CHAIN, OKTA_CHAIN, whole};
use extoauth_scenarios::tickets::golden;
use extoauth_scenarios::{Client, is_final};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::calls::{Way, way, words};
use crate::figures::{Figures, median};
use crate::instance::rss_peak;

/// Added to every remote call.
const LATENCY: Duration = Duration::from_millis(80);
/// First runs, each on a sandbox as at start and in a process of its own.
const RUNS: usize = 15;
/// Runs with [`LONGER`] times the latency: what the wall time grows by is the chain's length alone.
const LONG_RUNS: usize = 3;
/// See [`LONG_RUNS`].
const LONGER: u32 = 3;
/// How often a request's status is asked for: seldom, since the answer takes the machine's time as well.
const POLL: Duration = Duration::from_millis(500);
/// Without a call for so long, the function has done all that belongs to a message.
const QUIET: Duration = Duration::from_millis(600);
/// A run that has not ended by then hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// The function that is measured.
const FUNCTION: &str = "provision";

/// An identity provider whose recipe is measured.
struct Provider {
    /// How people call it.
    name: &'static str,
    /// Its golden ticket.
    ticket: &'static str,
    /// What the names of its figures end in.
    suffix: &'static str,
    /// The longest chain of dependent calls of a first run.
    chain: u32,
    /// File below the folder of the benchmarks' own that gets all calls of a first run.
    file: &'static str,
}

const PROVIDERS: [Provider; 2] = [
    Provider {
        name: "Okta",
        ticket: "okta-provision",
        suffix: "",
        chain: whole(OKTA_CHAIN),
        file: "provision-calls.txt",
    },
    Provider {
        name: "Entra ID",
        ticket: "entra-provision",
        suffix: ".entra",
        chain: whole(ENTRA_CHAIN),
        file: "provision-calls-entra.txt",
    },
];

/// One run's samples.
struct Sample {
    first: Vec<Call>,
    way: Way,
    rss: f64,
    repeat: Vec<Call>,
    repeat_way: Way,
}

/// Runs the ticket of each provider several times and adds the figures. Gives what the end of the middle runs waited for,
/// as lines for people, and writes all their calls to files in `directory`.
///
/// # Errors
/// A run does not succeed, or a repetition writes.
pub async fn measure(
    figures: &mut Figures,
    sandbox: &Arc<Sandbox>,
    host: &Host,
    directory: &Path,
) -> anyhow::Result<String> {
    let mut told = Vec::new();
    for provider in &PROVIDERS {
        let runs = Runs { sandbox, client: Client::new(sandbox.sandbox_json())?, provider };
        told.push(runs.measure(figures, host, directory).await.with_context(|| provider.name)?);
    }
    Ok(told.join("\n"))
}

/// The runs of one provider.
struct Runs<'a> {
    sandbox: &'a Arc<Sandbox>,
    client: Client,
    provider: &'a Provider,
}

impl Runs<'_> {
    async fn measure(&self, figures: &mut Figures, host: &Host, directory: &Path) -> anyhow::Result<String> {
        let mut samples = Vec::new();
        for _ in 0..RUNS {
            samples.push(self.sample(host).await?);
        }
        let mut long = Vec::new();
        for _ in 0..LONG_RUNS {
            long.push(self.first_run(LATENCY * LONGER).await?.0.span);
        }
        walls(figures, self.provider, &samples, median(&long));
        for (name, calls) in [
            ("first", samples.iter().map(|sample| &sample.first).collect::<Vec<_>>()),
            ("repeat", samples.iter().map(|sample| &sample.repeat).collect()),
        ] {
            for (system, count) in by_system(&calls) {
                let name = format!("provision_calls.{system}.{name}{}", self.provider.suffix);
                figures.add(&name, FUNCTION, count, "calls", RUNS);
            }
        }
        let writes: BTreeSet<String> =
            samples.iter().flat_map(|sample| &sample.repeat).filter(|call| call.write).map(words).collect();
        ensure!(writes.is_empty(), "a run without a change wrote: {writes:?}");
        let middle = middle(&samples).context("no run")?;
        let file = directory.join(self.provider.file);
        std::fs::write(&file, everything(&middle.first)).with_context(|| file.display().to_string())?;
        let listing = listing(&middle.way, &middle.first);
        Ok(format!("{} (all its calls: {}):\n{listing}\n", self.provider.name, file.display()))
    }

    /// Provisions on a sandbox as at start: where the time went, and the calls.
    async fn first_run(&self, latency: Duration) -> anyhow::Result<(Way, Vec<Call>)> {
        self.sandbox.reset().await?;
        self.sandbox.world.set_latency(latency);
        run(self.sandbox, &self.client, &golden(self.provider.ticket)?).await?;
        let first = made(self.sandbox, 0);
        Ok((way(&first).context("provision made no remote call")?, first))
    }

    async fn sample(&self, host: &Host) -> anyhow::Result<Sample> {
        let (first_way, first) = self.first_run(LATENCY).await?;
        let peaks = host.pids(FUNCTION)?.into_iter().filter_map(|pid| rss_peak(pid).ok());
        let rss = peaks.max().context("provision does not run any more")? as f64 / 1e6;

        let after = self.sandbox.world.calls.after(0).len() as u64;
        let again = self.client.reopened(&golden(self.provider.ticket)?).await?;
        run(self.sandbox, &self.client, &again).await?;
        let repeat = made(self.sandbox, after);
        let repeat_way = way(&repeat).context("the repetition made no remote call")?;
        Ok(Sample { first, way: first_way, rss, repeat, repeat_way })
    }
}

/// Posts a request, waits for its end, and until nothing more of it is under way.
async fn run(sandbox: &Sandbox, client: &Client, body: &Value) -> anyhow::Result<()> {
    let answer = client.post(body).await?;
    let id = answer.id()?.to_owned();
    let deadline = Instant::now() + LIMIT;
    let report = loop {
        sleep(POLL).await;
        let report = client.request(&id).await?;
        if is_final(&report) {
            break report;
        }
        ensure!(Instant::now() < deadline, "the request has not ended: {report:#}");
    };
    if report["status"] != json!("succeeded") {
        bail!("the request has not succeeded: {report:#}");
    }
    let mut seen = made(sandbox, 0).len();
    loop {
        sleep(QUIET).await;
        let now = made(sandbox, 0).len();
        if now == seen {
            return Ok(());
        }
        seen = now;
    }
}

/// What provision called, after call `n`.
fn made(sandbox: &Sandbox, n: u64) -> Vec<Call> {
    sandbox.world.calls.after(n).into_iter().filter(|call| call.caller == FUNCTION).collect()
}

fn walls(figures: &mut Figures, provider: &Provider, samples: &[Sample], long: f64) {
    let of = |value: fn(&Sample) -> f64| median(&samples.iter().map(value).collect::<Vec<_>>());
    let chain = f64::from(provider.chain);
    let named = |name: &str| format!("{name}{}", provider.suffix);
    let ideal = chain * LATENCY.as_secs_f64() * 1e3;
    let (wall, whole) = (of(|sample| sample.way.span - sample.way.state_store), of(|sample| sample.way.span));
    let mut add = |name: &str, value: f64, unit| figures.add(&named(name), FUNCTION, value, unit, samples.len());
    add("provision_wall", wall, "ms");
    add("provision_chain", chain, "calls");
    add("provision_wall_to_chain", wall / ideal, "ratio");
    add("provision_state_store", of(|sample| sample.way.state_store), "ms");
    add("provision_own", of(|sample| sample.way.own), "ms");
    add("provision_wall_with_store", whole, "ms");
    add("provision_wall_with_store_to_chain", whole / ideal, "ratio");
    let measured = (long - whole) / (LATENCY.as_secs_f64() * 1e3 * f64::from(LONGER - 1));
    add("provision_chain_measured", measured, "calls");
    add("provision_repeat_wall", of(|sample| sample.repeat_way.span - sample.repeat_way.state_store), "ms");
    add("provision_calls_remote", of(|sample| sample.way.count as f64), "calls");
    add("rss_peak", of(|sample| sample.rss), "MB");
    figures.aim(&named("provision_wall_to_chain"), FUNCTION, "≤ 1.15");
    figures.aim(&named("rss_peak"), FUNCTION, "≤ 30 MB");
}

/// Median of the number of calls to each system.
fn by_system(runs: &[&Vec<Call>]) -> BTreeMap<String, f64> {
    let systems: BTreeSet<&str> = runs.iter().flat_map(|calls| calls.iter().map(|call| call.system.as_str())).collect();
    let count = |system: &str| {
        let counts: Vec<f64> =
            runs.iter().map(|calls| calls.iter().filter(|call| call.system == system).count() as f64).collect();
        median(&counts)
    };
    systems.into_iter().map(|system| (system.to_owned(), count(system))).collect()
}

/// The run whose time is the median.
fn middle(samples: &[Sample]) -> Option<&Sample> {
    let mut sorted: Vec<&Sample> = samples.iter().collect();
    sorted.sort_by(|one, other| one.way.span.total_cmp(&other.way.span));
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

fn listing(way: &Way, calls: &[Call]) -> String {
    let start = way.chain.first().map_or(0.0, |call| call.start_ms);
    let mut until = start;
    let mut lines = Vec::new();
    for (n, call) in way.chain.iter().enumerate() {
        let between = calls.iter().filter(|other| other.start_ms >= until && other.end_ms <= call.start_ms);
        lines.push(format!(
            "{:3}  {:7.1} to {:7.1} ms  {:6.1} ms after the one before ({} calls to the store between)  {}",
            n + 1,
            call.start_ms - start,
            call.end_ms - start,
            call.start_ms - until,
            between.count(),
            words(call)
        ));
        until = call.end_ms;
    }
    lines.join("\n")
}

/// All calls of a run in the order of their start.
fn everything(calls: &[Call]) -> String {
    let mut calls: Vec<&Call> = calls.iter().collect();
    calls.sort_by(|one, other| one.start_ms.total_cmp(&other.start_ms));
    let start = calls.first().map_or(0.0, |call| call.start_ms);
    let line = |call: &&Call| {
        format!("{:8.1} {:8.1} ms  {}  {}\n", call.start_ms - start, call.end_ms - start, call.status, words(call))
    };
    calls.iter().map(line).collect()
}
