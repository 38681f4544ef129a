//! A real browser and a real OpenID Connect library: an integration is provisioned by its ticket through the functions'
//! real binaries; a headless Chromium then walks through the identity provider's pages under their real host names, and
//! Authlib makes of the code what dbt makes of it.
//!
//! It needs the functions, a Python with moto, Debian's Chromium with its driver (`tools/chromium.sh`) and the library
//! (`make .tools/browser/.ready`); where one of them is missing it says that it skips. The driver is in `tests/browser/`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use extoauth_sandbox::developer::Provider;
use extoauth_sandbox::sandbox::root;
use extoauth_sandbox::seed::{FOREIGN_ISSUER_URL, LOGIN_HOST, OKTA_HOST};
use extoauth_scenarios::Stage;
use extoauth_scenarios::login::{Stored, stored};
use extoauth_scenarios::tickets::golden;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Environment variable with the folder of the library's Python.
const LIBRARY: &str = "EXTOAUTH_BROWSER";
/// Below an issuer (OpenID Connect Discovery 1.0, section 4).
const WELL_KNOWN: &str = "/.well-known/openid-configuration";
/// A developer.
const USER: &str = "dev1@example.com";
/// Another one.
const OTHER: &str = "dev2@example.com";
/// Somebody who is in both directories and in no group of the integration.
const STRANGER: &str = "admin@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn okta() {
    okta_in_a_browser().await.expect("logins in a browser");
}

#[tokio::test(flavor = "multi_thread")]
async fn entra() {
    entra_in_a_browser().await.expect("logins in a browser");
}

async fn okta_in_a_browser() -> anyhow::Result<()> {
    let Some(programs) = Programs::find() else { return Ok(()) };
    let Some(stage) = Stage::start().await? else { return Ok(()) };
    let login = Login::provisioned(&stage, programs, "okta-provision", 70_001, 90_001).await?;

    let seen = login.of(USER, false).await?;
    login.is_good(&seen, OKTA_HOST, "openid offline_access session:role-any", &["sign_in"])?;
    ensure!(seen["userinfo"] == seen["id_token"]["sub"], "another person's user info: {seen:#}");
    let refused = &seen["refused"];
    ensure!(refused["verifier"]["description"] == "PKCE verification failed.", "{seen:#}");
    let used = "The authorization code is invalid or has expired.";
    ensure!(refused["code_again"]["description"] == used, "{seen:#}");

    let seen = login.of(STRANGER, false).await?;
    ensure!(seen["back"] == true && kinds(&seen["pages"]) == ["sign_in"], "{seen:#}");
    let told = json!({"error": "access_denied", "description": "User is not assigned to the client application."});
    ensure!(seen["error"] == told, "{seen:#}");

    let seen = login.of("nobody@example.com", false).await?;
    ensure!(seen["back"] == false && seen["pages"][1]["alert"] == "Unable to sign in", "{seen:#}");
    Ok(())
}

