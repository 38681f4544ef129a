//! Our own credential at an Okta org. A key of a service app has no end; an API token ends when it is not used for a while.

use extoauth_core::error::CallResult;
use extoauth_core::finding::{Finding, Severity};
use extoauth_systems::okta::{ApiToken, Myself, OwnCredential};
use jiff::{SignedDuration, Timestamp};

use super::own::{ID, Own, Stored, value};
use crate::clients::own_account;
use crate::observe::Unread;
use crate::watch::Watcher;

/// A token ends so long after its last use (Okta, "API token management").
const IDLE: SignedDuration = SignedDuration::from_hours(24 * 30);
/// A token that was used within this time is in use. Ours is used by this very check.
const IN_USE: SignedDuration = SignedDuration::from_hours(48);

pub(super) async fn observe(watcher: &Watcher<'_>, own: &mut Own) {
    let system = own.system.clone();
    for stored in own.stored.clone().iter().filter(|stored| stored.key != "hook_secret") {
        let kind = match value(watcher, stored).await {
            Ok(value) => OwnCredential::read(&system, &value),
            Err(error) => {
                own.unread(stored, own_account(), &Unread::from(&error));
                continue;
            }
        };
        match kind {
            Ok(OwnCredential::Key) => {}
            Ok(OwnCredential::ApiToken) => match tokens(watcher, &system.name, stored).await {
                Ok((myself, tokens)) => tokens.iter().for_each(|token| told(own, stored, &myself, token)),
                Err(error) => own.unread(stored, system.clone(), &Unread::from(&error)),
            },
            Err(error) => own.unread(stored, own_account(), &Unread::from(&error)),
        }
    }
}

/// The tokens of the user whose rights ours has: which of them is ours no call tells.
async fn tokens(watcher: &Watcher<'_>, name: &str, stored: &Stored) -> CallResult<(Myself, Vec<ApiToken>)> {
    let read = watcher.clients.okta_with(name, &stored.arn)?;
    // First our own use of it, so that the list shows it.
    let myself = read.myself().await?;
    let mut tokens = read.api_tokens().await?;
    tokens.retain(|token| token.user.as_deref() == Some(&myself.id));
    Ok((myself, tokens))
}

/// One that is in use is only worth knowing: its end moves with every use. One that is not is another one of the same user;
/// if a use did not move the end after all, it is ours, and is told in time.
pub(super) fn told(own: &mut Own, stored: &Stored, myself: &Myself, token: &ApiToken) {
    let name = format!("the API token `{}` ({}) of {}", token.name, token.id, myself.login);
    let key = format!("api_token/{}", token.id);
    let Some(ends) = token.ends else { return };
    if !is_in_use(ends, own.now) {
        own.ends(stored, own.system.clone(), &name, &key, ends);
        return;
    }
    let finding = Finding {
        check: ID.into(),
        severity: Severity::Info,
        resource: own.system.to_string(),
        expected: "a key of a service app, which has no end".into(),
        found: format!("{name} is in use; it ends 30 days after its last use, and with its owner"),
        effect: format!(
            "it has all rights of {}, and ends when they are deactivated; the checks use it every day and so keep it",
            myself.login
        ),
        fix: "use the key of an API Services app instead (docs/OPERATIONS.md)".into(),
        row: String::new(),
    };
    let source = own.system.clone();
    own.add(key, source, finding, None, "it goes on as long as it is used");
}

fn is_in_use(ends: Timestamp, now: Timestamp) -> bool {
    ends.checked_sub(IDLE).is_ok_and(|used| now.duration_since(used) < IN_USE)
}
