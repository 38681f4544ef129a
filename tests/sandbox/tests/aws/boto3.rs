//! boto3 as a third party: `tests/aws_boto3.py` does every operation through it over loopback.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use axum::Router;
use extoauth_sandbox::aws::Sts;
use extoauth_sandbox::seed;
use extoauth_sandbox::world::{System, World};
use jsonwebtoken::{Algorithm, get_current_timestamp};
use serde_json::json;

use super::support::{AUDIENCE, Bench, ISSUER, USER};

/// The sandbox's Python interpreter, if it has this module.
pub fn python_with(module: &str) -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/venv/bin/python");
    let python = std::env::var_os("EXTOAUTH_SANDBOX_PYTHON").map_or(default, PathBuf::from);
    let mut probe = Command::new(&python);
    probe.args(["-c", &format!("import {module}")]).stdout(Stdio::null()).stderr(Stdio::null());
    if probe.status().is_ok_and(|status| status.success()) {
        return Some(python);
    }
    eprintln!("skipped: {} is no interpreter with {module} (EXTOAUTH_SANDBOX_PYTHON)", python.display());
    None
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_agrees() {
    let Some(python) = python_with("boto3") else { return };
    let bench = Bench::new();
    let now = get_current_timestamp();
    let token = |changes| bench.keys.token(Algorithm::RS256, changes);
    let situation = json!({
        "endpoints": {
            "sso-admin": serve(Arc::clone(&bench.sso).router()).await,
            "redshift": serve(Arc::clone(&bench.redshift).router()).await,
            "sso-oidc": serve(Arc::clone(&bench.oidc).router()).await,
            "sts": serve(Sts::new(&World::new()).router()).await,
        },
        "region": seed::REGION,
        "instance": seed::INSTANCE_ARN,
        "identity_store": seed::IDENTITY_STORE,
        "application": seed::IDC_APPLICATION_ARN,
        "redshift_application": seed::REDSHIFT_APPLICATION_ARN,
        "foreign_issuer": seed::FOREIGN_ISSUER_ARN,
        "issuer_url": ISSUER,
        "audience": AUDIENCE,
        "user": USER,
        "tokens": {
            "good": token(json!({})),
            "slash": token(json!({"iss": format!("{ISSUER}/")})),
            "audience": token(json!({"aud": "https://elsewhere"})),
            "expired": token(json!({"exp": now - 10})),
            "nobody": token(json!({"sub": "nobody@example.com"})),
        },
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aws_boto3.py");
    let output = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(python);
        command.arg(script).arg(situation.to_string()).env("AWS_EC2_METADATA_DISABLED", "true");
        command.output().expect("the script starts")
    });
    let output = output.await.expect("the script ends");
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{complained}");
    assert!(said.contains("boto3 agrees"), "{said}");
}
