//! Who may sign in at Okta, and what their access tokens will carry.

use std::collections::{BTreeMap, BTreeSet};

use extoauth_systems::okta::{Account, AppUser, AppUserPage, AuthorizationServer, Claim as ServerClaim};
use serde_json::{Map, Value};

use super::Seen;
use super::expression::{Words, carried_by_every_token, evaluate};
use super::view::{Assigned, AssignedUser, Members};
use crate::observe::{Claim, OTHERS, Person};

/// States of an assignment in which the app cannot be used (Okta's management API description, `AppUserStatus`).
const SHUT_OUT: [&str; 5] = ["INACTIVE", "SUSPENDED", "DEPROVISIONED", "REVOKED", "UNASSIGNED"];
/// States of an account that can sign in; the last two on the way to a new password.
const SIGNS_IN: [&str; 3] = ["ACTIVE", "PASSWORD_EXPIRED", "RECOVERY"];
/// The claim that Okta's own servers put into every access token.
const SUBJECT: &str = "sub";

/// Who may use the app: for the checks, and with all that claims are made of.
pub(super) struct Subjects {
    pub assigned: Assigned,
    users: Vec<AppUser>,
}

pub(super) fn subjects(page: AppUserPage, joined: Vec<AppUser>) -> Subjects {
    let users: Vec<AppUser> = page.users.into_iter().chain(joined).collect();
    let assigned = Assigned { users: users.iter().map(assigned_user).collect(), complete: page.complete };
    Subjects { assigned, users }
}

fn assigned_user(user: &AppUser) -> AssignedUser {
    let account = user.account.as_ref();
    let account_active = account.and_then(|a| a.status.as_deref()).is_none_or(|status| SIGNS_IN.contains(&status));
    let assignment_active = user.status.as_deref().is_none_or(|status| !SHUT_OUT.contains(&status));
    AssignedUser { id: user.id.clone(), name: name(user), active: account_active && assignment_active }
}

fn name(user: &AppUser) -> String {
    let login = user.account.as_ref().and_then(|account| account.profile.get("login")).and_then(Value::as_str);
    login.or(user.user_name.as_deref()).unwrap_or(&user.id).to_owned()
}

/// Members of wanted groups who come in without being assigned, where the app lets everybody in. Their name in the app
/// is made by its template.
pub(super) fn of_members(
    page: &AppUserPage,
    members: &BTreeMap<String, Seen<Members>>,
    template: Option<&str>,
) -> Vec<AppUser> {
    let mut known: BTreeSet<&str> = page.users.iter().map(|user| user.id.as_str()).collect();
    let everyone = members.values().filter_map(Seen::there).flat_map(|members| &members.people);
    let new = everyone.filter(|member| known.insert(&member.id)).map(|member| {
        let mut profile = Map::new();
        for (attribute, value) in [("login", &member.login), ("email", &member.email)] {
            if let Some(value) = value {
                profile.insert(attribute.to_owned(), value.as_str().into());
            }
        }
        let user_name = match template {
            None | Some("${source.login}") => member.login.clone(),
            Some("${source.email}") => member.email.clone(),
            Some(_) => None,
        };
        let account = Some(Account { status: member.status.clone(), profile });
        AppUser { id: member.id.clone(), scope: None, status: None, user_name, profile: Map::new(), account }
    });
    new.collect()
}

/// Who can sign in, and what their access tokens will carry: Okta's own part, and the server's claims.
pub(super) fn people(
    subjects: &Seen<Subjects>,
    claims: &Seen<Vec<ServerClaim>>,
    server: &Seen<AuthorizationServer>,
    client_id: &Seen<String>,
) -> Seen<Vec<Person>> {
    subjects.as_ref().map(|subjects| {
        let issuer = server.there();
        let client_id = client_id.there().map(String::as_str).unwrap_or_default();
        let active = subjects.users.iter().zip(&subjects.assigned.users).filter(|(_, user)| user.active);
        let each = active.map(|(user, assigned)| {
            let claims = claims.there().map(|claims| token(user, claims, issuer, client_id));
            Person { name: assigned.name.clone(), claims: claims.unwrap_or_default() }
        });
        each.collect()
    })
}

