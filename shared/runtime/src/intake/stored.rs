//! `GET /integrations…`, `GET /systems/{kind}/{name}`, `POST /explain`: answered from stored state, no system is asked.

use extoauth_automation::explain::{Pasted, Values, explain};
use extoauth_automation::profiles;
use extoauth_core::engine::{InventoryItem, Ownership};
use extoauth_core::ids::{IntegrationName, Subject};
use extoauth_core::problem::Problems;
use extoauth_core::registry::{CheckRecord, IntegrationRecord};
use extoauth_core::request::StoredRequest;
use extoauth_core::rights::{Right, RightState};
use extoauth_core::systems::{Mode, SystemId, SystemKind};
use futures::future::{try_join, try_join3};
use http::Request;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::{problem, problems, unavailable};
use super::{Answer, Caller, Door, Intake, Outbox, State};
use crate::store::StoreError;

impl<D: Door, S: State, O: Outbox> Intake<D, S, O> {
    /// Who calls, if the key may read.
    pub(super) async fn reader(&self, call: &Request<Vec<u8>>) -> Result<Caller, Answer> {
        let caller = self.door.admit(call, self.clock.now()).await.map_err(super::Refusal::answer)?;
        if caller.reads { Ok(caller) } else { Err(problem(403, "This key may not read (it lacks the scope `read`).")) }
    }

    /// All integrations, in brief.
    pub(super) async fn list(&self, call: &Request<Vec<u8>>) -> Answer {
        if let Err(refused) = self.reader(call).await {
            return refused;
        }
        match self.state.integrations().await {
            Ok(all) => Answer::json(200, &json!({ "integrations": all.iter().map(brief).collect::<Vec<_>>() })),
            Err(error) => unread(&error),
        }
    }

    /// One integration, with all that is stored of it.
    pub(super) async fn show(&self, call: &Request<Vec<u8>>, name: &str) -> Answer {
        let caller = match self.reader(call).await {
            Ok(caller) => caller,
            Err(refused) => return refused,
        };
        let Ok(name) = IntegrationName::try_from(name.to_owned()) else { return missing() };
        match self.integration_report(&caller, &name).await {
            Ok(Some(report)) => Answer::json(200, &report),
            Ok(None) => missing(),
            Err(error) => unread(&error),
        }
    }

    async fn integration_report(&self, caller: &Caller, name: &IntegrationName) -> Result<Option<Value>, StoreError> {
        let Some(record) = self.state.integration(name).await? else { return Ok(None) };
        let key = record.desired.trust();
        let (own, shared) = (Subject::Integration(name.clone()), Subject::Trust(key.clone()));
        let books = try_join(self.state.book(&own), self.state.book(&shared));
        let changes = try_join(self.state.last_change(&own), self.state.last_change(&shared));
        let records =
            try_join3(self.state.trust(&key), self.last_request(caller, &record), self.state.last_check(name));
        let ((own, shared), (changed, trust_changed), (trust, last, check)) =
            try_join3(books, changes, records).await?;
        let items = |items: Vec<InventoryItem>, of| items.into_iter().map(move |item| resource(&item, of));
        let resources: Vec<Value> = items(own.items.into_values().collect(), "integration")
            .chain(items(shared.items.into_values().collect(), "trust"))
            .collect();
        let check = check.filter(|check| check.instance == caller.instance);
        // A request that stopped before it could judge anything has its own findings only.
        let ended = last.as_ref().filter(|request| request.status.is_final());
        let findings = check.as_ref().map(|check| &check.findings).or_else(|| ended.map(|request| &request.findings));
        let open = |request: &StoredRequest| -> Vec<Value> {
            request.handoffs.iter().filter(|step| step.done != Some(true)).map(|step| json!(step)).collect()
        };
        Ok(Some(json!({
            "name": record.desired.name,
            "idp": record.desired.idp,
            "complete": record.complete,
            "updated": record.updated,
            "changed": changed,
            "recipe_version": record.recipe_version,
            "desired": record.desired,
            "trust": trust.map(|trust| json!({
                "key": trust.key,
                "claim": trust.claim,
                "attribute": trust.attribute,
                "audience": trust.audience,
                "owners": trust.owners,
                "changed": trust_changed,
            })),
            "resources": resources,
            "request": last.as_ref().map(|request| json!({
                "id": request.id,
                "action": request.content.action,
                "status": request.status,
                "updated": request.updated,
            })),
            "findings": findings,
            "last_check": check.as_ref().map(|check| json!({"at": check.at, "request": check.request})),
            "people": check.as_ref().map(|check| json!({"may_sign_in": check.people, "connected": null})),
            "secret": check.as_ref().map(|check| json!({"made": check.secret_made, "ends": check.secret_ends})),
            "handoffs": last.as_ref().map(open),
        })))
    }

    /// The last request that wrote the integration, if it is one of the caller's own instance: of another's requests a
    /// caller does not even learn that they exist.
    async fn last_request(
        &self,
        caller: &Caller,
        record: &IntegrationRecord,
    ) -> Result<Option<StoredRequest>, StoreError> {
        let Ok(id) = record.request.parse() else { return Ok(None) };
        let found = self.state.find(&id).await?;
        let request = found.map(|held| self.state.request(&held).clone());
        Ok(request.filter(|request| request.content.instance == caller.instance))
    }

    /// `profiles.yml` for dbt Core, from what the last check saw in dbt.
    pub(super) async fn profiles(&self, call: &Request<Vec<u8>>, name: &str) -> Answer {
        if let Err(refused) = self.reader(call).await {
            return refused;
        }
        let Ok(name) = IntegrationName::try_from(name.to_owned()) else { return missing() };
        match try_join(self.state.integration(&name), self.state.last_check(&name)).await {
            Ok((Some(record), Some(CheckRecord { sign_in: Some(sign_in), .. }))) => {
                Answer::file("application/yaml", profiles::render(&record.desired, &sign_in))
            }
            Ok((Some(_), _)) => problem(409, "dbt's side of this integration has not been read yet. Ask for `verify`."),
            Ok((None, _)) => missing(),
            Err(error) => unread(&error),
        }
    }

