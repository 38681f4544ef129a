//! Rights that our registration does not have: somebody else does the step, and the run goes on by itself.

use extoauth_core::finding::Severity;
use extoauth_scenarios::entra::link_in;
use extoauth_scenarios::tickets::with;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{ENVIRONMENT, all, connection_of, finding, text};
use crate::drive::golden;
use crate::house::{House, beside_others};
use crate::picture::Picture;

const CONSENT: &str = "DelegatedPermissionGrant.ReadWrite.All";
const SEE_CONSENT: &str = "DelegatedPermissionGrant.Read.All";
const ASSIGN: &str = "AppRoleAssignment.ReadWrite.All";

impl House {
    async fn rights(&self, taken: &[&str], given: &[&str]) {
        self.admin.change_entra_rights(taken, given).await.expect("rights");
    }
}

/// How a picture differs from another one, but for our own rights in the tenant, which these tests change.
fn unlike(picture: &Picture, expected: &Picture) -> Vec<String> {
    let is_right = |line: &String| {
        line.contains("/appRoleAssignedTo/") || (line.contains("appRoleAssignedTo") && line.contains("\"extoauth\""))
    };
    picture.unlike(expected).into_iter().filter(|line| !is_right(line)).collect()
}

async fn pre_authorized(house: &House) -> Vec<Value> {
    let ours = house.ours().await;
    ours.resource["api"]["preAuthorizedApplications"].as_array().cloned().unwrap_or_default()
}

/// The new grants of the tenant.
async fn grants(house: &House) -> usize {
    all(&house.state().await, "oauth2PermissionGrants").len() - all(&house.start, "oauth2PermissionGrants").len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consent_that_is_refused_and_then_given() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.run("entra-provision").await.good();
    let expected = house.picture().await;
    house.clear().await;

    house.rights(&[CONSENT], &[SEE_CONSENT]).await;
    let waiting = house.run("entra-provision").await;
    let told = finding(&waiting, "entra_right");
    assert_eq!(told.severity, Severity::Info);
    assert!(told.expected.contains(CONSENT), "{told:?}");
    let waits = waiting.waits().clone();
    assert!(waits.who.contains("admin consent"), "{waits:?}");
    assert_eq!(waits.what.matches("https://").count(), 1, "one link: {}", waits.what);
    assert!(!waits.what.trim_end_matches(['.', ')']).contains(". "), "one sentence: {}", waits.what);
    let link = link_in(&waits.what).expect("a link").to_owned();
    let ours = house.ours().await;
    assert!(link.contains(text(&ours.client, "appId")) && link.contains("/adminconsent"), "{link}");
    let open: Vec<_> = waiting.report.handoffs.iter().filter(|one| one.done == Some(false)).collect();
    assert_eq!(open.len(), 1, "{open:#?}");

    // Meanwhile users are not asked about our scope, and nobody uses it.
    let entries = pre_authorized(&house).await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(entries[0]["appId"], ours.client["appId"]);
    let scope = &ours.resource["api"]["oauth2PermissionScopes"][0]["id"];
    assert_eq!(entries[0]["delegatedPermissionIds"], json!([scope]));
    let before = connection_of(&house.start, ENVIRONMENT);
    assert_eq!(connection_of(&house.state().await, ENVIRONMENT), before, "nobody was cut over");

    // Refused: nothing is granted, and the run neither gives up nor writes.
    house.forget_calls();
    let still = house.drive(waiting.request).await;
    let still = house.drive(still.request).await;
    let (then, now) = (&waits, still.waits());
    assert_eq!((&then.who, &then.what), (&now.who, &now.what), "it waits for the same");
    assert_eq!(house.writes(), Vec::<String>::new());
    assert_eq!(grants(&house).await, 0);

    // Two days later somebody opens the link and accepts.
    house.watch.forward(SignedDuration::from_hours(48));
    let still = house.drive(still.request).await;
    still.waits();
    house.admin.accept_consent(&link).await.expect("a consent");
    let ended = house.drive(still.request).await.good();
    assert!(ended.report.handoffs.iter().all(|one| one.done != Some(false)), "{:#?}", ended.report.handoffs);
    assert_eq!(grants(&house).await, 2);
    assert_ne!(connection_of(&house.state().await, ENVIRONMENT), before, "developers use it");
    let wrong = unlike(&house.picture().await, &expected);
    // The client is known by another name there: its entry among the pre-authorized clients has none.
    let marks = ["preAuthorized", "pre_authorization", "<appId of >", "/scope: ", "entra.consent"];
    let other: Vec<_> = wrong.iter().filter(|line| !marks.iter().any(|mark| line.contains(mark))).collect();
    assert_eq!(other, Vec::<&String>::new(), "it differs by the pre-authorization alone");
    house.forget_calls();
    house.run_anew(&golden("entra-provision")).await.good();
    assert_eq!(house.writes(), Vec::<String>::new(), "a repetition writes nothing");

    // The right is given: the pre-authorization is not needed any more.
    house.rights(&[SEE_CONSENT], &[CONSENT]).await;
    house.forget_calls();
    house.run_anew(&golden("entra-provision")).await.good();
    let writes = house.writes();
    assert_eq!(writes.len(), 1, "{writes:#?}");
    assert_eq!(pre_authorized(&house).await, Vec::<Value>::new());
    assert_eq!(grants(&house).await, 2);
    let wrong = unlike(&house.picture().await, &expected);
    let other: Vec<_> = wrong.iter().filter(|line| !line.contains("/scope: ")).collect();
    assert_eq!(other, Vec::<&String>::new(), "as if we had consented ourselves");
    house.run("entra-deprovision").await.good();
    assert_eq!(house.made_in_entra().await.iter().map(|(_, count)| count).sum::<usize>(), 0);
}

