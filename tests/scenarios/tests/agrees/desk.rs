//! What an administrator does by the vendors' own APIs, refusals included: a change that a vendor does not take is none.

use anyhow::Context as _;
use extoauth_sandbox::seed;
use extoauth_sandbox::world::PutBack;
use serde_json::{Map, Value, json};

use crate::house::House;
use crate::ours::Ours;

/// An administrator of all systems.
pub struct Desk<'h> {
    house: &'h House,
    back: Option<&'h PutBack>,
}

impl<'h> Desk<'h> {
    /// The administrator of this house.
    pub fn of(house: &'h House) -> Self {
        Self { house, back: None }
    }

    /// The same with a way back to health, for what nobody can mend.
    pub fn with_way_back(house: &'h House, back: &'h PutBack) -> Self {
        Self { house, back: Some(back) }
    }

    /// Goes back to health, as a vendor's own restoration would.
    pub fn go_back(&self) {
        if let Some(back) = self.back {
            back();
        }
    }

    async fn rest(&self, method: &str, url: String, authorization: String, body: Value) -> anyhow::Result<Value> {
        let words = format!("{method} {url}");
        let call = self.house.admin.http().request(method.parse()?, url).header("authorization", authorization);
        let call = if body.is_null() { call } else { call.json(&body) };
        self.house.admin.send(call).await?.good().context(words)
    }

    /// A call to Okta's management API.
    pub async fn okta(&self, method: &str, path: &str, body: Value) -> anyhow::Result<Value> {
        let told = |field: &str| self.house.admin.told(&format!("/admin/okta/{}/{field}", seed::OKTA_NAME));
        let url = format!("{}/api/v1/{path}", told("url"));
        self.rest(method, url, format!("SSWS {}", told("token")), body).await
    }

    /// A call to Microsoft Graph v1.0.
    pub async fn graph(&self, method: &str, path: &str, body: Value) -> anyhow::Result<Value> {
        self.house.admin.graph(method, path, body).await
    }

    /// A call to dbt's account API.
    pub async fn dbt(&self, method: &str, path: &str, body: Value) -> anyhow::Result<Value> {
        let told = |field: &str| self.house.admin.told(&format!("/admin/dbt/{}/{field}", seed::DBT_NAME));
        let url = format!("{}/api/v3/accounts/{}/{path}", told("url"), seed::DBT_ACCOUNT);
        let mut answer = self.rest(method, url, format!("Token {}", told("token")), body).await?;
        Ok(answer["data"].take())
    }

    /// A call to IAM Identity Center.
    pub async fn center(&self, action: &str, body: Value) -> anyhow::Result<Value> {
        self.house.admin.aws("sso", &format!("SWBExternalService.{action}"), &body).await
    }

    /// A call to the identity store.
    pub async fn directory(&self, action: &str, mut body: Value) -> anyhow::Result<Value> {
        body["IdentityStoreId"] = json!(seed::IDENTITY_STORE);
        self.house.admin.aws("identitystore", &format!("AWSIdentityStore.{action}"), &body).await
    }

    /// A call to Secrets Manager.
    pub async fn secrets(&self, action: &str, body: Value) -> anyhow::Result<Value> {
        self.house.admin.aws("secretsmanager", &format!("secretsmanager.{action}"), &body).await
    }

    /// The issuers that the Redshift application accepts, each with its audiences; of one that is deleted nothing, and
    /// Redshift refuses what is made of that.
    pub async fn accepted(&self) -> Vec<(String, Vec<String>)> {
        self.house.listed_issuers().await.unwrap_or_default()
    }

    /// Replaces that list.
    pub async fn accept(&self, issuers: &[(String, Vec<String>)]) -> anyhow::Result<()> {
        let mut form = vec![("RedshiftIdcApplicationArn".to_owned(), seed::REDSHIFT_APPLICATION_ARN.to_owned())];
        for (n, (arn, audiences)) in issuers.iter().enumerate() {
            let entry = format!("AuthorizedTokenIssuerList.member.{}", n + 1);
            form.push((format!("{entry}.TrustedTokenIssuerArn"), arn.clone()));
            for (n, audience) in audiences.iter().enumerate() {
                form.push((format!("{entry}.AuthorizedAudiencesList.member.{}", n + 1), audience.clone()));
            }
        }
        self.redshift("ModifyRedshiftIdcApplication", form).await
    }

