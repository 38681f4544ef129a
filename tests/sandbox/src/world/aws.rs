//! The doors of the AWS services: who calls and which service is known from the signature's credential.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming;
use serde_json::json;

use super::World;
use super::gate::{Dropped, Gate};
use super::keys::Credential;
use super::system::Caller;

/// The door of one service, or of all that are told apart by the service name they are signed for.
#[derive(Clone)]
pub struct AwsDoor {
    world: Arc<World>,
    only: Option<Arc<Gate>>,
}

impl AwsDoor {
    /// A door to one service.
    pub fn to(world: &Arc<World>, gate: Arc<Gate>) -> Self {
        Self { world: Arc::clone(world), only: Some(gate) }
    }

    /// The general door.
    pub fn general(world: &Arc<World>) -> Self {
        Self { world: Arc::clone(world), only: None }
    }

    /// Takes one call. The signature itself is not checked: keys and secrets of the sandbox are public.
    ///
    /// # Errors
    /// [`Dropped`] where a fault says that no answer comes.
    pub async fn call(self, request: Request<Incoming>) -> Result<Response, Dropped> {
        let Some(credential) = Credential::of(request.headers()) else {
            return Ok(unsigned(
                request.headers(),
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            ));
        };
        let Some(caller) = self.world.keys.caller(&credential.access_key_id) else {
            let message = "The security token included in the request is invalid.";
            return Ok(unsigned(request.headers(), "UnrecognizedClientException", message));
        };
        let kind = kind_of(&credential.service);
        let gate = self.only.or_else(|| self.world.systems.by_kind(kind));
        match gate {
            Some(gate) if gate.system().kind() == kind => gate.call(self.world, Caller(caller), request).await,
            Some(gate) => {
                let message = format!(
                    "Credential should be scoped to the service behind this address ({}).",
                    gate.system().kind()
                );
                Ok(unsigned(request.headers(), "InvalidSignatureException", &message))
            }
            None => {
                tracing::warn!(service = credential.service, caller, "call to an AWS service that the sandbox lacks");
                let message = format!("The sandbox has no service {:?}.", credential.service);
                Ok(unsigned(request.headers(), "UnknownOperationException", &message))
            }
        }
    }
}

/// The SDK's name of the service that requests are signed for under this name.
fn kind_of(service: &str) -> &str {
    match service {
        "sso" => "sso-admin",
        "sso-oauth" => "sso-oidc",
        other => other,
    }
}

/// The answer to a caller whom the service does not know, or before it is clear which operation is called: as JSON, or
/// as XML where the request is a form (AWS query protocol).
pub fn unsigned(request: &HeaderMap, code: &str, message: &str) -> Response {
    let form = request
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    let (content_type, body) = if form {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>"
        );
        ("text/xml", body)
    } else {
        ("application/x-amz-json-1.1", json!({"__type": code, "message": message}).to_string())
    };
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = StatusCode::FORBIDDEN;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
