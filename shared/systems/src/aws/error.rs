//! AWS SDK errors as [`CallError`]s.
//!
//! Codes are compared as text, since several that occur are in no service model (`InvalidParameterValue` of Redshift,
//! `IdempotentParameterMismatch` of Identity Center).

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use extoauth_core::error::{CallError, ErrorKind};
use extoauth_core::systems::SystemId;

use super::Call;

/// Whether a call can change something: a lost answer of one that can is ambiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only reads.
    Read,
    /// It may have changed something although no answer came.
    Write,
}

impl Effect {
    /// What a lost, cut or unreadable answer means.
    fn of_lost_answer(self) -> ErrorKind {
        match self {
            Self::Read => ErrorKind::Unavailable,
            Self::Write => ErrorKind::Ambiguous,
        }
    }
}

/// Tells what an SDK error means, with AWS's code, message and request id. A refusal names the IAM action that was
/// missing.
pub fn translate<E>(system: &SystemId, call: &Call<'_>, error: &SdkError<E, HttpResponse>) -> CallError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let mut told = CallError::new(ErrorKind::Invalid, system.clone(), call.operation, "").on(call.object);
    told.status = error.raw_response().map(|r| r.status().as_u16());
    told.request_id = error.request_id().map(str::to_owned);
    match error {
        SdkError::ServiceError(service) => {
            let meta = service.err().meta();
            told.code = meta.code().map(str::to_owned);
            told.kind = kind_of(meta.code(), told.status, call.effect);
            told.message = match meta.message() {
                Some(message) if !message.is_empty() => message.to_owned(),
                _ if meta.code().is_none() => "the answer could not be read".to_owned(),
                _ => "AWS gave no reason".to_owned(),
            };
            if told.kind == ErrorKind::Forbidden {
                told.message = format!("{}; needs the IAM action {}", told.message, needed(call, meta.code()));
            }
        }
        SdkError::TimeoutError(_) => {
            told.kind = call.effect.of_lost_answer();
            told.message = "no answer in time".to_owned();
        }
        SdkError::ResponseError(_) => {
            told.kind = call.effect.of_lost_answer();
            told.message = "the answer could not be read".to_owned();
        }
        _ => match credentials_error(error) {
            Some(credentials) => {
                told.kind = credentials_kind(credentials);
                told.message = format!("no credentials for the call: {}", DisplayErrorContext(credentials));
            }
            None if matches!(error, SdkError::ConstructionFailure(_)) => {
                told.message = format!("the call could not be built: {}", DisplayErrorContext(error));
            }
            None => {
                told.kind = call.effect.of_lost_answer();
                told.message = "the connection failed before an answer came".to_owned();
            }
        },
    }
    told
}

/// What a code means; without one, what the status means.
fn kind_of(code: Option<&str>, status: Option<u16>, effect: Effect) -> ErrorKind {
    // awsQuery codes come with and without a suffix (`ResourceNotFoundFault`, `…Exception`).
    let known = code.map(|c| c.trim_end_matches("Exception").trim_end_matches("Fault"));
    match known {
        Some("AccessDenied" | "UnauthorizedOperation" | "NotAuthorized" | "DependentServiceAccessDenied") => {
            ErrorKind::Forbidden
        }
        Some(
            "ExpiredToken"
            | "UnrecognizedClient"
            | "InvalidClientTokenId"
            | "InvalidSignature"
            | "SignatureDoesNotMatch"
            | "MissingAuthenticationToken"
            | "IncompleteSignature"
            | "AuthFailure",
        ) => ErrorKind::Unauthorized,
        Some("ResourceNotFound" | "RedshiftIdcApplicationNotExists") => ErrorKind::NotFound,
        // "A conflict with a previous successful write … has not had time to propagate": worth another try, and not
        // "already exists" (API reference of Identity Center).
        Some("Conflict") => ErrorKind::Conflict,
        Some(
            "Throttling"
            | "Throttled"
            | "ThrottledRequest"
            | "RequestLimitExceeded"
            | "TooManyRequests"
            | "RequestThrottled"
            | "BandwidthLimitExceeded"
            | "SlowDown",
        ) => ErrorKind::Throttled,
        Some("ServiceUnavailable" | "DependentServiceUnavailable") => ErrorKind::Unavailable,
        Some("InternalServer" | "InternalServiceError" | "InternalFailure" | "InternalError") => {
            effect.of_lost_answer()
        }
        _ => match status {
            Some(401) => ErrorKind::Unauthorized,
            Some(403) => ErrorKind::Forbidden,
            Some(404) => ErrorKind::NotFound,
            Some(429) => ErrorKind::Throttled,
            Some(503) => ErrorKind::Unavailable,
            // A good status whose body could not be read comes as a service error, too.
            Some(500.. | 200..=299) => effect.of_lost_answer(),
            // AWS gives every refusal a code: without one its body was not AWS's own, and nothing was done.
            Some(400..) if code.is_none() => ErrorKind::Unavailable,
            _ => ErrorKind::Invalid,
        },
    }
}

