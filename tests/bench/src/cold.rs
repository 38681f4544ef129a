//! Process start to the first question for work and to the first answer, what it costs in CPU and memory, and the size
//! of what is deployed.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use extoauth_sandbox::moto;
use extoauth_sandbox::sandbox::{Sandbox, root};
use extoauth_scenarios::tickets::{anew, golden};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::calls::{busy, words};
use crate::events;
use crate::figures::{Figures, HELLO, median};
use crate::instance::{Cold, Function, Instance};

/// Starts of each function that count.
const RUNS: usize = 25;
/// Starts before them, so that every binary is in the page cache.
const BEFORE: usize = 2;

/// One function's samples.
#[derive(Default)]
struct Samples {
    next: Vec<f64>,
    first_answer: Vec<f64>,
    stand_ins: Vec<f64>,
    cpu: Vec<f64>,
    rss: Vec<f64>,
    calls: Vec<f64>,
    /// Calls of the last start, in words.
    last: Vec<String>,
}

/// Measures the cold starts of all functions, in turns: what else the machine does meanwhile hits them alike. Gives what
/// the last start of each called, as lines for people.
///
/// # Errors
/// A function does not start, or does not do what its event asks for.
pub async fn measure(figures: &mut Figures, sandbox: &Sandbox, functions: &[&Function]) -> anyhow::Result<String> {
    let request = golden("okta-provision")?;
    let mut samples: BTreeMap<&str, Samples> = BTreeMap::new();
    for run in 0..BEFORE + RUNS {
        for function in functions {
            let event = match function.name {
                "intake" => events::http("POST", "/requests", &sandbox.keys.bearer, Some(&anew(&request))),
                "provision" => events::sweep(),
                _ => json!({}),
            };
            let before = sandbox.world.calls.after(0).len();
            let cold = Instance::cold(function, &event).await?;
            must_be_done(function.name, &cold)?;
            let calls = sandbox.world.calls.after(before as u64);
            if run < BEFORE {
                continue;
            }
            let of = samples.entry(function.name).or_default();
            let first_answer = cold.first_answer.as_secs_f64() * 1e3;
            of.next.push(cold.next.as_secs_f64() * 1e3);
            of.first_answer.push(first_answer);
            of.stand_ins.push(first_answer - busy(&calls));
            of.cpu.extend(cold.cpu.map(|cpu| cpu.as_secs_f64() * 1e3));
            of.rss.push(cold.rss_peak as f64 / 1e6);
            of.calls.push(calls.len() as f64);
            of.last = calls.iter().map(words).collect();
        }
    }
    for function in functions {
        let name = function.name;
        let Some(of) = samples.get(name) else { continue };
        figures.add("cold_next", name, median(&of.next), "ms", RUNS);
        figures.add("cold_first_answer", name, median(&of.first_answer), "ms", RUNS);
        figures.add("cold_less_stand_ins", name, median(&of.stand_ins), "ms", RUNS);
        if of.cpu.len() == RUNS {
            figures.add("cold_cpu", name, median(&of.cpu), "ms", RUNS);
        }
        // Provision's peak is that of a whole run, measured with it.
        let peak = if name == "provision" { "rss_peak_first_answer" } else { "rss_peak" };
        figures.add(peak, name, median(&of.rss), "MB", RUNS);
        if name != HELLO {
            figures.add("cold_calls", name, median(&of.calls), "calls", RUNS);
        }
    }
    figures.aim("cold_first_answer", "intake", "≤ 6 × hello");
    let called = samples.iter().filter(|(_, of)| !of.last.is_empty());
    Ok(called.map(|(name, of)| format!("  {name}: {}", of.last.join(", "))).collect::<Vec<_>>().join("\n"))
}

/// A figure of a function that refused its event would be a good one.
fn must_be_done(function: &str, cold: &Cold) -> anyhow::Result<()> {
    let good = match function {
        "intake" => cold.answer["statusCode"] == json!(202),
        "provision" => cold.answer["batchItemFailures"] == json!([]),
        _ => cold.answer["hello"] == json!("world"),
    };
    ensure!(good, "{function} answered {}", cold.answer);
    Ok(())
}

/// Sizes of the zips as `make package` makes them.
///
/// # Errors
/// Python or the project's own tool for it does not work.
pub async fn sizes(figures: &mut Figures, functions: &[&Function]) -> anyhow::Result<()> {
    let tool = Path::new("tools/bench_zip.py");
    let output = Command::new(moto::python())
        .arg(tool)
        .args(functions.iter().map(|function| function.name))
        .current_dir(root())
        .output()
        .await
        .with_context(|| format!("{}", moto::python().display()))?;
    ensure!(output.status.success(), "{}: {}", tool.display(), String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for function in functions {
        let line = text.lines().find_map(|line| line.strip_prefix(function.name)?.trim().parse::<u64>().ok());
        let bytes = line.with_context(|| format!("no size of {}", function.name))?;
        figures.add("zip", function.name, bytes as f64 / 1e6, "MB", 1);
    }
    figures.aim("zip", "provision", "≤ 5 MB");
    Ok(())
}

/// A request that intake has taken: its id, and the body that it came with.
pub struct Taken {
    /// Id.
    pub id: String,
    /// Body of the request.
    pub body: Value,
}

impl Taken {
    /// Reads intake's answer to a request that was accepted.
    ///
    /// # Errors
    /// It was not.
    pub fn read(answer: &Value, body: Value) -> anyhow::Result<Self> {
        let text = answer["body"].as_str().unwrap_or_default();
        let told: Value = serde_json::from_str(text).with_context(|| format!("intake answered {answer}"))?;
        let id = told["id"].as_str().with_context(|| format!("intake answered {answer}"))?.to_owned();
        Ok(Self { id, body })
    }
}
