//! Why a login failed, and where.

use std::fmt;

use serde_json::Value;

/// The steps of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Asking the authorize URL for a code.
    Authorize,
    /// The sign-in form.
    SignIn,
    /// The page on which a person consents to what the client may do.
    Consent,
    /// The code for tokens.
    Token,
    /// The refresh token for tokens.
    Refresh,
    /// The access token for an identity context at IAM Identity Center.
    Exchange,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authorize => "authorize",
            Self::SignIn => "sign-in form",
            Self::Consent => "consent",
            Self::Token => "code for tokens",
            Self::Refresh => "refresh",
            Self::Exchange => "CreateTokenWithIAM",
        })
    }
}

/// A failed login.
#[derive(Debug)]
pub struct LoginError {
    /// Where it failed.
    pub step: Step,
    /// HTTP status, if there was an answer that says so.
    pub status: Option<u16>,
    /// The vendor's error code (`access_denied`, `invalid_client`, …).
    pub code: Option<String>,
    /// What went wrong, in the vendor's words where it has any.
    pub message: String,
}

impl LoginError {
    pub(super) fn new(step: Step, message: impl Into<String>) -> Self {
        Self { step, status: None, code: None, message: message.into() }
    }

    pub(super) fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    pub(super) fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// No answer came. The URL is left out: it may carry a code.
    pub(super) fn sending(step: Step, error: &reqwest::Error) -> Self {
        let mut text = if error.is_timeout() { "no answer in time".to_owned() } else { "no answer".to_owned() };
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Self::new(step, text)
    }

    /// An answer that is an error, in OAuth's shape or another.
    pub(super) fn answer(step: Step, status: u16, body: &str) -> Self {
        let json: Value = serde_json::from_str(body).unwrap_or_default();
        let first = |names: &[&str]| names.iter().find_map(|name| json[*name].as_str()).map(str::to_owned);
        let code = first(&["error", "errorCode", "__type"]);
        let message = first(&["error_description", "errorSummary", "message"]);
        let message = message.unwrap_or_else(|| "an answer without description".to_owned());
        Self { step, status: Some(status), code, message }
    }
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "login failed at step '{}'", self.step)?;
        if let Some(status) = self.status {
            write!(f, " with status {status}")?;
        }
        if let Some(code) = &self.code {
            write!(f, " ({code})")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for LoginError {}
