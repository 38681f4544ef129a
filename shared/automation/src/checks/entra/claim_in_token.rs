//! Whether the access token carries the claim by which Identity Center finds the user.

use extoauth_core::finding::Finding;

use super::{NOBODY, PROVISION, REGISTRATIONS};
use crate::checks::Rule;
use crate::observe::{Carried, EntraView, Observed, Seen, Unread, carried};

pub const ID: &str = "claim_in_token";

pub fn run(view: &EntraView, observed: &Observed) -> Vec<Finding> {
    let agreed = observed.trust.claim.as_str();
    let claim = observed.center.issuer.there().map_or(agreed, |issuer| issuer.claim.as_str());
    let rule = Rule {
        check: ID,
        row: "R23",
        resource: "entra.resource_app",
        expected: format!("access tokens carry the claim `{claim}`, which Identity Center maps"),
    };
    let app = match &view.resource {
        Seen::There(app) => app,
        Seen::Gone => return Vec::new(),
        Seen::Unread(why) => return vec![rule.unknown(why)],
    };
    let place = format!("{REGISTRATIONS} > {} ({}) > Token configuration", app.display_name, app.app_id);
    let version = app.token_version.number();
    let mut findings = match carried(app, claim) {
        Carried::Yes => vec![rule.ok(format!("version {version} tokens of the app carry `{claim}`"))],
        Carried::Unsure => vec![rule.unknown(&Unread::because(
            format!("whether version {version} tokens of the app carry `{claim}` depends on more than can be read"),
            "look at an access token (`aud`, `iss` and this claim), or map `upn` or `email`",
        ))],
        Carried::No => {
            let found = format!("version {version} tokens of the app do not carry `{claim}`");
            let effect = format!("{NOBODY}: Identity Center finds no user without the claim");
            if claim == agreed || !told_elsewhere(observed) {
                let fix = match claim {
                    "email" | "upn" => {
                        format!("add the optional claim `{claim}` to access tokens in {place}, or {PROVISION}")
                    }
                    _ => format!(
                        "map `{agreed}` in the trusted token issuer (IAM Identity Center > Settings > Authentication)"
                    ),
                };
                vec![rule.critical(found, effect, fix)]
            } else {
                // The mapping has changed, and not the tokens: that is the link, and it is told there.
                let fix = format!("map `{agreed}` again in the trusted token issuer");
                vec![rule.warning(found, effect, fix)]
            }
        }
    };
    if app.accepts_mapped_claims {
        findings.push(rule.info(
            "the app accepts mapped claims (`acceptMappedClaims`)",
            "a claims mapping policy can change what its tokens carry, and is not read here",
            format!(
                "if no such policy is meant, set `acceptMappedClaims` to null in {REGISTRATIONS} > {} > Manifest",
                app.display_name
            ),
        ));
    }
    findings
}

/// Whether the look-up of users already says that one of them cannot get in.
fn told_elsewhere(observed: &Observed) -> bool {
    let people = observed.center.people.there().into_iter().flatten();
    people.into_iter().any(|(_, resolved)| resolved.is_refused())
}