async fn entra_in_a_browser() -> anyhow::Result<()> {
    let Some(programs) = Programs::find() else { return Ok(()) };
    let Some(stage) = Stage::start().await? else { return Ok(()) };
    let login = Login::provisioned(&stage, programs, "entra-provision", 70_002, 90_011).await?;
    let scope = login.scope();

    let seen = login.of(USER, false).await?;
    login.is_good(&seen, LOGIN_HOST, &scope, &["sign_in"])?;
    let refused = &seen["refused"];
    ensure!(starts(&refused["verifier"]["description"], "AADSTS501481:"), "{seen:#}");
    ensure!(starts(&refused["code_again"]["description"], "AADSTS54005:"), "{seen:#}");

    let seen = login.of(STRANGER, false).await?;
    ensure!(seen["back"] == true && seen["error"]["error"] == "access_denied", "{seen:#}");
    ensure!(starts(&seen["error"]["description"], "AADSTS50105:"), "{seen:#}");

    let seen = login.of("nobody@example.com", false).await?;
    ensure!(seen["back"] == false && starts(&seen["pages"][1]["alert"], "AADSTS50034:"), "{seen:#}");

    // An administrator takes the consent for everybody away: where the app is for assigned people only, Entra lets nobody
    // consent for themselves.
    let client = withdraw_consent(&stage, &login.stored).await?;
    let seen = login.of(USER, true).await?;
    ensure!(seen["back"] == false && kinds(&seen["pages"]) == ["sign_in", "message"], "{seen:#}");
    let said = seen["pages"][1]["text"].as_str().unwrap_or_default();
    ensure!(said.contains("AADSTS90094:") && said.contains("Contact an administrator"), "{seen:#}");

    // Where it is open to all, the developer is asked. One looks at the page and leaves; one accepts and is not asked again.
    let everybody = json!({"appRoleAssignmentRequired": false});
    stage.client.graph("PATCH", &format!("servicePrincipals/{client}"), everybody).await?;
    let seen = login.of(OTHER, false).await?;
    ensure!(seen["back"] == false && kinds(&seen["pages"]) == ["sign_in", "consent"], "{seen:#}");
    let seen = login.of(USER, true).await?;
    login.is_good(&seen, LOGIN_HOST, &scope, &["sign_in", "consent"])?;
    let page = &seen["pages"][1];
    ensure!(page["asks"] == json!(["dbt-redshift", "openid", "offline_access"]), "{seen:#}");
    ensure!(page["title"] == "Permissions requested", "{seen:#}");
    let grants = consents(&stage, &client).await?;
    let given: Vec<&str> = grants.iter().filter_map(|grant| grant["consentType"].as_str()).collect();
    ensure!(given == ["Principal", "Principal"], "consent to the resource and to Graph by one person: {grants:?}");
    Ok(())
}

/// Takes every consent of dbt's client away; the object id of its service principal.
async fn withdraw_consent(stage: &Stage, stored: &Stored) -> anyhow::Result<String> {
    let path = format!("servicePrincipals(appId='{}')", stored.configuration.client_id);
    let client = stage.client.graph("GET", &path, Value::Null).await?;
    let client = client["id"].as_str().context("the client's service principal")?.to_owned();
    let grants = consents(stage, &client).await?;
    ensure!(!grants.is_empty(), "provisioning gave no consent");
    for grant in grants {
        let path = format!("oauth2PermissionGrants/{}", grant["id"].as_str().unwrap_or_default());
        stage.client.graph("DELETE", &path, Value::Null).await?;
    }
    Ok(client)
}

async fn consents(stage: &Stage, client: &str) -> anyhow::Result<Vec<Value>> {
    let path = format!("servicePrincipals/{client}/oauth2PermissionGrants");
    let grants = stage.client.graph("GET", &path, Value::Null).await?;
    Ok(grants["value"].as_array().cloned().unwrap_or_default())
}

fn kinds(pages: &Value) -> Vec<&str> {
    pages.as_array().into_iter().flatten().filter_map(|page| page["kind"].as_str()).collect()
}

fn starts(value: &Value, with: &str) -> bool {
    value.as_str().is_some_and(|text| text.starts_with(with))
}

/// What the driver runs with.
struct Programs {
    python: PathBuf,
    chromium: PathBuf,
    chromedriver: PathBuf,
}

