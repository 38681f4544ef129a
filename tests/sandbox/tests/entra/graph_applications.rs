//! Applications: shapes, rules, upsert, the bin.

use extoauth_sandbox::seed;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{Entra, How, scope, text};

const SCOPE: &str = "0b5e0f9c-1c7d-4e8f-9a0b-1c2d3e4f5a6b";

#[tokio::test]
async fn defaults_are_the_trap_that_the_recordings_show() {
    let entra = Entra::new();
    let made = entra.post("/applications", json!({"displayName": "x"})).await;
    let location = made.header("location").to_owned();
    let made = made.expect(201);
    assert!(
        location.ends_with(&format!("/{}/Microsoft.DirectoryServices.Application", text(&made["id"]))),
        "{location}"
    );
    assert_eq!(made["signInAudience"], "AzureADandPersonalMicrosoftAccount");
    assert_eq!(made["api"]["requestedAccessTokenVersion"], 2);
    let many = json!({"displayName": "y", "signInAudience": "AzureADMultipleOrgs"});
    let many = entra.post("/applications", many).await.expect(201);
    assert_eq!(many["api"]["requestedAccessTokenVersion"], Value::Null);
    // Personal accounts need version 2.
    let one = json!({"api": {"requestedAccessTokenVersion": 1}});
    entra.patch(&format!("/applications/{}", text(&made["id"])), one).await.refused(400, "Request_BadRequest");
    // The other answer that tenants may give.
    entra.tenant.configure(|options| options.personal_accounts_by_default = false);
    let made = entra.post("/applications", json!({"displayName": "z"})).await.expect(201);
    assert_eq!(made["signInAudience"], "AzureADMyOrg");
    assert_eq!(made["api"]["requestedAccessTokenVersion"], Value::Null);
}

#[tokio::test]
async fn reads_differ_from_the_answer_to_the_post() {
    let entra = Entra::new();
    let body = json!({
        "displayName": "x", "signInAudience": "AzureADMyOrg", "tags": ["b", "a"],
        "web": {"redirectUris": ["https://a.example.com/1", "https://a.example.com/2"]},
        "optionalClaims": {"accessToken": [{"name": "upn", "essential": false}]},
    });
    let made = entra.post("/applications", body).await.expect(201);
    assert_eq!(text(&made["createdDateTime"]).len(), "2022-05-07T06:52:40.8313021Z".len());
    let id = text(&made["id"]);
    let reply = entra.get(&format!("/applications/{id}")).await;
    assert_eq!(
        reply.header("content-type"),
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
    );
    assert_eq!(reply.header("odata-version"), "4.0");
    assert_eq!(reply.header("x-ms-resource-unit"), "1");
    assert_eq!(reply.header("client-request-id"), reply.header("request-id"));
    let read = reply.expect(200);
    assert_eq!(text(&read["createdDateTime"]).len(), "2022-05-07T06:52:40Z".len());
    assert_eq!(read["web"]["redirectUris"], json!(["https://a.example.com/2", "https://a.example.com/1"]));
    assert_eq!(read["tags"], json!(["b", "a"]));
    let claim = json!({"name": "upn", "essential": false, "source": null, "additionalProperties": []});
    assert_eq!(read["optionalClaims"], json!({"accessToken": [claim], "idToken": [], "saml2Token": []}));

    // Objects are merged, lists are replaced.
    let change =
        json!({"web": {"redirectUris": ["https://a.example.com/3"]}, "api": {"requestedAccessTokenVersion": 1}});
    let reply = entra.patch(&format!("/applications/{id}"), change).await;
    assert!(reply.headers.get("content-type").is_none() && reply.headers.get("odata-version").is_none());
    reply.expect(204);
    let read = entra.get(&format!("/applications(appId='{}')", text(&made["appId"]))).await.expect(200);
    assert_eq!(read["web"]["redirectUris"], json!(["https://a.example.com/3"]));
    assert_eq!(read["web"]["implicitGrantSettings"]["enableIdTokenIssuance"], false);
    assert_eq!(read["api"]["requestedAccessTokenVersion"], 1);
    assert_eq!(read["api"]["oauth2PermissionScopes"], json!([]));

    // A client id is no object id.
    let wrong = entra.get(&format!("/applications/{}", text(&made["appId"]))).await;
    assert!(wrong.refused(404, "Request_ResourceNotFound").contains("queried reference-property"));
    entra.patch(&format!("/applications/{id}"), json!({"nonsense": 1})).await.refused(400, "Request_BadRequest");
    entra.patch(&format!("/applications/{id}"), json!({"web": {"x": 1}})).await.refused(400, "Request_BadRequest");
    entra.patch(&format!("/applications/{id}"), json!({"uniqueName": "x"})).await.refused(400, "Request_BadRequest");
    entra.patch(&format!("/applications/{id}"), json!({"tags": "x"})).await.refused(400, "Request_BadRequest");
}

