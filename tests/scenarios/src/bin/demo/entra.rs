//! The chapters with Entra ID, beside the Okta integration that is there already.

use anyhow::{Context as _, ensure};
use extoauth_sandbox::seed::{DBT_NAME, REDSHIFT_NAME};
use extoauth_scenarios::entra::link_in;
use extoauth_scenarios::state::{comparable, differences};
use extoauth_scenarios::tickets::golden;
use serde_json::{Value, json};

use crate::chapters::{ANALYTICS, FINANCE};
use crate::story::Story;
use crate::words;

/// The environment of the Entra ticket: that of the second Okta team, which has left.
const REPORTING: (u64, u64) = FINANCE;
/// The right that extoauth gives consent with, and the one that shows it whether somebody else has.
const CONSENT: &str = "DelegatedPermissionGrant.ReadWrite.All";
const SEE_CONSENT: &str = "DelegatedPermissionGrant.Read.All";

impl Story<'_> {
    /// Entra ID from its ticket to its removal, and once more with less rights.
    pub(crate) async fn entra(&mut self) -> anyhow::Result<()> {
        let before = self.client.state().await?;
        self.provision_entra().await?;
        self.side_by_side().await?;
        self.remove_entra(&before).await?;
        self.consent().await
    }

    async fn provision_entra(&mut self) -> anyhow::Result<()> {
        self.chapter("A team whose identity provider is Entra ID");
        let body = golden("entra-provision")?;
        let told = self.succeed(&body, &words::of_ticket(&body)).await?;
        // What is asked for and no setting of Entra can give is said, not left out.
        let mut findings = told.report["findings"].as_array().into_iter().flatten();
        let lifetimes = findings.find(|finding| finding["check"] == "entra_token_lifetimes");
        let found = lifetimes.and_then(|finding| finding["found"].as_str()).context("no word on token lifetimes")?;
        self.screen.field("note", found);
        self.shown(format!("{:.1} s, {} changes", told.took.as_secs_f64(), told.writes));
        Ok(())
    }

    async fn side_by_side(&mut self) -> anyhow::Result<()> {
        self.chapter("Entra ID and Okta side by side");
        let entra = self.login(REPORTING, "dev4@example.com", true).await?;
        let okta = self.login(ANALYTICS, "dev1@example.com", false).await?;
        let state = self.client.state().await?;
        let accepted = &state["redshift"][REDSHIFT_NAME]["RedshiftIdcApplications"][0]["AuthorizedTokenIssuerList"];
        let accepted = accepted.as_array().context("the issuers that Redshift accepts")?;
        for (login, provider) in [(&okta, "Okta"), (&entra, "Entra ID")] {
            ensure!(login.provider == provider, "{} signed in through {}", login.username, login.provider);
            let its = |entry: &&Value| {
                entry["AuthorizedAudiencesList"].as_array().is_some_and(|all| all.contains(&json!(login.audience)))
            };
            ensure!(accepted.iter().any(|entry| its(&entry)), "Redshift does not accept {}", login.audience);
            self.screen.field(provider, &format!("\"{}\", audience {}", login.configuration, login.audience));
        }
        let configurations = state["dbt"][DBT_NAME]["oauth-configurations"].as_array().map_or(0, Vec::len);
        self.screen.field(
            "together",
            &format!(
                "one Redshift application accepts {} issuers, one of them somebody else's; one dbt account has \
                 {configurations} OAuth configurations",
                accepted.len()
            ),
        );
        ensure!(accepted.len() == 3 && configurations == 2, "neither takes the other's place");
        self.shown("dev4 through Entra ID, dev1 through Okta");
        Ok(())
    }

    async fn remove_entra(&mut self, before: &Value) -> anyhow::Result<()> {
        self.chapter("The Entra team leaves, the Okta team stays");
        let told = self.succeed(&golden("entra-deprovision")?, "remove the integration reporting-dev").await?;
        let now = self.client.state().await?;
        let left = differences(&comparable(before, before), &comparable(&now, before));
        ensure!(left.is_empty(), "not as before the Entra ticket:\n{}", left.join("\n"));
        self.login(ANALYTICS, "dev3@example.com", false).await?;
        self.shown(format!("{} removals, dev3 of the Okta team is in", told.writes));
        Ok(())
    }

    async fn consent(&mut self) -> anyhow::Result<()> {
        self.chapter("Again, where consent is somebody else's right");
        self.client.change_entra_rights(&[CONSENT], &[SEE_CONSENT]).await?;
        // Tokens hold the rights that they were made with: new processes ask for new ones.
        self.client.configure(json!({})).await?;
        self.screen.field("Entra", "our app may see consent, and not give it any more");
        let body = self.client.reopened(&golden("entra-provision")?).await?;
        let (underway, told) = self.wait(&body, "the integration reporting-dev, as before").await?;
        let waiting = &told.report["waiting_for"];
        let (who, what) = (waiting["who"].as_str().unwrap_or_default(), waiting["what"].as_str().unwrap_or_default());
        self.screen.field("waits for", who);
        self.screen.field("", what);
        let link = link_in(what).context("the administrator is given no link")?;
        let on_the_ticket = self.client.notes(&body).await?.iter().any(|note| note.contains(link));
        ensure!(on_the_ticket, "the ticket does not say what it waits for");
        ensure!(self.login_fails(REPORTING, "dev5@example.com").await, "the environment was cut over too early");
        self.screen.field("meanwhile", "everything else is done, and developers keep the connection that they had");

        self.client.accept_consent(link).await?;
        self.screen.field("the administrator", "opens the link and accepts");
        let told = self.goes_on(underway).await?;
        self.login(REPORTING, "dev5@example.com", false).await?;
        ensure!(told.report["attempt"] == 1, "somebody posted it again");
        self.client.change_entra_rights(&[SEE_CONSENT], &[CONSENT]).await?;
        self.client.configure(json!({})).await?;
        self.shown("one link, went on by itself, dev5 is in");
        Ok(())
    }
}
