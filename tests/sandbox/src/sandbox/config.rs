//! The configuration in force, and the secrets that an operator would have made for it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Sandbox;
use crate::moto::{Names, sha256};
use crate::seed::{
    CREDENTIALS, DBT_ACCOUNT, DBT_HOST, DBT_NAME, ENTRA_NAME, ENTRA_TENANT, GRAPH_HOST, INSTANCE_ARN, LOGIN_HOST,
    OKTA_HOST, OKTA_NAME, REDSHIFT_APPLICATION_ARN, REDSHIFT_NAME, REGION, SERVICENOW_CAT_ITEM, SERVICENOW_HOST,
    SERVICENOW_REQUESTER, WAREHOUSE_HOST,
};

/// `EXTOAUTH_SYSTEMS` and `EXTOAUTH_POLICY`.
#[derive(Clone, Debug, Default)]
pub(super) struct Config {
    pub systems: Value,
    pub policy: Value,
}

/// The name of an operator-made secret.
pub(super) fn secret_name(of: &str) -> String {
    format!("{CREDENTIALS}/{of}")
}

impl Config {
    pub fn at_start(names: &Names) -> Self {
        let secret = |of: &str| names.secret(&secret_name(of));
        let dbt = format!("https://{DBT_HOST}");
        let systems = json!({
            "okta": {OKTA_NAME: {
                "url": format!("https://{OKTA_HOST}"), "issuer_mode": null, "mode": "manage",
                "credential": secret("okta"), "credential_read": null,
            }},
            "entra": {ENTRA_NAME: {
                "tenant_id": ENTRA_TENANT, "authority": format!("https://{LOGIN_HOST}"),
                "graph": format!("https://{GRAPH_HOST}"), "mode": "manage", "credential": secret("entra"),
                "notification_secret": null,
            }},
            "dbt": {DBT_NAME: {
                "url": dbt, "account_id": DBT_ACCOUNT, "mode": "manage", "credential": secret("dbt"),
                "redirect_uri": {"okta": format!("{dbt}/complete/okta"), "entra": format!("{dbt}/complete/entra")},
            }},
            "redshift": {REDSHIFT_NAME: {
                "region": REGION, "application_arn": REDSHIFT_APPLICATION_ARN, "role_arn": null,
                "hosts": [format!("*.{REGION}.redshift-serverless.amazonaws.com")], "default_host": WAREHOUSE_HOST,
                "audience": null, "mode": "manage",
                "identity_center":
                    {"region": REGION, "instance_arn": INSTANCE_ARN, "role_arn": null, "mode": "manage"},
            }},
            "servicenow": {SERVICENOW_HOST: {
                "url": format!("https://{SERVICENOW_HOST}"), "cat_items": [SERVICENOW_CAT_ITEM],
                "credential": secret("servicenow"),
            }},
        });
        let policy = json!({
            "requesters": [SERVICENOW_REQUESTER],
            "lifetimes": {
                "access_minutes": {"min": 5, "max": 120},
                "refresh_days": {"min": 1, "max": 180},
                "idle_days": {"min": 1, "max": 180},
            },
            "secret_days": {"default": 180, "max": 365},
            "writes": "on",
        });
        Self { systems, policy }
    }
}

/// What the callers of intake prove themselves with. Made anew at every start.
pub struct Keys {
    /// Standard Webhooks secret of the ServiceNow instance (`whsec_…`).
    pub webhook_secret: String,
    /// Bearer key of the same instance, scopes `write` and `read`.
    pub bearer: String,
}

impl Keys {
    pub(super) fn new() -> Self {
        let random = || [uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()].concat();
        Self {
            webhook_secret: format!("whsec_{}", STANDARD.encode(random())),
            bearer: random().iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

impl Sandbox {
    /// What an operator puts into Secrets Manager before the first deployment.
    pub(super) fn operator_secrets(&self) -> BTreeMap<String, String> {
        let (client_id, kid, private_key_pem) = self.okta.service_app();
        let (certificate_pem, entra_key_pem) = self.entra.automation_certificate();
        let secrets = [
            (
                "okta",
                json!({
                    "auth": "private_key_jwt", "client_id": client_id, "kid": kid, "private_key_pem": private_key_pem,
                }),
            ),
            (
                "entra",
                json!({
                    "auth": "certificate", "client_id": self.entra.automation_client_id(),
                    "certificate_pem": certificate_pem, "private_key_pem": entra_key_pem,
                }),
            ),
            ("dbt", json!({"token": self.dbt.automation_token()})),
            (
                "servicenow",
                json!({
                    "auth": "basic", "user": self.servicenow.automation_user(),
                    "password": self.servicenow.automation_password(),
                }),
            ),
            (
                "intake",
                json!({
                    "webhook": [{"secret": self.keys.webhook_secret, "instance": SERVICENOW_HOST}],
                    "bearer": [{
                        "sha256": sha256(&self.keys.bearer), "scopes": ["write", "read"], "instance": SERVICENOW_HOST,
                    }],
                }),
            ),
            // Filled when the ARNs of the others are known.
            ("systems", json!({})),
        ];
        secrets.map(|(of, value)| (secret_name(of), value.to_string())).into()
    }
}
