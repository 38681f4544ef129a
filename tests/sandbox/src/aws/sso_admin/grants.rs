//! Grants of applications. An application has at most one of each type, and Put replaces it whole.

use serde_json::{Map, Value, json};

use super::super::input::{Input, constraint, missing, structure};
use super::super::wire::AwsError;
use super::model::{AuthorizedTokenIssuer, Directory};
use super::shapes::JWT_BEARER;
use super::{Call, not_found, shapes};

/// Issuers of one grant, and audiences of one issuer (Identity Center API reference, JwtBearerGrant and
/// AuthorizedTokenIssuer).
const MOST: usize = 10;

impl Directory {
    pub(super) fn put_grant(&mut self, call: &Call<'_>) -> Result<Value, AwsError> {
        let grant_type = call.input.text("GrantType", &shapes::GRANT_TYPE)?;
        let grant = call.input.structure("Grant")?;
        let (member, content) = grant.union("Grant")?;
        let fitting = match grant_type {
            JWT_BEARER => "JwtBearer",
            "authorization_code" => "AuthorizationCode",
            "refresh_token" => "RefreshToken",
            _ => "TokenExchange",
        };
        if member != fitting {
            return Err(AwsError::validation("The grant does not fit the grant type"));
        }
        if grant_type == JWT_BEARER {
            let issuers = read_issuers(content)?;
            let known: Vec<String> = self.issuers.iter().map(|issuer| issuer.arn.clone()).collect();
            let any = self.unknown_issuers_accepted;
            let application = self.changed(call)?;
            check_issuers(&issuers, application.jwt_bearer.as_deref(), |arn| any || known.iter().any(|k| k == arn))?;
            application.jwt_bearer = Some(issuers);
        } else {
            let mut kept = Map::new();
            if let Some(uris) = content.texts("RedirectUris", 1, MOST, &shapes::REDIRECT_URI)? {
                kept.insert("RedirectUris".to_owned(), json!(uris));
            }
            let application = self.changed(call)?;
            application.other_grants.insert(grant_type.to_owned(), json!({ member: kept }));
        }
        Ok(json!({}))
    }

    pub(super) fn get_grant(&self, call: &Call<'_>) -> Result<Value, AwsError> {
        let grant_type = call.input.text("GrantType", &shapes::GRANT_TYPE)?;
        let found = self.seen(call)?.grants().into_iter().find(|(held, _)| held == grant_type);
        found.map(|(_, grant)| json!({"Grant": grant})).ok_or_else(|| not_found("The grant"))
    }

    /// All of them at once: there are at most four.
    pub(super) fn list_grants(&self, call: &Call<'_>) -> Result<Value, AwsError> {
        call.input.optional_text("NextToken", &shapes::PAGE_TOKEN)?;
        Ok(json!({"Grants": self.seen(call)?.shown_grants()}))
    }

    pub(super) fn delete_grant(&mut self, call: &Call<'_>) -> Result<Value, AwsError> {
        let grant_type = call.input.text("GrantType", &shapes::GRANT_TYPE)?;
        let application = self.changed(call)?;
        let held = match grant_type {
            JWT_BEARER => application.jwt_bearer.take().is_some(),
            other => application.other_grants.remove(other).is_some(),
        };
        held.then(|| json!({})).ok_or_else(|| not_found("The grant"))
    }
}

/// Checks a list of issuers against the rules of the one grant that holds it: counts, no issuer twice, and none that
/// does not exist unless the grant named it before (UNCONFIRMED, see [`super::SsoAdmin::accept_unknown_issuers`]).
pub(super) fn check_issuers(
    issuers: &[AuthorizedTokenIssuer],
    before: Option<&[AuthorizedTokenIssuer]>,
    exists: impl Fn(&str) -> bool,
) -> Result<(), AwsError> {
    if issuers.is_empty() || issuers.len() > MOST {
        return Err(constraint("AuthorizedTokenIssuers", "Member must have length between 1 and 10"));
    }
    for (position, issuer) in issuers.iter().enumerate() {
        if !shapes::is_issuer_arn(&issuer.arn) {
            return Err(constraint("TrustedTokenIssuerArn", "Member must satisfy its regular expression pattern"));
        }
        if issuer.audiences.is_empty() || issuer.audiences.len() > MOST {
            return Err(constraint("AuthorizedAudiences", "Member must have length between 1 and 10"));
        }
        if issuer.audiences.iter().any(|audience| audience.is_empty() || audience.chars().count() > 512) {
            return Err(constraint("AuthorizedAudiences", "Member must have length between 1 and 512"));
        }
        if issuers[..position].iter().any(|other| other.arn == issuer.arn) {
            return Err(AwsError::validation("A trusted token issuer is named twice"));
        }
        let named_before = before.is_some_and(|before| before.iter().any(|other| other.arn == issuer.arn));
        if !named_before && !exists(&issuer.arn) {
            return Err(not_found("The trusted token issuer"));
        }
    }
    Ok(())
}

fn read_issuers(grant: Input<'_>) -> Result<Vec<AuthorizedTokenIssuer>, AwsError> {
    let list = grant.list("AuthorizedTokenIssuers", 1, MOST)?.ok_or_else(|| missing("AuthorizedTokenIssuers"))?;
    list.iter()
        .map(|entry| {
            let entry = structure("AuthorizedTokenIssuers", entry)?;
            let arn = entry.text("TrustedTokenIssuerArn", &shapes::ISSUER_ARN)?;
            let audiences = entry.texts("AuthorizedAudiences", 1, MOST, &shapes::AUDIENCE)?;
            let audiences = audiences.ok_or_else(|| missing("AuthorizedAudiences"))?;
            Ok(AuthorizedTokenIssuer { arn: arn.to_owned(), audiences })
        })
        .collect()
}
