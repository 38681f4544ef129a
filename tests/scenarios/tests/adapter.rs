//! The real dbt-redshift adapter: an integration is provisioned by its ticket through the functions' real binaries, a
//! developer signs in once, and dbt Core then runs with the refresh token against the identity provider and the warehouse
//! that the integration joins.
//!
//! It needs the functions, a Python with moto, the adapter (`make .tools/adapter/.ready`) and a PostgreSQL for the
//! sandbox's warehouse (`make .tools/postgres/.ready`); where one of them is missing it says that it skips. What dbt is
//! given is in `tests/adapter/`.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extoauth_sandbox::developer::Developer;
use extoauth_sandbox::redshift_wire;
use extoauth_sandbox::sandbox::root;
use extoauth_scenarios::Stage;
use extoauth_scenarios::login::{Stored, stored};
use extoauth_scenarios::tickets::golden;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Environment variable with the folder of the adapter's programs (`dbt`, `python`).
const ADAPTER: &str = "EXTOAUTH_ADAPTER";
/// The developer.
const USER: &str = "dev1@example.com";
/// What the rows of the sandbox's `raw.orders` come to.
const ROWS: &str = r#"[["ada", 2, "15.50"], ["grace", 1, "20.25"]]"#;

#[tokio::test(flavor = "multi_thread")]
async fn okta() {
    builds_a_model("okta-provision", 70_001, 90_001).await.expect("a model");
}

#[tokio::test(flavor = "multi_thread")]
async fn entra() {
    builds_a_model("entra-provision", 70_002, 90_011).await.expect("a model");
}

async fn builds_a_model(ticket: &str, project: u64, environment: u64) -> anyhow::Result<()> {
    let programs = programs();
    if !programs.join("dbt").is_file() {
        eprintln!("skipped: no dbt in {} ({ADAPTER} names a folder; make .tools/adapter/.ready)", programs.display());
        return Ok(());
    }
    if !redshift_wire::installed() {
        eprintln!("skipped: no PostgreSQL for the sandbox (make .tools/postgres/.ready)");
        return Ok(());
    }
    let Some(stage) = Stage::start().await? else { return Ok(()) };
    let report = stage.run(&golden(ticket)?).await?;
    ensure!(report["status"] == "succeeded", "{report:#}");

    let stored = stored(&stage.client, project, environment).await?;
    let developer = Developer::new(stored.configuration.clone(), USER, stage.client.browser().clone());
    let tokens = developer.sign_in().await?;
    let refresh_token = tokens.refresh_token.clone().context("the login brought no refresh token")?;
    let name = report["integration"].as_str().context("the report names no integration")?.to_owned();
    let profiles = stage.client.profiles(&name).await?;
    for secret in [&refresh_token, &stored.configuration.client_secret] {
        ensure!(!profiles.contains(secret.as_str()), "profiles.yml holds a secret");
    }
    let adapter = Adapter::new(&stage, programs, &stored, (&name, &profiles), &refresh_token)?;

    let debug = adapter.dbt(&["debug"]).await?;
    ensure!(debug.contains("All checks passed!"), "{debug}");
    let built = adapter.dbt(&["build"]).await?;
    ensure!(built.contains("PASS=3"), "one model and its two tests: {built}");
    for secret in [&refresh_token, &stored.configuration.client_secret] {
        ensure!(!(debug.clone() + &built).contains(secret.as_str()), "dbt printed a secret");
    }

    let told = stage.client.sandbox_json()["redshift"].clone();
    let admin = json!({"user": told["user"], "password": told["password"]});
    let query = "select customer, orders, amount from dbt_dev1.orders_by_customer order by customer";
    let owner = "select tableowner from pg_tables where tablename = 'orders_by_customer'";
    let rows = adapter.connect(admin, &[query, owner]).await?;
    ensure!(rows["rows"][0] == serde_json::from_str::<Value>(ROWS)?, "{rows}");
    ensure!(rows["rows"][1] == json!([[format!("awsidc:{USER}")]]), "{rows}");

    // The driver alone: a token of its own lets it in, once.
    let fresh = developer.refresh(&tokens).await?;
    let token = json!({
        "credentials_provider": "IdpTokenAuthPlugin", "token": fresh.access_token, "token_type": "EXT_JWT",
    });
    let first = adapter.connect(token.clone(), &["select current_user"]).await?;
    ensure!(first["rows"] == json!([[[format!("awsidc:{USER}")]]]), "{first}");
    let second = adapter.connect(token, &[]).await?;
    ensure!(second["error"]["message"] == "Token credentials expired or invalid", "{second}");

    let calls = stage.sandbox.world.calls.after(0);
    let logins = calls.iter().filter(|call| call.system == "redshift-wire");
    let statuses: Vec<u16> = logins.map(|call| call.status).collect();
    ensure!(statuses.last() == Some(&401), "{statuses:?}");
    ensure!(statuses.iter().filter(|status| **status != 200).count() == 1, "a login was tried in vain: {statuses:?}");
    Ok(())
}

