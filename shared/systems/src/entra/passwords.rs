//! Client secrets. Entra makes their values and shows each once.

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use jiff::Timestamp;
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::model::{Application, Password};
use super::permission::Permission;
use super::recent::Place;
use super::references::Reference;
use super::visible::{may_be_lag, settled};
use super::{Read, Write};
use crate::http::Written;

/// A secret that was just made.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// What can be read of it later.
    pub password: Password,
    /// Its value, shown this one time.
    pub secret: SecretString,
}

impl Read {
    /// Whether an application has a secret, as one replica knows it.
    pub(super) async fn has_password(&self, application: &str, key_id: &str) -> CallResult<bool> {
        let path = ["applications", application];
        let select = "id,appId,passwordCredentials";
        let read = self.get("read client secrets", Permission::ReadApplications, &path, select, application).await;
        match read {
            Ok(app) => {
                let app: Application = app;
                Ok(app.passwords.iter().any(|p| p.key_id.eq_ignore_ascii_case(key_id)))
            }
            Err(e) if e.is_not_found() => Ok(false),
            Err(e) => Err(e),
        }
    }
}

impl Write {
    /// Adds a client secret that is good from now on. It is told apart by its display name, which should therefore be
    /// one that is used once.
    ///
    /// # Errors
    /// `Ambiguous` if the answer was lost: there may be a secret whose value nobody knows. `Invalid` if the tenant's
    /// policy takes no secret, or none that lives so long, with what to ask for.
    pub async fn add_password(
        &self,
        application: &str,
        display_name: &str,
        ends: Timestamp,
    ) -> CallResult<Written<NewPassword>> {
        const OPERATION: &str = "add client secret";
        let _turn = self.session.writing(application).await;
        // No start: Entra refuses one in the past, and clocks differ (Terraform's provider, #1582).
        let ends = Timestamp::from_second(ends.as_second()).unwrap_or(ends);
        let body = json!({"passwordCredential": {"displayName": display_name, "endDateTime": ends.to_string()}});
        let path = ["applications", application, "addPassword"];
        let call = self.call(OPERATION, Method::POST, &path)?.on(application).json(body);
        let references = [Reference::Application(application)];
        let reply = self.write(Permission::WriteApplications, &call, &references).await?;
        let mut made: Value = reply.json()?;
        let secret = match made.get_mut("secretText").map(Value::take) {
            Some(Value::String(secret)) if !secret.is_empty() => SecretString::from(secret),
            _ => return Err(self.incomplete(OPERATION, application, reply.request_id)),
        };
        let Some(password) = Password::read(&made) else {
            return Err(self.incomplete(OPERATION, application, reply.request_id));
        };
        self.session.recent.made(Place::Passwords(application.to_owned()), &password.key_id);
        Ok(Written { value: NewPassword { password, secret }, request_id: reply.request_id })
    }

    fn incomplete(&self, operation: &'static str, application: &str, request_id: Option<String>) -> CallError {
        let message = "the answer has no value or no id of the secret";
        let error = CallError::new(ErrorKind::Ambiguous, self.system().clone(), operation, message);
        CallError { request_id, ..error.on(application) }
    }

    /// Removes a client secret. One that is gone, alone or with its application, is no error.
    ///
    /// # Errors
    /// As every call.
    pub async fn remove_password(&self, application: &str, key_id: &str) -> CallResult<Written<()>> {
        const OPERATION: &str = "remove client secret";
        let _turn = self.session.writing(application).await;
        let recent = &self.session.recent;
        let place = Place::Passwords(application.to_owned());
        let path = ["applications", application, "removePassword"];
        let call = self.post(OPERATION, &path, application, json!({"keyId": key_id}))?.expect_nothing();
        let answer = match self.send(Permission::WriteApplications, &call).await {
            Err(e) if may_be_lag(&e) => {
                // The refusal is the truth, or that of a replica that does not know the secret yet.
                let is_new = recent.was_made(&place, key_id);
                let patience = self.session.patience(OPERATION, application);
                if !is_new && !settled(patience, || self.has_password(application, key_id)).await? {
                    Ok(Written { value: (), request_id: e.request_id })
                } else {
                    let references = [Reference::Password { application, key_id }];
                    match self.write(Permission::WriteApplications, &call, &references).await {
                        Err(e) if e.is_not_found() => Ok(Written { value: (), request_id: e.request_id }),
                        other => other.map(|reply| reply.done()),
                    }
                }
            }
            other => other.map(|reply| reply.done()),
        };
        if answer.is_ok() {
            recent.removed(place, key_id);
        }
        answer
    }
}
