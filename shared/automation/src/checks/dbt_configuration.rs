//! dbt's OAuth configuration is there, for the right kind of identity provider, and names the right resource.

use extoauth_core::finding::Finding;
use extoauth_core::systems::Idp;
use extoauth_systems::dbt::OauthConfiguration;

use super::Rule;
use super::common::slip;
use crate::observe::{Observed, Seen};

/// Its id.
pub const ID: &str = "dbt_configuration";

const NOBODY: &str = "nobody can sign in";
const PLACE: &str = "dbt: Account settings > Integrations > Custom";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let idp = observed.desired.idp;
    let rule = Rule {
        check: ID,
        row: "R26",
        resource: "dbt.oauth_configuration",
        expected: match idp {
            Idp::Okta => "an OAuth configuration of the type `okta`".into(),
            Idp::Entra => {
                "an OAuth configuration of the type `entra` with the resource app's Application ID URI".into()
            }
        },
    };
    let finding = match &observed.dbt.configuration {
        Seen::Unread(why) => rule.unknown(why),
        Seen::Gone => rule.critical(
            "the configuration that was recorded is not there any more (dbt says the same where our token may not see it)",
            NOBODY,
            "ask for `verify` with `repair: true`: it makes a new one and points the connection at it",
        ),
        Seen::There(configuration) if configuration.kind != idp.to_string() => rule.critical(
            format!("its type is `{}`", configuration.kind),
            NOBODY,
            "the type cannot be changed: ask for `verify` with `repair: true`, which makes a new one",
        ),
        Seen::There(configuration) => match idp {
            Idp::Okta => okta(configuration, &rule),
            Idp::Entra => entra(configuration, observed, &rule),
        },
    };
    vec![finding]
}

fn okta(configuration: &OauthConfiguration, rule: &Rule<'_>) -> Finding {
    match &configuration.application_id_uri {
        None => rule.ok(format!("`{}`", configuration.name)),
        // dbt's provider for Terraform refuses this; what dbt does with it is not documented.
        Some(uri) => rule.critical(
            format!("it has the Application ID URI `{uri}`, which belongs to Entra"),
            "dbt may ask Okta for scopes that it does not have",
            format!("take it off: {PLACE}"),
        ),
    }
}

fn entra(configuration: &OauthConfiguration, observed: &Observed, rule: &Rule<'_>) -> Finding {
    const SCOPES: &str = "nobody can sign in: dbt asks for the scopes of another resource";
    let Some(uri) = &configuration.application_id_uri else {
        return rule.critical("it has no Application ID URI", SCOPES, format!("enter it: {PLACE}"));
    };
    let Seen::There(audience) = &observed.idp.audience else {
        let why = crate::observe::Unread::because(
            format!("its Application ID URI is `{uri}`; whether the resource app has it cannot be compared"),
            "see `server_app`",
        );
        return rule.unknown(observed.idp.audience.unread().unwrap_or(&why));
    };
    // Version 1 tokens carry the URI as it was asked for; version 2 tokens the bare app id, which the URI usually holds.
    // Whether a URI without it is one of the resource app's is the scope's check.
    if audience.contains("://") && uri != audience {
        let cause = slip(uri, audience).map(|cause| format!(": {cause}")).unwrap_or_default();
        return rule.critical(
            format!("its Application ID URI is `{uri}`, the resource app's is `{audience}`{cause}"),
            SCOPES,
            format!("set it to exactly `{audience}`: {PLACE}"),
        );
    }
    rule.ok(format!("`{}`, with `{uri}`", configuration.name))
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{self, Critical, Ok, Unknown};

    use super::super::testing::{ENTRA_URI, healthy, severities, unread};
    use super::*;

    fn with(idp: Idp, change: fn(&mut OauthConfiguration)) -> Vec<Severity> {
        let mut observed = healthy(idp);
        if let Seen::There(configuration) = &mut observed.dbt.configuration {
            change(configuration);
        }
        severities(&observed, ID)
    }

    #[test]
    fn both_types() {
        assert_eq!(with(Idp::Okta, |_| ()), [Ok]);
        assert_eq!(with(Idp::Entra, |_| ()), [Ok]);
        assert_eq!(with(Idp::Okta, |c| c.kind = "entra".into()), [Critical]);
        assert_eq!(with(Idp::Okta, |c| c.application_id_uri = Some(ENTRA_URI.into())), [Critical]);
        assert_eq!(with(Idp::Entra, |c| c.application_id_uri = None), [Critical]);
        assert_eq!(with(Idp::Entra, |c| c.application_id_uri = Some(format!("{ENTRA_URI}/"))), [Critical]);
    }

    #[test]
    fn gone_and_unread() {
        let mut observed = healthy(Idp::Entra);
        observed.idp.audience = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
        observed.dbt.configuration = Seen::Gone;
        assert_eq!(severities(&observed, ID), [Critical]);
        observed.dbt.configuration = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
    }
}