    /// A call to Redshift.
    pub async fn redshift(&self, action: &str, form: Vec<(String, String)>) -> anyhow::Result<()> {
        let mut all: Vec<(&str, &str)> = vec![("Action", action)];
        all.extend(form.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        self.house.admin.aws_query("redshift", "2012-12-01", &all).await.map(|_| ())
    }

    /// Changes our entry of that list.
    pub async fn accept_ours(&self, ours: &Ours, change: impl FnOnce(&mut Vec<String>)) -> anyhow::Result<()> {
        let mut all = self.accepted().await;
        let entry = all.iter_mut().find(|(arn, _)| *arn == ours.issuer()).context("our entry")?;
        change(&mut entry.1);
        self.accept(&all).await
    }

    /// An object of ours as its vendor shows it.
    pub async fn read(&self, ours: &Ours, address: &str) -> anyhow::Result<Value> {
        let path = ours.path(address);
        match address.split('.').next() {
            Some("okta") => self.okta("GET", &path, Value::Null).await,
            Some("entra") => self.graph("GET", &path, Value::Null).await,
            _ => self.dbt("GET", &path, Value::Null).await,
        }
    }

    /// Writes an object of ours as its vendor wants it: whole, or what changed.
    pub async fn write(&self, ours: &Ours, address: &str, before: &Value, after: &Value) -> anyhow::Result<()> {
        let path = ours.path(address);
        match address {
            okta if okta.starts_with("okta.") => self.okta("PUT", &path, after.clone()).await?,
            entra if entra.starts_with("entra.") => self.graph("PATCH", &path, changed(before, after)).await?,
            "dbt.connection" => {
                let mut body = changed(before, after);
                body["account_id"] = json!(seed::DBT_ACCOUNT);
                self.dbt("PATCH", &path, body).await?
            }
            "dbt.oauth_configuration" => {
                let mut body = changed(before, after);
                body["account_id"] = json!(seed::DBT_ACCOUNT);
                body["type"] = before["type"].clone();
                self.dbt("POST", &path, body).await?
            }
            _ => {
                // A full replacement; what a read adds is refused.
                let mut body = after.clone();
                for added in ["raw_dbt_version", "is_deferrable", "fusion_readiness", "project", "credentials"] {
                    body.as_object_mut().context("an object")?.remove(added);
                }
                self.dbt("POST", &path, body).await?
            }
        };
        Ok(())
    }

    /// The people and memberships of the identity store as at start; whoever was made anew has another id.
    pub async fn put_directory_back(&self) -> anyhow::Result<()> {
        let group = self.directory("ListGroups", json!({})).await?["Groups"][0]["GroupId"].take();
        let users = self.directory("ListUsers", json!({"MaxResults": 100})).await?["Users"].take();
        let mut there = Vec::new();
        for user in users.as_array().into_iter().flatten() {
            let name = user["UserName"].as_str().unwrap_or_default();
            let first = user["Emails"][0]["Value"].as_str().unwrap_or_default();
            if seed::USERS.contains(&name) && first == name {
                there.push(name.to_owned());
            } else {
                self.remove_person(user["UserId"].as_str().unwrap_or_default()).await?;
            }
        }
        for name in seed::USERS.iter().filter(|name| !there.iter().any(|known| known == *name)) {
            self.add_person(name, name, group.as_str()).await?;
        }
        Ok(())
    }

    /// The id of a person in the identity store.
    pub async fn person(&self, name: &str) -> anyhow::Result<String> {
        let filter = json!({"Filters": [{"AttributePath": "UserName", "AttributeValue": name}]});
        let found = self.directory("ListUsers", filter).await?;
        found["Users"][0]["UserId"].as_str().map(str::to_owned).with_context(|| format!("nobody is called {name}"))
    }

    /// Removes a person from the identity store, with the memberships.
    pub async fn remove_person(&self, id: &str) -> anyhow::Result<()> {
        let member = json!({"MemberId": {"UserId": id}});
        let memberships = self.directory("ListGroupMembershipsForMember", member).await?;
        for membership in memberships["GroupMemberships"].as_array().into_iter().flatten() {
            let id = json!({"MembershipId": membership["MembershipId"]});
            self.directory("DeleteGroupMembership", id).await?;
        }
        self.directory("DeleteUser", json!({"UserId": id})).await.map(|_| ())
    }

    /// Adds a person to the identity store, as provisioning would.
    pub async fn add_person(&self, name: &str, email: &str, group: Option<&str>) -> anyhow::Result<()> {
        let first = name.split('@').next().unwrap_or(name);
        let body = json!({
            "UserName": name, "DisplayName": first, "Name": {"GivenName": first, "FamilyName": "Developer"},
            "Emails": [{"Value": email, "Type": "work", "Primary": true}],
        });
        let made = self.directory("CreateUser", body).await?;
        if let Some(group) = group {
            let body = json!({"GroupId": group, "MemberId": {"UserId": made["UserId"]}});
            self.directory("CreateGroupMembership", body).await?;
        }
        Ok(())
    }

    /// The version of the stored secret that is in force.
    pub async fn secret_version(&self, ours: &Ours) -> anyhow::Result<String> {
        let read = self.secrets("GetSecretValue", json!({"SecretId": ours.secret()})).await?;
        Ok(read["VersionId"].as_str().unwrap_or_default().to_owned())
    }

    /// The stored secret there, and this version of it in force.
    pub async fn put_secret_back(&self, ours: &Ours, version: &str) -> anyhow::Result<()> {
        let id = json!({"SecretId": ours.secret()});
        let shown = self.secrets("DescribeSecret", id.clone()).await?;
        if !shown["DeletedDate"].is_null() {
            self.secrets("RestoreSecret", id.clone()).await?;
        }
        let current = self.secret_version(ours).await?;
        if current != version {
            let body = json!({
                "SecretId": ours.secret(), "VersionStage": "AWSCURRENT", "MoveToVersionId": version,
                "RemoveFromVersionId": current,
            });
            self.secrets("UpdateSecretVersionStage", body).await?;
        }
        Ok(())
    }
}

/// The members of `after` that differ from `before`.
fn changed(before: &Value, after: &Value) -> Value {
    let all = after.as_object().into_iter().flatten();
    let changed = all.filter(|(name, value)| before.get(name.as_str()) != Some(value));
    Value::Object(Map::from_iter(changed.map(|(name, value)| (name.clone(), value.clone()))))
}
