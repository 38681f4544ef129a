//! Configuration from the environment: `EXTOAUTH_*`.

use std::collections::BTreeMap;

use extoauth_core::policy::Policy;
use extoauth_core::problem::Problems;
use extoauth_core::systems::{DataApiSettings, SystemsConfig};
use extoauth_systems::secrets::{Vault, Version};
use secrecy::ExposeSecret;
use url::Url;

use crate::notices::is_address;

/// Names this deployment: in marks, session names and messages.
pub const DEPLOYMENT: &str = "EXTOAUTH_DEPLOYMENT";
/// The systems; JSON, or `secret:<arn>`.
pub const SYSTEMS: &str = "EXTOAUTH_SYSTEMS";
/// The policy; JSON, or `secret:<arn>`; may be absent.
pub const POLICY: &str = "EXTOAUTH_POLICY";
/// Name of the table.
pub const TABLE: &str = "EXTOAUTH_TABLE";
/// URL of the queue.
pub const QUEUE_URL: &str = "EXTOAUTH_QUEUE_URL";
/// URL of the queue that carries the rest of a scheduled check.
pub const SHARD_QUEUE_URL: &str = "EXTOAUTH_SHARD_QUEUE_URL";
/// ARN of the topic that people subscribe to.
pub const TOPIC_ARN: &str = "EXTOAUTH_TOPIC_ARN";
/// Name or ARN of the event bus.
pub const EVENT_BUS: &str = "EXTOAUTH_EVENT_BUS";
/// ARN of the secret with the keys of those who may post requests.
pub const INTAKE_SECRET: &str = "EXTOAUTH_INTAKE_SECRET";
/// ARN of the function that rotates client secrets.
pub const ROTATE_FUNCTION_ARN: &str = "EXTOAUTH_ROTATE_FUNCTION_ARN";
/// The address that mail comes from, verified in SES; empty: no mail is sent.
pub const MAIL_FROM: &str = "EXTOAUTH_MAIL_FROM";
/// Who is written to where an owner is no mail address.
pub const MAIL_TO: &str = "EXTOAUTH_MAIL_TO";
/// The ServiceNow instance that incidents are opened in, `only` for the only one that is configured; empty: none is opened.
pub const INCIDENT_INSTANCE: &str = "EXTOAUTH_INCIDENT_INSTANCE";

/// The variables of the environment that are ours.
pub type Variables = BTreeMap<String, String>;

/// What a function is told. A field is empty where the function does not need it and it is not set.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Name of the deployment.
    pub deployment: String,
    /// The systems.
    pub systems: SystemsConfig,
    /// The policy.
    pub policy: Policy,
    /// Name of the table.
    pub table: String,
    /// URL of the queue.
    pub queue_url: String,
    /// URL of the queue that carries the rest of a scheduled check.
    pub shard_queue_url: String,
    /// ARN of the topic.
    pub topic_arn: String,
    /// Name or ARN of the event bus.
    pub event_bus: String,
    /// ARN of the secret with the callers' keys.
    pub intake_secret: String,
    /// ARN of the function that rotates client secrets.
    pub rotate_function_arn: String,
    /// The address that mail comes from; empty: no mail is sent.
    pub mail_from: String,
    /// Who is written to where an owner is no mail address.
    pub mail_to: String,
    /// [`INCIDENT_INSTANCE`] as it is set.
    pub incidents: String,
}

/// The variables of this process that are ours.
pub fn environment() -> Variables {
    std::env::vars().filter(|(name, _)| name.starts_with("EXTOAUTH_")).collect()
}

