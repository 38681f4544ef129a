//! What a request means.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Action, Digest, RequestId, Variables};
use crate::ids::IntegrationName;
use crate::policy::Policy;
use crate::problem::{Problem, Problems};
use crate::systems::SystemsConfig;

/// What a request means, after validation and normalisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// What is asked.
    pub action: Action,
    /// The kind of ticket system: `servicenow`.
    pub source: String,
    /// The ticket system's instance, one of the configuration.
    pub instance: String,
    /// The integration; `None` for an action of a system.
    pub integration: Option<IntegrationName>,
    /// The ticket.
    pub ticket: TicketRef,
    /// The variables as the ticket gives them, in their one form.
    pub given: Variables,
    /// The same with defaults as they were when the request came.
    pub variables: Variables,
}

/// The ticket of a request, as its sender describes it. Nothing of it is believed: it is read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRef {
    /// Table of the record: `sc_req_item`.
    pub table: String,
    /// Id of the record: 32 hexadecimal digits in lower case.
    pub sys_id: String,
    /// Number for people: `RITM0012345`. Empty if it was not sent.
    pub number: String,
    /// Approval as sent.
    pub approval: Option<String>,
    /// For whom.
    pub requested_for: Option<Reference>,
    /// By whom.
    pub opened_by: Option<Reference>,
}

/// A reference to a record, usually a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Its sys_id, or a name.
    pub value: String,
    /// E-mail address, where it was sent.
    pub email: Option<String>,
    /// Name for people, where it was sent.
    pub display_value: Option<String>,
}

/// The source, instance and ticket's table of a request that no ticket asks for, but a check's policy. No instance of the
/// configuration has this name, so nobody can post one.
const POLICY: &str = "policy";

impl Content {
    /// What a check's policy asks of an integration on an occasion. The same occasion gives the same request.
    pub fn of_policy(action: Action, integration: &IntegrationName, occasion: &str) -> Self {
        Self {
            action,
            source: POLICY.to_owned(),
            instance: POLICY.to_owned(),
            integration: Some(integration.clone()),
            ticket: TicketRef {
                table: POLICY.to_owned(),
                sys_id: format!("{integration}/{occasion}"),
                number: String::new(),
                approval: None,
                requested_for: None,
                opened_by: None,
            },
            given: Variables(BTreeMap::new()),
            variables: Variables(BTreeMap::new()),
        }
    }

    /// Whether no ticket asks for it, but a check's policy. Instances are host names, and are looked up in the
    /// configuration before a request is stored.
    pub fn is_of_policy(&self) -> bool {
        self.instance == POLICY && self.ticket.table == POLICY
    }

    /// The id of the request.
    pub fn id(&self) -> RequestId {
        RequestId::of(&self.instance, &self.ticket, self.action)
    }

    /// Whether the ticket must be approved before anything happens: whatever may write must be.
    pub fn needs_approval(&self) -> bool {
        self.action.needs_approval() || self.variables.flag("repair")
    }

    /// The digest of what is asked: integration and variables with their defaults. Who asks is no part of it.
    pub fn digest(&self) -> Digest {
        // Only scalars and arrays of scalars in sorted maps: one content has one JSON text.
        let variables: BTreeMap<&String, &Value> = self.variables.0.iter().collect();
        let content = (&self.integration, variables);
        Digest::of(serde_json::to_vec(&content).expect("text, numbers and lists are JSON"))
    }

    /// The fields in which two contents of one request differ, as dotted paths; none if they mean the same.
    ///
    /// A variable is the same if it was given the same, or if it is the same with defaults: so a default that the
    /// operator changes does not make an old ticket look like another one.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut fields = Vec::new();
        if self.integration != other.integration {
            fields.push("integration".to_owned());
        }
        fields
            .extend(self.variable_differences(&other.given, &other.variables).map(|name| format!("variables.{name}")));
        fields
    }

    fn variable_differences<'a>(
        &'a self,
        given: &'a Variables,
        filled: &'a Variables,
    ) -> impl Iterator<Item = &'a String> {
        let names: BTreeSet<&String> = self.variables.names().chain(filled.names()).collect();
        names
            .into_iter()
            .filter(move |name| self.given.get(name) != given.get(name) && self.variables.get(name) != filled.get(name))
    }

    /// Where the ticket, as it was read back, asks for something else than this request. `variables` are the ticket's,
    /// by name, as text; what is no variable of ours (a justification, a cost centre) does not count. Systems and policy
    /// are those in force: they fill in what the ticket leaves empty.
    pub fn ticket_matches(
        &self,
        action: &str,
        integration: &str,
        variables: &BTreeMap<String, String>,
        systems: &SystemsConfig,
        policy: &Policy,
    ) -> Vec<Problem> {
        let mut found = Problems::default();
        let own_name = self.integration.as_ref().map_or("", IntegrationName::as_str);
        for (field, own, ticket) in [("action", self.action.name(), action), ("integration", own_name, integration)] {
            if own != ticket.trim() {
                found.add(field, format!("the request says `{own}`, the ticket `{}`", ticket.trim()));
            }
        }
        let texts: BTreeMap<String, Value> = variables
            .iter()
            .filter(|(name, _)| Variables::is_known(name))
            .map(|(name, text)| (name.clone(), Value::String(text.clone())))
            .collect();
        let mut unreadable = Problems::default();
        let given = Variables::read(&texts, &mut unreadable);
        for Problem { field, problem } in unreadable.0 {
            found.add(field, format!("the ticket's value cannot be read: {problem}"));
        }
        let filled = given.clone().with_defaults(self.action, systems, policy);
        for name in self.variable_differences(&given, &filled) {
            let field = format!("variables.{name}");
            if found.0.iter().all(|problem| problem.field != field) {
                let (own, ticket) = (shown(self.variables.get(name)), shown(filled.get(name)));
                found.add(field, format!("the request says {own}, the ticket {ticket}"));
            }
        }
        found.0
    }
}

/// A value for people.
fn shown(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(Value::Array(items)) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            format!("`{}`", items.join(", "))
        }
        Some(other) => format!("`{other}`"),
    }
}
