//! Tenants whose app management policy says something about client secrets.

use extoauth_core::finding::Severity;
use extoauth_core::policy::Policy;
use extoauth_scenarios::tickets::with;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::text;
use crate::drive::golden;
use crate::house::{House, beside_others};

const DEFAULT_POLICY: &str = "policies/defaultAppManagementPolicy";

/// From now on the tenant restricts client secrets.
async fn restrict(house: &House, kind: &str, longest: Option<&str>) {
    let restriction = json!({
        "restrictionType": kind, "state": "enabled", "maxLifetime": longest, "restrictForAppsCreatedAfterDateTime": null,
    });
    let body = json!({"isEnabled": true, "applicationRestrictions": {"passwordCredentials": [restriction]}});
    house.entra("PATCH", DEFAULT_POLICY, body).await;
    house.forget_calls();
}

/// How long our client secret still lives.
async fn life(house: &House) -> SignedDuration {
    let ours = house.ours().await;
    let [password] = ours.passwords() else { panic!("one secret: {:?}", ours.passwords()) };
    let end: Timestamp = text(password, "endDateTime").parse().expect("a time");
    end.duration_since(Timestamp::now())
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

/// Whether a life is one of so many days that began in the last hour.
fn is_of(life: SignedDuration, whole: i64) -> bool {
    life <= days(whole) && life > days(whole) - SignedDuration::from_hours(1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_forbids_client_secrets() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let before = house.entra("GET", DEFAULT_POLICY, Value::Null).await;
    restrict(&house, "passwordAddition", None).await;
    let failed = house.run("entra-provision").await;
    house.stopped_before_harm(&failed, "prerequisite_missing", &["entra/contoso", "forbids client secrets"]);
    let fix = &failed.error().fix;
    assert!(fix.contains("app management policy") && fix.contains("administrator"), "what to ask for: {fix}");
    let planned = house.run("entra-plan").await;
    assert_eq!(planned.error().code, "prerequisite_missing", "a plan says so as well");

    // The tenant's administrator does what they were asked for.
    let restrictions = &before["applicationRestrictions"];
    house.entra("PATCH", DEFAULT_POLICY, json!({"isEnabled": false, "applicationRestrictions": restrictions})).await;
    house.run_again(&failed).await.good();
    assert!(is_of(life(&house).await, 180));

    // What is there already lives on: a later ban stops no run that needs no new secret.
    restrict(&house, "passwordAddition", None).await;
    house.run_anew(&golden("entra-provision")).await.good();
    assert_eq!(house.writes(), Vec::<String>::new());
    house.knows_one_secret(&[], "after the ban").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_least_of_all_limits_wins() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.run("entra-provision").await.good();
    let expected = house.picture().await;
    assert!(is_of(life(&house).await, 180), "what the ticket asks for");

    house.clear().await;
    restrict(&house, "passwordLifetime", Some("P30D")).await;
    let start = house.state().await;
    let ended = house.run("entra-provision").await.good();
    let told = super::finding(&ended, "client_secret_days");
    assert_eq!(told.severity, Severity::Info);
    assert!(told.found.contains("30 days") && told.expected.contains("180 days"), "{told:?}");
    assert!(is_of(life(&house).await, 30), "{:?}", life(&house).await);
    house.knows_one_secret(&[], "with a short life").await;
    assert_eq!(
        start["entra"]["contoso"]["policies"],
        house.state().await["entra"]["contoso"]["policies"],
        "their policy is as it was"
    );
    house.forget_calls();
    house.run_anew(&golden("entra-provision")).await.good();
    assert_eq!(house.writes(), Vec::<String>::new(), "a secret of the longest life is as it should be");

    // The ticket asks for less than the tenant allows.
    house.clear().await;
    restrict(&house, "passwordLifetime", Some("P30D")).await;
    let ended = house.run_anew(&with(&golden("entra-provision"), &[("secret_days", "7")])).await.good();
    assert!(!super::has_finding(&ended, "client_secret_days"), "nothing is cut");
    assert!(is_of(life(&house).await, 7));

    // Our own policy, where the ticket says nothing.
    house.clear().await;
    restrict(&house, "passwordLifetime", Some("P30D")).await;
    let mut policy = house.sandbox.policy();
    policy["secret_days"] = json!({"default": 5, "max": 10});
    house.policy = Policy::parse(&policy.to_string()).expect("a policy");
    house.run_anew(&with(&golden("entra-provision"), &[("secret_days", "")])).await.good();
    assert!(is_of(life(&house).await, 5));

    // A policy that is switched off limits nothing, nor one for apps that are made later.
    house.clear().await;
    restrict(&house, "passwordLifetime", Some("P30D")).await;
    house.entra("PATCH", DEFAULT_POLICY, json!({"isEnabled": false})).await;
    let ended = house.run("entra-provision").await.good();
    assert!(!super::has_finding(&ended, "client_secret_days"));
    assert!(is_of(life(&house).await, 180));
    let wrong: Vec<String> =
        house.picture().await.unlike(&expected).into_iter().filter(|line| !line.contains("policies")).collect();
    assert_eq!(wrong, Vec::<String>::new());
}

/// A limit of less than a day leaves no room for a secret.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_of_hours() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    restrict(&house, "passwordLifetime", Some("PT5H")).await;
    let failed = house.run("entra-provision").await;
    house.stopped_before_harm(&failed, "prerequisite_missing", &["client secrets"]);
}

/// Without the right to read the policy it shows only when the secret is made: the run stops there, says what to ask for,
/// and leaves nothing that it does not know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ban_that_we_may_not_read() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.admin.change_entra_rights(&["Policy.Read.All"], &[]).await.expect("rights");
    house.run("entra-plan").await.good();
    restrict(&house, "passwordAddition", None).await;
    let failed = house.run("entra-provision").await;
    assert_eq!(super::finding(&failed, "client_secret_allowed").severity, Severity::Unknown);
    let error = failed.error();
    assert!(error.message.contains("entra.client_secret") && error.message.contains("policy"), "{error:?}");
    assert!(!error.fix.is_empty());
    let state = house.state().await;
    assert_eq!(house.orphans(&state, &format!("{:?}", house.books().await).into()), Vec::<String>::new());
    let before = super::connection_of(&house.start, super::ENVIRONMENT);
    assert_eq!(super::connection_of(&state, super::ENVIRONMENT), before, "nobody was cut over");
    house.entra("PATCH", DEFAULT_POLICY, json!({"isEnabled": false})).await;
    house.run_again(&failed).await.good();
    house.has_one_of_each("after the ban was lifted").await;
    house.knows_one_secret(&[], "after the ban was lifted").await;
}