/// Only half of what is needed is granted: still one link, and what was granted stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_consent() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.rights(&[CONSENT], &[SEE_CONSENT]).await;
    let waiting = house.run("entra-provision").await;
    waiting.waits();
    let (ours, state) = (house.ours().await, house.state().await);
    let resource = super::principal_of(&state, &ours.resource).expect("its service principal");
    let grant = json!({
        "clientId": ours.principal, "consentType": "AllPrincipals", "resourceId": resource["id"],
        "scope": "dbt-redshift",
    });
    house.entra("POST", "oauth2PermissionGrants", grant).await;
    let still = house.drive(waiting.request).await;
    assert_eq!(still.waits().what.matches("https://").count(), 1, "{}", still.waits().what);
    let graph =
        house.entra("GET", "servicePrincipals(appId='00000003-0000-0000-c000-000000000000')", Value::Null).await;
    let grant = json!({
        "clientId": ours.principal, "consentType": "AllPrincipals", "resourceId": graph["id"],
        "scope": "openid profile offline_access User.Read",
    });
    house.entra("POST", "oauth2PermissionGrants", grant).await;
    house.drive(still.request).await.good();

    // With the right there is nothing to write: what an administrator has granted beside stays.
    house.rights(&[SEE_CONSENT], &[CONSENT]).await;
    house.run_anew(&golden("entra-provision")).await.good();
    let state = house.state().await;
    let kept = all(&state, "oauth2PermissionGrants").iter().any(|grant| text(grant, "scope").contains("User.Read"));
    assert!(kept, "{:#?}", all(&state, "oauth2PermissionGrants"));
}

/// Without the right to read grants nothing can be waited for: it is listed, and the run ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consent_that_we_may_not_even_see() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.rights(&[CONSENT], &[]).await;
    let ended = house.run("entra-provision").await.good();
    let listed: Vec<_> = ended.report.handoffs.iter().filter(|one| one.place.contains("/adminconsent")).collect();
    assert_eq!(listed.len(), 1, "{:#?}", ended.report.handoffs);
    assert_eq!(listed[0].done, None);
    assert!(listed[0].place.contains(text(&house.ours().await.client, "appId")), "{listed:?}");
    assert!(finding(&ended, "entra_right").expected.contains(CONSENT));
    assert_eq!(pre_authorized(&house).await.len(), 1);
    assert_eq!(grants(&house).await, 0);
    assert_ne!(connection_of(&house.state().await, ENVIRONMENT), connection_of(&house.start, ENVIRONMENT));
    house.forget_calls();
    let again = house.run_anew(&golden("entra-provision")).await.good();
    assert_eq!(house.writes(), Vec::<String>::new());
    assert!(again.report.handoffs.iter().any(|one| one.place.contains("/adminconsent")), "it is still listed");
    house.run("entra-deprovision").await.good();
    assert_eq!(house.made_in_entra().await.iter().map(|(_, count)| count).sum::<usize>(), 0);
}

