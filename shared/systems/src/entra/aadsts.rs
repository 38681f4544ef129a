//! The sign-in service's errors: `AADSTS` numbers, each with what it means and what to do. Numbers count, texts do not:
//! Microsoft changes them (Microsoft Entra, authentication and authorization error codes).

use extoauth_core::error::ErrorKind;
use serde::Deserialize;

/// An error body of the token endpoint.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refused {
    pub(super) error: Option<String>,
    pub(super) error_description: Option<String>,
    pub(super) error_codes: Vec<u64>,
    pub(super) trace_id: Option<String>,
}

/// No federated credential fits: by issuer, audience and subject in newer answers, by one number in older ones.
const NO_FEDERATED_CREDENTIAL: [u64; 4] = [70_021, 700_211, 700_212, 700_213];

impl Refused {
    /// The number: from the list, else from the start of the text.
    pub(super) fn number(&self) -> Option<u64> {
        self.error_codes.first().copied().or_else(|| {
            let digits = self.error_description.as_deref()?.strip_prefix("AADSTS")?;
            digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        })
    }

    /// `AADSTS7000215`; without a number, OAuth's own code.
    pub(super) fn code(&self) -> Option<String> {
        self.number().map(|n| format!("AADSTS{n}")).or_else(|| self.error.clone())
    }

    /// The first line of the text: the others are ids and the time.
    pub(super) fn text(&self) -> &str {
        let text = self.error_description.as_deref().unwrap_or("no reason given");
        text.lines().next().unwrap_or(text).split(" Trace ID:").next().unwrap_or(text).trim()
    }

    /// Whether the federated credential is missing, or not known yet to the replica that answered.
    pub(super) fn lacks_federated_credential(&self) -> bool {
        self.number().is_some_and(|n| NO_FEDERATED_CREDENTIAL.contains(&n))
    }

    /// What it means, and what to do.
    pub(super) fn meaning(&self) -> (ErrorKind, &'static str) {
        let unauthorized = |advice| (ErrorKind::Unauthorized, advice);
        match self.number() {
            Some(7_000_215) => unauthorized(
                "the stored `client_secret` is not the value of a secret of this app; a pasted secret *id* is the \
                 usual cause: the value is shown only once, when the secret is made",
            ),
            Some(7_000_222) => unauthorized("the stored `client_secret` is expired: make a new one and store it"),
            Some(700_016) => unauthorized(
                "no app of this `client_id` is in the tenant: the app registration is missing, or `client_id` or \
                 `tenant_id` belongs to another tenant",
            ),
            Some(700_027 | 50_012) => unauthorized(
                "the certificate is not one of the app: upload the certificate that belongs to the stored private key",
            ),
            Some(700_024) => unauthorized("the clock of the function and Entra's differ, or the assertion is too old"),
            Some(700_021 | 7_000_218 | 70_002 | 700_023) => {
                unauthorized("the credential is not of a kind that this app takes")
            }
            Some(7_000_112 | 7_000_113 | 700_003) => {
                unauthorized("the app, or its service principal, is disabled in this tenant: an admin must enable it")
            }
            Some(90_002 | 900_023 | 900_021) => unauthorized(
                "the configured `tenant_id` is not a tenant of the configured `authority` (each cloud has its own)",
            ),
            Some(500_011) => unauthorized(
                "the tenant does not know the configured `graph` URL as an API: `graph` and `authority` must be of the \
                 same cloud",
            ),
            Some(53_003 | 530_003 | 530_033) => {
                (ErrorKind::Forbidden, "a Conditional Access policy for workload identities blocks this app")
            }
            Some(65_001) => (ErrorKind::Forbidden, "an admin must consent to the app's permissions"),
            // "Temporarily unavailable", by number or by OAuth's code.
            Some(90_033 | 90_024 | 50_196) => (ErrorKind::Unavailable, "Entra asks to try again later"),
            None if self.error.as_deref() == Some("temporarily_unavailable") => {
                (ErrorKind::Unavailable, "Entra asks to try again later")
            }
            _ => unauthorized("check the app registration that the credential names"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> Refused {
        serde_json::from_str(json).expect("a body")
    }

    #[test]
    fn numbers_come_from_the_list_or_the_text() {
        let body = refused(
            r#"{"error":"invalid_grant","error_description":"AADSTS9002313: Invalid request.\r\nTrace ID: t1\r\nCorrelation ID: c","error_codes":[9002313],"trace_id":"t1"}"#,
        );
        assert_eq!(body.code().as_deref(), Some("AADSTS9002313"));
        assert_eq!(body.text(), "AADSTS9002313: Invalid request.");
        let body = refused(
            r#"{"error":"invalid_client","error_description":"AADSTS7000222: The keys are expired. Trace ID: x"}"#,
        );
        assert_eq!((body.number(), body.text()), (Some(7_000_222), "AADSTS7000222: The keys are expired."));
        assert_eq!(refused(r#"{"error":"x"}"#).code().as_deref(), Some("x"));
        assert_eq!(refused("{}").meaning().0, ErrorKind::Unauthorized);
    }

    #[test]
    fn meanings() {
        let of = |n: u64| Refused { error_codes: vec![n], ..Refused::default() };
        assert!(of(7_000_215).meaning().1.contains("secret *id*"));
        assert!(of(7_000_222).meaning().1.contains("expired"));
        assert!(of(700_213).lacks_federated_credential() && of(70_021).lacks_federated_credential());
        assert_eq!(of(53_003).meaning().0, ErrorKind::Forbidden);
    }
}
