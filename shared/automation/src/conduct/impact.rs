//! Whom a planned change would ask to sign in again.

use extoauth_core::engine::{ChangeKind, Plan, Resource};
use extoauth_core::error::CallResult;
use extoauth_core::finding::{Finding, Severity};
use jiff::Timestamp;

use super::apply::Prepared;
use crate::observe::{Known, Unread};
use crate::resources::okta::{AppIdentity, AuthorizationServer, OidcApp, ServerIdentity, TokenRule};
use crate::systems::OktaPort;
use crate::watch::lifetimes::SignIns;

/// Stable id of what is said here.
const ID: &str = "sign_ins_hit";

/// Who is signed in, and how many of them a change would hit.
struct Hit {
    people: usize,
    hit: usize,
    complete: bool,
}

/// How many people would have to sign in again at once if this plan were carried out; `None`: nothing in it touches
/// sign-ins. Only Okta lists refresh tokens; Entra's live as long as Entra says, whatever is changed here.
pub(super) async fn sign_ins(prepared: &Prepared, known: &Known, plan: &Plan, now: Timestamp) -> Option<Finding> {
    let port = prepared.systems.okta.as_ref()?;
    let changed = |kind: &str| plan.changes.iter().find(|change| change.resource.as_str() == kind);
    let anew = |kind: &str| changed(kind).filter(|change| change.change != ChangeKind::Update);
    // A server or client that is made anew knows none of the tokens that there are.
    let all = anew(AuthorizationServer::KIND).or(anew(OidcApp::KIND));
    let because = all.or(changed(TokenRule::KIND))?;
    let server = known.identity::<ServerIdentity>(AuthorizationServer::KIND)?.id;
    let app = known.identity::<AppIdentity>(OidcApp::KIND)?.id;
    let read = count(port, &server, &app, prepared, now).await;
    let read = read.map(|read| if all.is_some() { Hit { hit: read.people, ..read } } else { read });
    Some(finding(because.resource.as_str(), read.map_err(|error| Unread::from(&error))))
}

async fn count(port: &OktaPort, server: &str, app: &str, prepared: &Prepared, now: Timestamp) -> CallResult<Hit> {
    let app = port.read().app(app).await?;
    let client = app.client_id.as_deref().unwrap_or(&app.id);
    let tokens = SignIns::read(port.read(), server, client, prepared.desired.lifetimes).await?;
    Ok(Hit { people: tokens.people(now), hit: tokens.hit(now), complete: tokens.complete })
}

fn finding(resource: &str, read: Result<Hit, Unread>) -> Finding {
    let (severity, found, fix) = match read {
        Ok(Hit { people, hit, complete }) => {
            let at_least = if complete { "" } else { "at least " };
            (
                Severity::Info,
                format!("{at_least}{hit} of {people} people who are signed in would have to sign in again at once"),
                "nothing where none are; else choose a time when that disturbs few, and tell them".to_owned(),
            )
        }
        Err(why) => (
            Severity::Unknown,
            format!("how many people would have to sign in again could not be read: {}", why.why),
            why.fix,
        ),
    };
    Finding {
        check: ID.into(),
        severity,
        resource: resource.to_owned(),
        expected: "people who stay signed in".into(),
        found,
        effect: "they are asked to sign in at Okta when they next use dbt; queries that run go on".into(),
        fix,
        row: "R10".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_told_and_what_is_not_says_so() {
        let told = finding("okta.server.policy.rule", Ok(Hit { people: 7, hit: 2, complete: true }));
        assert_eq!(
            (told.severity, told.found.split(" would").next()),
            (Severity::Info, Some("2 of 7 people who are signed in"))
        );
        let told = finding("okta.server", Ok(Hit { people: 5_000, hit: 12, complete: false }));
        assert!(told.found.starts_with("at least 12 of 5000 people"), "{}", told.found);
        let told = finding("okta.server", Err(Unread::because("Okta refused it", "grant the scope")));
        assert_eq!((told.severity, told.fix.as_str()), (Severity::Unknown, "grant the scope"));
        assert!(told.found.ends_with("Okta refused it"), "{}", told.found);
    }
}
