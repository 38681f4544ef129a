//! No secret value anywhere but in Secrets Manager and at the vendors.

use std::io::Write;
use std::sync::{Mutex, Once, PoisonError};

use extoauth_core::registry::Registry as _;
use extoauth_sandbox::seed;
use extoauth_sandbox::world::FaultSpec;
use tracing_subscriber::fmt::MakeWriter;

use crate::drive::golden;
use crate::house::{House, INTEGRATIONS, beside_others, name};
use crate::provider::{ENTRA, OKTA, PROVIDERS, Provider};

/// All that the product logs.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

/// Everything that our own crates log from now on, on all levels.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let ours = "extoauth_core=trace,extoauth_systems=trace,extoauth_automation=trace";
        tracing_subscriber::fmt().with_env_filter(ours).with_writer(Log).init();
    });
}

/// A text shorter than this may stand somewhere by chance.
const LEAST: usize = 12;

/// The secret values that the product handles: its credentials, and the client secrets that it makes.
async fn canaries(house: &House) -> Vec<String> {
    let mut canaries = vec![
        house.sandbox.dbt.automation_token().to_owned(),
        house.sandbox.servicenow.automation_password().to_owned(),
    ];
    let (_, _, okta) = house.sandbox.okta.service_app();
    let (_, entra) = house.sandbox.entra.automation_certificate();
    let keys = okta.lines().chain(entra.lines());
    // The last line of a key may be short.
    canaries.extend(keys.filter(|line| !line.starts_with('-') && line.len() >= LEAST).map(str::to_owned));
    for arn in house.own_secrets().await {
        canaries.push(house.secret_value(&arn).await);
    }
    canaries
}

async fn everything_said(house: &House) -> String {
    let mut said = vec![house.said()];
    said.push(serde_json::to_string(&house.journals().await).expect("JSON"));
    said.push(format!("{:?}", house.books().await));
    for integration in INTEGRATIONS {
        said.push(format!("{:?}", house.memory.integration(&name(integration)).await));
    }
    for provider in PROVIDERS {
        said.push(format!("{:?}", house.memory.trust(&provider.trust()).await));
    }
    said.push(String::from_utf8_lossy(&LOG.lock().unwrap_or_else(PoisonError::into_inner)).into_owned());
    said.join("\n")
}

async fn sings(house: &House, canaries: &[String], something: &str, when: &str) {
    let said = everything_said(house).await;
    assert!(said.contains(something), "{when}: there is something to search");
    for (n, canary) in canaries.iter().enumerate() {
        assert!(canary.len() >= LEAST, "canary {n} is too short to be told from chance");
        let at = said.find(canary.as_str());
        let around =
            at.map(|at| said[..at].chars().rev().take(200).collect::<Vec<_>>().into_iter().rev().collect::<String>());
        assert!(at.is_none(), "{when}: a secret (canary {n}) was told after: {around:?}");
    }
}

/// The calls that carry secrets: system, method and path.
type Carrier = (&'static str, &'static str, &'static str);

/// Those to the systems behind an identity provider.
const CARRIERS: [Carrier; 4] = [
    ("dbt", "POST", "*/oauth-configurations/"),
    ("secretsmanager", "POST", "CreateSecret"),
    ("secretsmanager", "POST", "GetSecretValue"),
    ("servicenow", "GET", "*"),
];

/// What is special about an identity provider.
struct Cage {
    provider: &'static Provider,
    carriers: &'static [Carrier],
    /// Something that is said of every run.
    something: &'static str,
}

const CAGES: [Cage; 2] = [
    Cage {
        provider: &OKTA,
        carriers: &[("okta", "POST", "/oauth2/v1/token"), ("okta", "POST", "/api/v1/apps")],
        something: "okta.app",
    },
    Cage {
        provider: &ENTRA,
        carriers: &[("entra", "POST", "*/oauth2/v2.0/token"), ("entra", "POST", "*/addPassword")],
        something: "entra.client_app",
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_told_on_good_days_and_bad_ones() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    listen();
    for cage in CAGES {
        house.clear().await;
        of_provider(&mut house, &cage).await;
    }
}

async fn of_provider(house: &mut House, cage: &Cage) {
    let Cage { provider, something, .. } = cage;
    let ticket = |what: &str| provider.ticket(what);
    house.run(&ticket("plan")).await.good();
    house.run(&ticket("provision")).await.good();
    house.run(&ticket("second")).await.good();
    let all = canaries(house).await;
    assert!(all.len() > 6, "two secrets of ours, and the credentials");
    house.run(&ticket("verify")).await.good();
    sings(house, &all, something, "after good days").await;
    let stored = house.state().await["secretsmanager"][seed::REGION]["SecretList"].as_array().map_or(0, Vec::len);
    let before = house.start["secretsmanager"][seed::REGION]["SecretList"].as_array().map_or(0, Vec::len);
    assert_eq!(stored, before + 2);

    // Vendors that echo what they were sent, break off, refuse: the calls that carry secrets.
    for (system, method, path) in cage.carriers.iter().copied().chain(CARRIERS) {
        for fault in ["status:400", "status:500", "garbage", "truncate", "reset_after"] {
            house.clear().await;
            house.fault(FaultSpec::new(system, path, fault).method(method).times(3));
            let ended = house.run(&ticket("provision")).await;
            house.sandbox.world.faults.clear();
            if !ended.is_good() {
                house.run_again(&ended).await;
            }
            let all = canaries(house).await;
            sings(house, &all, something, &format!("{system} {path} {fault}")).await;
        }
    }
    house.run_anew(&golden(&ticket("provision"))).await.good();
    let all = canaries(house).await;
    house.run(&ticket("deprovision")).await.good();
    sings(house, &all, something, "after the removal").await;
}
