//! The warehouse alone: who gets in and who does not, what the record says of it, and what a user may do inside.
//!
//! What needs SQL says that it skips where no PostgreSQL is installed for the sandbox.

mod client;
mod house;

use std::time::{Duration, Instant};

use extoauth_sandbox::redshift_wire::{ADMIN, IdentityProvider, installed};
use extoauth_sandbox::seed;
use extoauth_sandbox::world::FaultSpec;
use jsonwebtoken::get_current_timestamp;
use serde_json::{Value, json};

use client::{Answer, Proof};
use house::{AUDIENCE, House, ISSUER, OUTSIDER};

/// What a driver shows whatever Identity Center has against a token.
const SENTENCE: &str = "Token credentials expired or invalid";

#[tokio::test]
async fn a_token_lets_its_user_in_once() {
    let house = House::new().await;
    let token = house.token(json!({}));
    let Answer::In(client) = house.log_in(&token).await else { panic!("refused") };
    assert_eq!(client.parameter("session_authorization"), Some("awsidc:dev1@example.com"));
    assert_eq!(client.parameter("is_superuser"), Some("off"));
    house.log_in(&token).await.expect_refused("28000", SENTENCE);
    assert!(house.reason().contains("used before"), "{}", house.reason());
    let calls = house.world.calls.after(0);
    let seen: Vec<(&str, &str, u16, bool)> =
        calls.iter().map(|call| (call.system.as_str(), call.path.as_str(), call.status, call.write)).collect();
    assert_eq!(seen, [("redshift-wire", "login", 200, false), ("redshift-wire", "login", 401, false)]);
}

#[tokio::test]
async fn every_wrong_token_gets_the_same_sentence() {
    let house = House::new().await;
    let now = get_current_timestamp();
    for (what, claims, reason) in [
        ("expired", json!({"exp": now - 1}), "ExpiredSignature"),
        ("not valid yet", json!({"nbf": now + 60}), "ImmatureSignature"),
        ("a foreign issuer", json!({"iss": "https://acme.okta.com/oauth2/default"}), "none of the authorised"),
        ("a slash too many", json!({"iss": format!("{ISSUER}/")}), "none of the authorised"),
        ("another audience", json!({"aud": "https://other.example.com"}), "aud"),
        ("a list of other audiences", json!({"aud": ["https://other.example.com"]}), "aud"),
        ("nobody's address", json!({"sub": "nobody@example.com"}), "0 users"),
        ("two people's address", json!({"sub": "twins@example.com"}), "2 users"),
        ("no claim", json!({"sub": null}), "no claim sub"),
    ] {
        house.log_in(&house.token(claims)).await.expect_refused("28000", SENTENCE);
        assert!(house.reason().contains(reason), "{what}: {}", house.reason());
    }
    house.log_in("no token at all").await.expect_refused("28000", SENTENCE);
    let stranger = house.stranger().token(json!({}));
    house.log_in(&stranger).await.expect_refused("28000", SENTENCE);
    house.log_in(&house.token(json!({"aud": [AUDIENCE, "https://other.example.com"]}))).await.expect_in();
}

#[tokio::test]
async fn the_startup_message_decides() {
    let house = House::new().await;
    let mut with = house.startup();
    with.retain(|(name, _)| *name != "idp_type");
    house
        .start(&with, &Proof::None)
        .await
        .expect_refused("28000", "no PostgreSQL user name specified in startup packet");

    let change = |name: &'static str, value: &'static str| {
        let mut startup = house.startup();
        startup.retain(|(other, _)| *other != name);
        startup.push((name, value));
        startup
    };
    let token = || Proof::Token(house.token(json!({})));
    house
        .start(&change("database", "prod"), &token())
        .await
        .expect_refused("3D000", "database \"prod\" does not exist");
    house.start(&change("token_type", "ACCESS_TOKEN"), &token()).await.expect_refused("28000", SENTENCE);
    house.start(&change("identity_namespace", "OTHER"), &token()).await.expect_refused("28000", SENTENCE);
    house.start(&change("identity_namespace", "AWSIDC"), &token()).await.expect_in();
    house.start(&change("user", ""), &token()).await.expect_in();
    house.start(&change("idp_type", "AzureAD"), &Proof::None).await.expect_refused("28000", "Identity provider");

    house.without_tls(&house.startup()).await.expect_refused("28000", "SSL off");
    let admin = [("user", ADMIN), ("database", "dev")];
    house
        .start(&admin, &Proof::Password("wrong".to_owned()))
        .await
        .expect_refused("28000", "password authentication failed");
    house.start(&admin, &Proof::Password(house.wire.admin_password().to_owned())).await.expect_in();
}

