//! Users, groups and the organisation, as far as extoauth reads them.

use extoauth_sandbox::seed;
use serde_json::json;

use crate::support::{Entra, How, text};

#[tokio::test]
async fn the_group_holds_the_five_developers() {
    let entra = Entra::new();
    let found = entra.get("/groups?$filter=displayName eq 'data-engineers'&$select=id,displayName").await.expect(200);
    let group = text(&found["value"][0]["id"]);
    let members =
        entra.get(&format!("/groups/{group}/transitiveMembers?$select=id,userPrincipalName")).await.expect(200);
    let mut names: Vec<_> =
        members["value"].as_array().expect("a list").iter().map(|one| text(&one["userPrincipalName"])).collect();
    names.sort();
    assert_eq!(names, seed::USERS);
    // A group inside.
    let inner =
        text(&entra.post("/groups", json!({"displayName": "inner", "mailNickname": "inner"})).await.expect(201)["id"]);
    let guest = entra.get("/users?$filter=userType eq 'Guest'").await.expect(200);
    assert!(text(&guest["value"][0]["userPrincipalName"]).contains("#EXT#"));
    let member = |id: &str| json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")});
    entra.post(&format!("/groups/{inner}/members/$ref"), member(&text(&guest["value"][0]["id"]))).await.expect(204);
    entra.post(&format!("/groups/{group}/members/$ref"), member(&inner)).await.expect(204);
    let count = |path: &str| {
        let path = format!("/groups/{group}/{path}/$count");
        let how = How { headers: vec![("consistencylevel", "eventual".to_owned())], ..How::default() };
        let entra = &entra;
        async move { entra.call_as(&how, "GET", &path, None).await.text }
    };
    assert_eq!(count("members").await, "6");
    assert_eq!(count("transitiveMembers").await, "6");
    entra.get(&format!("/groups/{group}/members/$count")).await.refused(400, "Request_UnsupportedQuery");
    let page = entra.get(&format!("/groups/{group}/members?$top=4")).await.expect(200);
    let next = text(&page["@odata.nextLink"]);
    let rest = entra.get(next.strip_prefix("https://graph.microsoft.com/v1.0").expect("Graph")).await.expect(200);
    assert_eq!(rest["value"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_user_leaves() {
    let entra = Entra::new();
    let path = "/users/dev1@example.com";
    let read = entra.get(path).await.expect(200);
    assert!(read.get("accountEnabled").is_none(), "only when it is selected");
    entra.patch(path, json!({"accountEnabled": false})).await.expect(204);
    let read = entra.get(&format!("{path}?$select=id,accountEnabled")).await.expect(200);
    assert_eq!(read["accountEnabled"], false);
    entra.get("/users/nobody@example.com").await.refused(404, "Request_ResourceNotFound");
    entra.delete(path).await.expect(204);
    entra.get(path).await.refused(404, "Request_ResourceNotFound");
    let organization = entra.get("/organization").await.expect(200);
    assert_eq!(organization["value"][0]["id"], seed::ENTRA_TENANT);
}

#[tokio::test]
async fn members_are_bare_ids_without_the_right_to_read_users() {
    let entra = Entra::new();
    let found = entra.get("/groups?$filter=displayName eq 'data-engineers'").await.expect(200);
    let path = format!("/groups/{}/members?$select=id,mail", text(&found["value"][0]["id"]));
    entra.take_away("User.Read.All").await;
    let how = How { token: Some(entra.token().await), ..How::default() };
    let members = entra.call_as(&how, "GET", &path, None).await.expect(200);
    assert_eq!(members["value"].as_array().map(Vec::len), Some(5));
    assert!(members["value"][0]["id"].is_string() && members["value"][0]["mail"].is_null());
}