impl Config {
    /// Reads the configuration. `needed` are the variables that this function cannot do without, besides
    /// [`DEPLOYMENT`] and [`SYSTEMS`]. Values that are `secret:<arn>` are read from there: a function's environment holds
    /// 4 KB only.
    ///
    /// # Errors
    /// Every problem, with its variable. Values are not quoted: systems and policy are no secrets, but what stands in
    /// their place by mistake may be one.
    pub async fn load(variables: &Variables, needed: &[&str], vault: &Vault) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut resolved = variables.clone();
        for name in [SYSTEMS, POLICY] {
            let Some(arn) = variables.get(name).and_then(|value| value.trim().strip_prefix("secret:")) else {
                continue;
            };
            match vault.value(arn, &Version::current()).await {
                Ok(found) => {
                    resolved.insert(name.to_owned(), found.value.expose_secret().to_owned());
                }
                Err(error) => {
                    problems.add(name, format!("cannot be read: {error}"));
                    resolved.remove(name);
                }
            }
        }
        Self::parse(&resolved, needed, problems)
    }

    /// The ServiceNow instance that incidents are opened in; `None`: none is opened.
    pub fn incident_instance(&self) -> Option<&str> {
        incident_instance(&self.incidents, &self.systems).ok().flatten()
    }

    /// Reads the configuration from values as they are.
    fn parse(variables: &Variables, needed: &[&str], mut problems: Problems) -> Result<Self, Problems> {
        let text = |name: &str| variables.get(name).map(|v| v.trim()).filter(|v| !v.is_empty());
        let unreadable: Vec<String> = problems.0.iter().map(|problem| problem.field.clone()).collect();
        for name in [DEPLOYMENT, SYSTEMS].iter().chain(needed) {
            if text(name).is_none() && !unreadable.iter().any(|field| field == name) {
                problems.add(*name, "is not set");
            }
        }
        let deployment = text(DEPLOYMENT).unwrap_or_default();
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if deployment.len() > 32 || !deployment.chars().all(fine) {
            problems.add(DEPLOYMENT, "must be at most 32 lower-case letters, digits and hyphens");
        }
        let systems = text(SYSTEMS).map(|json| systems(json, &mut problems)).unwrap_or_default();
        let policy = text(POLICY).map(|json| policy(json, &mut problems)).unwrap_or_default();
        let of = |name: &str| text(name).unwrap_or_default().to_owned();
        let (mail_from, mail_to, incidents) = (of(MAIL_FROM), of(MAIL_TO), of(INCIDENT_INSTANCE));
        if !mail_from.is_empty() {
            for (name, value) in [(MAIL_FROM, &mail_from), (MAIL_TO, &mail_to)] {
                if !is_address(value) {
                    problems.add(name, "must be one mail address (both are needed for mail)");
                }
            }
        }
        if let Err(problem) = incident_instance(&incidents, &systems) {
            problems.add(INCIDENT_INSTANCE, problem);
        }
        problems.or(Self {
            deployment: of(DEPLOYMENT),
            systems,
            policy,
            table: of(TABLE),
            queue_url: of(QUEUE_URL),
            shard_queue_url: of(SHARD_QUEUE_URL),
            topic_arn: of(TOPIC_ARN),
            event_bus: of(EVENT_BUS),
            intake_secret: of(INTAKE_SECRET),
            rotate_function_arn: of(ROTATE_FUNCTION_ARN),
            mail_from,
            mail_to,
            incidents,
        })
    }
}

fn incident_instance<'a>(set: &'a str, systems: &'a SystemsConfig) -> Result<Option<&'a str>, &'static str> {
    match (set, systems.servicenow.len()) {
        ("", _) => Ok(None),
        ("only", 1) => Ok(systems.servicenow.keys().next().map(String::as_str)),
        ("only", _) => Err("is `only`, but not exactly one ServiceNow instance is configured"),
        (name, _) if systems.servicenow.contains_key(name) => Ok(Some(name)),
        _ => Err("is not a configured ServiceNow instance"),
    }
}

fn systems(json: &str, problems: &mut Problems) -> SystemsConfig {
    let mut reader = serde_json::Deserializer::from_str(json);
    let config: SystemsConfig = match serde_path_to_error::deserialize(&mut reader) {
        Ok(config) => config,
        Err(error) => {
            let path = error.path().to_string();
            let field = if path == "." { SYSTEMS.to_owned() } else { format!("{SYSTEMS}.{path}") };
            problems.add(field, without_value(&error.into_inner()));
            return SystemsConfig::default();
        }
    };
    let mut base = |field: String, url: &Url| {
        if let Err(problem) = base_url(url) {
            problems.add(format!("{SYSTEMS}.{field}"), problem);
        }
    };
    for (name, okta) in &config.okta {
        base(format!("okta.{name}.url"), &okta.url);
    }
    for (name, entra) in &config.entra {
        base(format!("entra.{name}.authority"), &entra.authority);
        base(format!("entra.{name}.graph"), &entra.graph);
    }
    for (name, dbt) in &config.dbt {
        base(format!("dbt.{name}.url"), &dbt.url);
    }
    for (name, servicenow) in &config.servicenow {
        base(format!("servicenow.{name}.url"), &servicenow.url);
    }
    for (name, dbt) in &config.dbt {
        for (idp, uri) in &dbt.redirect_uri {
            if uri.scheme() != "https" || uri.fragment().is_some() {
                problems.add(format!("{SYSTEMS}.dbt.{name}.redirect_uri.{idp}"), "must be an https URL");
            }
        }
    }
    for (name, redshift) in &config.redshift {
        for (field, problem) in redshift.data_api.iter().flat_map(DataApiSettings::problems) {
            problems.add(format!("{SYSTEMS}.redshift.{name}.data_api.{field}"), problem);
        }
    }
    for (name, okta) in &config.okta {
        if !["ORG_URL", "CUSTOM_URL"].contains(&okta.pinned_issuer_mode()) {
            let field = format!("{SYSTEMS}.okta.{name}.issuer_mode");
            problems.add(field, "must be ORG_URL or CUSTOM_URL, or null");
        }
    }
    config
}

/// Every call of a system goes to this host, with a credential.
fn base_url(url: &Url) -> Result<(), &'static str> {
    if url.scheme() != "https" {
        return Err("must begin with https://");
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("must not hold a user, a query or a fragment");
    }
    Ok(())
}

fn policy(json: &str, problems: &mut Problems) -> Policy {
    Policy::parse(json).unwrap_or_else(|found| {
        for problem in found.0 {
            problems.add(format!("{POLICY}.{}", problem.field), problem.problem);
        }
        Policy::default()
    })
}

