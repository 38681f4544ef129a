//! `GET /requests/{id}`.

use extoauth_core::request::RequestId;
use http::Request;

use super::answer::{SOON, problem, unavailable};
use super::{Answer, Door, Intake, Outbox, State};

impl<D: Door, S: State, O: Outbox> Intake<D, S, O> {
    pub(super) async fn report(&self, call: &Request<Vec<u8>>, id: &str) -> Answer {
        let caller = match self.reader(call).await {
            Ok(caller) => caller,
            Err(refused) => return refused,
        };
        let missing = || problem(404, "There is no such request.");
        let Ok(id) = id.parse::<RequestId>() else { return missing() };
        let found = match self.state.find(&id).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(request = %id, %error, "the state store failed");
                return unavailable("The request could not be read. Ask again.");
            }
        };
        // Of another instance's requests a caller does not even learn that they exist.
        let own = found.as_ref().map(|held| self.state.request(held)).filter(|r| r.content.instance == caller.instance);
        let Some(request) = own else { return missing() };
        let answer = Answer::json(200, &request.report());
        if request.status.is_final() { answer } else { answer.retry_after(SOON) }
    }
}
