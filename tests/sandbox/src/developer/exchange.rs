//! `CreateTokenWithIAM`: what Redshift does with the developer's access token.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::error::{LoginError, Step};
use super::{Developer, Tokens};

/// Who the developer is for AWS.
#[derive(Clone)]
pub struct IdentityContext {
    /// The opaque context that AWS services take.
    pub context: String,
    /// The whole answer of `CreateTokenWithIAM`.
    pub answer: Value,
}

impl fmt::Debug for IdentityContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityContext").field("length", &self.context.len()).finish_non_exhaustive()
    }
}

impl Developer {
    /// Exchanges an access token at `endpoint` (the base URL of sso-oidc) for the identity context, on behalf of the
    /// Identity Center application. `access_key_id` says who calls; the signature is not a real one, which the sandbox
    /// does not check.
    ///
    /// # Errors
    /// With Identity Center's code and description: issuer, audience, user or reuse of the token.
    pub async fn exchange(
        &self,
        endpoint: &str,
        application_arn: &str,
        access_key_id: &str,
        tokens: &Tokens,
    ) -> Result<IdentityContext, LoginError> {
        let step = Step::Exchange;
        let region = crate::seed::REGION;
        let now = Timestamp::now();
        let day = now.strftime("%Y%m%d");
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={access_key_id}/{day}/{region}/sso-oauth/aws4_request, SignedHeaders=host;x-amz-date, Signature={}",
            "0".repeat(64)
        );
        let body = json!({"clientId": application_arn, "grantType": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": tokens.access_token});
        let url = format!("{}/token?aws_iam=t", endpoint.trim_end_matches('/'));
        let request = self
            .http
            .post(url)
            .header(AUTHORIZATION, authorization)
            .header("x-amz-date", now.strftime("%Y%m%dT%H%M%SZ").to_string())
            .json(&body)
            .timeout(Duration::from_secs(30));
        let response = request.send().await.map_err(|error| LoginError::sending(step, &error))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| LoginError::sending(step, &error))?;
        if status != StatusCode::OK {
            return Err(LoginError::answer(step, status.as_u16(), &text));
        }
        let answer: Value = serde_json::from_str(&text)
            .map_err(|error| LoginError::new(step, format!("the answer cannot be read: {error}")))?;
        let context = answer["awsAdditionalDetails"]["identityContext"].as_str().map(str::to_owned);
        let context = context.ok_or_else(|| LoginError::new(step, "the answer has no identity context"))?;
        Ok(IdentityContext { context, answer })
    }
}