#[tokio::test]
async fn redirect_uris_have_rules() {
    let entra = Entra::new();
    let app = entra.app("x").await;
    let path = format!("/applications/{}", text(&app["id"]));
    for (uri, taken) in [
        ("https://ab123.us1.dbt.com/complete/entra", true),
        ("http://localhost:8080/callback", true),
        ("http://ab123.us1.dbt.com/complete/entra", false),
        ("https://ab123.us1.dbt.com/complete/entra;x", false),
        ("/complete/entra", false),
    ] {
        let reply = entra.patch(&path, json!({"web": {"redirectUris": [uri]}})).await;
        assert_eq!(reply.status.as_u16(), if taken { 204 } else { 400 }, "{uri}: {}", reply.text);
    }
}

#[tokio::test]
async fn identifier_uris_obey_form_uniqueness_and_policy() {
    let entra = Entra::new();
    let body =
        json!({"displayName": "rs", "signInAudience": "AzureADMyOrg", "api": {"requestedAccessTokenVersion": 1}});
    let app = entra.post("/applications", body).await.expect(201);
    let (id, app_id) = (text(&app["id"]), text(&app["appId"]));
    let path = format!("/applications/{id}");
    let tenant = seed::ENTRA_TENANT;
    let set = |uri: String| entra.patch(&path, json!({"identifierUris": [uri]}));
    for wrong in [format!("api://{app_id}/"), "api://11111111-2222-4333-8444-555555555555".to_owned(), "x".to_owned()] {
        set(wrong).await.refused(400, "Request_BadRequest");
    }
    let message = set("api://warehouse".to_owned()).await.refused(400, "Request_BadRequest");
    assert!(message.starts_with("Failed to add identifier URI api://warehouse. All newly added URIs"), "{message}");
    for right in [
        format!("https://warehouse.{}/x", seed::ENTRA_DOMAIN),
        format!("api://{tenant}/warehouse"),
        format!("api://warehouse/{app_id}"),
        format!("api://{app_id}"),
    ] {
        set(right).await.expect(204);
    }
    // Version 2 tokens are exempt, and the way back is closed then.
    entra.patch(&path, json!({"api": {"requestedAccessTokenVersion": 2}})).await.expect(204);
    set("api://warehouse".to_owned()).await.expect(204);
    entra.patch(&path, json!({"api": {"requestedAccessTokenVersion": 1}})).await.refused(400, "Request_BadRequest");
    // Taken, by an application or by one in the bin.
    let other = text(&entra.app("other").await["id"]);
    let other = format!("/applications/{other}");
    entra.patch(&other, json!({"api": {"requestedAccessTokenVersion": 2}})).await.expect(204);
    let take = || entra.patch(&other, json!({"identifierUris": ["api://warehouse"]}));
    take().await.refused(400, "Request_MultipleObjectsWithSameKeyValue");
    entra.delete(&path).await.expect(204);
    take().await.refused(400, "Request_MultipleObjectsWithSameKeyValue");
    entra.tenant.configure(|options| options.bin_holds_names = false);
    take().await.expect(204);
    // The strict variant.
    let strict =
        json!({"applicationRestrictions": {"identifierUris": {"nonDefaultUriAddition": {"state": "enabled"}}}});
    entra.patch("/policies/defaultAppManagementPolicy", strict).await.expect(204);
    let last = entra.app("last").await;
    let path = format!("/applications/{}", text(&last["id"]));
    let uri = |uri: String| entra.patch(&path, json!({"identifierUris": [uri]}));
    uri(format!("api://{tenant}/warehouse")).await.refused(400, "Request_BadRequest");
    uri(format!("api://{}", text(&last["appId"]))).await.expect(204);
}

