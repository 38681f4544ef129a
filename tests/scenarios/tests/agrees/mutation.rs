//! A change that somebody makes by hand.

use anyhow::Context as _;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::desk::Desk;
use crate::dice::Dice;
use crate::ours::Ours;

/// Changes an object as its vendor shows it.
pub type Change = fn(&mut Value, &Ours, &mut Dice);
/// Anything else that an administrator does.
pub type Act = for<'a> fn(&'a Desk<'a>, &'a Ours, &'a mut Dice) -> BoxFuture<'a, anyhow::Result<()>>;

/// What is done.
#[derive(Clone, Copy)]
pub enum Deed {
    /// The object at this address is read, changed, and written back.
    Edit(&'static str, Change),
    /// The object at this address is deleted.
    Delete(&'static str),
    /// The object at this address is deactivated (Okta).
    Deactivate(&'static str),
    /// Anything else.
    Act(Act),
}

/// What makes it healthy again.
#[derive(Clone, Copy)]
pub enum Fix {
    /// A provision request of the same integration.
    Provision,
    /// What the finding tells an administrator to do.
    Undo(Act),
}

/// A row of the table.
#[derive(Clone, Copy)]
pub struct Mutation {
    /// Its name.
    pub name: &'static str,
    /// Which kind of provider it is for; none: all.
    pub provider: Option<&'static str>,
    /// What is done.
    pub deed: Deed,
    /// Checks of which one must be the first to say `critical`, if logins fail.
    pub links: &'static [&'static str],
    /// Whether it may let some people in and others not.
    pub tells_people_apart: bool,
    /// What makes it healthy again.
    pub fix: Fix,
    /// Whether it changes what a snapshot of the stand-ins does not hold (identity store, Secrets Manager).
    pub is_outside: bool,
    /// What it writes of dbt's OAuth configuration.
    ///
    /// dbt shows nobody its secret, only when a configuration was last written. A secret replaced together with anything
    /// else of the same configuration cannot be told from that other change alone: such pairs are not drawn.
    pub hides: Hides,
}

/// What of a change of dbt's OAuth configuration nobody can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hides {
    /// It changes something else.
    Nothing,
    /// It writes visible fields of the configuration.
    ItsSight,
    /// It writes the secret.
    TheSecret,
}

impl Mutation {
    /// A change that a provision request puts right, for all providers and people.
    pub const fn new(name: &'static str, deed: Deed, links: &'static [&'static str]) -> Self {
        let hides = match deed {
            Deed::Edit(address, _) if is(address, "dbt.oauth_configuration") => Hides::ItsSight,
            _ => Hides::Nothing,
        };
        Self {
            name,
            provider: None,
            deed,
            links,
            tells_people_apart: false,
            fix: Fix::Provision,
            is_outside: false,
            hides,
        }
    }

    /// A change of a field.
    pub const fn edit(
        name: &'static str,
        address: &'static str,
        links: &'static [&'static str],
        change: Change,
    ) -> Self {
        Self::new(name, Deed::Edit(address, change), links)
    }

    /// Anything else.
    pub const fn act(name: &'static str, links: &'static [&'static str], act: Act) -> Self {
        Self::new(name, Deed::Act(act), links)
    }

    /// The same, for one provider.
    pub const fn at(mut self, provider: &'static str) -> Self {
        self.provider = Some(provider);
        self
    }

    /// The same, where it may let some people in and others not.
    pub const fn by_person(mut self) -> Self {
        self.tells_people_apart = true;
        self
    }

    /// The same, put right by an administrator.
    pub const fn undone(mut self, act: Act) -> Self {
        self.fix = Fix::Undo(act);
        self
    }

    /// The same, outside of what a snapshot holds.
    pub const fn outside(mut self) -> Self {
        self.is_outside = true;
        self
    }

    /// The same, of dbt's secret.
    pub const fn of_the_secret(mut self) -> Self {
        self.hides = Hides::TheSecret;
        self
    }

    /// Whether it is for this kind of provider.
    pub fn is_for(&self, kind: &str) -> bool {
        self.provider.is_none_or(|provider| provider == kind)
    }

    /// Whether both can happen, and what comes of it can be known.
    pub fn goes_with(&self, other: &Self) -> bool {
        let secret = [self.hides, other.hides].contains(&Hides::TheSecret);
        let both = self.hides != Hides::Nothing && other.hides != Hides::Nothing;
        self.name != other.name && !(secret && both)
    }

    /// Does it.
    pub async fn apply(&self, desk: &Desk<'_>, ours: &Ours, dice: &mut Dice) -> anyhow::Result<()> {
        match self.deed {
            Deed::Edit(address, change) => {
                let before = desk.read(ours, address).await?;
                let mut after = before.clone();
                change(&mut after, ours, dice);
                desk.write(ours, address, &before, &after).await
            }
            Deed::Deactivate(address) => deactivate(desk, ours, address).await,
            Deed::Delete(address) => {
                let path = ours.path(address);
                match address.split('.').next() {
                    Some("okta") => {
                        if matches!(address, "okta.app" | "okta.server") {
                            deactivate(desk, ours, address).await?;
                        }
                        desk.okta("DELETE", &path, Value::Null).await?
                    }
                    Some("entra") => desk.graph("DELETE", &path, Value::Null).await?,
                    _ => desk.dbt("DELETE", &path, Value::Null).await?,
                };
                Ok(())
            }
            Deed::Act(act) => act(desk, ours, dice).await,
        }
        .context(self.name)
    }
}

async fn deactivate(desk: &Desk<'_>, ours: &Ours, address: &str) -> anyhow::Result<()> {
    desk.okta("POST", &format!("{}/lifecycle/deactivate", ours.path(address)), Value::Null).await.map(|_| ())
}

/// Whether two texts are the same.
const fn is(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut n = 0;
    while n < one.len() {
        if one[n] != other[n] {
            return false;
        }
        n += 1;
    }
    true
}