/// Where the adapter's programs are: [`ADAPTER`], or the project's own installation.
fn programs() -> PathBuf {
    std::env::var_os(ADAPTER).map_or_else(|| root().join(".tools/adapter/bin"), PathBuf::from)
}

/// dbt and its driver in an environment in which nothing but the sandbox is reached.
struct Adapter {
    programs: PathBuf,
    project: PathBuf,
    profile: String,
    environment: Vec<(String, String)>,
    warehouse: Value,
}

impl Adapter {
    /// `profiles`: the name of the profile, and the file as intake renders it.
    fn new(
        stage: &Stage,
        programs: PathBuf,
        stored: &Stored,
        profiles: (&str, &str),
        refresh_token: &str,
    ) -> anyhow::Result<Self> {
        // dbt writes beside what it reads.
        let project = stage.sandbox.directory().join("adapter");
        copy(&root().join("tests/adapter/project"), &project)?;
        std::fs::write(project.join("profiles.yml"), profiles.1)?;
        let configuration = &stored.configuration;
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let (id, secret) = (&configuration.client_id, &configuration.client_secret);
        let host = stored.warehouse["hostname"].as_str().context("the connection has no host")?;
        let port = stored.warehouse["port"].as_u64().context("the connection has no port")?;
        let database = stored.warehouse["dbname"].as_str().context("the connection has no database")?;
        let ca_file = stage.sandbox.ca_file().display().to_string();
        let variables = [
            ("DBT_SCHEMA", "dbt_dev1".to_owned()),
            ("DBT_ENV_SECRET_IDP_CREDENTIALS", STANDARD.encode(format!("{id}:{secret}"))),
            (
                "DBT_ENV_SECRET_IDP_FORM",
                format!("client_secret={}&refresh_token={}", encoded(secret), encoded(refresh_token)),
            ),
            ("DBT_ENV_SECRET_REFRESH_TOKEN", encoded(refresh_token)),
            ("HTTPS_PROXY", stage.sandbox.proxy_url("developer")),
            ("REQUESTS_CA_BUNDLE", ca_file.clone()),
            ("SSL_CERT_FILE", ca_file),
            ("SANDBOX_RESOLVE", format!("{host}:{port}={}", stage.sandbox.warehouse_address())),
            ("PYTHONPATH", root().join("tests/adapter/resolve").display().to_string()),
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("HOME", project.display().to_string()),
            ("NO_COLOR", "1".to_owned()),
        ];
        let environment = variables.map(|(name, value)| (name.to_owned(), value)).into();
        let warehouse = json!({"host": host, "port": port, "database": database, "sslmode": "verify-full"});
        Ok(Self { programs, project, profile: profiles.0.to_owned(), environment, warehouse })
    }

    /// Runs dbt and returns what it printed.
    async fn dbt(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(self.programs.join("dbt"));
        command.args(arguments).args(["--profile", &self.profile, "--profiles-dir", ".", "--no-use-colors"]);
        let output = self.run(command, None).await?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "dbt {}: {}\n{printed}{errors}", arguments.join(" "), output.status);
        Ok(printed)
    }

    /// Connects once with redshift_connector: `with` besides host and database.
    async fn connect(&self, with: Value, queries: &[&str]) -> anyhow::Result<Value> {
        let mut connect = self.warehouse.clone();
        if let (Some(all), Value::Object(with)) = (connect.as_object_mut(), with) {
            all.extend(with);
        }
        let mut command = Command::new(self.programs.join("python"));
        command.arg(root().join("tests/adapter/connect.py"));
        let input = json!({"connect": connect, "queries": queries}).to_string();
        let output = self.run(command, Some(input)).await?;
        let errors = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).with_context(|| format!("connect.py: {errors}"))
    }

    async fn run(&self, mut command: Command, input: Option<String>) -> anyhow::Result<Output> {
        command.current_dir(&self.project).env_clear().envs(self.environment.clone()).kill_on_drop(true);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            stdin.write_all(input.as_bytes()).await?;
        }
        Ok(child.wait_with_output().await?)
    }
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let to = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &to)?;
        } else {
            std::fs::copy(&path, &to)?;
        }
    }
    Ok(())
}