#[tokio::test]
async fn a_scope_is_disabled_before_it_changes() {
    let entra = Entra::new();
    let path = format!("/applications/{}", text(&entra.app("rs").await["id"]));
    let set = |scopes: Value| entra.patch(&path, json!({"api": {"oauth2PermissionScopes": scopes}}));
    set(json!([scope(SCOPE, "dbt-redshift", true)])).await.expect(204);
    for change in [json!([]), json!([scope(SCOPE, "other", true)]), json!([scope(SCOPE, "other", false)])] {
        let message = set(change).await.refused(400, "CannotDeleteOrUpdateEnabledEntitlement");
        assert!(message.contains("unless disabled first"), "{message}");
    }
    set(json!([scope(SCOPE, "dbt-redshift", false)])).await.expect(204);
    set(json!([])).await.expect(204);
    for wrong in ["has space", ".dot", ""] {
        set(json!([scope(SCOPE, wrong, true)])).await.refused(400, "Request_BadRequest");
    }
    set(json!([scope(SCOPE, "a", true), scope(SCOPE, "b", true)])).await.refused(400, "Request_BadRequest");
    set(json!([scope("x", "a", true)])).await.refused(400, "Request_BadRequest");
}

#[tokio::test]
async fn an_upsert_has_three_answers() {
    let entra = Entra::new();
    let path = "/applications(uniqueName='dbt-1')";
    let body = || json!({"displayName": "rs", "signInAudience": "AzureADMyOrg"});
    entra.patch(path, body()).await.refused(404, "Request_ResourceNotFound");
    let made = entra.upsert("dbt-1", body()).await.expect(201);
    assert_eq!(made["uniqueName"], "dbt-1");
    let reply = entra.upsert("dbt-1", json!({"displayName": "renamed"})).await;
    assert!(reply.text.is_empty());
    reply.expect(204);
    let read = entra.get(path).await.expect(200);
    assert_eq!((&read["id"], &read["displayName"]), (&made["id"], &json!("renamed")));
    entra.upsert("dbt-1", json!({"notes": "x"})).await.refused(400, "Request_BadRequest");
    entra.delete(path).await.expect(204);
    entra.upsert("dbt-1", body()).await.refused(400, "Request_MultipleObjectsWithSameKeyValue");
    // A service principal by its client id.
    let app = entra.app("x").await;
    let how = How { headers: vec![("prefer", "create-if-missing".to_owned())], ..How::default() };
    let path = format!("/servicePrincipals(appId='{}')", text(&app["appId"]));
    entra.call_as(&how, "PATCH", &path, Some(json!({"tags": ["x"]}))).await.expect(201);
    entra.call_as(&how, "PATCH", &path, Some(json!({"tags": ["y"]}))).await.expect(204);
}

#[tokio::test]
async fn lists_are_filtered_selected_and_cut_into_pages() {
    let entra = Entra::new();
    for n in 0..105 {
        entra.app(&format!("bulk-{n:03}")).await;
    }
    let reply = entra.get("/applications?$filter=startswith(displayName,'bulk-')&$select=id,displayName").await;
    assert_eq!(reply.header("x-ms-resource-unit"), "1", "$select makes it cheaper");
    let first = reply.expect(200);
    assert_eq!(first["value"].as_array().map(Vec::len), Some(100));
    assert_eq!(first["value"][0].as_object().map(|object| object.len()), Some(2));
    assert_eq!(first["@odata.context"], "https://graph.microsoft.com/v1.0/$metadata#applications(id,displayName)");
    let next = text(&first["@odata.nextLink"]);
    let path = next.strip_prefix("https://graph.microsoft.com/v1.0").expect("Graph's own URL");
    assert!(path.contains("$skiptoken="), "{path}");
    let second = entra.get(path).await.expect(200);
    assert_eq!(second["value"].as_array().map(Vec::len), Some(5));
    assert!(second.get("@odata.nextLink").is_none());
    let whole = entra.get("/applications?$top=999&$count=true").await;
    assert_eq!(whole.header("x-ms-resource-unit"), "2");
    assert_eq!(whole.expect(200)["@odata.count"], 108);
    entra.get("/applications?$top=1000").await.refused(400, "Request_UnsupportedQuery");
    entra.get("/applications?$filter=passwordCredentials eq 'x'").await.refused(400, "Request_UnsupportedQuery");
    entra.get("/applications?$filter=displayName eq 'x").await.refused(400, "BadRequest");
    for filter in [
        "appId eq 'b1a2c3d4-0002-4000-8000-0000000000b1'",
        "identifierUris/any(x:x eq 'api://reports.example.com')",
        "displayName eq 'reports api'",
        "tags/any(t:t eq 'finance')",
    ] {
        let found = entra.get(&format!("/applications?$filter={filter}")).await.expect(200);
        assert_eq!(found["value"].as_array().map(Vec::len), Some(1), "{filter}");
        assert_eq!(found["value"][0]["displayName"], "Reports API");
    }
}