    /// Our rights in a system, as the last check met them.
    pub(super) async fn rights(&self, call: &Request<Vec<u8>>, kind: &str, name: &str) -> Answer {
        if let Err(refused) = self.reader(call).await {
            return refused;
        }
        let Some((system, mode)) = self.system(kind, name) else {
            return problem(404, "There is no such system in the configuration.");
        };
        let body = |rights: &[Right], at: Option<Timestamp>| json!({"kind": kind, "name": name, "mode": mode, "checked": at, "rights": rights});
        match self.state.rights(&system).await {
            Ok(Some(seen)) => Answer::json(200, &body(&seen.rights, Some(seen.at))),
            Ok(None) => {
                let detail = "no integration on this system has been checked yet: ask for `verify` of one";
                Answer::json(200, &body(&[Right::new("everything", "", RightState::Unknown, detail)], None))
            }
            Err(error) => unread(&error),
        }
    }

    /// A configured system, by its kind and name in paths.
    fn system(&self, kind: &str, name: &str) -> Option<(SystemId, Mode)> {
        let systems = &self.systems;
        let (kind, mode) = match kind {
            "okta" => (SystemKind::Okta, systems.okta.get(name)?.mode),
            "entra" => (SystemKind::Entra, systems.entra.get(name)?.mode),
            "dbt" => (SystemKind::Dbt, systems.dbt.get(name)?.mode),
            "redshift" => (SystemKind::Redshift, systems.redshift.get(name)?.mode),
            "identity_center" => (SystemKind::IdentityCenter, systems.redshift.get(name)?.identity_center.mode),
            "servicenow" => {
                systems.servicenow.get(name)?;
                (SystemKind::Servicenow, Mode::Manage)
            }
            _ => return None,
        };
        Some((SystemId::new(kind, name), mode))
    }

    /// What an error text means. It is not stored, not logged, and not in the answer; one that holds a token is refused
    /// before anything is looked up.
    pub(super) async fn explain(&self, call: &Request<Vec<u8>>) -> Answer {
        if let Err(refused) = self.reader(call).await {
            return refused;
        }
        let (name, text) = match asked(call.body()) {
            Ok(asked) => asked,
            Err(wrong) => return problems(400, "The question is not valid.", &wrong.0),
        };
        match self.values(&name).await {
            Ok(Some(values)) => {
                let explanation = explain(&text, &values);
                let body = json!({
                    "integration": name,
                    "known": explanation.known,
                    "summary": explanation.summary,
                    "findings": explanation.causes,
                });
                Answer::json(200, &body)
            }
            Ok(None) => missing(),
            Err(error) => unread(&error),
        }
    }

    async fn values(&self, name: &IntegrationName) -> Result<Option<Values>, StoreError> {
        let Some(record) = self.state.integration(name).await? else { return Ok(None) };
        let key = record.desired.trust();
        let (own, shared) = (Subject::Integration(name.clone()), Subject::Trust(key.clone()));
        let (trust, own, shared) =
            try_join3(self.state.trust(&key), self.state.book(&own), self.state.book(&shared)).await?;
        Ok(Some(Values::of(&record, trust, own, shared, &self.systems)))
    }
}

/// Integration and text of a question; every problem at once. What the parser says is not passed on: it quotes the text.
fn asked(body: &[u8]) -> Result<(IntegrationName, Pasted), Problems> {
    let mut wrong = Problems::default();
    let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(body) else {
        wrong.add("body", "must be a JSON object with `integration` and `text`");
        return Err(wrong);
    };
    let field = |name: &str| fields.get(name).and_then(Value::as_str);
    let name = match field("integration").map(|name| IntegrationName::try_from(name.to_owned())) {
        Some(Ok(name)) => Some(name),
        Some(Err(problem)) => {
            wrong.add("integration", problem);
            None
        }
        None => {
            wrong.add("integration", "must be the name of an integration");
            None
        }
    };
    let text = match field("text").map(Pasted::of) {
        Some(Ok(text)) => Some(text),
        Some(Err(refused)) => {
            wrong.add("text", refused.to_string());
            None
        }
        None => {
            wrong.add("text", "must hold the error message, as text");
            None
        }
    };
    match (name, text) {
        (Some(name), Some(text)) => Ok((name, text)),
        _ => Err(wrong),
    }
}

fn brief(record: &IntegrationRecord) -> Value {
    let desired = &record.desired;
    json!({
        "name": desired.name,
        "idp": desired.idp,
        "idp_system": desired.idp_system,
        "warehouse_system": desired.warehouse_system,
        "dbt_system": desired.dbt_system,
        "complete": record.complete,
        "updated": record.updated,
    })
}

/// One object of the inventory. What stood in a foreign object before ours is the audit's business, not shown here.
fn resource(item: &InventoryItem, of: &str) -> Value {
    let ownership = match item.ownership {
        Ownership::Ours => "ours",
        Ownership::Child => "child",
        Ownership::Entry { .. } => "entry",
        Ownership::Foreign => "foreign",
    };
    json!({
        "address": item.address,
        "kind": item.kind,
        "system": item.system.to_string(),
        "of": of,
        "identity": item.identity,
        "ownership": ownership,
    })
}

fn missing() -> Answer {
    problem(404, "There is no such integration.")
}

fn unread(error: &StoreError) -> Answer {
    tracing::error!(%error, "the state store failed");
    unavailable("What is stored could not be read. Ask again.")
}