/// A right that is taken away after everything was made: nothing is to be done, so nobody is asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_that_are_taken_away_later() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.run("entra-provision").await.good();
    house.rights(&[CONSENT, ASSIGN], &[SEE_CONSENT]).await;
    let ended = house.run("entra-verify").await.good();
    assert!(ended.report.handoffs.iter().all(|one| one.done != Some(false)), "{:#?}", ended.report.handoffs);
    house.forget_calls();
    let ended = house.run_anew(&golden("entra-provision")).await.good();
    assert!(ended.report.handoffs.iter().all(|one| one.done != Some(false)), "{:#?}", ended.report.handoffs);
    assert!(house.writes().len() <= 1, "the pre-authorization at most: {:#?}", house.writes());
    assert_eq!(grants(&house).await, 2, "what was granted stays");
    // With them taken, a removal still takes out all that it can: what hangs on the apps goes with them.
    house.run("entra-deprovision").await.good();
    assert_eq!(house.made_in_entra().await.iter().map(|(_, count)| count).sum::<usize>(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_that_only_a_person_may_assign() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let both = with(&golden("entra-provision"), &[("groups", "data-engineers,finance")]);
    house.run_anew(&both).await.good();
    let expected = house.picture().await;
    house.clear().await;

    house.rights(&[ASSIGN], &[]).await;
    let waiting = house.run_anew(&both).await;
    assert!(finding(&waiting, "entra_right").expected.contains(ASSIGN));
    waiting.waits();
    let open: Vec<_> = waiting.report.handoffs.iter().filter(|one| one.done == Some(false)).collect();
    assert_eq!(open.len(), 2, "{open:#?}");
    let before = connection_of(&house.start, ENVIRONMENT);
    assert_eq!(connection_of(&house.state().await, ENVIRONMENT), before, "nobody was cut over");
    let ours = house.ours().await;
    let assign = |group: Value| json!({"principalId": group, "resourceId": ours.principal, "appRoleId": "00000000-0000-0000-0000-000000000000"});
    let path = format!("{}/appRoleAssignedTo", ours.principal_path());
    let group = |name: &str| {
        let state = &house.start;
        let found = all(state, "groups").iter().find(|group| group["displayName"] == name).expect("the group");
        found["id"].clone()
    };
    // One after the other: it waits for the rest.
    house.entra("POST", &path, assign(group("data-engineers"))).await;
    let still = house.drive(waiting.request).await;
    assert!(still.waits().what.contains("`finance`"), "{:?}", still.waits());
    house.entra("POST", &path, assign(group("finance"))).await;
    house.forget_calls();
    house.drive(still.request).await.good();
    assert_eq!(house.writes().iter().filter(|write| write.starts_with("entra")).count(), 0, "{:#?}", house.writes());
    let wrong = unlike(&house.picture().await, &expected);
    let other: Vec<_> = wrong.iter().filter(|line| !line.contains("by_hand")).collect();
    assert_eq!(other, Vec::<&String>::new());

    // A group that the ticket no longer names: whoever has assigned it takes it away.
    house.forget_calls();
    let ended = house.run_anew(&golden("entra-provision")).await.good();
    let asked: Vec<_> =
        ended.report.handoffs.iter().filter(|one| one.what.contains("entra.assignment[finance]")).collect();
    assert_eq!(asked.len(), 1, "{:#?}", ended.report.handoffs);
    assert_eq!(asked[0].done, None);
    assert_eq!(house.writes(), Vec::<String>::new(), "we may not write it");
    let assigned = all(&house.state().await, "appRoleAssignedTo")
        .iter()
        .filter(|one| one["resourceId"] == ours.principal.as_str())
        .count();
    assert_eq!(assigned, 2, "it is still there until a person takes it away");
    let again = house.run_anew(&golden("entra-provision")).await.good();
    let asked = again.report.handoffs.iter().any(|one| one.what.contains("entra.assignment[finance]"));
    assert!(!asked, "they are asked once");
    house.run("entra-deprovision").await.good();
    assert_eq!(house.made_in_entra().await.iter().map(|(_, count)| count).sum::<usize>(), 0);
}
