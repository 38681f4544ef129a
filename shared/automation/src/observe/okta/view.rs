//! The Okta side in Okta's own words.

use std::collections::BTreeMap;

use extoauth_systems::okta::{App, AuthorizationServer, Claim, Member, Policy, Rule, ServerScope};
use jiff::Timestamp;

use super::Seen;

/// What the Okta side looks like, in Okta's own words.
#[derive(Clone, Debug, Default)]
pub struct OktaView {
    /// The app that dbt is.
    pub app: Seen<App>,
    /// Its client secrets, without their values.
    pub secrets: Seen<Vec<SecretView>>,
    /// Ids of the groups assigned to it.
    pub groups: Seen<Vec<String>>,
    /// The groups that are to be assigned.
    pub wanted: Vec<WantedGroup>,
    /// Who may use the app.
    pub assigned: Seen<Assigned>,
    /// The authorization server.
    pub server: Seen<AuthorizationServer>,
    /// Its scopes.
    pub scopes: Seen<Vec<ServerScope>>,
    /// Its claims.
    pub claims: Seen<Vec<Claim>>,
    /// Its access policies.
    pub policies: Seen<Vec<Policy>>,
    /// The rules of the policy that decides for our client; `Gone`: no policy does.
    pub rules: Seen<Vec<Rule>>,
    /// Our policy, as recorded.
    pub policy: Option<String>,
    /// Our rule, as recorded.
    pub rule: Option<String>,
    /// Members of the groups that rules name, and of wanted groups that are not assigned.
    pub members: BTreeMap<String, Seen<Members>>,
}

/// A client secret. Okta's never expire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretView {
    /// `ocs…`
    pub id: String,
    /// Whether it is accepted.
    pub active: bool,
    /// Creation.
    pub created: Option<Timestamp>,
    /// Whether it is the one that dbt was given; `None`: one of the two values is not known.
    pub of_dbt: Option<bool>,
}

/// A group that is to be assigned to the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedGroup {
    /// Its name in the ticket.
    pub name: String,
    /// Its id; `None`: no assignment is recorded.
    pub id: Option<String>,
}

/// Who may use the app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assigned {
    /// The first of them.
    pub users: Vec<AssignedUser>,
    /// Whether these are all.
    pub complete: bool,
}

/// Somebody who may use the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignedUser {
    /// `00u…`
    pub id: String,
    /// Sign-in name.
    pub name: String,
    /// Whether account and assignment are such that they can sign in.
    pub active: bool,
}

/// The members of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// The first thousand.
    pub people: Vec<Member>,
    /// Whether these are all.
    pub complete: bool,
}
