//! Apps of ours that somebody deleted, and apps of other people that look like ours.

use extoauth_core::finding::Severity;
use extoauth_sandbox::seed;
use serde_json::{Value, json};

use super::{ENVIRONMENT, MARK, UNIQUE_NAME, all, configuration, connection_of, has_tag, text};
use crate::drive::golden;
use crate::house::{House, beside_others};

/// Lines about the versions of our secret: one that was made anew has a version before it.
fn but_versions(wrong: Vec<String>) -> Vec<String> {
    wrong.into_iter().filter(|line| !line.contains("secretsmanager")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_app_that_somebody_deleted_is_made_anew() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let start = house.picture().await;
    for bin_holds_names in [true, false] {
        let when = format!("the bin holds names: {bin_holds_names}");
        house.clear().await;
        house.sandbox.entra.configure(|tenant| tenant.bin_holds_names = bin_holds_names);
        house.run("entra-provision").await.good();
        let expected = house.picture().await;
        let old = house.ours().await;
        let old_configuration = configuration(&house, &house.state().await);
        house.entra("DELETE", &old.client_path(), Value::Null).await;
        let broken = house.run("entra-verify").await;
        assert_eq!(broken.error().code, "check_failed", "{when}");
        assert!(broken.error().message.contains("client_app"), "{when}: {}", broken.error().message);
        assert!(!broken.report.plan.is_empty(), "{when}: a comparison tells");

        house.forget_calls();
        house.run_anew(&golden("entra-provision")).await.good();
        let wrong = but_versions(house.picture().await.unlike(&expected));
        assert_eq!(wrong, Vec::<String>::new(), "{when}");
        house.has_one_of_each(&when).await;
        house.knows_one_secret(&[], &when).await;
        let new = house.ours().await;
        assert_ne!(new.client["appId"], old.client["appId"], "{when}: another client");
        let state = house.state().await;
        let now = configuration(&house, &state);
        assert_eq!(now["client_id"], new.client["appId"], "{when}");
        assert_eq!(now["id"], old_configuration["id"], "{when}: dbt's configuration is the same one");
        assert_ne!(now["client_secret"]["sha256"], old_configuration["client_secret"]["sha256"], "{when}");
        assert_eq!(new.resource["appId"], old.resource["appId"], "{when}: the trust's app is untouched");

        house.forget_calls();
        house.run_anew(&golden("entra-provision")).await.good();
        assert_eq!(house.writes(), Vec::<String>::new(), "{when}: a repetition writes nothing");
        house.run("entra-deprovision").await.good();
        house.picture().await.must_be(&start, &when);
    }
}

/// The trust's app is used by two integrations: both get in again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resource_app_that_somebody_deleted_is_made_anew() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let start = house.picture().await;
    house.run("entra-provision").await.good();
    let expected = house.picture().await;
    let old = house.ours().await;
    house.entra("DELETE", &old.resource_path(), Value::Null).await;
    house.run_anew(&golden("entra-provision")).await.good();
    // What stood in the list of issuers before is recorded with the entry.
    let wrong = house.picture().await.unlike(&expected);
    let other: Vec<_> = wrong.iter().filter(|line| !line.contains("issuer_entry/ownership/entry/pre_image")).collect();
    assert_eq!(other, Vec::<&String>::new(), "as it was, with another resource app");
    let new = house.ours().await;
    assert_eq!(new.client["appId"], old.client["appId"], "the client is the same one");
    assert_ne!(new.resource["appId"], old.resource["appId"]);
    let audience = format!("api://{}", text(&new.resource, "appId"));
    let accepted = house.accepted_issuers().await;
    let entries: Vec<_> = accepted.iter().filter(|(arn, _)| arn != seed::FOREIGN_ISSUER_ARN).collect();
    assert_eq!(entries.len(), 1, "{accepted:?}");
    assert_eq!(entries[0].1, [audience], "the old app's audience is not accepted any more");
    house.run("entra-deprovision").await.good();
    house.picture().await.must_be(&start, "after the removal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_app_of_somebody_else_that_holds_our_name() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let theirs = house.make_named_app(UNIQUE_NAME, "Theirs").await;
    let id = text(&theirs, "id").to_owned();
    house.entra("DELETE", &format!("applications/{id}"), Value::Null).await;
    let failed = house.run("entra-provision").await;
    let error = failed.error();
    assert!(error.message.contains(&id) && error.message.contains("not ours"), "{error:?}");
    assert!(error.message.contains("purged") && !error.fix.is_empty(), "{error:?}");
    let state = house.state().await;
    assert!(all(&state, "deletedItems").iter().any(|item| item["id"] == id.as_str()), "theirs is still in the bin");
    assert!(!all(&state, "applications").iter().any(|app| has_tag(app, |tag| tag == MARK)), "no client was made");
    assert_eq!(connection_of(&state, ENVIRONMENT), connection_of(&house.start, ENVIRONMENT), "nobody was cut over");
    assert_eq!(house.orphans(&state, &format!("{:?}", house.books().await).into()), Vec::<String>::new());

    // The administrator does as the message says.
    house.entra("DELETE", &format!("directory/deletedItems/{id}"), Value::Null).await;
    house.run_again(&failed).await.good();
    house.has_one_of_each("after the purge").await;
    house.knows_one_secret(&[], "after the purge").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_with_our_display_name_is_left_alone() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.run("entra-provision").await.good();
    let ours = house.ours().await;
    let names = [text(&ours.resource, "displayName").to_owned(), text(&ours.client, "displayName").to_owned()];
    house.clear().await;
    let mut theirs = Vec::new();
    for name in &names {
        let body = json!({"displayName": name, "signInAudience": "AzureADMyOrg"});
        theirs.push(house.entra("POST", "applications", body).await);
    }
    let app = |state: &Value, one: &Value| {
        all(state, "applications").iter().find(|app| app["id"] == one["id"]).cloned().expect("their app")
    };
    let before = house.state().await;
    let ended = house.run("entra-provision").await.good();
    let told: Vec<_> = ended.report.findings.iter().filter(|one| one.check == "foreign_object").collect();
    assert_eq!(told.len(), 2, "{told:#?}");
    for one in &theirs {
        let named = told.iter().find(|finding| finding.found.contains(text(one, "appId"))).expect("it is named");
        assert_eq!(named.severity, Severity::Info);
    }
    let after = house.state().await;
    for one in &theirs {
        assert_eq!(app(&after, one), app(&before, one), "theirs is as it was");
    }
    assert_eq!(all(&after, "applications").len(), all(&before, "applications").len() + 2, "ours were made beside them");
    house.forget_calls();
    house.run_anew(&golden("entra-provision")).await.good();
    assert_eq!(house.writes(), Vec::<String>::new(), "from then on ours are known by their record");
    house.run("entra-deprovision").await.good();
    let end = house.state().await;
    for one in &theirs {
        assert_eq!(app(&end, one), app(&before, one), "theirs is still as it was");
    }
    assert_eq!(all(&end, "applications").len(), all(&before, "applications").len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_with_our_unique_name_that_is_not_recorded_stops_the_run() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let start = house.picture().await;
    let theirs = house.make_named_app(UNIQUE_NAME, "Theirs").await;
    let id = text(&theirs, "id").to_owned();
    let before = house.state().await;
    let failed = house.run("entra-provision").await;
    let error = failed.error();
    assert!(error.message.contains("carries our mark"), "{error:?}");
    assert!(error.message.contains(text(&theirs, "appId")), "{error:?}");
    assert!(!error.fix.is_empty());
    let after = house.state().await;
    let app = |state: &Value| all(state, "applications").iter().find(|app| app["id"] == id.as_str()).cloned();
    assert_eq!(app(&after), app(&before), "theirs is as it was");
    assert_eq!(connection_of(&after, ENVIRONMENT), connection_of(&before, ENVIRONMENT), "nobody was cut over");
    assert_eq!(house.orphans(&after, &format!("{:?} {id}", house.books().await).into()), Vec::<String>::new());

    // The administrator does as the message says.
    house.entra("DELETE", &format!("applications/{id}"), Value::Null).await;
    house.entra("DELETE", &format!("directory/deletedItems/{id}"), Value::Null).await;
    house.run_again(&failed).await.good();
    house.has_one_of_each("after theirs has gone").await;
    house.run("entra-deprovision").await.good();
    house.picture().await.must_be(&start, "after the removal");
}
