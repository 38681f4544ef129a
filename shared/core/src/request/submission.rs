//! A body as it came.

use serde_json::{Map, Value};

use super::value::{self, Refusal};
use super::{Action, Content, Reference, TicketRef, Variables};
use crate::ids::IntegrationName;
use crate::policy::Policy;
use crate::problem::Problems;
use crate::systems::SystemsConfig;

/// The body of `POST /requests`: JSON, not yet judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission(Map<String, Value>);

impl Submission {
    /// Reads JSON.
    ///
    /// # Errors
    /// It is no JSON object.
    pub fn parse(body: &[u8]) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => return Ok(Self(fields)),
            Ok(_) => problems.add("body", "must be a JSON object"),
            Err(error) => problems.add("body", format!("is not JSON: {error}")),
        }
        Err(problems)
    }

    /// The instance that it says it comes from, in lower case.
    pub fn instance(&self) -> Option<String> {
        self.text("instance").ok().flatten().map(|host| host.to_ascii_lowercase())
    }

    /// The action, if it is one.
    pub fn action(&self) -> Option<Action> {
        self.text("action").ok().flatten().and_then(|name| Action::of_name(&name))
    }

    fn text(&self, field: &str) -> Result<Option<String>, Refusal> {
        value::short_text(self.0.get(field).unwrap_or(&Value::Null), 253)
    }

    /// Judges it. Approval is not judged here: the ticket is read back for that.
    ///
    /// # Errors
    /// Every problem, with its field.
    pub fn validate(&self, systems: &SystemsConfig, policy: &Policy) -> Result<Content, Problems> {
        let mut problems = Problems::default();
        let action = self.read_action(&mut problems);
        let instance = self.read_instance(systems, &mut problems);
        let integration = self.read_integration(action, &mut problems);
        let source = self.text("source").unwrap_or_else(|problem| {
            problems.add("source", problem);
            None
        });
        let ticket = self.read_ticket(&mut problems);
        let given = self.read_variables(&mut problems);
        let variables = match action {
            Some(action) => {
                let filled = given.clone().with_defaults(action, systems, policy);
                filled.check(action, systems, policy, &mut problems);
                filled.check_alert(action, integration.is_some(), &mut problems);
                filled
            }
            None => given.clone(),
        };
        let (Some(action), Some(ticket)) = (action, ticket) else { return Err(problems) };
        problems.or(Content {
            action,
            source: source.unwrap_or_else(|| "servicenow".to_owned()),
            instance,
            integration,
            ticket,
            given,
            variables,
        })
    }

    fn read_action(&self, problems: &mut Problems) -> Option<Action> {
        let action = self.text("action").ok().flatten().and_then(|name| Action::of_name(&name));
        if action.is_none() {
            let names: Vec<&str> = Action::ALL.into_iter().map(Action::name).collect();
            problems.add("action", format!("must be one of {}", names.join(", ")));
        }
        action
    }

    fn read_instance(&self, systems: &SystemsConfig, problems: &mut Problems) -> String {
        let instance = self.instance().unwrap_or_default();
        if instance.is_empty() {
            problems.add("instance", "is required: the host name of the ticket system");
        } else if !systems.servicenow.contains_key(&instance) {
            problems.add("instance", format!("`{instance}` is not a configured ServiceNow system"));
        }
        instance
    }

    fn read_integration(&self, action: Option<Action>, problems: &mut Problems) -> Option<IntegrationName> {
        let name = match self.text("integration") {
            Ok(name) => name,
            Err(problem) => {
                problems.add("integration", problem);
                return None;
            }
        };
        match (name, action.is_some_and(Action::is_of_system)) {
            (None, true) => None,
            // Of a system's alert; the variable `system` is then required.
            (None, false) if action.is_some_and(Action::is_of_alert) => None,
            (None, false) => {
                problems.add("integration", "is required");
                None
            }
            (Some(_), true) => {
                problems.add("integration", "must be empty: the action is about a system");
                None
            }
            (Some(name), false) => {
                IntegrationName::try_from(name).map_err(|problem| problems.add("integration", problem)).ok()
            }
        }
    }

    fn read_ticket(&self, problems: &mut Problems) -> Option<TicketRef> {
        let Some(Value::Object(ticket)) = self.0.get("ticket") else {
            problems.add("ticket", "is required: an object with `table` and `sys_id`");
            return None;
        };
        let mut text = |field: &str, longest: usize| {
            let value = ticket.get(field).unwrap_or(&Value::Null);
            value::short_text(value, longest).unwrap_or_else(|problem| {
                problems.add(format!("ticket.{field}"), problem);
                None
            })
        };
        let table = text("table", 80).unwrap_or_default();
        let sys_id = text("sys_id", 80).unwrap_or_default().to_ascii_lowercase();
        let number = text("number", 40).unwrap_or_default();
        let approval = text("approval", 40);
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if table.is_empty() || !table.chars().all(plain) {
            problems.add("ticket.table", "must be the name of the ticket's table: `sc_req_item`");
        }
        if sys_id.len() != 32 || !sys_id.bytes().all(|b| b.is_ascii_hexdigit()) {
            problems.add("ticket.sys_id", "must be 32 hexadecimal digits");
        }
        let mut reference = |field: &str| {
            read_reference(ticket.get(field).unwrap_or(&Value::Null)).unwrap_or_else(|problem| {
                problems.add(format!("ticket.{field}"), problem);
                None
            })
        };
        let (requested_for, opened_by) = (reference("requested_for"), reference("opened_by"));
        Some(TicketRef { table, sys_id, number, approval, requested_for, opened_by })
    }

    /// The variables. `action` and `integration` are variables of the catalogue item too: a script that sends all of
    /// them is not refused, as long as they say the same as the body.
    fn read_variables(&self, problems: &mut Problems) -> Variables {
        let none = Map::new();
        let all = match self.0.get("variables") {
            None | Some(Value::Null) => &none,
            Some(Value::Object(all)) => all,
            Some(_) => {
                problems.add("variables", "must be an object");
                &none
            }
        };
        for name in ["action", "integration"] {
            let Some(again) = all.get(name) else { continue };
            if value::text(again) != self.text(name) {
                problems.add(format!("variables.{name}"), format!("must be the same as `{name}`"));
            }
        }
        let ours = all.iter().filter(|(name, _)| !["action", "integration"].contains(&name.as_str()));
        Variables::read(ours, problems)
    }
}

/// A reference: text, or an object with `value` and perhaps `email` and `display_value`.
fn read_reference(value: &Value) -> Result<Option<Reference>, Refusal> {
    let part = |name: &str| match value {
        Value::Object(fields) => value::short_text(fields.get(name).unwrap_or(&Value::Null), 320),
        _ => Ok(None),
    };
    let (email, display_value) = (part("email")?, part("display_value")?);
    let named = match value {
        Value::Object(_) => part("value")?.or_else(|| email.clone()),
        scalar => value::short_text(scalar, 320)?,
    };
    Ok(named.map(|value| Reference { value, email, display_value }))
}
