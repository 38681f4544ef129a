//! The judge: whether developers get in. What it is told is read from dbt's API, as dbt itself would use it; how it goes
//! on from there is `tests/judge/judge.py`.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use extoauth_sandbox::developer::Provider;
use extoauth_sandbox::redshift_wire;
use extoauth_sandbox::sandbox::root;
use extoauth_sandbox::seed;
use extoauth_sandbox::world::System as _;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::desk::Desk;
use crate::house::House;
use crate::ours::Ours;

/// Environment variable with the folder of the adapter's programs.
const ADAPTER: &str = "EXTOAUTH_ADAPTER";
/// What dbt sends where nobody knows the secret that it holds.
const NOBODYS: &str = "a-secret-that-nobody-knows";

/// How one developer's login ended.
#[derive(Clone, Debug, Deserialize)]
pub struct Login {
    /// Whether it worked.
    pub ok: bool,
    /// Where it ended.
    pub step: String,
    /// What was said there.
    pub error: String,
}

/// How the logins ended, by user.
pub type Logins = BTreeMap<String, Login>;

/// The judge's process.
pub struct Judge {
    // Ends with this value.
    _child: Child,
    stdin: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// Values of the client secrets that there have been, by their digests.
    secrets: HashMap<String, String>,
}

fn python() -> PathBuf {
    std::env::var_os(ADAPTER).map_or_else(|| root().join(".tools/adapter/bin"), PathBuf::from).join("python")
}

/// Whether all that a judge needs is there; says so where it is not.
pub fn installed() -> bool {
    let python = python();
    let authlib = std::process::Command::new(&python).args(["-c", "import authlib, redshift_connector"]).output();
    if !authlib.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no Authlib at {} ({ADAPTER} names a folder; make .tools/adapter/.ready)", python.display());
        return false;
    }
    if !redshift_wire::installed() {
        eprintln!("skipped: no PostgreSQL for the sandbox (make .tools/postgres/.ready)");
        return false;
    }
    true
}

fn digest(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Judge {
    /// A judge who reaches nothing but this sandbox.
    pub fn start(house: &House) -> anyhow::Result<Self> {
        let sandbox = &house.sandbox;
        let ca_file = sandbox.ca_file();
        let resolve = format!("{}:5439={}", seed::WAREHOUSE_HOST, sandbox.warehouse_address());
        let mut command = Command::new(python());
        command.arg("-B").arg(root().join("tests/judge/judge.py")).env_clear();
        command.env("HTTPS_PROXY", sandbox.proxy_url("developer")).env("SANDBOX_RESOLVE", resolve);
        command.env("REQUESTS_CA_BUNDLE", &ca_file).env("SSL_CERT_FILE", &ca_file).env("HOME", sandbox.directory());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let stdin = child.stdin.take().context("the judge's standard input")?;
        let answers = BufReader::new(child.stdout.take().context("the judge's standard output")?).lines();
        Ok(Self { _child: child, stdin, answers, secrets: HashMap::new() })
    }

    /// Remembers the client secret that is stored now.
    pub async fn learn(&mut self, desk: &Desk<'_>, ours: &Ours) -> anyhow::Result<()> {
        let read = desk.secrets("GetSecretValue", json!({"SecretId": ours.secret()})).await?;
        let value = read["SecretString"].as_str().context("a secret of text")?;
        self.secrets.insert(digest(value), value.to_owned());
        Ok(())
    }

    /// Lets these developers log in.
    pub async fn logins(&mut self, house: &House, ours: &Ours, users: &[&str]) -> anyhow::Result<Logins> {
        let told = match self.told(house, ours).await {
            Ok(told) => told,
            // There is nothing to log in with.
            Err(error) => {
                let login = Login { ok: false, step: "dbt".into(), error: format!("{error:#}") };
                return Ok(users.iter().map(|&user| (user.to_owned(), login.clone())).collect());
            }
        };
        let mut line = json!({"configuration": told.0, "warehouse": told.1, "users": users}).to_string();
        line.push('\n');
        self.stdin.write_all(line.as_bytes()).await?;
        self.stdin.flush().await?;
        let answer = self.answers.next_line().await?.context("the judge has died")?;
        Ok(serde_json::from_str(&answer)?)
    }

    /// What dbt has for the developers of the environment: configuration and warehouse.
    async fn told(&self, house: &House, ours: &Ours) -> anyhow::Result<(Value, Value)> {
        let desk = Desk::of(house);
        let environment = desk.dbt("GET", &ours.path("dbt.environment"), Value::Null).await?;
        ensure!(environment["type"] == "development", "the environment is no development environment");
        let id = environment["connection_id"].as_u64().context("the environment has no connection")?;
        let connection = desk.dbt("GET", &format!("connections/{id}/"), Value::Null).await?;
        let id = connection["oauth_configuration_id"].as_u64();
        let id = id.context("the connection has no external OAuth configuration")?;
        let row = desk.dbt("GET", &format!("oauth-configurations/{id}/"), Value::Null).await?;
        let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
        let provider = Provider::of(&text("type"), row["extra_data"]["application_id_uri"].as_str());
        let configuration = json!({
            "type": row["type"], "authorize_url": row["authorize_url"], "token_url": row["token_url"],
            "client_id": row["client_id"], "redirect_uri": row["redirect_uri"],
            "client_secret": self.secret_of(house, id),
            "scope": provider.context("dbt can ask no provider of this type")?.scopes(),
        });
        let config = &connection["config"];
        let mut warehouse = json!({"host": config["hostname"], "port": config["port"], "database": config["dbname"]});
        // Top-level keys of extended attributes override the connection's (dbt's documentation of them).
        if let Some(id) = environment["extended_attributes_id"].as_u64() {
            let path = format!("projects/{}/extended-attributes/{id}/", ours.project);
            let over = desk.dbt("GET", &path, Value::Null).await?["extended_attributes"].take();
            for (name, ours) in [("host", "host"), ("port", "port"), ("dbname", "database")] {
                if !over[name].is_null() {
                    warehouse[ours] = over[name].clone();
                }
            }
        }
        Ok((configuration, warehouse))
    }

    /// The secret that dbt holds: dbt shows nobody, so the one of those known with the same digest.
    fn secret_of(&self, house: &House, configuration: u64) -> &str {
        let state = house.sandbox.dbt.state();
        let rows = state["oauth-configurations"].as_array().into_iter().flatten();
        let held = rows.into_iter().find(|row| row["id"] == configuration);
        let digest = held.and_then(|row| row["client_secret"]["sha256"].as_str());
        digest.and_then(|digest| self.secrets.get(digest)).map_or(NOBODYS, String::as_str)
    }
}