impl Programs {
    /// All of them, or none and a word about what is missing.
    fn find() -> Option<Self> {
        let library = std::env::var_os(LIBRARY).map_or_else(|| root().join(".tools/browser/bin"), PathBuf::from);
        let python = library.join("python");
        if !python.is_file() {
            eprintln!(
                "skipped: no Python in {} ({LIBRARY} names a folder; make .tools/browser/.ready)",
                library.display()
            );
            return None;
        }
        let Some(chromium) = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(on_path) else {
            eprintln!("skipped: no Chromium (apt-get install chromium; tools/chromium.sh does it)");
            return None;
        };
        let Some(chromedriver) = on_path("chromedriver") else {
            eprintln!("skipped: no chromedriver (apt-get install chromium-driver; tools/chromium.sh does it)");
            return None;
        };
        if on_path("certutil").is_none() {
            eprintln!("skipped: no certutil (apt-get install libnss3-tools; tools/chromium.sh does it)");
            return None;
        }
        Some(Self { python, chromium, chromedriver })
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Logins of one integration.
struct Login<'a> {
    stage: &'a Stage,
    programs: Programs,
    stored: Stored,
    /// URL of the trusted token issuer that provisioning made in Identity Center.
    issuer: String,
    /// The claim that Identity Center looks at.
    claim: String,
    /// What the Redshift application takes as audience from that issuer.
    audience: String,
}

impl<'a> Login<'a> {
    /// Provisions an integration by its golden ticket, and reads from the systems what a token must be like.
    async fn provisioned(
        stage: &'a Stage,
        programs: Programs,
        ticket: &str,
        project: u64,
        environment: u64,
    ) -> anyhow::Result<Self> {
        let report = stage.run(&golden(ticket)?).await?;
        ensure!(report["status"] == "succeeded", "{report:#}");
        let stored = stored(&stage.client, project, environment).await?;
        let state = stage.client.state().await?;
        let center =
            state["sso-admin"].as_object().and_then(|named| named.values().next()).context("Identity Center")?;
        let issuers = center["TrustedTokenIssuers"].as_array().context("trusted token issuers")?;
        let configuration = |issuer: &Value| issuer["TrustedTokenIssuerConfiguration"]["OidcJwtConfiguration"].clone();
        let ours = issuers.iter().find(|issuer| configuration(issuer)["IssuerUrl"] != FOREIGN_ISSUER_URL);
        let ours = ours.context("provisioning made no trusted token issuer")?;
        let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_default();
        let audience = audience(&state, &text(&ours["TrustedTokenIssuerArn"])).context("no audience for our issuer")?;
        Ok(Self {
            stage,
            programs,
            stored,
            issuer: text(&configuration(ours)["IssuerUrl"]),
            claim: text(&configuration(ours)["ClaimAttributePath"]),
            audience,
        })
    }

    /// What dbt asks for.
    fn scope(&self) -> String {
        self.stored.configuration.provider.scopes()
    }

    /// The issuer of the endpoints that dbt signs people in at. The access tokens' is another one at Entra, where the
    /// resource decides about it.
    fn discovery(&self) -> anyhow::Result<String> {
        let url = &self.stored.configuration.authorize_url;
        let (path, of_issuer) = match self.stored.configuration.provider {
            Provider::Okta => ("/v1/authorize", ""),
            Provider::Entra { .. } => ("/oauth2/v2.0/authorize", "/v2.0"),
        };
        let base = url.strip_suffix(path).with_context(|| format!("{url} does not end in {path}"))?;
        Ok(format!("{base}{of_issuer}"))
    }

    /// A login of this user; `consents`: whether they accept what they are asked for.
    async fn of(&self, user: &str, consents: bool) -> anyhow::Result<Value> {
        let stage = self.stage;
        let home = stage.sandbox.directory().join(format!("browser-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir_all(&home)?;
        let configuration = &self.stored.configuration;
        let input = json!({
            "chromium": self.programs.chromium, "chromedriver": self.programs.chromedriver, "home": home,
            "proxy": stage.client.told("/proxy"), "ca_file": stage.sandbox.ca_file(),
            "user": user, "consents": consents,
            "configuration": {
                "authorize_url": configuration.authorize_url, "token_url": configuration.token_url,
                "client_id": configuration.client_id, "client_secret": configuration.client_secret,
                "redirect_uri": configuration.redirect_uri, "scope": self.scope(),
            },
            "discovery": self.discovery()? + WELL_KNOWN,
            "issuer": self.issuer, "audience": self.audience, "claim": self.claim,
            // Entra's is Graph's, and the token is for dbt's resource.
            "userinfo": configuration.provider == Provider::Okta,
        });
        let printed = self.drive(&home, &input.to_string()).await?;
        ensure!(!printed.contains(&configuration.client_secret), "the driver printed the client secret");
        // Every token is signed here; codes and refresh tokens do not come into the driver's answer either.
        ensure!(!printed.contains("eyJ"), "the driver printed a token");
        serde_json::from_str(&printed).context("the driver's answer")
    }

    async fn drive(&self, home: &Path, input: &str) -> anyhow::Result<String> {
        let ca_file = self.stage.sandbox.ca_file();
        // No TMPDIR: in a long one Chromium's socket has no room.
        let mut command = Command::new(&self.programs.python);
        command
            .arg(root().join("tests/browser/login.py"))
            .current_dir(home)
            .env_clear()
            .env("HOME", home)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HTTPS_PROXY", self.stage.client.told("/proxy"))
            .env("NO_PROXY", "localhost,127.0.0.1")
            .env("REQUESTS_CA_BUNDLE", ca_file)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .kill_on_drop(true)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await?;
        }
        let output = child.wait_with_output().await?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "login.py: {}\n{errors}", output.status);
        Ok(String::from_utf8(output.stdout)?)
    }