#[tokio::test]
async fn what_is_deleted_lies_in_the_bin_for_thirty_days() {
    let entra = Entra::new();
    let (id, app_id, principal) = entra.pair("x").await;
    entra.delete(&format!("/applications/{id}")).await.expect(204);
    entra.get(&format!("/applications/{id}")).await.refused(404, "Request_ResourceNotFound");
    let found = entra.get(&format!("/servicePrincipals?$filter=appId eq '{app_id}'")).await.expect(200);
    assert_eq!(found["value"], json!([]), "its service principal is gone at once");
    let bin = entra.get("/directory/deletedItems/microsoft.graph.application").await.expect(200);
    assert_eq!(bin["value"][0]["id"], json!(id));
    assert!(bin["value"][0]["deletedDateTime"].is_string());
    let restored = entra.post(&format!("/directory/deletedItems/{id}/restore"), json!({})).await.expect(200);
    assert_eq!(restored["appId"], json!(app_id));
    entra.get(&format!("/servicePrincipals/{principal}")).await.refused(404, "Request_ResourceNotFound");
    entra.post(&format!("/directory/deletedItems/{principal}/restore"), json!({})).await.expect(200);
    entra.get(&format!("/servicePrincipals/{principal}")).await.expect(200);

    entra.delete(&format!("/applications/{id}")).await.expect(204);
    entra.delete(&format!("/directory/deletedItems/{id}")).await.expect(204);
    entra.get(&format!("/directory/deletedItems/{id}")).await.refused(404, "Request_ResourceNotFound");
    entra.get(&format!("/directory/deletedItems/{principal}")).await.refused(404, "Request_ResourceNotFound");

    let (id, ..) = entra.pair("y").await;
    entra.delete(&format!("/applications/{id}")).await.expect(204);
    entra.world.clock.advance(SignedDuration::from_hours(29 * 24));
    entra.get(&format!("/directory/deletedItems/{id}")).await.expect(200);
    entra.world.clock.advance(SignedDuration::from_hours(2 * 24));
    entra.get(&format!("/directory/deletedItems/{id}")).await.refused(404, "Request_ResourceNotFound");
}

#[tokio::test]
async fn owners_come_with_creation_and_by_reference() {
    let entra = Entra::new();
    let id = text(&entra.app("x").await["id"]);
    let me = entra.automation_principal().await;
    let owners = format!("/applications/{id}/owners");
    assert_eq!(entra.get(&owners).await.expect(200)["value"], json!([]));
    let body = || json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{me}")});
    entra.post(&format!("{owners}/$ref"), body()).await.expect(204);
    entra.post(&format!("{owners}/$ref"), body()).await.refused(400, "Request_BadRequest");
    let listed = entra.get(&owners).await.expect(200);
    assert_eq!(listed["value"][0]["@odata.type"], "#microsoft.graph.servicePrincipal");
    entra.delete(&format!("{owners}/{me}/$ref")).await.expect(204);
    entra.delete(&format!("{owners}/{me}/$ref")).await.refused(404, "Request_ResourceNotFound");
}

#[tokio::test]
async fn what_is_not_stood_in_says_so() {
    let entra = Entra::new();
    for path in ["/subscriptions", "/auditLogs/signIns", "/me", "/users/x/manager", "/applications/$count"] {
        entra.get(path).await.refused(501, "notImplemented");
    }
    entra.get("/nonsense").await.refused(400, "BadRequest");
    entra.call("PUT", "/applications", None).await.expect(405);
}

