//! dbt still holds the secret that it was given. dbt shows nobody its secret: that somebody wrote another one shows only in
//! the time of the last change, while everything that dbt does show is as it was.

use extoauth_core::finding::Finding;
use extoauth_systems::dbt::OauthConfiguration;

use super::Rule;
use super::common::{listed, needed};
use crate::observe::{HeldSecret, Observed, Seen, Unread};

/// Its id.
pub const ID: &str = "secret_of_dbt";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let rule = Rule {
        check: ID,
        row: "R26",
        resource: "dbt.oauth_configuration",
        expected: "dbt holds the client secret that it was given last, and that is the current one".into(),
    };
    let mut findings = Vec::new();
    findings.extend(version(observed, &rule));
    findings.extend(written(observed, &rule));
    if findings.is_empty() {
        let version = observed.dbt.secret.there().map_or("", |secret| secret.held.version.as_str());
        findings.push(rule.ok(format!("version {version}, and nobody has written to the configuration since")));
    }
    findings
}

/// What is not as it should be about the version that dbt was given.
fn version(observed: &Observed, rule: &Rule<'_>) -> Option<Finding> {
    const STILL: &str = "logins go on as long as the identity provider takes the version that dbt holds";
    let secret = match &observed.dbt.secret {
        Seen::There(secret) => secret,
        Seen::Unread(why) => return Some(rule.unknown(why)),
        Seen::Gone => {
            let fix = "ask for `verify` with `repair: true`: it makes a new secret";
            return Some(rule.warning("Secrets Manager does not have the secret any more", STILL, fix));
        }
    };
    let HeldSecret { held, current, deleted } = secret;
    if *deleted {
        let fix = format!("restore it: aws secretsmanager restore-secret --secret-id {}", held.arn);
        return Some(rule.warning("the secret is marked for deletion in Secrets Manager", STILL, fix));
    }
    match current {
        Some(current) if *current == held.version => None,
        Some(current) => Some(rule.warning(
            format!("dbt was given version {}, the current one is {current}", held.version),
            STILL,
            "ask for `verify` with `repair: true`, or `rotate_secret`: dbt is given the current one",
        )),
        None => Some(rule.unknown(&Unread::because(
            "Secrets Manager calls no version of the secret current",
            "ask for `rotate_secret`",
        ))),
    }
}

/// Whether somebody else may have written another secret.
fn written(observed: &Observed, rule: &Rule<'_>) -> Option<Finding> {
    let configuration = match needed(&observed.dbt.configuration, "dbt's OAuth configuration", "dbt_configuration") {
        Ok(configuration) => configuration,
        Err(why) => return Some(rule.unknown(&why)),
    };
    let last = observed.baseline.as_ref().and_then(|baseline| baseline.oauth_configuration_written);
    let Some(last) = last else {
        return Some(rule.info(
            "it is not noted when the configuration was last written by us",
            "whether somebody has given dbt another secret since cannot be told",
            "none: the next complete run notes it",
        ));
    };
    let Some(now) = configuration.updated_at else {
        return Some(rule.unknown(&Unread::because(
            "dbt does not say when the configuration was last written",
            "ask whoever administers dbt, or ask for `verify` with `repair: true`",
        )));
    };
    if now <= last {
        return None;
    }
    const REPAIR: &str = "ask for `verify` with `repair: true`: it writes our secret again";
    Some(match differences(configuration, observed) {
        Ok(differing) if differing.is_empty() => rule.critical(
            format!(
                "somebody has written to it at {now}, after us ({last}), and everything that dbt shows of it is as it \
                 was: all that can have changed is the secret, which dbt shows nobody"
            ),
            "nobody can sign in: dbt shows the identity provider a secret that is not the client's",
            REPAIR,
        ),
        Ok(differing) => rule.unknown(&Unread::because(
            format!(
                "somebody has written to it at {now}, after us ({last}), and changed {}; whether the secret as well, dbt \
                 shows nobody",
                listed(differing)
            ),
            REPAIR,
        )),
        Err(why) => rule.unknown(&Unread::because(
            format!("somebody has written to it at {now}, after us ({last}); {}", why.why),
            why.fix,
        )),
    })
}

