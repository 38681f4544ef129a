//! Trusted token issuers.

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::input::{Input, constraint};
use super::super::wire::{AwsError, page};
use super::model::{Directory, Issuer};
use super::{Call, not_found, shapes, tags, visible};
use crate::seed;

/// Issuers of one instance, not raisable (IAM Identity Center quotas).
const MOST_ISSUERS: usize = 10;

impl Directory {
    /// Makes an issuer without looking at its URL. The same client token with the same input answers the same ARN.
    /// Names and URLs may repeat (UNCONFIRMED; no rule is documented). How long a token is remembered is not
    /// documented: here as long as its issuer lives.
    pub(super) fn create_issuer(&mut self, call: &Call<'_>) -> Result<Value, AwsError> {
        let input = call.input;
        self.instance_of(call)?;
        let name = input.text("Name", &shapes::ISSUER_NAME)?;
        input.text("TrustedTokenIssuerType", &shapes::ISSUER_TYPE)?;
        let configuration = jwt_configuration(input.structure("TrustedTokenIssuerConfiguration")?)?;
        let issuer_url = configuration.text("IssuerUrl", &shapes::ISSUER_URL)?;
        let claim = configuration.text("ClaimAttributePath", &shapes::CLAIM_PATH)?;
        let attribute = configuration.text("IdentityStoreAttributePath", &shapes::ATTRIBUTE_PATH)?;
        configuration.text("JwksRetrievalOption", &shapes::JWKS_OPTION)?;
        let tags = tags::read(input)?;
        let client_token = input.optional_text("ClientToken", &shapes::CLIENT_TOKEN)?;

        let mut parameters = input.0.clone();
        parameters.remove("ClientToken");
        let parameters = Value::Object(parameters);
        if let Some((sent, arn)) = client_token.and_then(|token| self.client_tokens.get(token)) {
            if *sent == parameters {
                return Ok(json!({"TrustedTokenIssuerArn": arn}));
            }
            let message = "The client token was already used with other parameters";
            return Err(AwsError::new(400, "IdempotentParameterMismatch", message));
        }
        if self.issuers.len() >= MOST_ISSUERS {
            let message = "You have reached the maximum number of trusted token issuers of the instance";
            return Err(AwsError::new(400, "ServiceQuotaExceededException", message));
        }
        let instance = seed::INSTANCE_ARN.rsplit('/').next().unwrap_or_default();
        let arn = format!("arn:aws:sso::{}:trustedTokenIssuer/{instance}/tti-{}", seed::ACCOUNT, Uuid::new_v4());
        let issuer = Issuer {
            number: self.next_number(),
            hidden_until: call.hidden_until(),
            name: name.to_owned(),
            tags,
            arn: arn.clone(),
            issuer_url: issuer_url.to_owned(),
            claim_attribute_path: claim.to_owned(),
            identity_store_attribute_path: attribute.to_owned(),
        };
        self.issuers.push(issuer);
        if let Some(token) = client_token {
            self.client_tokens.insert(token.to_owned(), (parameters, arn.clone()));
        }
        Ok(json!({"TrustedTokenIssuerArn": arn}))
    }

    pub(super) fn describe_issuer(&self, call: &Call<'_>) -> Result<Value, AwsError> {
        let arn = call.input.text("TrustedTokenIssuerArn", &shapes::ISSUER_ARN)?;
        let issuer = self.issuers.iter().find(|issuer| issuer.arn == arn && visible(issuer.hidden_until));
        issuer.map(Issuer::shown).ok_or_else(|| not_found("The trusted token issuer"))
    }

    /// Lists name and ARN; the URL is in the description only.
    pub(super) fn list_issuers(&self, call: &Call<'_>) -> Result<Value, AwsError> {
        self.instance_of(call)?;
        let entries = self.issuers.iter().filter(|issuer| visible(issuer.hidden_until)).map(|issuer| {
            let shown = json!({
                "TrustedTokenIssuerArn": issuer.arn,
                "Name": issuer.name,
                "TrustedTokenIssuerType": "OIDC_JWT",
            });
            (issuer.number, shown)
        });
        answer_page("TrustedTokenIssuers", entries, call.input, call.input.count("MaxResults", 100, 100)?)
    }

    /// Changes name and mapping. The URL is not part of the input's shape, so it stays whatever is sent.
    pub(super) fn update_issuer(&mut self, call: &Call<'_>) -> Result<Value, AwsError> {
        let input = call.input;
        let name = input.optional_text("Name", &shapes::ISSUER_NAME)?;
        let (mut claim, mut attribute) = (None, None);
        if let Some(configuration) = input.optional_structure("TrustedTokenIssuerConfiguration")? {
            let configuration = jwt_configuration(configuration)?;
            claim = configuration.optional_text("ClaimAttributePath", &shapes::CLAIM_PATH)?;
            attribute = configuration.optional_text("IdentityStoreAttributePath", &shapes::ATTRIBUTE_PATH)?;
            configuration.optional_text("JwksRetrievalOption", &shapes::JWKS_OPTION)?;
        }
        let arn = input.text("TrustedTokenIssuerArn", &shapes::ISSUER_ARN)?;
        let issuer = self.issuers.iter_mut().find(|issuer| issuer.arn == arn);
        let issuer = issuer.ok_or_else(|| not_found("The trusted token issuer"))?;
        if let Some(name) = name {
            name.clone_into(&mut issuer.name);
        }
        if let Some(claim) = claim {
            claim.clone_into(&mut issuer.claim_attribute_path);
        }
        if let Some(attribute) = attribute {
            attribute.clone_into(&mut issuer.identity_store_attribute_path);
        }
        Ok(json!({}))
    }

    /// Deletes it although grants name it: those entries dangle and their users lose access (Identity Center API
    /// reference, DeleteTrustedTokenIssuer).
    pub(super) fn delete_issuer(&mut self, call: &Call<'_>) -> Result<Value, AwsError> {
        let arn = call.input.text("TrustedTokenIssuerArn", &shapes::ISSUER_ARN)?;
        let position = self.issuers.iter().position(|issuer| issuer.arn == arn);
        self.issuers.remove(position.ok_or_else(|| not_found("The trusted token issuer"))?);
        self.client_tokens.retain(|_, (_, made)| made != arn);
        Ok(json!({}))
    }
}

/// The only kind of configuration that there is.
fn jwt_configuration(union: Input<'_>) -> Result<Input<'_>, AwsError> {
    match union.union("TrustedTokenIssuerConfiguration")? {
        ("OidcJwtConfiguration", configuration) => Ok(configuration),
        (other, _) => Err(constraint(other, "Unknown member of the union")),
    }
}

/// The page of a list that the input's `NextToken` names, with at most `max` entries.
pub(super) fn answer_page(
    key: &str,
    entries: impl IntoIterator<Item = (u64, Value)>,
    input: Input<'_>,
    max: usize,
) -> Result<Value, AwsError> {
    let token = input.optional_text("NextToken", &shapes::PAGE_TOKEN)?;
    let (page, next) = page(entries, max, token).ok_or_else(|| AwsError::validation("The NextToken is not valid"))?;
    let mut answer = json!({ key: page });
    if let Some(next) = next {
        answer["NextToken"] = json!(next);
    }
    Ok(answer)
}
