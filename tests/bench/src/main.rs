//! The benchmarks: what `make bench` runs. Needs the release functions and the hello-world function in `target/lambda`.
//!
//! The functions' processes are the deployed binaries; everything around them (Runtime API, stand-ins, moto) is in this
//! process or on this machine. Absolute times are this machine's: compare the ratios. Nothing here fails because a
//! figure is bad.

mod calls;
mod cold;
mod events;
mod figures;
mod instance;
mod machine;
mod provision;
mod runtime_api;
mod warm;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use extoauth_sandbox::sandbox::{Options, Sandbox, root};
use serde_json::json;

use figures::{Figures, HELLO};
use instance::Function;

const FOOTER: &str = "\
cold_*, warm_*: processes of the release binaries with a Runtime API on loopback; AWS services over TLS where a function calls them.
  intake's first answer is a new POST /requests, provision's a sweep message; hello calls nobody.
*_less_stand_ins: without the time that calls were inside the stand-ins (moto, mostly). *_cpu: the process's time on a core,
  which neither the stand-ins nor a busy machine lengthen much.
provision_wall: first remote call's start to the last one's end, without what passes while only the state store, the queue
  and notices work (provision_state_store); provision_own: no call under way. Each run in a new process, 80 ms a remote call.
  provision_chain: as the recipe's tests assert it, from the ticket to the last read-back; the wall also holds the configuration's
  secret before and the ticket's last notes after. provision_chain_measured: what the wall time grows by with the latency.
  *.entra: the same with Entra ID, signed in by certificate; the others with Okta.
The figures of the scheduled checks (sweep_*) and of okta-event-hook come with those functions.";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let target = root().join("target");
    let directory = target.join("bench");
    // Logs of an earlier run would be read as this one's.
    if directory.exists() {
        std::fs::remove_dir_all(&directory).with_context(|| directory.display().to_string())?;
    }
    std::fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    let binaries = Sandbox::binaries(&target.join("lambda"));
    let mut machine = machine::describe();

    eprintln!("bench: starting the stand-ins and moto …");
    let roles = target.join("roles.json");
    let options = Options { aws_tls: true, roles: Some(roles), ..Options::standalone(&directory) };
    let sandbox = Sandbox::start(options).await?;
    let hello = function(HELLO, &target, &directory, Vec::new())?;
    let intake = function("intake", &target, &directory, sandbox.function_env("intake"))?;
    let provision = function("provision", &target, &directory, sandbox.function_env("provision"))?;
    let functions = [&hello, &intake, &provision];

    let mut figures = Figures::default();
    eprintln!("bench: cold starts …");
    let called = cold::measure(&mut figures, &sandbox, &functions).await?;
    cold::sizes(&mut figures, &functions).await?;
    eprintln!("bench: warm invocations …");
    warm::measure(&mut figures, &sandbox, &hello, &intake).await?;
    eprintln!("bench: provisioning …");
    let host = sandbox.start_functions(binaries).await?;
    let chain = provision::measure(&mut figures, &sandbox, &host, &directory).await;
    drop(host);
    Arc::clone(&sandbox).shutdown().await;
    let chain = chain?;

    machine["load_1m_at_end"] = json!(machine::load());
    let file = target.join("bench.json");
    figures.write(&machine, &file)?;
    println!("\n{}\n{FOOTER}\n", figures.table());
    println!("What the first answers called:\n{called}\n");
    println!("What the end of a first run waited for, the run of the median time:\n{chain}");
    println!("{machine}\n{}", file.display());
    Ok(())
}

fn function(
    name: &'static str,
    target: &Path,
    directory: &Path,
    environment: Vec<(String, String)>,
) -> anyhow::Result<Function> {
    let binary: PathBuf = target.join("lambda").join(name).join("bootstrap");
    ensure!(binary.is_file(), "{} is not built: make bench builds it (tools/build.sh \"\" {name})", binary.display());
    Ok(Function { name, binary, environment, log: directory.join(format!("{name}.log")) })
}
