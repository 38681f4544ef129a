//! A token of our own AWS role for another party (outbound identity federation of IAM): how to sign in to Entra without
//! a stored secret.

use std::sync::Arc;

use aws_sdk_sts::Client;
use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::systems::SystemId;
use futures::FutureExt;
use futures::future::BoxFuture;
use secrecy::SecretString;

use super::{Call, Caller, Session};

const OPERATION: &str = "get a token of our AWS role";
const ACTION: &str = "sts:GetWebIdentityToken";

/// Entra takes no other algorithm for a federated credential (Microsoft Entra, workload identity federation,
/// considerations).
const ALGORITHM: &str = "RS256";
/// Seconds that the token lives; it is used at once (STS takes 60 to 3600).
const LIFE: i32 = 300;

const DISABLED: &str = "outbound identity federation is not enabled in this AWS account: an administrator enables it once \
    (`aws iam enable-outbound-web-identity-federation`), then adds the issuer that it answers to the federated credential \
    of the app in Entra";

/// Gets the tokens. The regional endpoint of STS answers; the global one has no such operation.
#[derive(Clone, Debug)]
pub struct WebIdentity {
    client: Client,
    caller: Caller,
}

impl WebIdentity {
    /// For signing in to a system, as whom the session says.
    pub fn new(system: SystemId, session: &Session) -> Arc<Self> {
        Arc::new(Self { client: Client::new(session.config()), caller: session.caller(system) })
    }

    async fn get(&self, audience: &str) -> CallResult<SecretString> {
        let call = Call::read(OPERATION, ACTION, audience);
        let request =
            self.client.get_web_identity_token().audience(audience).signing_algorithm(ALGORITHM).duration_seconds(LIFE);
        let answer = self.caller.send(call, || request.clone().send()).await.map_err(explain)?;
        answer.web_identity_token.map(SecretString::from).ok_or_else(|| self.caller.incomplete(&call, "token"))
    }
}

/// Says what to do about a refusal. Codes come with and without `Exception`.
fn explain(error: CallError) -> CallError {
    let code = error.code.as_deref().unwrap_or_default();
    let (kind, advice) = if code.starts_with("OutboundWebIdentityFederationDisabled") {
        (ErrorKind::FeatureMissing, DISABLED)
    } else if code.starts_with("SessionDurationEscalation") {
        (ErrorKind::Unavailable, "the credentials of the role end before such a token would")
    } else {
        return error;
    };
    CallError { kind, message: format!("{} ({advice})", error.message), ..error }
}

impl crate::entra::WebIdentity for WebIdentity {
    fn token<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, CallResult<SecretString>> {
        self.get(audience).boxed()
    }
}

#[cfg(test)]
mod tests {
    use extoauth_core::systems::SystemKind;

    use super::*;

    #[test]
    fn refusals_say_what_to_do() {
        let of = |code: &str, kind| {
            let error = CallError::new(kind, SystemId::new(SystemKind::Entra, "contoso"), OPERATION, "no");
            explain(CallError { code: Some(code.into()), ..error })
        };
        let disabled = of("OutboundWebIdentityFederationDisabledException", ErrorKind::Invalid);
        assert_eq!(disabled.kind, ErrorKind::FeatureMissing);
        assert!(disabled.message.contains("enable-outbound-web-identity-federation"));
        assert_eq!(of("SessionDurationEscalation", ErrorKind::Invalid).kind, ErrorKind::Unavailable);
        assert_eq!(of("AccessDenied", ErrorKind::Forbidden).kind, ErrorKind::Forbidden);
    }
}
