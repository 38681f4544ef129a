//! The rule of the access policy with all three lifetimes (rows R09, R10).

use std::collections::BTreeMap;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Ownership, Port, Presence, Resource,
};
use extoauth_core::error::{CallResult, absent_is_none};
use extoauth_core::ids::Address;
use extoauth_core::integration::Lifetimes;
use extoauth_systems::okta::{EVERYONE, Read, Rule, RuleSpec, Write};
use serde::{Deserialize, Serialize};

use super::policy::policies_key;
use super::{OKTA_ADMIN, PolicyOutput};
use crate::systems::Systems;
use crate::want::WantedIntegration;

/// Who gets tokens, for what and for how long.
///
/// The idle window is the third lifetime: left out, Okta ends a refresh token after seven days without use, whatever the
/// other two say. People are everyone: the app's assignment decides who gets in. Scopes are any: which ones dbt asks for
/// besides `session:role-any` is not documented, and a rule that lacks one gives no token at all.
pub struct TokenRule {
    name: String,
    policy: Later<PolicyOutput>,
    lifetimes: Lifetimes,
}

/// How Okta names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RuleIdentity {
    /// `aus…`
    pub server: String,
    /// `00p…`
    pub policy: String,
    /// `0pr…`
    pub rule: String,
}

const MINUTES_A_DAY: u32 = 24 * 60;

impl TokenRule {
    /// The rule of an integration.
    pub fn of(want: &WantedIntegration, policy: &Later<PolicyOutput>) -> Self {
        Self { name: want.names.rule.clone(), policy: policy.clone(), lifetimes: want.lifetimes() }
    }

    fn place(&self) -> (&str, &str) {
        self.policy.value().map_or(("", ""), |p| (p.server.as_str(), p.policy.as_str()))
    }

    fn spec(&self) -> RuleSpec {
        RuleSpec {
            name: self.name.clone(),
            groups: vec![EVERYONE.to_owned()],
            // `refresh_token` is not named: the code grant covers its refreshes.
            grant_types: vec!["authorization_code".to_owned()],
            scopes: vec!["*".to_owned()],
            access_minutes: self.lifetimes.access_minutes,
            refresh_minutes: self.lifetimes.refresh_days * MINUTES_A_DAY,
            idle_minutes: self.lifetimes.idle_days * MINUTES_A_DAY,
        }
    }
}

impl Resource for TokenRule {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = Rule;
    type Identity = RuleIdentity;
    type Output = ();

    const KIND: &'static str = "okta.server.policy.rule";
    const ROW: &'static str = "R10";

    fn address(&self) -> Address {
        Address::of("okta.server.policy.rule")
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        systems.okta.as_ref()
    }

    fn parents(&self) -> Presence {
        self.policy.presence()
    }

    fn shared_key(&self) -> Option<String> {
        let policy = self.policy.value()?;
        Some(policies_key(&policy.server))
    }

    async fn read(&self, client: &Read, by: &Lookup<'_, RuleIdentity>) -> CallResult<Found<Rule>> {
        let (server, policy) = self.place();
        let rules = absent_is_none(client.rules(server, policy).await)?.unwrap_or_default();
        // The policy is ours, so its rules are.
        let ours = rules.into_iter().find(|rule| match by.recorded {
            Some(identity) => rule.id == identity.rule,
            None => rule.name == self.name,
        });
        Ok(ours.map_or(Found::Absent, Found::Here))
    }

    fn wants(&self) -> Fields {
        let spec = self.spec();
        Fields::from([
            ("name", Field::is(spec.name)),
            ("status", Field::is("ACTIVE")),
            ("groups", Field::set(spec.groups)),
            ("excluded", Field::set(Vec::<String>::new())),
            ("grant_types", Field::set(spec.grant_types)),
            ("scopes", Field::set(spec.scopes)),
            ("access_token_minutes", Field::is(spec.access_minutes)),
            ("refresh_token_minutes", Field::is(spec.refresh_minutes)),
            ("idle_minutes", Field::is(spec.idle_minutes)),
        ])
    }

    fn shows(&self, seen: &Rule, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([
            ("name", Field::is(seen.name.as_str())),
            ("status", Field::is(seen.status.as_str())),
            ("groups", Field::set(seen.groups.iter().cloned())),
            ("excluded", Field::set(seen.groups_excluded.iter().chain(&seen.users_excluded).cloned())),
            ("grant_types", Field::set(seen.grant_types.iter().cloned())),
            ("scopes", Field::set(seen.scopes.iter().cloned())),
            ("access_token_minutes", Field::is(seen.access_minutes)),
            ("refresh_token_minutes", Field::is(seen.refresh_minutes)),
            ("idle_minutes", Field::is(seen.idle_minutes)),
        ])
    }

    async fn create(&self, client: &Write, _making: &Making<'_>) -> CallResult<Made<Rule>> {
        let (server, policy) = self.place();
        let made = client.create_rule(server, policy, &self.spec()).await?;
        Ok(Made { seen: made.value, request_id: made.request_id })
    }

    async fn update(&self, client: &Write, seen: &Rule, _making: &Making<'_>) -> CallResult<Made<Rule>> {
        let (server, policy) = self.place();
        let mut request_id = None;
        if !seen.is_active() {
            request_id = client.activate_rule(server, policy, &seen.id).await?.request_id;
        }
        let written = client.replace_rule(server, policy, seen, &self.spec()).await?;
        Ok(Made { seen: written.value, request_id: written.request_id.or(request_id) })
    }

    fn identity(&self, seen: &Rule) -> RuleIdentity {
        let (server, policy) = self.place();
        RuleIdentity { server: server.to_owned(), policy: policy.to_owned(), rule: seen.id.clone() }
    }

    fn ownership(&self, _before: Option<&Rule>) -> Ownership {
        Ownership::Child
    }

    fn output(&self, _seen: &Rule) {}

    fn by_hand(&self) -> ByHand {
        let (server, policy) = self.place();
        ByHand {
            who: OKTA_ADMIN,
            what: format!("Add a rule named `{}` with all three lifetimes", self.name),
            place: format!("Security > API > Authorization Servers > {server} > Access Policies > {policy}"),
        }
    }
}
