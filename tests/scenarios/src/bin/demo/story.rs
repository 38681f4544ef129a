//! What every chapter needs: tickets that are followed while they are worked on, logins that are retold, results.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use extoauth_scenarios::control::{by_system, writes};
use extoauth_scenarios::login::{self, Chain};
use extoauth_scenarios::{Client, is_final, is_over};
use serde_json::Value;

use crate::screen::{Paint, Screen};
use crate::words;

/// A request that has not ended by then hangs.
const LIMIT: Duration = Duration::from_secs(120);
/// By then a request that waits for somebody has been looked at again.
const NEXT_LOOK: &str = "PT6M";

/// The demo on its way.
pub struct Story<'a> {
    pub(crate) client: &'a Client,
    pub(crate) screen: &'a Screen,
    pub(crate) results: Vec<(String, String)>,
    pub(crate) chapter: String,
    /// Whether what was made is to stay.
    pub(crate) keep: bool,
    began: Instant,
}

/// A request that was posted.
pub struct Underway {
    id: String,
    /// The last call before it.
    before: u64,
    start: Instant,
    /// Resources that were shown.
    seen: BTreeSet<String>,
}

/// A request that has ended, or waits.
pub struct Told {
    /// Its last report.
    pub report: Value,
    /// How many calls could change something.
    pub writes: usize,
    /// Since its post.
    pub took: Duration,
}

impl<'a> Story<'a> {
    /// A story that has not begun.
    pub fn new(client: &'a Client, screen: &'a Screen, keep: bool) -> Self {
        Self { client, screen, results: Vec::new(), chapter: "start".into(), keep, began: Instant::now() }
    }

    /// Begins a chapter.
    pub(crate) fn chapter(&mut self, title: &str) {
        let number = self.results.len() + 1;
        self.chapter = title.to_owned();
        self.screen.title(&format!("{number}  {title}"));
    }

    /// Ends a chapter with what it has shown.
    pub(crate) fn shown(&mut self, what: impl Into<String>) {
        self.results.push((std::mem::take(&mut self.chapter), what.into()));
    }

    /// Posts a ticket's request.
    async fn post(&self, body: &Value, asks: &str) -> anyhow::Result<Underway> {
        let number = body["ticket"]["number"].as_str().unwrap_or_default();
        self.screen.field(number, &format!("(approved) {asks}"));
        let before = self.client.last_call().await?;
        let start = Instant::now();
        let answer = self.client.post(body).await?;
        let status = answer.body["status"].as_str().unwrap_or_default();
        self.screen.field("POST /requests", &format!("{} {status}", answer.status));
        Ok(Underway { id: answer.id()?.to_owned(), before, start, seen: BTreeSet::new() })
    }

    /// Shows what is done for a request as it happens, until it is in a state like this.
    async fn follow(&self, underway: &mut Underway, until: fn(&Value) -> bool) -> anyhow::Result<Told> {
        let (screen, start, seen) = (self.screen, underway.start, &mut underway.seen);
        let look = |report: &Value| self.new_steps(report, start, seen);
        let report = self.client.until(until, &underway.id, LIMIT, look).await?;
        let took = start.elapsed();
        let right: Vec<&str> = steps(&report)
            .filter(|step| words::of_change(step) == "in order")
            .filter_map(|step| step["resource"].as_str())
            .filter(|resource| !underway.seen.contains(*resource))
            .collect();
        if !right.is_empty() {
            screen.field("in order already", &right.join(", "));
        }
        let calls = self.client.calls(underway.before).await?;
        let systems = by_system(&calls).into_iter().filter(|(system, _)| !matches!(*system, "dynamodb" | "sqs"));
        let systems: Vec<String> = systems.map(|(system, count)| format!("{system} {count}")).collect();
        let writes = writes(&calls).len();
        let status = report["status"].as_str().unwrap_or_default();
        let paint = match status {
            "succeeded" => Paint::Good,
            "waiting" => Paint::Strong,
            _ => Paint::Bad,
        };
        let how = if status == "waiting" { "now" } else { "ended" };
        screen.field(how, &format!("{} after {:.1} s", screen.paint(paint, status), took.as_secs_f64()));
        screen.field("calls", &format!("{}; {writes} of them to change something", systems.join(", ")));
        Ok(Told { report, writes, took })
    }

    /// A ticket whose request must succeed.
    pub(crate) async fn succeed(&self, body: &Value, asks: &str) -> anyhow::Result<Told> {
        let mut underway = self.post(body, asks).await?;
        let told = self.follow(&mut underway, is_final).await?;
        healthy(&told.report)?;
        Ok(told)
    }

    /// A ticket whose request must fail; gives back what it says.
    pub(crate) async fn fail(&self, body: &Value, asks: &str) -> anyhow::Result<Value> {
        let mut underway = self.post(body, asks).await?;
        let told = self.follow(&mut underway, is_final).await?;
        ensure!(told.report["status"] == "failed", "the request has not failed: {:#}", told.report);
        ensure!(told.writes == 0, "it wrote {} times", told.writes);
        Ok(told.report["error"].clone())
    }

    /// A ticket whose request must come to wait for somebody.
    pub(crate) async fn wait(&self, body: &Value, asks: &str) -> anyhow::Result<(Underway, Told)> {
        let mut underway = self.post(body, asks).await?;
        let told = self.follow(&mut underway, is_final).await?;
        ensure!(told.report["status"] == "waiting", "the request waits for nobody: {:#}", told.report);
        Ok((underway, told))
    }

