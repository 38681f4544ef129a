//! Tests of what is derived from the reads.

use extoauth_systems::entra::{Application, Member};
use serde_json::{Value, json};

use super::*;

fn app(version: Value, claims: Value) -> Application {
    let raw = json!({"id": "o", "appId": "11-22", "api": {"requestedAccessTokenVersion": version},
        "optionalClaims": {"accessToken": claims}});
    serde_json::from_value(raw).expect("an application")
}

fn member(guest: bool) -> Member {
    Member {
        id: "u1".into(),
        user_principal_name: if guest { "g_x#EXT#@contoso.example" } else { "dev1@example.com" }.into(),
        mail: Some("mail@example.com".into()),
        display_name: Some("Dev".into()),
        given_name: None,
        surname: None,
        enabled: Some(true),
        guest,
    }
}

#[test]
fn the_audience_follows_the_version() {
    assert_eq!(audience(&app(json!(1), json!([]))), "api://11-22");
    assert_eq!(audience(&app(Value::Null, json!([]))), "api://11-22");
    assert_eq!(audience(&app(json!(2), json!([]))), "11-22");
    let pinned = json!([{"name": "aud", "additionalProperties": ["use_guid"]}]);
    assert_eq!(audience(&app(json!(1), pinned)), "11-22");
}

#[test]
fn claims_of_members_and_guests() {
    let email = json!([{"name": "email"}]);
    let external = json!([{"name": "upn", "additionalProperties": ["include_externally_authenticated_upn"]}]);
    let is = |text: &str| Claim::Is(text.into());
    let table = [
        (json!(1), json!([]), false, "upn", is("dev1@example.com")),
        (json!(1), json!([]), false, "email", Claim::Missing),
        (json!(1), email.clone(), false, "email", is("mail@example.com")),
        (json!(1), json!([]), false, "preferred_username", Claim::Missing),
        (json!(1), json!([]), false, "nothing_of_entra", Claim::Missing),
        (json!(1), json!([]), false, "name", is("Dev")),
        (json!(1), json!([]), false, "family_name", Claim::Missing),
        (json!(1), json!([]), true, "upn", Claim::Missing),
        (json!(1), external, true, "upn", is("g_x#EXT#@contoso.example")),
        (json!(1), json!([]), true, "email", is("mail@example.com")),
        (json!(2), json!([]), false, "upn", Claim::Missing),
        (json!(2), email, false, "email", is("mail@example.com")),
        (json!(2), json!([]), false, "oid", is("u1")),
        (json!(2), json!([]), false, "preferred_username", Claim::Unknown),
    ];
    for (version, claims, guest, claim, holds) in table {
        let found = claims_of(&member(guest), &app(version.clone(), claims), "upn");
        let person = Person { name: "x".into(), claims: found };
        assert_eq!(person.claim(claim), holds, "version {version}, guest {guest}, {claim}");
    }
}

#[test]
fn the_credential_is_known_by_its_name_or_its_beginning() {
    let app: Application = serde_json::from_value(json!({"id": "o", "appId": "a", "passwordCredentials": [
        {"keyId": "1", "displayName": "extoauth:main/x#v1", "hint": "aaa"},
        {"keyId": "2", "displayName": "extoauth:main/x", "hint": "bbb"}]}))
    .expect("an application");
    let of = |version: &str, hint: &str| SecretView { version: Some(version.into()), hint: Seen::There(hint.into()) };
    let found = |view: SecretView| view.among(&app.passwords).map(|one| one.key_id.clone());
    assert_eq!(found(of("v1", "zzz")).as_deref(), Some("1"));
    assert_eq!(found(of("v2", "bbb")).as_deref(), Some("2"));
    assert_eq!(found(of("v2", "zzz")), None);
    assert_eq!(found(SecretView::default()), None);
}

#[test]
fn names_of_people_are_read_where_the_version_carries_them() {
    let person = Member { display_name: Some("Dev One".into()), surname: None, ..member(false) };
    let v1 = claims_of(&person, &app(json!(1), json!([])), "upn");
    assert_eq!(v1["name"], Claim::Is("Dev One".into()));
    assert_eq!(v1["family_name"], Claim::Missing);
    let v2 = claims_of(&person, &app(json!(2), json!([])), "upn");
    assert_eq!((&v2["name"], &v2["given_name"]), (&Claim::Unknown, &Claim::Missing));
    let unnamed = Member { user_principal_name: String::new(), ..person };
    assert_eq!(claims_of(&unnamed, &app(json!(1), json!([])), "upn")["name"], Claim::Unknown);
}
