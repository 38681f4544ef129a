//! One call, as a client describes it to the sender.

use std::time::Duration;

use reqwest::Method;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::vendor::Authorizer;

/// Whether a call may be sent twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It changes nothing (GET).
    Safe,
    /// Sent twice it does what it does once (PUT, DELETE, an idempotent POST).
    Repeatable,
    /// Sent twice it may act twice (a create). Never resent once it may have acted.
    Once,
}

/// The result of a write, with the vendor's id of the call for the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written<T> {
    /// What the system answered.
    pub value: T,
    /// The vendor's id of the call.
    pub request_id: Option<String>,
}

/// What a good answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// JSON.
    Json,
    /// Nothing that matters: an empty body, or any JSON.
    Nothing,
}

/// What is sent.
pub(crate) enum Body {
    /// Nothing.
    None,
    /// JSON.
    Json(Value),
    /// A form.
    Form(Vec<(&'static str, String)>),
}

/// One call. Holds secrets: no `Debug`.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'static str,
    pub(crate) object: String,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) repeat: Repeat,
    pub(crate) body: Body,
    pub(crate) expect: Expect,
    /// Values that must not appear in the text of an error, whatever the vendor echoes.
    pub(crate) secrets: Vec<SecretString>,
    /// Headers of this call alone.
    pub(crate) headers: reqwest::header::HeaderMap,
    /// Statuses that are an answer here, not an error.
    pub(crate) pass: &'static [u16],
    /// Whether the object was made so recently that "not found" may be the vendor's lag.
    pub(crate) fresh: bool,
    /// Signs the call.
    pub(crate) auth: Option<&'a dyn Authorizer>,
}

impl<'a> Call<'a> {
    /// A call of a method whose nature is plain: GET is safe, PUT and DELETE may be repeated, everything else not.
    pub(crate) fn new(operation: &'static str, method: Method, url: Url) -> Self {
        let repeat = match method {
            Method::GET => Repeat::Safe,
            Method::PUT | Method::DELETE => Repeat::Repeatable,
            _ => Repeat::Once,
        };
        let expect = if method == Method::DELETE { Expect::Nothing } else { Expect::Json };
        Self {
            operation,
            object: String::new(),
            method,
            url,
            repeat,
            body: Body::None,
            expect,
            secrets: Vec::new(),
            headers: reqwest::header::HeaderMap::new(),
            pass: &[],
            fresh: false,
            auth: None,
        }
    }

    pub(crate) fn on(mut self, object: impl Into<String>) -> Self {
        self.object = object.into();
        self
    }

    pub(crate) fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    pub(crate) fn form(mut self, fields: Vec<(&'static str, String)>) -> Self {
        self.body = Body::Form(fields);
        self
    }

    pub(crate) fn repeatable(mut self) -> Self {
        self.repeat = Repeat::Repeatable;
        self
    }

    pub(crate) fn safe(mut self) -> Self {
        self.repeat = Repeat::Safe;
        self
    }

    pub(crate) fn expect_nothing(mut self) -> Self {
        self.expect = Expect::Nothing;
        self
    }

    pub(crate) fn hiding(mut self, secret: &SecretString) -> Self {
        self.secrets.push(secret.clone());
        self
    }

    pub(crate) fn passing(mut self, statuses: &'static [u16]) -> Self {
        self.pass = statuses;
        self
    }

    pub(crate) fn signed(mut self, auth: &'a dyn Authorizer) -> Self {
        self.auth = Some(auth);
        self
    }

    /// The least time that makes sending sensible. A write that is cut off leaves a question that costs more than the
    /// pause: creating an app in Okta was seen to take 8 s (recorded traffic).
    pub(crate) fn least_time(&self) -> Duration {
        match self.repeat {
            Repeat::Safe => Duration::from_secs(2),
            Repeat::Repeatable | Repeat::Once => Duration::from_secs(10),
        }
    }
}
