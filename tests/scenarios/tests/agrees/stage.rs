//! A healthy integration that is broken and mended again and again.

use extoauth_core::engine::Book;
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::ids::Subject;
use extoauth_sandbox::seed;
use extoauth_sandbox::world::PutBack;
use extoauth_scenarios::tickets::with;
use jiff::SignedDuration;

use crate::desk::Desk;
use crate::drive::{Ended, golden};
use crate::house::House;
use crate::judge::{Judge, Logins, installed};
use crate::ours::Ours;
use crate::provider::Provider;

/// The integration, the judge, and the way back to health.
pub struct Stage {
    /// The sandbox with the product's state.
    pub house: House,
    /// What the integration consists of.
    pub ours: Ours,
    provider: &'static Provider,
    judge: Judge,
    put_back: PutBack,
    books: Vec<(Subject, Book)>,
    secret_version: String,
}

/// What verify said.
pub struct Said {
    /// How the request ended.
    pub verdict: String,
    /// The critical findings, in order.
    pub criticals: Vec<Finding>,
}

impl Stage {
    /// A healthy integration; none where something is not installed.
    pub async fn open(provider: &'static Provider) -> anyhow::Result<Option<Self>> {
        if !installed() {
            return Ok(None);
        }
        let Some(house) = House::open().await else { return Ok(None) };
        let mut judge = Judge::start(&house)?;
        let (ours, put_back, books, secret_version) = healthy(&house, provider, &mut judge).await?;
        Ok(Some(Self { house, ours, provider, judge, put_back, books, secret_version }))
    }

    /// The administrator.
    pub fn desk(&self) -> Desk<'_> {
        Desk::with_way_back(&self.house, &self.put_back)
    }

    /// Asks for a verify.
    pub async fn verify(&self) -> Said {
        let ended = self.house.run(&self.provider.ticket("verify")).await;
        let findings = ended.report.findings;
        let criticals = findings.into_iter().filter(|one| one.severity == Severity::Critical).collect();
        Said { verdict: format!("{:?}", ended.verdict), criticals }
    }

    /// Lets developers log in.
    pub async fn logins(&mut self, users: &[&str]) -> anyhow::Result<Logins> {
        self.judge.logins(&self.house, &self.ours, users).await
    }

    /// Lets the product mend what was changed of its objects.
    pub async fn mend(&self) -> Ended {
        provision(&self.house, self.provider).await
    }

    /// Looks up again what the integration consists of: parts of it may be new.
    pub async fn look_again(&mut self) -> anyhow::Result<()> {
        let desk = Desk::of(&self.house);
        self.ours = Ours::of(&self.house, &desk, self.provider).await?;
        self.judge.learn(&desk, &self.ours).await
    }

    /// Back to health: the stand-ins' objects as they were. Where the product has recorded something else since then,
    /// or `outside` cannot be put back, everything is made anew.
    pub async fn restore(&mut self, outside: bool) -> anyhow::Result<()> {
        (self.put_back)();
        if self.house.books().await != self.books {
            return self.rebuild().await;
        }
        if outside {
            let desk = Desk::of(&self.house);
            desk.put_directory_back().await?;
            if desk.put_secret_back(&self.ours, &self.secret_version).await.is_err() {
                return self.rebuild().await;
            }
        }
        Ok(())
    }

    /// Everything anew.
    async fn rebuild(&mut self) -> anyhow::Result<()> {
        self.house.clear().await;
        Desk::of(&self.house).put_directory_back().await?;
        let anew = healthy(&self.house, self.provider, &mut self.judge).await?;
        (self.ours, self.put_back, self.books, self.secret_version) = anew;
        Ok(())
    }
}

async fn provision(house: &House, provider: &Provider) -> Ended {
    let body = with(&golden(&provider.ticket("provision")), provider.variables);
    house.run_anew(&body).await
}

type Healthy = (Ours, PutBack, Vec<(Subject, Book)>, String);

async fn healthy(house: &House, provider: &'static Provider, judge: &mut Judge) -> anyhow::Result<Healthy> {
    // Of the identity store nothing is put back by a snapshot: it is as at start here.
    provision(house, provider).await.good();
    // An integration of every day: nobody waits any more for what was made a moment ago to appear.
    house.watch.forward(SignedDuration::from_mins(3));
    let desk = Desk::of(house);
    let ours = Ours::of(house, &desk, provider).await?;
    judge.learn(&desk, &ours).await?;
    let secret_version = desk.secret_version(&ours).await?;
    anyhow::ensure!(ours.people.len() == seed::USERS.len() && !ours.group.is_empty(), "{ours:?}");
    Ok((ours, house.sandbox.world.keep(), house.books().await, secret_version))
}