#[tokio::test]
async fn the_audits_say_who_changed_what() {
    let entra = Entra::new();
    let app = entra.post("/applications", json!({"displayName": "dbt"})).await.expect(201);
    let id = text(&app["id"]);
    entra.upsert("kept-apart", json!({"displayName": "another"})).await.expect(201);
    entra.patch("/applications(uniqueName='kept-apart')", json!({"displayName": "renamed"})).await.expect(204);
    entra.post(&format!("/applications/{id}/addPassword"), json!({})).await.expect(200);
    entra.patch(&format!("/applications/{id}"), json!({"nonsense": 1})).await.expect(400);
    entra.delete(&format!("/applications/{id}")).await.expect(204);
    let since = "activityDateTime ge 2020-01-01T00:00:00Z";
    let filter = format!("{since} and targetResources/any(t:t/id eq '{id}')");
    let found = entra.get(&format!("/auditLogs/directoryAudits?$filter={filter}&$top=2")).await.expect(200);
    let activities = |body: &Value| -> Vec<String> {
        body["value"].as_array().expect("a list").iter().map(|entry| text(&entry["activityDisplayName"])).collect()
    };
    let secrets = "Update application \u{2013} Certificates and secrets management ";
    assert_eq!(activities(&found), ["Delete application", secrets], "the latest first; a refused change is none");
    assert!(found["value"][0]["initiatedBy"]["user"]["userPrincipalName"].is_string());
    let next = text(&found["@odata.nextLink"]);
    let next = next.strip_prefix("https://graph.microsoft.com/v1.0").expect("Graph's own URL");
    assert_eq!(activities(&entra.get(next).await.expect(200)), ["Add application"]);
    let all = entra.get(&format!("/auditLogs/directoryAudits?$filter={since}")).await.expect(200);
    let renamed =
        all["value"].as_array().expect("a list").iter().filter(|entry| entry["targetResources"][0]["id"] != id);
    assert_eq!(renamed.count(), 2, "made and renamed under its own key");
    entra.get("/auditLogs/directoryAudits?$filter=id eq 'x'").await.refused(400, "BadRequest");
}

#[tokio::test]
async fn changes_are_tracked_from_round_to_round() {
    let entra = Entra::new();
    let link = |body: &Value, name: &str| {
        let url = text(&body[name]);
        url.strip_prefix("https://graph.microsoft.com/v1.0").expect("Graph's own URL").to_owned()
    };
    for n in 0..100 {
        entra.app(&format!("bulk-{n}")).await;
    }
    let first = entra.get("/applications/delta?$select=id,displayName,passwordCredentials").await.expect(200);
    assert_eq!(first["value"].as_array().map(Vec::len), Some(100));
    let second = entra.get(&link(&first, "@odata.nextLink")).await.expect(200);
    assert_eq!(second["value"].as_array().map(Vec::len), Some(3));
    let next = link(&second, "@odata.deltaLink");
    assert_eq!(entra.get(&next).await.expect(200)["value"], json!([]), "nothing has changed");
    let id = |n: usize| text(&first["value"][n]["id"]);
    entra.post(&format!("/applications/{}/addPassword", id(0)), json!({})).await.expect(200);
    entra.patch(&format!("/applications/{}", id(1)), json!({"notes": "not selected"})).await.expect(204);
    entra.delete(&format!("/applications/{}", id(2))).await.expect(204);
    entra.delete(&format!("/applications/{}", id(3))).await.expect(204);
    entra.delete(&format!("/directory/deletedItems/{}", id(3))).await.expect(204);
    let changes = entra.get(&next).await.expect(200);
    let changes = changes["value"].as_array().expect("a list");
    let of = |n: usize| changes.iter().find(|change| change["id"] == json!(id(n)));
    assert!(of(0).is_some_and(|change| change["passwordCredentials"][0]["secretText"].is_null()));
    assert!(of(1).is_none());
    assert_eq!(of(2).map(|change| &change["@removed"]["reason"]), Some(&json!("changed")));
    assert_eq!(of(3).map(|change| &change["@removed"]["reason"]), Some(&json!("deleted")));
    let latest = entra.get("/applications/delta()?$deltatoken=latest").await.expect(200);
    assert_eq!(latest["value"], json!([]));
    entra.world.clock.advance(SignedDuration::from_hours(8 * 24));
    entra.get(&next).await.refused(410, "syncStateNotFound");
}
