//! The chapters of a client secret that comes to its end: noticed, announced and rotated by itself, at both providers, while
//! developers go on signing in.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::ensure;
use extoauth_sandbox::seed::DBT_NAME;
use extoauth_scenarios::listening::Listening;
use extoauth_scenarios::login;
use serde_json::Value;

use crate::chapters::{ANALYTICS, FINANCE};
use crate::story::Story;

/// The integrations that are there by now, with the names that their notices have.
const BOTH: [(&str, (u64, u64)); 2] = [("analytics-dev", ANALYTICS), ("reporting-dev", FINANCE)];
/// What is announced, and after how long: secrets live 180 days, and are rotated 30 days before their end.
const ANNOUNCED: [(&str, u32); 2] = [("P90D", 90), ("P30D", 60)];
/// From then on they are rotated.
const THEN: &str = "P30D";
/// By then the next sweep has come, which sends what a check has stored.
const SWEEP: &str = "PT6M";
/// A bit more than the grace of an old secret.
const AFTER_THE_GRACE: &str = "PT25H";
/// What has not happened by then does not happen.
const LIMIT: Duration = Duration::from_secs(120);

impl Story<'_> {
    /// Half a year of two secrets.
    pub(crate) async fn secrets(&mut self) -> anyhow::Result<()> {
        let listening = self.client.listen().await?;
        self.announced(&listening).await?;
        self.rotated().await
    }

    async fn announced(&mut self, listening: &Listening) -> anyhow::Result<()> {
        self.chapter("Months go by, and secrets come to their end");
        let mut told = 0;
        for (time, left) in ANNOUNCED {
            self.client.advance(time).await?;
            let subjects = self.until_announced(listening, left).await?;
            for subject in &subjects {
                self.screen.field("told", subject);
            }
            told += subjects.len();
        }
        self.screen.field("to", "the topic, the event bus, the owner's mail, ServiceNow and the calendar, as set up");
        self.shown(format!("{told} notices, on their days, each once"));
        Ok(())
    }

    /// Waits until the end of each secret is announced; gives what was told of them.
    async fn until_announced(&self, listening: &Listening, left: u32) -> anyhow::Result<Vec<String>> {
        let begin = Instant::now();
        let mut all: Vec<String> = Vec::new();
        loop {
            self.client.advance(SWEEP).await?;
            let new = self.client.subjects(listening).await?;
            all.extend(new.into_iter().filter(|subject| subject.contains("secret_end")));
            if BOTH.iter().all(|(name, _)| all.iter().any(|subject| subject.contains(name))) {
                let days = format!("ends in {left} days");
                let odd = all.iter().find(|subject| !subject.contains(&days));
                ensure!(odd.is_none() && all.len() == BOTH.len(), "told: {all:#?} instead of \"{days}\"");
                return Ok(all);
            }
            ensure!(begin.elapsed() < LIMIT, "not announced with {left} days left; only: {all:#?}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    async fn rotated(&mut self) -> anyhow::Result<()> {
        self.chapter("They are rotated while developers work");
        let old = self.held().await?;
        ensure!(old.len() == BOTH.len(), "dbt holds {} secrets", old.len());
        self.client.advance(THEN).await?;
        self.screen.field("30 days left", "the daily check asks Secrets Manager for a rotation, at both providers");
        let (begin, mut logins) = (Instant::now(), 0);
        while !self.held().await?.is_disjoint(&old) {
            ensure!(begin.elapsed() < LIMIT, "dbt still holds an old secret");
            logins += self.everybody().await?;
            self.client.advance(SWEEP).await?;
        }
        self.screen
            .field("dbt", "holds new secrets, each proved at its provider before; the old ones stay good for a day");
        logins += self.everybody().await?;
        self.client.advance(AFTER_THE_GRACE).await?;
        let begin = Instant::now();
        while self.known_to_providers(&old).await? {
            ensure!(begin.elapsed() < LIMIT, "an old secret is still there");
            logins += self.everybody().await?;
            self.client.advance(SWEEP).await?;
        }
        self.screen.field("a day later", "the old ones are removed at Okta and Entra ID, and seen to be refused");
        logins += self.everybody().await?;
        self.screen.field("meanwhile", &format!("{logins} logins from dbt, and not one has failed"));
        self.shown(format!("{} rotated by themselves, {logins} logins, none failed", BOTH.len()));
        Ok(())
    }

    /// A developer of each integration signs in.
    async fn everybody(&self) -> anyhow::Result<usize> {
        for (name, at) in BOTH {
            let login = login::sign_in(self.client, at.0, at.1, "dev1@example.com").await;
            login.map_err(|error| error.context(format!("a login of {name} failed during the rotation")))?;
        }
        Ok(BOTH.len())
    }

    /// Digests of the secrets that dbt holds.
    async fn held(&self) -> anyhow::Result<BTreeSet<String>> {
        let state = self.client.state().await?;
        let rows = state["dbt"][DBT_NAME]["oauth-configurations"].as_array().cloned().unwrap_or_default();
        Ok(rows.iter().filter_map(|row| row["client_secret"]["sha256"].as_str().map(str::to_owned)).collect())
    }

    /// Whether a provider still has one of these.
    async fn known_to_providers(&self, secrets: &BTreeSet<String>) -> anyhow::Result<bool> {
        let state: Value = self.client.state().await?;
        let there = format!("{}{}", state["okta"], state["entra"]);
        Ok(secrets.iter().any(|secret| there.contains(secret)))
    }
}
