//! `POST /requests`.

use extoauth_core::problem::Problem;
use extoauth_core::request::{
    Built, Content, Decision, Digest, RequestId, Status, StoredRequest, Submission, resubmit,
};
use http::{Request, header};
use serde_json::json;

use super::answer::{SOON, not_built, problem, problems, unavailable};
use super::ports::{Caller, Refusal};
use super::{Answer, Door, Intake, Outbox, Placing, State};
use crate::store::{Delivery, StoreError};

/// Fifty copies of one request at once all end here; each round somebody of them gets through.
const ROUNDS: u32 = 8;

impl<D: Door, S: State, O: Outbox> Intake<D, S, O> {
    pub(super) async fn submit(&self, call: &Request<Vec<u8>>) -> Answer {
        match self.judge(call).await {
            Ok((caller, content)) => match self.store(&caller, content).await {
                Ok(answer) => answer,
                Err(error) => {
                    tracing::error!(%error, "the state store failed");
                    unavailable("The request could not be stored. Nothing was done; post it again.")
                }
            },
            Err(answer) => answer,
        }
    }

    /// Everything that can be said without knowing which requests there are.
    async fn judge(&self, call: &Request<Vec<u8>>) -> Result<(Caller, Content), Answer> {
        let caller = self.door.admit(call, self.clock.now()).await.map_err(Refusal::answer)?;
        if !caller.writes {
            return Err(problem(403, "This key may not post requests (it lacks the scope `write`)."));
        }
        self.refuse_replay(&caller, call.body()).await?;
        let invalid = |p: extoauth_core::problem::Problems| problems(400, "The request is not valid.", &p.0);
        let submission = Submission::parse(call.body()).map_err(invalid)?;
        // Without an instance it is not valid, whatever else it asks.
        if let Some(instance) = submission.instance() {
            if instance != caller.instance {
                let own = &caller.instance;
                return Err(problem(403, format!("This key speaks for `{own}`, not for `{instance}`.")));
            }
            if let Some(action) = submission.action().filter(|action| action.built() == Built::Later) {
                return Err(not_built(&format!("The action `{action}`")));
            }
        }
        let content = submission.validate(&self.systems, &self.policy).map_err(invalid)?;
        Ok((caller, content))
    }

    /// A delivery's id with another body is a replay of the id.
    async fn refuse_replay(&self, caller: &Caller, body: &[u8]) -> Result<(), Answer> {
        let Some(id) = &caller.delivery else { return Ok(()) };
        match self.state.deliver(&caller.instance, id, Digest::of(body).as_str()).await {
            Ok(Delivery::New | Delivery::Again) => Ok(()),
            Ok(Delivery::OtherBody) => {
                let detail = "This webhook-id came with another body before.";
                Err(Refusal::Unauthenticated(detail.into()).answer())
            }
            Err(error) => {
                tracing::error!(%error, "the delivery could not be remembered");
                Err(unavailable("The delivery could not be checked. Nothing was done; post it again."))
            }
        }
    }

    async fn store(&self, caller: &Caller, content: Content) -> Result<Answer, StoreError> {
        let (id, delivery) = (content.id(), caller.delivery.as_deref());
        let mut found = self.state.find(&id).await?;
        for _ in 0..ROUNDS {
            let now = self.clock.now();
            let placing = match &found {
                None => {
                    let needed = content.integration.as_ref().filter(|_| content.action.needs_existing());
                    if let Some(name) = needed
                        && self.state.integration(name).await?.is_none()
                    {
                        return Ok(problem(404, format!("There is no integration `{name}`.")));
                    }
                    let new = StoredRequest::new(content.clone(), caller.delivery.clone(), now);
                    self.state.place(new).await?
                }
                Some(held) => {
                    let stored = self.state.request(held);
                    match resubmit(stored, &content, delivery) {
                        Decision::Conflict(fields) => return Ok(conflict(stored, &fields)),
                        Decision::Duplicate => return Ok(self.duplicate(held).await),
                        Decision::NextAttempt => {
                            let next = stored.next_attempt(content.clone(), caller.delivery.clone(), now);
                            self.state.place_next(held, next).await?
                        }
                    }
                }
            };
            match placing {
                Placing::New(held) => return Ok(self.queue(&held, false).await),
                Placing::Existing(held) => found = Some(held),
                Placing::Changed => found = self.state.find(&id).await?,
            }
        }
        Ok(unavailable("The same request is being posted by many at once. Post it again."))
    }

    /// What we have already is not sent again, unless its message never was.
    async fn duplicate(&self, held: &S::Held) -> Answer {
        let stored = self.state.request(held);
        if stored.status == Status::Accepted && !stored.queued {
            return self.queue(held, true).await;
        }
        receipt(&stored.id, true)
    }

    async fn queue(&self, held: &S::Held, duplicate: bool) -> Answer {
        let stored = self.state.request(held);
        if let Err(error) = self.outbox.send(stored).await {
            tracing::error!(request = %stored.id, error, "the message could not be sent; the sweep will send it");
            let detail = "The request is stored but could not be queued. It will be queued within minutes; posting it \
                          again queues it at once.";
            return unavailable(detail).header(header::LOCATION, &status_url(&stored.id));
        }
        if let Err(error) = self.state.mark_queued(held).await {
            // It is queued. The sweep will send it once more, and that message will find nothing to do.
            tracing::warn!(request = %stored.id, %error, "the message was sent but this could not be noted");
        }
        let ticket = &stored.content.ticket.number;
        let action = stored.content.action;
        tracing::info!(request = %stored.id, ticket, %action, attempt = stored.attempt, duplicate, "request accepted");
        receipt(&stored.id, duplicate)
    }
}

/// Where a request's state is, relative to the API.
fn status_url(id: &RequestId) -> String {
    format!("/requests/{id}")
}

/// 202 for what has just come, 200 with the same body for what we have.
fn receipt(id: &RequestId, duplicate: bool) -> Answer {
    let url = status_url(id);
    let body = json!({ "id": id, "status": Status::Accepted, "status_url": url, "duplicate": duplicate });
    let status = if duplicate { 200 } else { 202 };
    Answer::json(status, &body).header(header::LOCATION, &url).retry_after(SOON)
}

fn conflict(stored: &StoredRequest, fields: &[String]) -> Answer {
    let state = if stored.status.is_final() { "has ended" } else { "is being worked on" };
    let words = format!("differs from the request that {state}");
    let errors: Vec<Problem> = fields.iter().map(|field| Problem::new(field, &words)).collect();
    let detail = format!(
        "This ticket asked for `{}` with other content, and that request {state}. A change to an integration is a new \
         ticket.",
        stored.content.action
    );
    problems(409, detail, &errors).header(header::LOCATION, &status_url(&stored.id))
}
