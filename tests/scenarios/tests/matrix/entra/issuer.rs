//! A tenant has one issuer: somebody else may have made it in Identity Center before us, and others rely on it.

use extoauth_sandbox::seed;
use extoauth_scenarios::tickets::with;
use serde_json::{Value, json};

use crate::drive::golden;
use crate::house::{House, beside_others};

/// Who else uses the issuer.
const OTHER_AUDIENCE: &str = "api://somebody-else";

/// The `iss` of the tenant's version 1 tokens.
fn issuer_url() -> String {
    format!("https://{}/{}/", seed::STS_WINDOWS_HOST, seed::ENTRA_TENANT)
}

/// An issuer with all that Identity Center has of it, tags included.
async fn issuer(house: &House, arn: &str) -> Value {
    let shown = house.center("DescribeTrustedTokenIssuer", json!({"TrustedTokenIssuerArn": arn})).await;
    let tags =
        house.center("ListTagsForResource", json!({"InstanceArn": seed::INSTANCE_ARN, "ResourceArn": arn})).await;
    json!({"issuer": shown, "tags": tags["Tags"]})
}

async fn entry(house: &House, arn: &str) -> Vec<String> {
    let all = house.accepted_issuers().await;
    let of: Vec<_> = all.into_iter().filter(|(issuer, _)| issuer == arn).collect();
    assert!(of.len() <= 1, "one entry for each issuer: {of:?}");
    let mut audiences = of.into_iter().next().map(|(_, audiences)| audiences).unwrap_or_default();
    audiences.sort();
    audiences
}

fn count(state: &Value) -> usize {
    state["sso-admin"][seed::REDSHIFT_NAME]["TrustedTokenIssuers"].as_array().map_or(0, Vec::len)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_of_somebody_else_is_used_and_left_as_it_is() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    for used_by_others in [true, false] {
        let when = format!("used by others: {used_by_others}");
        house.clear().await;
        let arn = house.make_issuer("theirs", &issuer_url(), "upn", "emails.value").await;
        let mut list = house.accepted_issuers().await;
        if used_by_others {
            list.push((arn.clone(), vec![OTHER_AUDIENCE.to_owned()]));
            house.accept_issuers(&list).await;
        }
        let (before, issuers) = (issuer(&house, &arn).await, count(&house.state().await));
        let accepted = house.accepted_issuers().await;
        house.forget_calls();
        house.run("entra-provision").await.good();
        let ours = house.ours().await;
        let audience = format!("api://{}", super::text(&ours.resource, "appId"));
        let mut both = vec![audience.clone()];
        both.extend(used_by_others.then(|| OTHER_AUDIENCE.to_owned()));
        both.sort();
        assert_eq!(entry(&house, &arn).await, both, "{when}");
        assert_eq!(count(&house.state().await), issuers, "{when}: no other issuer");
        assert_eq!(issuer(&house, &arn).await, before, "{when}: neither changed nor tagged");

        // Also with a second integration, and when nothing is new.
        house.run("entra-second").await.good();
        house.run_anew(&golden("entra-provision")).await.good();
        house.run("entra-verify").await.good();
        assert_eq!(entry(&house, &arn).await, both, "{when}");
        assert_eq!(issuer(&house, &arn).await, before, "{when}: neither changed nor tagged");

        house.run("entra-deprovision").await.good();
        assert_eq!(entry(&house, &arn).await, both, "{when}: the second one still uses it");
        house.run("entra-deprovision-second").await.good();
        assert_eq!(house.accepted_issuers().await, accepted, "{when}: the list is as it was");
        assert_eq!(issuer(&house, &arn).await, before, "{when}: theirs is still there");
        let touched: Vec<String> = house.writes().into_iter().filter(|write| write.starts_with("sso-admin")).collect();
        assert_eq!(touched, Vec::<String>::new(), "{when}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_of_somebody_else_with_another_mapping() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let arn = house.make_issuer("theirs", &issuer_url(), "email", "userName").await;
    let before = issuer(&house, &arn).await;
    house.forget_calls();
    let failed = house.run("entra-provision").await;
    let texts = ["`theirs`", "`email`", "`userName`"];
    house.stopped_before_harm(&failed, "prerequisite_missing", &texts);
    assert!(failed.error().fix.contains("ask for that claim and attribute"), "{:?}", failed.error());
    assert_eq!(house.run("entra-plan").await.error().code, "prerequisite_missing", "a plan says so as well");
    assert_eq!(issuer(&house, &arn).await, before);

    // The ticket asks for what is there.
    let body = with(&golden("entra-provision"), &[("user_claim", "email"), ("identity_attribute", "userName")]);
    house.run_anew(&body).await.good();
    assert_eq!(issuer(&house, &arn).await, before);
}

/// Their issuer is changed after we began to use it: a comparison tells, and nobody overwrites it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_of_somebody_else_that_is_changed_later() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let arn = house.make_issuer("theirs", &issuer_url(), "upn", "emails.value").await;
    house.run("entra-provision").await.good();
    let change = json!({
        "TrustedTokenIssuerArn": arn,
        "TrustedTokenIssuerConfiguration":
            {"OidcJwtConfiguration": {"ClaimAttributePath": "oid", "IdentityStoreAttributePath": "userName"}},
    });
    house.center("UpdateTrustedTokenIssuer", change).await;
    let before = issuer(&house, &arn).await;
    house.forget_calls();
    let told = house.run("entra-verify").await;
    assert!(super::has_finding(&told, "drift"), "{:#?}", told.report.findings);
    let failed = house.run_anew(&golden("entra-provision")).await;
    assert!(failed.error().message.contains("somebody else"), "{:?}", failed.error());
    assert_eq!(issuer(&house, &arn).await, before);
    let writes: Vec<_> = house.writes().into_iter().filter(|write| write.starts_with("sso-admin")).collect();
    assert_eq!(writes, Vec::<String>::new());
}
