//! The environment of a function's process: what the deployment gives it and what Lambda adds.

use std::path::Path;

use anyhow::{Result, bail};
use jiff::Timestamp;

use super::wiring::Settings;
use crate::seed::{ACCOUNT, REGION};

/// Lambda's limit for the variables that a deployment sets, names and values together ("Lambda quotas").
const MAX_ENVIRONMENT: usize = 4096;

/// The variables that are the product's own. Endpoints, proxy and CA are the sandbox's doing and are not counted.
const OWN_PREFIX: &str = "EXTOAUTH_";

/// ARN of a function.
pub fn function_arn(function: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}")
}

/// Refuses what Lambda would refuse at deployment.
pub(super) fn check(function: &str, given: &[(String, String)]) -> Result<()> {
    let own = given.iter().filter(|(name, _)| name.starts_with(OWN_PREFIX));
    let size: usize = own.map(|(name, value)| name.len() + value.len()).sum();
    if size > MAX_ENVIRONMENT {
        bail!(
            "the variables {OWN_PREFIX}* of {function} hold {size} bytes; Lambda takes {MAX_ENVIRONMENT} at most \
             (use secret:<arn> for the long ones)"
        );
    }
    Ok(())
}

/// The whole environment ("Using Lambda environment variables", defined runtime variables). What is given wins, except
/// where the function would lose its host by it.
pub(super) fn complete(
    function: &str,
    binary: &Path,
    settings: &Settings,
    runtime_api: &str,
    given: Vec<(String, String)>,
) -> Vec<(String, String)> {
    let stream = format!("{}/[$LATEST]{}", Timestamp::now().strftime("%Y/%m/%d"), uuid::Uuid::new_v4().simple());
    let task_root = binary.parent().unwrap_or(Path::new("/")).display().to_string();
    let memory = settings.memory_mb.to_string();
    let group = format!("/aws/lambda/{function}");
    let defaults = [
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("LANG", "en_US.UTF-8"),
        ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
        ("TZ", ":UTC"),
        ("_HANDLER", "bootstrap"),
    ];
    let lambdas = [
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory.as_str()),
        ("AWS_LAMBDA_FUNCTION_NAME", function),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", &stream),
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("LAMBDA_TASK_ROOT", &task_root),
    ];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    // Later entries win.
    defaults.map(owned).into_iter().chain(given).chain(lambdas.map(owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambdas_four_kilobytes_count_the_products_variables_only() {
        let endpoints = ("AWS_ENDPOINT_URL".to_owned(), "x".repeat(5000));
        check("intake", std::slice::from_ref(&endpoints)).expect("not counted");
        let own = ("EXTOAUTH_SYSTEMS".to_owned(), "x".repeat(MAX_ENVIRONMENT));
        let refused = check("intake", &[endpoints, own]).expect_err("too large").to_string();
        assert!(refused.contains("4112 bytes"), "{refused}");
    }

    #[test]
    fn what_is_given_wins_over_defaults_but_not_over_the_runtime_api() {
        let given = vec![("TZ".into(), "UTC".into()), ("AWS_LAMBDA_RUNTIME_API".into(), "elsewhere".into())];
        let all = complete("intake", Path::new("/opt/f/intake"), &Settings::default(), "127.0.0.1:9", given);
        let last = |name: &str| all.iter().rfind(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!(last("TZ"), Some("UTC"));
        assert_eq!(last("AWS_LAMBDA_RUNTIME_API"), Some("127.0.0.1:9"));
        assert_eq!(last("LAMBDA_TASK_ROOT"), Some("/opt/f"));
    }
}
