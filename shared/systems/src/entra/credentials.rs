//! The credentials of all applications, a page at a time: when each ends. Neither can be filtered by its end (Graph,
//! "List applications"), so all are read and most are dropped at once.

use extoauth_core::error::CallResult;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::Read;
use super::model::{Password, items, required};
use super::odata::PAGE;
use super::permission::Permission;
use crate::http::{text, time};

/// An application with its credentials. Federated ones are not among them: they have no end.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct AppCredentials {
    /// Object id.
    pub id: String,
    /// Client id.
    pub app_id: String,
    /// Name for people.
    pub display_name: String,
    /// Its client secrets, without their values.
    pub passwords: Vec<Password>,
    /// Its certificates.
    pub certificates: Vec<Certificate>,
}

/// A certificate of an application, as Entra shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Id of the credential.
    pub key_id: String,
    /// Name.
    pub display_name: String,
    /// SHA-1 of the certificate in Base64, unless whoever added it chose another name (`customKeyIdentifier`).
    pub thumbprint: Option<String>,
    /// When it ends.
    pub ends: Option<Timestamp>,
}

impl Certificate {
    fn read(raw: &Value) -> Option<Self> {
        Some(Self {
            key_id: text(raw, "/keyId")?,
            display_name: text(raw, "/displayName").unwrap_or_default(),
            thumbprint: text(raw, "/customKeyIdentifier"),
            ends: time(raw, "/endDateTime"),
        })
    }
}

impl TryFrom<Value> for AppCredentials {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            id: required(&raw, "id", "an application without id")?,
            app_id: required(&raw, "appId", "an application without appId")?,
            display_name: text(&raw, "/displayName").unwrap_or_default(),
            passwords: items(&raw, "/passwordCredentials").iter().filter_map(Password::read).collect(),
            certificates: items(&raw, "/keyCredentials").iter().filter_map(Certificate::read).collect(),
        })
    }
}

impl Read {
    /// Shows every application of the tenant with its credentials, one after the other; only a page is held at a time.
    /// With `keyCredentials` selected Graph takes 150 such calls a minute and tenant: 149,850 applications.
    ///
    /// # Errors
    /// `Forbidden` without `Application.Read.All`; what was shown until then stays shown.
    pub async fn each_app_credentials(&self, mut each: impl FnMut(AppCredentials)) -> CallResult<()> {
        let query = [("$select", "id,appId,displayName,passwordCredentials,keyCredentials"), ("$top", PAGE)];
        let operation = "list credentials of applications";
        self.each_page(operation, Permission::ListApplications, &["applications"], &query, "", |page| {
            page.into_iter().for_each(&mut each);
            true
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_application_is_read_with_what_it_has() {
        let app = |raw: Value| serde_json::from_value::<AppCredentials>(raw);
        let full = app(json!({"id": "o", "appId": "a", "displayName": null,
            "passwordCredentials": [{"keyId": "k", "hint": "abc", "endDateTime": "2027-01-01T00:00:00Z"}, {"hint": "x"}],
            "keyCredentials": [{"keyId": "c", "customKeyIdentifier": "dGh1bWI=", "endDateTime": "soon"}]}))
        .expect("an application");
        assert_eq!((full.passwords.len(), full.passwords[0].starts), (1, None));
        assert_eq!(full.passwords[0].ends.map(Timestamp::as_second), Some(1_798_761_600));
        assert_eq!((full.certificates[0].thumbprint.as_deref(), full.certificates[0].ends), (Some("dGh1bWI="), None));
        let bare = app(json!({"id": "o", "appId": "a"})).expect("an application");
        assert!(bare.passwords.is_empty() && bare.certificates.is_empty());
        assert!(app(json!({"appId": "a"})).is_err());
    }
}