#[tokio::test]
async fn the_warehouse_trusts_what_it_is_registered_with() {
    let house = House::new().await;
    let registered = house.wire.identity_providers();
    house.wire.set_identity_providers(Vec::new());
    house.log_in(&house.token(json!({}))).await.expect_refused("28000", SENTENCE);
    let elsewhere = IdentityProvider {
        application_arn: "arn:aws:sso::123456789012:application/ssoins-7223b05b8f8ca0d1/apl-0000000000000000"
            .to_owned(),
        ..registered[0].clone()
    };
    house.wire.set_identity_providers(vec![elsewhere]);
    house.log_in(&house.token(json!({}))).await.expect_refused("28000", SENTENCE);
    assert!(house.reason().contains("no such application"), "{}", house.reason());
    house.world.systems.reset();
    house.wire.set_identity_providers(registered);
    house.trust().await;
    house.log_in(&house.token(json!({}))).await.expect_in();
}

#[tokio::test]
async fn the_administrator_registers_it_by_sql() {
    if !installed() {
        eprintln!("skipped: no PostgreSQL for the sandbox (make .tools/postgres/.ready)");
        return;
    }
    let house = House::new().await;
    let proof = Proof::Password(house.wire.admin_password().to_owned());
    let mut admin = house.start(&[("user", ADMIN), ("database", "dev")], &proof).await.expect_in();
    let mut dev = house.log_in(&house.token(json!({}))).await.expect_in();
    let drop = "DROP IDENTITY PROVIDER \"redshift-idc\" CASCADE";
    assert!(dev.query(drop).await.is_err_and(|error| error.contains("permission denied")), "only a superuser may");
    admin.query(drop).await.expect("dropped");
    assert_eq!(admin.value("SELECT name FROM svv_identity_providers WHERE type = 'awsidc'").await, "");
    house.log_in(&house.token(json!({}))).await.expect_refused("28000", SENTENCE);
    let create = |application: &str| {
        format!(
            "CREATE IDENTITY PROVIDER \"main-idc\" TYPE AWSIDC NAMESPACE 'AWSIDC' APPLICATION_ARN '{application}' \
             IAM_ROLE 'arn:aws:iam::123456789012:role/redshift-idc';"
        )
    };
    let error = admin.query(&create(seed::REDSHIFT_APPLICATION_ARN)).await;
    assert_eq!(error, Err("Failed to obtain AWS IdC Info".to_owned()));
    house.log_in(&house.token(json!({}))).await.expect_refused("28000", SENTENCE);
    admin.query(&create(seed::IDC_APPLICATION_ARN)).await.expect("registered");
    assert_eq!(admin.value("SELECT name FROM svv_identity_providers WHERE type = 'awsidc'").await, "main-idc");
    house.log_in(&house.token(json!({}))).await.expect_in();
}

#[tokio::test]
async fn faults_strike_logins() {
    let house = House::new().await;
    let fault = |fault: &str| {
        house.world.faults.add(vec![FaultSpec::new("redshift-wire", "login", fault)]).expect("a fault");
    };
    let token = house.token(json!({}));
    fault("reset_before");
    assert!(matches!(house.log_in(&token).await, Answer::Gone));
    fault("status:503");
    house.log_in(&token).await.expect_refused("57P03", "starting up");
    fault("throttle");
    house.log_in(&token).await.expect_refused("53300", "too many");
    fault("delay:300");
    let begin = Instant::now();
    house.log_in(&token).await.expect_in();
    assert!(begin.elapsed() >= Duration::from_millis(300), "the delay was not felt");
    // The token was used: the answer was lost.
    let token = house.token(json!({}));
    fault("reset_after");
    assert!(matches!(house.log_in(&token).await, Answer::Gone));
    house.log_in(&token).await.expect_refused("28000", SENTENCE);
    for kind in ["garbage", "truncate"] {
        fault(kind);
        assert!(matches!(house.log_in(&house.token(json!({}))).await, Answer::Gone), "{kind}");
    }
    let statuses: Vec<u16> = house.world.calls.after(0).iter().map(|call| call.status).collect();
    assert_eq!(statuses, [0, 503, 429, 200, 0, 401, 200, 200]);
}