fn token(
    user: &AppUser,
    claims: &[ServerClaim],
    server: Option<&AuthorizationServer>,
    client_id: &str,
) -> BTreeMap<String, Claim> {
    let is = |text: Option<&str>| text.map_or(Claim::Unknown, |text| Claim::Is(text.to_owned()));
    let words = Words {
        user_name: user.user_name.as_deref(),
        app_profile: &user.profile,
        profile: user.account.as_ref().map(|account| &account.profile),
        client_id,
    };
    let mut token = BTreeMap::from([
        ("uid".to_owned(), is(Some(&user.id))),
        ("cid".to_owned(), is(Some(client_id))),
        ("iss".to_owned(), is(server.map(|server| server.issuer.as_str()))),
        ("aud".to_owned(), is(server.and_then(|server| server.audiences.first()).map(String::as_str))),
        // Another in every token.
        ("jti".to_owned(), Claim::Unknown),
        (SUBJECT.to_owned(), is(words.user_name)),
        (OTHERS.to_owned(), Claim::Missing),
    ]);
    for claim in claims.iter().filter(|claim| claim.claim_type.as_deref() == Some("RESOURCE")) {
        let value = match (carried_by_every_token(claim), claim.value_type.as_deref(), &claim.value) {
            (false, ..) => Claim::Missing,
            (true, Some("EXPRESSION"), Some(expression)) => evaluate(expression, &words),
            (true, ..) => Claim::Unknown,
        };
        token.insert(claim.name.clone(), value);
    }
    token
}

#[cfg(test)]
mod tests {
    use extoauth_systems::okta::Member;
    use serde_json::json;

    use super::*;

    fn page() -> AppUserPage {
        let user = |id: &str, status: &str, account: &str| {
            json!({"id": id, "status": status, "credentials": {"userName": format!("{id}@app")},
                "_embedded": {"user": {"status": account,
                    "profile": {"login": format!("{id}@example.com"), "email": format!("{id}@mail")}}}})
        };
        let users = json!([user("00u1", "ACTIVE", "ACTIVE"), user("00u2", "ACTIVE", "SUSPENDED"),
            user("00u3", "SUSPENDED", "ACTIVE"), {"id": "00u4", "credentials": {"userName": "four"}}]);
        AppUserPage { users: serde_json::from_value(users).expect("users"), complete: true }
    }

    fn claims(raw: Value) -> Seen<Vec<ServerClaim>> {
        Seen::There(serde_json::from_value(raw).expect("claims"))
    }

    #[test]
    fn those_who_can_sign_in_and_their_claims() {
        let claims = claims(json!([
            {"id": "1", "name": "sub", "status": "ACTIVE", "claimType": "RESOURCE", "valueType": "EXPRESSION",
             "value": "(appuser != null) ? appuser.userName : app.clientId"},
            {"id": "2", "name": "email", "status": "ACTIVE", "claimType": "IDENTITY", "valueType": "SYSTEM"},
            {"id": "3", "name": "mail", "status": "ACTIVE", "claimType": "RESOURCE", "valueType": "EXPRESSION",
             "value": "user.email"},
            {"id": "4", "name": "groups", "status": "ACTIVE", "claimType": "RESOURCE", "valueType": "GROUPS",
             "value": "x"},
        ]));
        let subjects = Seen::There(subjects(page(), Vec::new()));
        let client = Seen::There("0oa1".to_owned());
        let found = people(&subjects, &claims, &Seen::Gone, &client);
        let found = found.there().expect("people");
        let names: Vec<_> = found.iter().map(|person| person.name.as_str()).collect();
        assert_eq!(names, ["00u1@example.com", "four"]);
        let is = |text: &str| Claim::Is(text.to_owned());
        let one = &found[0];
        let expected = [
            ("sub", is("00u1@app")),
            ("mail", is("00u1@mail")),
            ("uid", is("00u1")),
            ("email", Claim::Missing),
            ("upn", Claim::Missing),
            ("oid", Claim::Missing),
            ("groups", Claim::Unknown),
            ("other", Claim::Missing),
        ];
        for (claim, value) in expected {
            assert_eq!(one.claim(claim), value, "{claim}");
        }
        assert_eq!(found[1].claim("mail"), Claim::Unknown, "the account was not read");
    }

    #[test]
    fn claims_that_were_not_read_are_not_foreseen() {
        let subjects = Seen::There(subjects(page(), Vec::new()));
        let found = people(&subjects, &Seen::default(), &Seen::Gone, &Seen::Gone);
        assert_eq!(found.there().expect("people")[0].claim("sub"), Claim::Unknown);
    }

    #[test]
    fn an_app_for_everybody_lets_members_in() {
        let member = |id: &str| Member {
            id: id.into(),
            status: Some("ACTIVE".into()),
            login: Some(format!("{id}@example.com")),
            email: None,
        };
        let members = Members { people: vec![member("00u1"), member("00u9")], complete: true };
        let members = BTreeMap::from([("00g1".to_owned(), Seen::There(members)), ("00g2".to_owned(), Seen::Gone)]);
        let joined = of_members(&page(), &members, Some("${source.login}"));
        let names: Vec<_> = joined.iter().map(|user| (user.id.as_str(), user.user_name.as_deref())).collect();
        assert_eq!(names, [("00u9", Some("00u9@example.com"))]);
        assert_eq!(of_members(&page(), &members, Some("${user.x}"))[0].user_name, None);
    }
}
