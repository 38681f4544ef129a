//! Applications: what they are, who may call for them, who may come in, which scopes they hold.

use serde_json::{Value, json};

use super::super::wire::AwsError;
use super::issuers::answer_page;
use super::model::{Application, Directory, shown_tags};
use super::{Call, not_found, shapes, visible};
use crate::seed;

impl Directory {
    /// The application that a call names and reads may see.
    pub(super) fn seen(&self, call: &Call<'_>) -> Result<&Application, AwsError> {
        let arn = call.input.text("ApplicationArn", &shapes::APPLICATION_ARN)?;
        let found = self.applications.iter().find(|application| application.arn == arn);
        found.filter(|application| visible(application.hidden_until)).ok_or_else(|| not_found("The application"))
    }

    /// The application that a call changes.
    pub(super) fn changed(&mut self, call: &Call<'_>) -> Result<&mut Application, AwsError> {
        let arn = call.input.text("ApplicationArn", &shapes::APPLICATION_ARN)?;
        let found = self.applications.iter_mut().find(|application| application.arn == arn);
        found.ok_or_else(|| not_found("The application"))
    }

    pub(super) fn list_applications(&self, call: &Call<'_>) -> Result<Value, AwsError> {
        self.instance_of(call)?;
        let (mut account, mut provider) = (None, None);
        if let Some(filter) = call.input.optional_structure("Filter")? {
            account = filter.optional_text("ApplicationAccount", &shapes::ACCOUNT)?;
            provider = filter.optional_text("ApplicationProvider", &shapes::PROVIDER_ARN)?;
        }
        let entries = self
            .applications
            .iter()
            .filter(|application| visible(application.hidden_until))
            .filter(|_| account.is_none_or(|account| account == seed::ACCOUNT))
            .filter(|application| provider.is_none_or(|provider| provider == application.provider_arn))
            .map(|application| (application.number, application.shown()));
        // The input allows MaxResults up to 100, the answer holds at most 50.
        let max = call.input.count("MaxResults", 100, 50)?.min(50);
        answer_page("Applications", entries, call.input, max)
    }

    pub(super) fn describe_application(&self, call: &Call<'_>) -> Result<Value, AwsError> {
        Ok(self.seen(call)?.shown())
    }

    pub(super) fn list_authentication_methods(&self, call: &Call<'_>) -> Result<Value, AwsError> {
        Ok(json!({"AuthenticationMethods": self.seen(call)?.shown_methods()}))
    }

    pub(super) fn get_authentication_method(&self, call: &Call<'_>) -> Result<Value, AwsError> {
        call.input.text("AuthenticationMethodType", &shapes::AUTHENTICATION_TYPE)?;
        let policy = self.seen(call)?.actor_policy.as_ref().ok_or_else(|| not_found("The authentication method"))?;
        Ok(json!({"AuthenticationMethod": {"Iam": {"ActorPolicy": policy}}}))
    }

    pub(super) fn list_assignments(&self, call: &Call<'_>) -> Result<Value, AwsError> {
        let application = self.seen(call)?;
        let entries = (1..).zip(application.shown_assignments().into_iter().map(|mut shown| {
            shown["ApplicationArn"] = json!(application.arn);
            shown
        }));
        answer_page("ApplicationAssignments", entries, call.input, call.input.count("MaxResults", 100, 100)?)
    }

    pub(super) fn create_assignment(&mut self, call: &Call<'_>) -> Result<Value, AwsError> {
        let assignment = assignment(call)?;
        let application = self.changed(call)?;
        if !application.assignments.contains(&assignment) {
            application.assignments.push(assignment);
        }
        Ok(json!({}))
    }

    pub(super) fn delete_assignment(&mut self, call: &Call<'_>) -> Result<Value, AwsError> {
        let assignment = assignment(call)?;
        let application = self.changed(call)?;
        let position = application.assignments.iter().position(|held| *held == assignment);
        application.assignments.remove(position.ok_or_else(|| not_found("The assignment"))?);
        Ok(json!({}))
    }

    pub(super) fn get_assignment_configuration(&self, call: &Call<'_>) -> Result<Value, AwsError> {
        Ok(json!({"AssignmentRequired": self.seen(call)?.assignment_required}))
    }

    pub(super) fn put_assignment_configuration(&mut self, call: &Call<'_>) -> Result<Value, AwsError> {
        let required = call.input.boolean("AssignmentRequired")?;
        self.changed(call)?.assignment_required = required;
        Ok(json!({}))
    }

    pub(super) fn list_scopes(&self, call: &Call<'_>) -> Result<Value, AwsError> {
        let scopes = (1..).zip(self.seen(call)?.shown_scopes());
        answer_page("Scopes", scopes, call.input, call.input.count("MaxResults", 10, 10)?)
    }

    pub(super) fn get_scope(&self, call: &Call<'_>) -> Result<Value, AwsError> {
        let scope = call.input.text("Scope", &shapes::SCOPE)?;
        let shown = self.seen(call)?.shown_scopes().into_iter().find(|shown| shown["Scope"] == scope);
        shown.ok_or_else(|| not_found("The scope"))
    }

    /// What each application has of something, each entry with its application.
    pub(super) fn of_applications(&self, parts: fn(&Application) -> Vec<Value>) -> Vec<Value> {
        let with_arn = |application: &Application| -> Vec<Value> {
            let mut entries = parts(application);
            for entry in &mut entries {
                entry["ApplicationArn"] = json!(application.arn);
            }
            entries
        };
        self.applications.iter().flat_map(with_arn).collect()
    }
}

impl Application {
    /// With tags and assignment configuration, as an admin finds them with two more calls.
    pub(super) fn in_full(&self) -> Value {
        let mut shown = self.shown();
        shown["Tags"] = shown_tags(&self.tags);
        shown["AssignmentRequired"] = json!(self.assignment_required);
        shown
    }

    pub(super) fn shown_grants(&self) -> Vec<Value> {
        let grants = self.grants().into_iter();
        grants.map(|(grant_type, grant)| json!({"GrantType": grant_type, "Grant": grant})).collect()
    }

    pub(super) fn shown_methods(&self) -> Vec<Value> {
        let methods = self.actor_policy.iter().map(|policy| {
            json!({"AuthenticationMethodType": "IAM", "AuthenticationMethod": {"Iam": {"ActorPolicy": policy}}})
        });
        methods.collect()
    }

    pub(super) fn shown_scopes(&self) -> Vec<Value> {
        let scopes = self.scopes.iter().map(|(scope, targets)| {
            let mut shown = json!({ "Scope": scope });
            // The shape allows one to ten targets: a scope without any has no such member.
            if !targets.is_empty() {
                shown["AuthorizedTargets"] = json!(targets);
            }
            shown
        });
        scopes.collect()
    }

    pub(super) fn shown_assignments(&self) -> Vec<Value> {
        let assignments = self.assignments.iter();
        assignments.map(|(id, kind)| json!({"PrincipalId": id, "PrincipalType": kind})).collect()
    }
}

fn assignment(call: &Call<'_>) -> Result<(String, String), AwsError> {
    let id = call.input.text("PrincipalId", &shapes::PRINCIPAL_ID)?;
    let kind = call.input.text("PrincipalType", &shapes::PRINCIPAL_TYPE)?;
    Ok((id.to_owned(), kind.to_owned()))
}
