//! What the access tokens of a resource app carry of a person (Microsoft identity platform: access token claims reference,
//! optional claims reference). Optional claims are those of the resource app, never of the client.

use std::collections::BTreeMap;

use extoauth_systems::entra::{Application, Member, TokenVersion};

use super::Claim;
use crate::observe::OTHERS;

/// Whether the access tokens for an app carry a claim, for its tenant's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// They do, for whoever has a value.
    Yes,
    /// They do not.
    No,
    /// It depends on what the client asks for, or on something else that is not read here.
    Unsure,
}

/// In tokens of either version, whatever is asked for.
const ALWAYS: [&str; 5] = ["iss", "aud", "oid", "sub", "tid"];
/// In tokens of version 1 besides.
const IN_V1: [&str; 6] = ["upn", "unique_name", "name", "given_name", "family_name", "appid"];
/// In tokens of version 2 with the scope `profile`. Whether dbt asks for it is UNCONFIRMED.
const WITH_PROFILE: [&str; 2] = ["preferred_username", "name"];

/// Whether the access tokens for an app carry a claim.
pub fn carried(app: &Application, claim: &str) -> Carried {
    let optional = app.access_token_claims.iter().any(|one| one == claim);
    match app.token_version {
        _ if ALWAYS.contains(&claim) => Carried::Yes,
        // No optional claim adds it to version 1.
        TokenVersion::V1 if claim == "preferred_username" => Carried::No,
        TokenVersion::V1 if IN_V1.contains(&claim) => Carried::Yes,
        TokenVersion::V2 if WITH_PROFILE.contains(&claim) => Carried::Unsure,
        TokenVersion::V1 | TokenVersion::V2 if !optional => Carried::No,
        _ if claim == "email" => Carried::Yes,
        // `upn` in version 2 needs the scope `profile` as well (optional claims reference).
        _ => Carried::Unsure,
    }
}

/// What a person's access token will hold, by claim. `agreed`: the claim that the trust is about.
pub(super) fn claims_of(member: &Member, app: &Application, agreed: &str) -> BTreeMap<String, Claim> {
    // Without the right to read users, members come with nothing but their id.
    let unnamed = member.user_principal_name.is_empty();
    let is = |value: Option<&str>| match value.filter(|value| !value.is_empty()) {
        Some(value) => Claim::Is(value.to_owned()),
        None => Claim::Missing,
    };
    let read = |claim: Claim| if unnamed { Claim::Unknown } else { claim };
    let name = Some(member.user_principal_name.as_str());
    let mail = member.mail.as_deref();
    let own = if member.guest { mail.or(name) } else { name };
    let upn = match carried(app, "upn") {
        _ if member.guest => guest_upn(member, app),
        Carried::Yes => is(name),
        Carried::No => Claim::Missing,
        Carried::Unsure => Claim::Unknown,
    };
    let email = match carried(app, "email") {
        // A guest's token has it by itself.
        _ if member.guest => is(mail),
        Carried::Yes => is(mail),
        Carried::No => Claim::Missing,
        Carried::Unsure => Claim::Unknown,
    };
    let (unique_name, preferred) = match app.token_version {
        TokenVersion::V1 => (is(own), Claim::Missing),
        TokenVersion::V2 => (Claim::Missing, Claim::Unknown),
    };
    let told = |value: &Option<String>, claim: &str| match carried(app, claim) {
        Carried::Yes => read(is(value.as_deref())),
        Carried::No => Claim::Missing,
        Carried::Unsure => Claim::Unknown,
    };
    let each = [
        ("oid", Claim::Is(member.id.clone())),
        ("upn", read(upn)),
        ("email", read(email)),
        ("unique_name", if unnamed && unique_name != Claim::Missing { Claim::Unknown } else { unique_name }),
        ("preferred_username", preferred),
        ("name", told(&member.display_name, "name")),
        ("given_name", told(&member.given_name, "given_name")),
        ("family_name", told(&member.surname, "family_name")),
    ];
    let mut claims: BTreeMap<String, Claim> = each.into_iter().map(|(name, claim)| (name.to_owned(), claim)).collect();
    // What is the same for everybody is nobody's name.
    let (client_claim, audience) = match app.token_version {
        TokenVersion::V1 => ("appid", super::audience(app)),
        TokenVersion::V2 => ("azp", app.app_id.clone()),
    };
    claims.insert("aud".to_owned(), Claim::Is(audience));
    for name in ["iss", "tid", client_claim] {
        claims.insert(name.to_owned(), Claim::Is("(the same for everybody)".to_owned()));
    }
    // Entra makes `sub` for each pair of user and app: no directory holds it, unless somebody has put it there on purpose.
    if agreed != "sub" {
        claims.insert("sub".to_owned(), Claim::Is("(a pseudonym that Entra makes)".to_owned()));
    }
    let made_of_others = ALWAYS.into_iter().chain(IN_V1).chain(WITH_PROFILE).chain([client_claim]);
    let optional = app.access_token_claims.iter().map(String::as_str);
    for name in made_of_others.chain(optional) {
        let foreseen = match carried(app, name) {
            Carried::No => Claim::Missing,
            Carried::Yes | Carried::Unsure => Claim::Unknown,
        };
        claims.entry(name.to_owned()).or_insert(foreseen);
    }
    // A claims mapping policy could add anything.
    let rest = if app.accepts_mapped_claims { Claim::Unknown } else { Claim::Missing };
    claims.insert(OTHERS.to_owned(), rest);
    claims
}

/// Guests have no `upn` unless the optional claim asks for their name in this tenant.
fn guest_upn(member: &Member, app: &Application) -> Claim {
    let name = &member.user_principal_name;
    if app.access_token_claim_says("upn", "include_externally_authenticated_upn_without_hash") {
        Claim::Is(name.replace('#', "_"))
    } else if app.access_token_claim_says("upn", "include_externally_authenticated_upn") {
        Claim::Is(name.clone())
    } else {
        Claim::Missing
    }
}