#[tokio::test]
async fn noise_ends_its_own_connection_alone() {
    let house = House::new().await;
    for noise in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0, 0, 0, 8, 0, 1, 0, 0], &[0, 0, 0, 1], &[0xff; 64]] {
        house.noise(noise).await;
    }
    house.log_in(&house.token(json!({}))).await.expect_in();
}

#[tokio::test]
async fn roles_follow_the_groups() {
    if !installed() {
        eprintln!("skipped: no PostgreSQL for the sandbox (make .tools/postgres/.ready)");
        return;
    }
    let house = House::new().await;
    let mut dev = house.log_in(&house.token(json!({}))).await.expect_in();
    assert_eq!(dev.value("select current_user").await, "awsidc:dev1@example.com");
    assert_eq!(dev.value("select count(*), sum(amount) from raw.orders").await, "3");
    dev.value("create schema dbt_dev1; create table dbt_dev1.t distkey(id) as (select 1 as id)").await;
    assert_eq!(dev.value("select id from \"dev\".dbt_dev1.t").await, "1");
    assert_eq!(dev.value("SHOW TABLES FROM SCHEMA dev.dbt_dev1").await, "dev");

    let outsider = json!({"sub": OUTSIDER});
    let mut outside = house.log_in(&house.token(outsider.clone())).await.expect_in();
    assert_eq!(outside.query("create schema mine").await, Err("permission denied for database dev".to_owned()));
    assert_eq!(outside.query("select * from raw.orders").await, Err("permission denied for schema raw".to_owned()));
    assert!(outside.query("select sandbox.admit('x', 'y', '{}')").await.is_err());

    // What the hand-off tells the warehouse's administrator to run for one more group.
    let proof = Proof::Password(house.wire.admin_password().to_owned());
    let mut admin = house.start(&[("user", ADMIN), ("database", "dev")], &proof).await.expect_in();
    assert_eq!(admin.value("SELECT name FROM svv_identity_providers WHERE type = 'awsidc';").await, "redshift-idc");
    let role = "\"AWSIDC:analysts\"";
    let sql = format!(
        "CREATE ROLE {role}; GRANT USAGE ON DATABASE \"dev\" TO ROLE {role}; GRANT CREATE ON DATABASE \"dev\" TO ROLE {role};"
    );
    admin.query(&sql).await.expect("the hand-off's SQL");
    house.join(OUTSIDER, &["analysts"]);
    assert!(outside.query("create schema mine").await.is_err(), "roles are given at the login");
    let mut outside = house.log_in(&house.token(outsider.clone())).await.expect_in();
    outside.query("create schema mine").await.expect("now it may");
    house.join(OUTSIDER, &[]);
    let mut outside = house.log_in(&house.token(outsider)).await.expect_in();
    assert!(outside.query("create schema another").await.is_err(), "the role went with the group");
}

#[tokio::test]
async fn a_reset_empties_the_warehouse() {
    if !installed() {
        eprintln!("skipped: no PostgreSQL for the sandbox (make .tools/postgres/.ready)");
        return;
    }
    let house = House::new().await;
    let mut dev = house.log_in(&house.token(json!({}))).await.expect_in();
    dev.query("create schema left_over").await.expect("a schema");
    house.world.systems.reset();
    house.trust().await;
    let begin = Instant::now();
    while dev.query("select 1").await.is_ok() {
        assert!(begin.elapsed() < Duration::from_secs(20), "the session goes with the engine");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut dev = house.log_in(&house.token(json!({}))).await.expect_in();
    let left: Vec<Value> =
        dev.query("select 1 from pg_namespace where nspname = 'left_over'").await.expect("an answer");
    assert!(left.is_empty());
}
