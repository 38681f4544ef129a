//! What an administrator does by the vendors' own APIs.

use extoauth_sandbox::seed;
use extoauth_sandbox::world::access_key;
use serde_json::{Value, json};

use crate::house::House;

impl House {
    /// A call to Okta.
    pub async fn okta(&self, method: &str, path: &str, body: Value) -> Value {
        let url = format!("{}/api/v1/{path}", self.admin.told("/admin/okta/acme/url"));
        let call = self.admin.http().request(method.parse().expect("a method"), url);
        let call = call.header("authorization", format!("SSWS {}", self.admin.told("/admin/okta/acme/token")));
        self.sent(if body.is_null() { call } else { call.json(&body) }).await
    }

    /// A call to Microsoft Graph v1.0.
    pub async fn entra(&self, method: &str, path: &str, body: Value) -> Value {
        let words = format!("{method} {path}");
        let answer = self.admin.graph(method, path, body).await;
        answer.unwrap_or_else(|error| panic!("an administrator may do this: {words}: {error:#}"))
    }

    /// Makes an app with a unique name, which only an upsert sets.
    pub async fn make_named_app(&self, unique_name: &str, display_name: &str) -> Value {
        let place = format!("/admin/entra/{}", seed::ENTRA_NAME);
        let told = |field: &str| self.admin.told(&format!("{place}/{field}")).to_owned();
        let url = format!("{}/v1.0/applications(uniqueName='{unique_name}')", told("graph"));
        let call = self.admin.http().patch(url).bearer_auth(told("token")).header("prefer", "create-if-missing");
        self.sent(call.json(&json!({"displayName": display_name, "signInAudience": "AzureADMyOrg"}))).await
    }

    /// A call to dbt's account API.
    pub async fn dbt(&self, method: &str, path: &str, body: Value) -> Value {
        let account = seed::DBT_ACCOUNT;
        let url = format!("{}/api/v3/accounts/{account}/{path}", self.admin.told("/admin/dbt/acme/url"));
        let call = self.admin.http().request(method.parse().expect("a method"), url);
        let call = call.header("authorization", format!("Token {}", self.admin.told("/admin/dbt/acme/token")));
        let mut answer = self.sent(if body.is_null() { call } else { call.json(&body) }).await;
        answer["data"].take()
    }

    /// A call to an AWS service that speaks JSON.
    pub async fn aws(&self, service: &str, target: &str, body: Value) -> Value {
        let call = self.signed(service).header("x-amz-target", target);
        let call = call.header("content-type", "application/x-amz-json-1.1").body(body.to_string());
        self.sent(call).await
    }

    /// A call to IAM Identity Center.
    pub async fn center(&self, action: &str, body: Value) -> Value {
        self.aws("sso", &format!("SWBExternalService.{action}"), body).await
    }

    /// Replaces the list of issuers of the Redshift application.
    pub async fn accept_issuers(&self, issuers: &[(String, Vec<String>)]) {
        let mut form = vec![
            ("Action".to_owned(), "ModifyRedshiftIdcApplication".to_owned()),
            ("Version".to_owned(), "2012-12-01".to_owned()),
            ("RedshiftIdcApplicationArn".to_owned(), seed::REDSHIFT_APPLICATION_ARN.to_owned()),
        ];
        for (n, (arn, audiences)) in issuers.iter().enumerate() {
            let entry = format!("AuthorizedTokenIssuerList.member.{}", n + 1);
            form.push((format!("{entry}.TrustedTokenIssuerArn"), arn.clone()));
            for (n, audience) in audiences.iter().enumerate() {
                form.push((format!("{entry}.AuthorizedAudiencesList.member.{}", n + 1), audience.clone()));
            }
        }
        self.sent(self.signed("redshift").form(&form)).await;
    }

    /// The list of issuers of the Redshift application.
    pub async fn accepted_issuers(&self) -> Vec<(String, Vec<String>)> {
        self.listed_issuers().await.expect("the application")
    }

    /// The same; none if somebody has deleted the application.
    pub async fn listed_issuers(&self) -> Option<Vec<(String, Vec<String>)>> {
        let state = self.state().await;
        let applications = state["redshift"][seed::REDSHIFT_NAME]["RedshiftIdcApplications"].as_array().cloned();
        let applications = applications.expect("a list of applications");
        let ours = applications.iter().find(|one| one["RedshiftIdcApplicationArn"] == seed::REDSHIFT_APPLICATION_ARN);
        let entries = ours?["AuthorizedTokenIssuerList"].as_array().cloned();
        let entry = |entry: &Value| {
            let audiences = entry["AuthorizedAudiencesList"].as_array().cloned().unwrap_or_default();
            let audiences = audiences.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            (entry["TrustedTokenIssuerArn"].as_str().unwrap_or_default().to_owned(), audiences)
        };
        Some(entries.unwrap_or_default().iter().map(entry).collect())
    }

    /// Makes somebody else's trusted token issuer.
    pub async fn make_issuer(&self, name: &str, url: &str, claim: &str, attribute: &str) -> String {
        let made = self
            .center(
                "CreateTrustedTokenIssuer",
                json!({
                    "InstanceArn": seed::INSTANCE_ARN, "Name": name, "TrustedTokenIssuerType": "OIDC_JWT",
                    "TrustedTokenIssuerConfiguration": {"OidcJwtConfiguration": {
                        "IssuerUrl": url, "ClaimAttributePath": claim, "IdentityStoreAttributePath": attribute,
                        "JwksRetrievalOption": "OPEN_ID_DISCOVERY",
                    }},
                }),
            )
            .await;
        made["TrustedTokenIssuerArn"].as_str().expect("an ARN").to_owned()
    }

    /// The value of a secret.
    pub async fn secret_value(&self, id: &str) -> String {
        let read = self.aws("secretsmanager", "secretsmanager.GetSecretValue", json!({"SecretId": id})).await;
        read["SecretString"].as_str().expect("a text").to_owned()
    }

    /// ARNs of the secrets that are not the operator's.
    pub async fn own_secrets(&self) -> Vec<String> {
        let all = self.aws("secretsmanager", "secretsmanager.ListSecrets", json!({})).await;
        let all = all["SecretList"].as_array().cloned().unwrap_or_default();
        let own = all
            .iter()
            .filter(|secret| !secret["Name"].as_str().is_some_and(|name| name.starts_with(seed::CREDENTIALS)));
        own.filter_map(|secret| secret["ARN"].as_str()).map(str::to_owned).collect()
    }

    fn signed(&self, service: &str) -> reqwest::RequestBuilder {
        let (key, _) = access_key("admin");
        let credential = format!("{key}/20260101/{}/{service}/aws4_request", seed::REGION);
        self.admin.http().post(self.sandbox.aws_endpoint("")).header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"),
        )
    }

    async fn sent(&self, call: reqwest::RequestBuilder) -> Value {
        let words = format!("{:?}", call.try_clone().and_then(|call| call.build().ok()).map(|call| call.url().clone()));
        let answer = self.admin.send(call).await.expect("an answer").good();
        answer.unwrap_or_else(|error| panic!("an administrator may do this: {words}: {error:#}"))
    }
}