/// serde's words for unexpected values quote them.
fn without_value(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let names_a_key = ["missing field", "unknown field", "unknown variant"].iter().any(|start| text.starts_with(start));
    if names_a_key {
        text
    } else {
        format!("is not of the expected form (line {}, column {})", error.line(), error.column())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn parse(pairs: &[(&str, &str)], needed: &[&str]) -> Result<Config, Problems> {
        Config::parse(&variables(pairs), needed, Problems::default())
    }

    fn fields(result: Result<Config, Problems>) -> Vec<String> {
        result.expect_err("problems").0.into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn a_whole_configuration_is_read() {
        let config = parse(
            &[
                (DEPLOYMENT, "prod"),
                (SYSTEMS, r#"{"okta":{"acme":{"url":"https://acme.okta.com","credential":"arn"}}}"#),
                (POLICY, r#"{"writes":"off"}"#),
                (TABLE, " extoauth "),
            ],
            &[TABLE],
        )
        .expect("valid");
        assert_eq!((config.deployment.as_str(), config.table.as_str()), ("prod", "extoauth"));
        assert!(!config.policy.writes);
        assert!(config.systems.okta.contains_key("acme"));
        assert_eq!(config.queue_url, "");
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let found = fields(parse(
            &[
                (DEPLOYMENT, "Prod!"),
                (
                    SYSTEMS,
                    r#"{"okta":{"acme":{"url":"http://acme.okta.com","credential":"arn","issuer_mode":"DYNAMIC"}}}"#,
                ),
                (POLICY, r#"{"writes":"maybe","nonsense":1}"#),
            ],
            &[TABLE, QUEUE_URL],
        ));
        for field in [
            DEPLOYMENT,
            TABLE,
            QUEUE_URL,
            "EXTOAUTH_SYSTEMS.okta.acme.url",
            "EXTOAUTH_SYSTEMS.okta.acme.issuer_mode",
            "EXTOAUTH_POLICY.writes",
            "EXTOAUTH_POLICY.nonsense",
        ] {
            assert!(found.iter().any(|f| f == field), "{field} is not in {found:?}");
        }
        assert_eq!(fields(parse(&[], &[])), [DEPLOYMENT, SYSTEMS]);
    }

    #[test]
    fn a_reader_of_the_warehouse_needs_one_warehouse_and_one_user() {
        let found = |data_api: &str| {
            let systems = format!(
                r#"{{"redshift":{{"main":{{"region":"r","application_arn":"a","hosts":[],"default_host":"h",
                "identity_center":{{"region":"r","instance_arn":"i"}},"data_api":{data_api}}}}}}}"#
            );
            match parse(&[(DEPLOYMENT, "prod"), (SYSTEMS, &systems)], &[]) {
                Ok(config) => {
                    assert!(config.systems.redshift["main"].data_api.is_some());
                    vec![]
                }
                Err(problems) => {
                    let place = "EXTOAUTH_SYSTEMS.redshift.main.data_api.";
                    let field = |problem: &str| problem.strip_prefix(place).unwrap_or(problem).to_owned();
                    problems.0.iter().map(|problem| field(&problem.field)).collect()
                }
            }
        };
        let table: [(&str, &[&str]); 9] = [
            (r#"{"workgroup_name":"wg","database":"dev"}"#, &[]),
            (r#"{"workgroup_name":"wg","database":"dev","secret_arn":"arn"}"#, &[]),
            (r#"{"cluster_identifier":"c","database":"dev","db_user":"admin"}"#, &[]),
            (r#"{"database":" "}"#, &["database", "workgroup_name", "cluster_identifier"]),
            (
                r#"{"workgroup_name":"wg","cluster_identifier":"c","database":"dev","secret_arn":"arn"}"#,
                &["workgroup_name", "cluster_identifier"],
            ),
            (r#"{"workgroup_name":"wg","database":"dev","db_user":"admin"}"#, &["db_user"]),
            (r#"{"cluster_identifier":"c","database":"dev"}"#, &["secret_arn", "db_user"]),
            (
                r#"{"cluster_identifier":"c","database":"dev","secret_arn":"arn","db_user":"u"}"#,
                &["secret_arn", "db_user"],
            ),
            (r#"{"workgroup_name":"wg","database":"dev","user":"x"}"#, &["user"]),
        ];
        for (data_api, expected) in table {
            assert_eq!(found(data_api), expected, "{data_api}");
        }
    }

    #[test]
    fn a_value_in_the_wrong_place_is_not_quoted() {
        for systems in
            [r#"{"okta":"canary"}"#, "canary", r#"{"dbt":{"acme":{"url":"https://x","account_id":"canary"}}}"#]
        {
            let problems = parse(&[(DEPLOYMENT, "prod"), (SYSTEMS, systems)], &[]).expect_err("invalid");
            assert!(!problems.to_string().contains("canary"), "{problems}");
        }
        let unknown = parse(&[(DEPLOYMENT, "prod"), (SYSTEMS, r#"{"octa":{}}"#)], &[]).expect_err("invalid");
        assert!(unknown.to_string().contains("octa"), "{unknown}");
    }
}