    /// A login that went well, on these pages of this host, and with all that must be refused refused.
    fn is_good(&self, seen: &Value, host: &str, scope: &str, pages: &[&str]) -> anyhow::Result<()> {
        ensure!(kinds(&seen["pages"]) == pages, "{seen:#}");
        // Who has given consent is not asked again.
        ensure!(kinds(&seen["pages_again"]) == ["sign_in"], "{seen:#}");
        ensure!(seen["pages"].as_array().into_iter().flatten().all(|page| page["host"] == host), "{seen:#}");
        ensure!(seen["back"] == true && seen["error"].is_null(), "{seen:#}");
        let asked = json!({
            "response_type": "code", "client_id": self.stored.configuration.client_id, "scope": scope,
            "redirect_uri": self.stored.configuration.redirect_uri, "state": true, "nonce": true,
            "code_challenge": true, "code_challenge_method": "S256",
        });
        ensure!(seen["asked"] == asked, "{seen:#}");

        let discovery = &seen["discovery"];
        let issuer = self.discovery()?;
        ensure!(discovery["issuer"] == issuer, "{issuer}: {seen:#}");
        ensure!(discovery["trusted_issuer"] == self.issuer, "Identity Center has {}: {seen:#}", self.issuer);
        ensure!(discovery["authorization_endpoint"] == self.stored.configuration.authorize_url, "{seen:#}");
        ensure!(discovery["token_endpoint"] == self.stored.configuration.token_url, "{seen:#}");

        let id_token = &seen["id_token"];
        ensure!(id_token["iss"] == issuer, "{seen:#}");
        ensure!(id_token["aud"] == self.stored.configuration.client_id, "{seen:#}");
        let refused = |name: &str| id_token["refused"][name]["error"].as_str().unwrap_or_default().to_owned();
        for (name, error) in [
            ("nonce", "invalid_claim"),
            ("issuer", "invalid_claim"),
            ("audience", "invalid_claim"),
            ("expiry", "expired_token"),
            ("signature", "bad_signature"),
        ] {
            ensure!(refused(name) == error, "{name}: {seen:#}");
        }

        let claims = json!({"iss": self.issuer, "aud": self.audience, self.claim.as_str(): USER});
        ensure!(seen["access_token"] == claims, "{claims:#}: {seen:#}");
        ensure!(seen["refreshed"] == claims && seen["new_access_token"] == true, "{seen:#}");

        ensure!(seen["refused"]["state"]["error"] == "mismatching_state", "{seen:#}");
        ensure!(seen["refused"]["verifier"]["error"] == "invalid_grant", "{seen:#}");
        ensure!(seen["refused"]["code_again"]["error"] == "invalid_grant", "{seen:#}");
        Ok(())
    }
}

/// The audience that the Redshift application takes from a trusted token issuer.
fn audience(state: &Value, issuer: &str) -> Option<String> {
    let application = &state["redshift"].as_object()?.values().next()?["RedshiftIdcApplications"][0];
    let entries = application["AuthorizedTokenIssuerList"].as_array()?;
    let entry = entries.iter().find(|entry| entry["TrustedTokenIssuerArn"] == issuer)?;
    entry["AuthorizedAudiencesList"][0].as_str().map(str::to_owned)
}