    /// A request that waited, and must succeed now that nobody has posted it again.
    pub(crate) async fn goes_on(&self, mut underway: Underway) -> anyhow::Result<Told> {
        underway.before = self.client.last_call().await?;
        // Its calendar brings the next look forward, which comes every five minutes.
        self.client.advance(NEXT_LOOK).await?;
        let told = self.follow(&mut underway, is_over).await?;
        healthy(&told.report)?;
        Ok(told)
    }

    fn new_steps(&self, report: &Value, start: Instant, seen: &mut BTreeSet<String>) {
        for step in steps(report) {
            let resource = step["resource"].as_str().unwrap_or_default();
            let verb = words::of_change(step);
            let over = matches!(step["status"].as_str(), Some("done" | "failed" | "skipped" | "waiting"));
            if !over || verb == "in order" || !seen.insert(resource.to_owned()) {
                continue;
            }
            let (rows, what) = words::of_resource(resource);
            let paint = if verb == "FAILED" { Paint::Bad } else { Paint::Good };
            let verb = self.screen.paint(paint, &format!("{verb:<8}"));
            let rows = self.screen.paint(Paint::Quiet, &format!("{rows:<8}"));
            self.screen.line(&format!("   {:6.2} s  {verb}  {rows}  {what}", start.elapsed().as_secs_f64()));
            let detail = step["detail"].as_str().unwrap_or_default();
            if step["status"] == "failed" && !detail.is_empty() && is_final(report) {
                self.screen.item("", detail);
            }
        }
    }

    /// Lets a developer sign in from a dbt environment. `retell`: step by step, not in a line.
    pub(crate) async fn login(&self, at: (u64, u64), username: &str, retell: bool) -> anyhow::Result<Chain> {
        let start = Instant::now();
        let chain = login::sign_in(self.client, at.0, at.1, username).await?;
        let took = format!("{:.1} s", start.elapsed().as_secs_f64());
        ensure!(chain.user == username, "{username} became {}", chain.user);
        if retell {
            self.retell(&chain, at.0, at.1);
            self.screen.field("", &format!("all of it in {took}"));
        } else {
            let way = format!("from dbt {}/{} through {} and Identity Center to Redshift", at.0, at.1, chain.provider);
            self.screen.field("login", &format!("{username} {way} in {took}"));
        }
        Ok(chain)
    }

    /// Whether a developer does not get in.
    pub(crate) async fn login_fails(&self, at: (u64, u64), username: &str) -> bool {
        login::sign_in(self.client, at.0, at.1, username).await.is_err()
    }

    fn retell(&self, chain: &Chain, project: u64, environment: u64) {
        let screen = self.screen;
        screen.field(
            "dbt",
            &format!(
                "{} clicks \"Connect to Redshift\" in {project}/{environment}: connection \"{}\" uses \"{}\"",
                chain.username, chain.connection, chain.configuration
            ),
        );
        screen.field(&format!("→ {}", chain.provider), &chain.authorize_url);
        screen.field(
            "",
            &format!("the code buys an access token for {} minutes, scopes {}", chain.access_minutes, chain.scopes),
        );
        screen.field("   iss", &chain.issuer);
        screen.field("   aud", &chain.audience);
        screen.field(&format!("   {}", chain.claim), &chain.claim_value);
        screen.field(
            "→ Identity Center",
            &format!(
                "issuer is {} byte for byte, audience is accepted, {} = {} is one user",
                chain.trusted_issuer, chain.attribute, chain.claim_value
            ),
        );
        screen.field("→ Redshift", &format!("identity context of {}, groups {}", chain.user, chain.groups.join(", ")));
        screen.field("", "the same token again: refused, each works once; the refreshed token: works");
    }

    /// The table at the end. `failed`: why the story broke off.
    pub fn results(&mut self, failed: Option<anyhow::Error>) {
        self.screen.title("Results");
        for (n, (chapter, what)) in self.results.iter().enumerate() {
            let ok = self.screen.paint(Paint::Good, "ok    ");
            self.screen.line(&format!("   {ok} {:>2}  {chapter:<50} {what}", n + 1));
        }
        if let Some(error) = failed {
            let bad = self.screen.paint(Paint::Bad, "FAILED");
            self.screen.line(&format!("   {bad} {:>2}  {}", self.results.len() + 1, self.chapter));
            self.screen.item("", &format!("{error:#}"));
        } else {
            let time = self.began.elapsed().as_secs_f64();
            self.screen.text(&format!("\nAll healthy, in {time:.0} s."));
        }
    }
}

/// Requires success, and that no check found anything wrong.
fn healthy(report: &Value) -> anyhow::Result<()> {
    if report["status"] != "succeeded" {
        let error = &report["error"];
        let text = |name: &str| error[name].as_str().unwrap_or_default();
        bail!("the request {}: {} {} (fix: {})", report["status"], text("code"), text("message"), text("fix"));
    }
    let bad = report["findings"].as_array().into_iter().flatten();
    let mut bad = bad.filter(|finding| finding["severity"] == "critical" || finding["severity"] == "warning");
    match bad.next() {
        Some(finding) => bail!("a check is not content: {finding}"),
        None => Ok(()),
    }
}

fn steps(report: &Value) -> impl Iterator<Item = &Value> {
    report["steps"].as_array().into_iter().flatten()
}
