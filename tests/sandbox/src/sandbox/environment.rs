//! What a function's process, and whoever reads `target/sandbox.json`, is told.

use serde_json::{Value, json};

use super::Sandbox;
use super::config::secret_name;
use crate::host::function_arn;
use crate::redshift_wire::{ADMIN, DATABASE};
use crate::seed::{
    BUS, DBT_NAME, DEPLOYMENT, ENTRA_NAME, OKTA_NAME, REGION, SERVICENOW_CAT_ITEM, SERVICENOW_HOST,
    SERVICENOW_REQUESTER, TABLE, WAREHOUSE_HOST,
};

impl Sandbox {
    /// The environment of a function: what its deployment sets, and what leads its SDKs and HTTP clients here.
    pub fn function_env(&self, function: &str) -> Vec<(String, String)> {
        let (key, secret) = self.world.keys.issue(function);
        let names = self.names();
        let systems = match &self.moto {
            Some(_) => format!("secret:{}", names.secret(&secret_name("systems"))),
            None => self.systems_config().to_string(),
        };
        let proxy = self.proxy_url(function);
        let variables = [
            ("EXTOAUTH_DEPLOYMENT", DEPLOYMENT.to_owned()),
            ("EXTOAUTH_SYSTEMS", systems),
            ("EXTOAUTH_POLICY", self.policy().to_string()),
            ("EXTOAUTH_TABLE", TABLE.to_owned()),
            ("EXTOAUTH_QUEUE_URL", self.queue_url()),
            ("EXTOAUTH_TOPIC_ARN", names.topic_arn.clone()),
            ("EXTOAUTH_EVENT_BUS", BUS.to_owned()),
            ("EXTOAUTH_INCIDENT_INSTANCE", "only".to_owned()),
            ("EXTOAUTH_INTAKE_SECRET", names.secret(&secret_name("intake"))),
            ("EXTOAUTH_ROTATE_FUNCTION_ARN", function_arn("rotate-secret")),
            ("AWS_ACCESS_KEY_ID", key),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_ENDPOINT_URL", self.aws_endpoint("")),
            ("AWS_ENDPOINT_URL_SSO_ADMIN", self.aws_endpoint("sso-admin")),
            ("AWS_ENDPOINT_URL_SSO_OIDC", self.aws_endpoint("sso-oidc")),
            ("AWS_ENDPOINT_URL_REDSHIFT", self.aws_endpoint("redshift")),
            ("AWS_ENDPOINT_URL_REDSHIFT_DATA", self.aws_endpoint("redshift-data")),
            ("HTTPS_PROXY", proxy.clone()),
            ("https_proxy", proxy),
            ("NO_PROXY", "127.0.0.1,localhost".to_owned()),
            ("no_proxy", "127.0.0.1,localhost".to_owned()),
            ("SSL_CERT_FILE", self.ca_file().display().to_string()),
        ];
        let own = names.check_queue_paths.get(function).map(|path| format!("{}{path}", self.aws_endpoint("sqs")));
        let own = own.map(|url| ("EXTOAUTH_SHARD_QUEUE_URL", url));
        variables.into_iter().chain(own).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// URL of the functions' queue.
    pub fn queue_url(&self) -> String {
        format!("{}{}", self.aws_endpoint("sqs"), self.names().queue_path)
    }

    /// The content of `target/sandbox.json`.
    pub fn sandbox_json(&self) -> Value {
        let (key, secret) = self.world.keys.issue("admin");
        let mut all = json!({
            "control": self.control_url(),
            "proxy": format!("http://{}", self.doors.proxy.address()),
            "ca_file": self.ca_file(),
            "aws": {
                "endpoint": self.aws_endpoint(""),
                "sso-admin": self.aws_endpoint("sso-admin"),
                "sso-oidc": self.aws_endpoint("sso-oidc"),
                "redshift": self.aws_endpoint("redshift"),
                "redshift-data": self.aws_endpoint("redshift-data"),
                "region": REGION, "access_key_id": key, "secret_access_key": secret,
            },
            "systems": self.systems_config(),
            "policy": self.policy(),
            "redshift": {
                "host": self.warehouse_address().ip(), "port": self.warehouse_address().port(), "ca_file": self.ca_file(),
                "name": WAREHOUSE_HOST, "database": DATABASE, "user": ADMIN, "password": self.warehouse.admin_password(),
            },
            "keys": {"webhook_secret": self.keys.webhook_secret, "bearer": self.keys.bearer},
            "admin": {
                "okta": {OKTA_NAME: {"url": self.doors.admin("okta"), "token": self.okta.admin_token()}},
                "entra": {ENTRA_NAME: {"graph": self.doors.admin("entra"), "token": self.entra.admin_token()}},
                "dbt": {DBT_NAME: {"url": self.doors.admin("dbt"), "token": self.dbt.admin_token()}},
                "servicenow": {SERVICENOW_HOST: {
                    "url": self.doors.admin("servicenow"),
                    "user": self.servicenow.admin_user(), "password": self.servicenow.admin_password(),
                    "cat_item": SERVICENOW_CAT_ITEM, "requester": SERVICENOW_REQUESTER,
                }},
            },
        });
        if let Some(host) = self.host() {
            all["intake"] = json!(host.intake_url());
            all["lambda"] = json!(host.lambda_url());
            all["functions_log"] = json!(self.functions_log());
        }
        all
    }
}