/// The actions to ask for. Redshift calls Identity Center with the caller's rights and says so by a code of its own.
fn needed(call: &Call<'_>, code: Option<&str>) -> String {
    if code.is_some_and(|c| c.starts_with("DependentServiceAccessDenied")) {
        format!("{} and the sso: actions that it depends on (Service Authorization Reference)", call.action)
    } else {
        call.action.to_owned()
    }
}

fn credentials_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<CredentialsError>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// A role that may not be assumed needs a person; STS being down does not. Nothing was sent in either case.
fn credentials_kind(error: &CredentialsError) -> ErrorKind {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(sts) =
            error.downcast_ref::<SdkError<aws_sdk_sts::operation::assume_role::AssumeRoleError, HttpResponse>>()
        {
            return match sts {
                SdkError::ServiceError(service) => {
                    kind_of(service.err().meta().code(), Some(service.raw().status().as_u16()), Effect::Read)
                }
                _ => ErrorKind::Unavailable,
            };
        }
        next = error.source();
    }
    match error {
        CredentialsError::ProviderTimedOut(_) => ErrorKind::Unavailable,
        _ => ErrorKind::Unauthorized,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_beat_statuses_and_unmodelled_codes_are_known() {
        let cases: [(Option<&str>, Option<u16>, Effect, ErrorKind); 20] = [
            (Some("AccessDeniedException"), Some(400), Effect::Read, ErrorKind::Forbidden),
            (Some("DependentServiceAccessDenied"), Some(403), Effect::Write, ErrorKind::Forbidden),
            (Some("ResourceNotFoundException"), Some(400), Effect::Read, ErrorKind::NotFound),
            (Some("RedshiftIdcApplicationNotExists"), Some(404), Effect::Read, ErrorKind::NotFound),
            (Some("RedshiftIdcApplicationNotExistsFault"), Some(404), Effect::Read, ErrorKind::NotFound),
            (Some("ConflictException"), Some(400), Effect::Write, ErrorKind::Conflict),
            (Some("ThrottlingException"), Some(400), Effect::Write, ErrorKind::Throttled),
            (Some("Throttling"), Some(400), Effect::Write, ErrorKind::Throttled),
            (Some("InvalidParameterValue"), Some(400), Effect::Write, ErrorKind::Invalid),
            (Some("IdempotentParameterMismatch"), Some(400), Effect::Write, ErrorKind::Invalid),
            (Some("ServiceQuotaExceededException"), Some(400), Effect::Write, ErrorKind::Invalid),
            (Some("ExpiredTokenException"), Some(400), Effect::Read, ErrorKind::Unauthorized),
            (Some("InternalServerException"), Some(500), Effect::Write, ErrorKind::Ambiguous),
            (Some("InternalServerException"), Some(500), Effect::Read, ErrorKind::Unavailable),
            (Some("DependentServiceUnavailableFault"), Some(400), Effect::Write, ErrorKind::Unavailable),
            (None, Some(503), Effect::Write, ErrorKind::Unavailable),
            (None, Some(502), Effect::Write, ErrorKind::Ambiguous),
            (None, Some(200), Effect::Write, ErrorKind::Ambiguous),
            (None, Some(200), Effect::Read, ErrorKind::Unavailable),
            (None, Some(400), Effect::Write, ErrorKind::Unavailable),
        ];
        for (code, status, effect, expected) in cases {
            assert_eq!(kind_of(code, status, effect), expected, "{code:?} {status:?} {effect:?}");
        }
    }

    #[test]
    fn a_refusal_names_the_missing_action() {
        let call = Call::write("replace the issuer list", "redshift:ModifyRedshiftIdcApplication", "arn");
        assert_eq!(needed(&call, Some("AccessDenied")), "redshift:ModifyRedshiftIdcApplication");
        assert!(needed(&call, Some("DependentServiceAccessDenied")).contains("sso: actions"));
    }
}
