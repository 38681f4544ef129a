//! Whether the claim that Identity Center looks at is in every access token (row R23). Identity Center never sees an ID
//! token.

use extoauth_core::finding::Finding;
use extoauth_systems::okta::Claim as ServerClaim;

use super::{names, read};
use crate::checks::Rule;
use crate::observe::okta::{AT_REFRESH, carried_by_every_token};
use crate::observe::{Claim, Observed, OktaView};

pub const ID: &str = "claim_in_token";

/// Texts that Okta puts into every access token by itself (its reference of access tokens). `sub` is a claim of the
/// server, too, and there it can be changed.
const BY_ITSELF: [&str; 5] = ["uid", "cid", "iss", "aud", "jti"];
const SUBJECT: &str = "sub";
const PLACE: &str = "Security > API > Authorization Servers > the server > Claims";

pub fn run(view: &OktaView, observed: &Observed) -> Vec<Finding> {
    let mapped = observed.center.issuer.there().map(|issuer| issuer.claim.as_str());
    let (claim, by) = match mapped {
        Some(claim) => (claim, "that the trusted token issuer maps"),
        None => (observed.trust.claim.as_str(), "that is agreed"),
    };
    let resource = format!("okta.server.claim[{claim}]");
    let expected = format!("the claim `{claim}`, {by}, in every access token");
    let rule = Rule { check: ID, row: "R23", resource: &resource, expected };
    let claims = match read(&rule, &view.claims, "server_app") {
        Ok(claims) => claims,
        Err(unknown) => return vec![unknown],
    };
    if BY_ITSELF.contains(&claim) {
        return vec![rule.ok(format!("Okta puts `{claim}` into every access token by itself"))];
    }
    let named = |kind: &str| claims.iter().find(|c| c.name == claim && c.claim_type.as_deref() == Some(kind));
    let found = match (named("RESOURCE"), named("IDENTITY")) {
        (Some(own), _) => match amiss(own) {
            Some(found) => found,
            None => return vec![values(&rule, claim, own, observed)],
        },
        (None, _) if claim == SUBJECT => {
            return vec![rule.ok("Okta puts `sub`, the name in the app, into every access token by itself")];
        }
        (None, Some(_)) => format!("`{claim}` is in the ID token only, which Identity Center never sees"),
        (None, None) => format!("the server has no claim `{claim}`"),
    };
    vec![rule.critical(found, effect(claim), fix(claim))]
}

fn effect(claim: &str) -> String {
    format!("people sign in to Okta and are refused at AWS: their tokens do not say who they are by `{claim}`")
}

fn fix(claim: &str) -> String {
    format!(
        "{PLACE} > {claim}: include in Access Token, Always; value type Expression; in any scope; or submit the request \
         `provision` again"
    )
}

/// Why a claim of the access token is not in every one, or is no text.
fn amiss(claim: &ServerClaim) -> Option<String> {
    let name = &claim.name;
    if claim.value_type.as_deref() == Some("GROUPS") {
        return Some(format!("`{name}` is a list of groups, not a name"));
    }
    if carried_by_every_token(claim) {
        return None;
    }
    let status = claim.status.as_deref().unwrap_or("without a status");
    if status != "ACTIVE" {
        return Some(format!("the claim `{name}` is {status}"));
    }
    Some(format!(
        "the claim `{name}` is bound to the scopes {}, and dbt refreshes with {} alone",
        claim.scopes.join(", "),
        AT_REFRESH.join(" and ")
    ))
}

/// Everybody's token carries the claim, if they have a value.
fn values(rule: &Rule<'_>, claim: &str, own: &ServerClaim, observed: &Observed) -> Finding {
    let value = own.value.as_deref().unwrap_or("Okta's own");
    let people = observed.idp.people.there().map(Vec::as_slice).unwrap_or_default();
    let without: Vec<&str> =
        people.iter().filter(|p| p.claim(claim) == Claim::Missing).map(|p| p.name.as_str()).collect();
    if without.is_empty() {
        return rule.ok(format!("`{claim}` is in every access token: {value}"));
    }
    rule.critical(
        format!("`{claim}` is `{value}`, which is empty for {}", names(without.iter().copied())),
        format!("{} sign in to Okta and are refused at AWS: their tokens have no `{claim}`", names(without)),
        format!("{PLACE} > {claim} > Value: an attribute that everybody has; or fill it in their profiles"),
    )
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Ok, Unknown};
    use serde_json::{Value, json};

    use super::*;
    use crate::checks::okta::testing::{claims, observed, run_on, view};
    use crate::observe::Seen;

    fn email(change: Value) -> Value {
        let mut claim = json!({"name": "email", "status": "ACTIVE", "claimType": "RESOURCE",
            "valueType": "EXPRESSION", "value": "user.email", "conditions": {"scopes": []}});
        claim.as_object_mut().expect("an object").extend(change.as_object().cloned().expect("an object"));
        claim
    }

    #[test]
    fn the_mapped_claim() {
        let sub = json!({"name": "sub", "status": "ACTIVE", "claimType": "RESOURCE", "valueType": "EXPRESSION",
            "value": "appuser.userName"});
        let no_sub = json!({"name": "sub", "status": "INACTIVE", "claimType": "RESOURCE",
            "valueType": "EXPRESSION", "value": "appuser.userName"});
        let scopes = |list: Value| email(json!({"conditions": {"scopes": list}}));
        for (mapped, seen, expected) in [
            ("sub", claims(&[sub]), Ok),
            ("sub", claims(&[]), Ok),
            ("sub", claims(&[no_sub]), Critical),
            ("uid", claims(&[]), Ok),
            ("email", claims(&[email(json!({}))]), Ok),
            ("email", claims(&[email(json!({"claimType": "IDENTITY"}))]), Critical),
            ("email", claims(&[email(json!({"status": "INACTIVE"}))]), Critical),
            ("email", claims(&[email(json!({"name": "mail"}))]), Critical),
            ("email", claims(&[email(json!({"valueType": "GROUPS"}))]), Critical),
            ("email", claims(&[email(json!({"alwaysIncludeInToken": false}))]), Ok),
            ("email", claims(&[scopes(json!(["session:role-any"]))]), Ok),
            ("email", claims(&[scopes(json!(["openid"]))]), Critical),
            ("email", claims(&[scopes(json!(["email"]))]), Critical),
            ("email", claims(&[]), Critical),
            ("email", Seen::Gone, Unknown),
            ("email", Seen::default(), Unknown),
        ] {
            let mut view = view();
            view.claims = seen;
            let mut observed = observed();
            if let Seen::There(issuer) = &mut observed.center.issuer {
                issuer.claim = mapped.into();
            }
            assert_eq!(run_on(&view, &observed, run), [expected], "{mapped} {:?}", view.claims);
        }
    }

    #[test]
    fn a_claim_that_is_empty_for_somebody() {
        let mut view = view();
        view.claims = claims(&[email(json!({}))]);
        let mut observed = observed();
        observed.center.issuer = Seen::Gone;
        observed.trust.claim = "email".into();
        assert_eq!(run_on(&view, &observed, run), [Ok]);
        if let Seen::There(people) = &mut observed.idp.people {
            people[0].claims.insert("email".into(), Claim::Missing);
        }
        assert_eq!(run_on(&view, &observed, run), [Critical]);
    }
}