/// Visible fields that are not as we write them.
fn differences(configuration: &OauthConfiguration, observed: &Observed) -> Result<Vec<&'static str>, Unread> {
    let (desired, idp) = (&observed.desired, &observed.idp);
    let first =
        |urls: &Seen<Vec<String>>| needed(urls, "what dbt is told", "client_app").map(|urls| urls.first().cloned());
    let client_id = needed(&idp.client_id, "the client", "client_app")?;
    let audience = needed(&idp.audience, "what issues the tokens", "server_app")?;
    let uri_differs = match configuration.application_id_uri.as_deref() {
        None => desired.idp == extoauth_core::systems::Idp::Entra,
        // Version 1 tokens carry the URI itself, version 2 tokens the app id that it usually holds.
        Some(uri) => uri != audience && !uri.contains(audience.as_str()),
    };
    let fields = [
        ("type", configuration.kind != desired.idp.to_string()),
        ("name", !is_our_name(configuration, observed)),
        ("client_id", configuration.client_id != *client_id),
        ("authorize_url", first(&idp.authorize_urls)?.is_some_and(|url| url != configuration.authorize_url)),
        ("token_url", first(&idp.token_urls)?.is_some_and(|url| url != configuration.token_url)),
        ("redirect_uri", observed.redirect_uri.as_ref().is_some_and(|uri| *uri != configuration.redirect_uri)),
        ("application_id_uri", uri_differs),
    ];
    Ok(fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect())
}

/// Its name is the one that the last complete run left.
fn is_our_name(configuration: &OauthConfiguration, observed: &Observed) -> bool {
    let left = observed.baseline.as_ref().and_then(|baseline| baseline.oauth_configuration_name.as_ref());
    left.is_none_or(|name| *name == configuration.name)
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Info, Ok, Unknown, Warning};
    use extoauth_core::systems::Idp;

    use super::super::testing::{findings, healthy, severities, unread};
    use super::*;

    fn later(idp: Idp) -> Observed {
        let mut observed = healthy(idp);
        if let Seen::There(configuration) = &mut observed.dbt.configuration {
            configuration.updated_at = Some("2026-03-02T09:00:00Z".parse().expect("a time"));
        }
        observed
    }

    #[test]
    fn a_write_that_shows_nowhere_was_the_secret() {
        for idp in [Idp::Okta, Idp::Entra] {
            assert_eq!(severities(&healthy(idp), ID), [Ok]);
            assert_eq!(severities(&later(idp), ID), [Critical]);
        }
    }

    #[test]
    fn a_write_that_shows_may_have_been_both() {
        let changes: [fn(&mut OauthConfiguration); 6] = [
            |c| c.name = "renamed".into(),
            |c| c.name.push('x'),
            |c| c.client_id = "x".into(),
            |c| c.token_url.push('/'),
            |c| c.redirect_uri.push('/'),
            |c| c.application_id_uri = Some("api://x".into()),
        ];
        for change in changes {
            let mut observed = later(Idp::Entra);
            if let Seen::There(configuration) = &mut observed.dbt.configuration {
                change(configuration);
            }
            let found = findings(&observed, ID);
            assert_eq!(found[0].severity, Unknown, "{found:?}");
        }
    }

    #[test]
    fn versions() {
        let mut observed = healthy(Idp::Okta);
        let with = |change: fn(&mut HeldSecret)| {
            let mut observed = observed.clone();
            if let Seen::There(secret) = &mut observed.dbt.secret {
                change(secret);
            }
            severities(&observed, ID)
        };
        assert_eq!(with(|s| s.current = Some("v2".into())), [Warning]);
        assert_eq!(with(|s| s.deleted = true), [Warning]);
        assert_eq!(with(|s| s.current = None), [Unknown]);
        observed.dbt.secret = Seen::Gone;
        assert_eq!(severities(&observed, ID), [Warning]);
        observed.dbt.secret = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
    }

    #[test]
    fn what_is_not_known() {
        let mut observed = healthy(Idp::Okta);
        observed.baseline = None;
        assert_eq!(severities(&observed, ID), [Info]);
        let mut observed = later(Idp::Okta);
        observed.idp.client_id = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
        observed.dbt.configuration = Seen::Gone;
        assert_eq!(severities(&observed, ID), [Unknown]);
    }
}
