//! The chapters of the demo, in the order in which a data-platform team would live them.

use anyhow::{Context as _, ensure};
use extoauth_scenarios::control::writes;
use extoauth_scenarios::state::{comparable, differences};
use extoauth_scenarios::tickets::{golden, refused};
use serde_json::Value;

use crate::screen::Paint;
use crate::story::Story;
use crate::words;

/// The environments of the golden tickets.
pub(crate) const ANALYTICS: (u64, u64) = (70_001, 90_001);
pub(crate) const FINANCE: (u64, u64) = (70_002, 90_011);

impl Story<'_> {
    /// Everything. The first thing that is not healthy ends it.
    ///
    /// # Errors
    /// What is not healthy.
    pub async fn tell(&mut self) -> anyhow::Result<()> {
        let start = self.client.state().await?;
        let provision = golden("okta-provision")?;
        let report = self.provision(&provision).await?;
        self.developer().await?;
        self.again(&provision).await?;
        self.plan().await?;
        self.change().await?;
        self.second().await?;
        self.remove_second().await?;
        self.refuse().await?;
        self.verify().await?;
        self.broken().await?;
        self.ticket(&provision).await?;
        self.people(&report)?;
        self.entra().await?;
        self.secrets().await?;
        if !self.keep {
            self.remove_all(&start).await?;
        }
        Ok(())
    }

    async fn provision(&mut self, body: &Value) -> anyhow::Result<Value> {
        self.chapter("A ticket becomes a working integration");
        let told = self.succeed(body, &words::of_ticket(body)).await?;
        self.shown(format!("{:.1} s, {} changes", told.took.as_secs_f64(), told.writes));
        Ok(told.report)
    }

    async fn developer(&mut self) -> anyhow::Result<()> {
        self.chapter("A developer connects");
        let chain = self.login(ANALYTICS, "dev1@example.com", true).await?;
        self.shown(format!("{} is in, and again after a refresh", chain.user));
        Ok(())
    }

    async fn again(&mut self, body: &Value) -> anyhow::Result<()> {
        self.chapter("The same ticket is sent again");
        let before = self.client.last_call().await?;
        let answer = self.client.post(body).await?;
        let duplicate = &answer.body["duplicate"];
        self.screen.field("POST /requests", &format!("{}, duplicate: {duplicate}", answer.status));
        ensure!(answer.status == 200 && duplicate == true, "a duplicate is answered 200: {}", answer.body);
        ensure!(writes(&self.client.calls(before).await?).is_empty(), "it changed something");
        self.shown("recognised, nothing done");
        Ok(())
    }

    async fn plan(&mut self) -> anyhow::Result<()> {
        self.chapter("What would the ticket change now?");
        let told =
            self.succeed(&golden("okta-plan")?, "a plan of the same integration: what is not as it should be?").await?;
        ensure!(told.writes == 0, "a plan wrote {} times", told.writes);
        ensure!(self.changes(&told.report)? == 0, "the plan is not empty right after its own provisioning");
        self.shown("nothing; nothing written");
        Ok(())
    }

    async fn change(&mut self) -> anyhow::Result<()> {
        self.chapter("Refresh tokens shall live 60 days, not 90");
        let told = self
            .succeed(
                &golden("okta-change-lifetime")?,
                "the same integration, refresh tokens and idle window of 60 days",
            )
            .await?;
        let changes = self.changes(&told.report)?;
        ensure!(changes == 1 && told.writes == 1, "{changes} changes by {} writes: one is enough", told.writes);
        self.shown("one change, one write");
        Ok(())
    }

    async fn second(&mut self) -> anyhow::Result<()> {
        self.chapter("A second team joins the same trust");
        let told = self
            .succeed(&golden("okta-second")?, "a second integration, finance-dev, in dbt environment 70002/90011")
            .await?;
        self.login(FINANCE, "dev2@example.com", false).await?;
        self.shown(format!("{:.1} s, {} changes, dev2 is in", told.took.as_secs_f64(), told.writes));
        Ok(())
    }

    async fn remove_second(&mut self) -> anyhow::Result<()> {
        self.chapter("The second team leaves, the first stays");
        let told = self.succeed(&golden("okta-deprovision-second")?, "remove the integration finance-dev").await?;
        self.login(ANALYTICS, "dev3@example.com", false).await?;
        self.shown(format!("{} removals, dev3 of the first team is in", told.writes));
        Ok(())
    }

    async fn refuse(&mut self) -> anyhow::Result<()> {
        self.chapter("Tickets that must not pass");
        let all = refused()?;
        for ticket in &all {
            let before = self.client.last_call().await?;
            let answer = self.client.post(&ticket.body).await?;
            let report = self.client.end(answer.id()?, std::time::Duration::from_secs(60)).await?;
            let (code, message) = (&report["error"]["code"], report["error"]["message"].as_str().unwrap_or_default());
            self.screen.field(&ticket.name, &format!("{}: {message}", code.as_str().unwrap_or("accepted")));
            ensure!(*code == ticket.expect.as_str(), "{} ended with {code}, not {}", ticket.name, ticket.expect);
            let writes = writes(&self.client.calls(before).await?);
            ensure!(writes.is_empty(), "{} changed something: {writes:?}", ticket.name);
        }
        self.shown(format!("{} refused, nothing written", all.len()));
        Ok(())
    }

    async fn verify(&mut self) -> anyhow::Result<()> {
        self.chapter("Is everything as it should be?");
        let told = self.succeed(&golden("okta-verify")?, "compare the systems with what was asked for").await?;
        ensure!(told.writes == 0, "a comparison wrote {} times", told.writes);
        ensure!(self.changes(&told.report)? == 0, "something is not as it was asked for");
        self.shown("yes; nothing written");
        Ok(())
    }

    async fn broken(&mut self) -> anyhow::Result<()> {
        self.chapter("Somebody breaks a link by hand");
        let known = self.client.known("integrations/analytics-dev").await?;
        let resources = known["resources"].as_array().context("the integration has no resources")?;
        let group = resources.iter().find(|one| one["kind"] == "okta.app.group").context("no group is assigned")?;
        let part = |name: &str| group["identity"][name].as_str().unwrap_or_default().to_owned();
        let path = format!("apps/{}/groups/{}", part("app"), part("group"));
        self.client.okta("DELETE", &path, Value::Null).await?;
        self.screen.field("in Okta", "an administrator takes the group data-engineers off the app");
        ensure!(self.login_fails(ANALYTICS, "dev1@example.com").await, "dev1 still gets in");
        self.screen.field("login", "dev1@example.com does not get in any more");
        let error = self.fail(&golden("okta-verify")?, "what is wrong?").await?;
        self.screen.field("wrong", error["message"].as_str().unwrap_or_default());
        self.screen.field("to do", error["fix"].as_str().unwrap_or_default());
        let message = error["message"].as_str().unwrap_or_default();
        ensure!(message.contains("client_assigned"), "another link is named: {message}");
        let told = self.succeed(&golden("okta-repair")?, "mend it (repair = true, approved)").await?;
        self.login(ANALYTICS, "dev1@example.com", false).await?;
        self.shown(format!("named in one line, mended by {} write, dev1 is in", told.writes));
        Ok(())
    }

    async fn remove_all(&mut self, start: &Value) -> anyhow::Result<()> {
        self.chapter("Both teams leave");
        // The first ticket of that name has removed the integration once.
        let entra = self.client.reopened(&golden("entra-deprovision")?).await?;
        self.succeed(&entra, "remove the integration reporting-dev, and the trust with it").await?;
        self.succeed(&golden("okta-deprovision")?, "remove the integration analytics-dev, and the trust with it")
            .await?;
        let now = self.client.state().await?;
        // A right that was given back is the same by another id: what only one of them has is known by its name.
        let left = differences(&comparable(start, &now), &comparable(&now, start));
        ensure!(left.is_empty(), "not as before the first ticket:\n{}", left.join("\n"));
        self.screen
            .field("every system", "as before the first ticket: nothing of ours is left, nothing else has changed");
        self.shown("every system as before the first ticket");
        Ok(())
    }

    async fn ticket(&mut self, body: &Value) -> anyhow::Result<()> {
        self.chapter("What the first ticket says now");
        let row = self.client.ticket(body).await?;
        let notes = self.client.notes(body).await?;
        for note in &notes {
            // The next chapter shows it in full.
            let note = note.split("\n\nLeft for people:").next().unwrap_or_default();
            self.screen.item("•", note);
        }
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        self.screen.field("state", text("state"));
        self.screen.field("close notes", text("close_notes"));
        ensure!(!notes.is_empty(), "the ticket has no work notes");
        ensure!(!text("close_notes").is_empty(), "the ticket was not closed");
        self.shown(format!("{} work notes, closed", notes.len()));
        Ok(())
    }

    fn people(&mut self, report: &Value) -> anyhow::Result<()> {
        self.chapter("What is left for people");
        let all = report["handoffs"].as_array().context("hand-offs are a list")?;
        for handoff in all {
            let text = |name: &str| handoff[name].as_str().unwrap_or_default();
            self.screen.line(&format!("   {}", self.screen.paint(Paint::Strong, text("who"))));
            self.screen.item("", text("what"));
            self.screen.item("", &format!("where: {}", text("where")));
            for (name, value) in handoff["values"].as_object().into_iter().flatten() {
                self.screen.item("", &format!("{name}: {}", value.as_str().unwrap_or_default()));
            }
        }
        for row in ["R30", "R31", "R32"] {
            let there = all.iter().any(|handoff| handoff["what"].as_str().is_some_and(|what| what.contains(row)));
            ensure!(there, "no hand-off for row {row}");
        }
        self.shown(format!("{} hand-offs with exact values", all.len()));
        Ok(())
    }

    /// Shows the changes of a report and counts them.
    fn changes(&self, report: &Value) -> anyhow::Result<usize> {
        let changes = report["plan"]["changes"].as_array().context("the report has no plan")?;
        for change in changes {
            let resource = change["resource"].as_str().unwrap_or_default();
            for field in change["fields"].as_array().into_iter().flatten() {
                let name = field["field"].as_str().unwrap_or_default();
                self.screen.field(resource, &format!("{name}: {} → {}", field["before"], field["after"]));
            }
        }
        if changes.is_empty() {
            self.screen.field("changes", "none");
        }
        Ok(changes.len())
    }
}
