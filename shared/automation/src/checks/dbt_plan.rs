//! The account's plan has external OAuth.

use extoauth_core::finding::Finding;

use super::Rule;
use crate::observe::{Observed, Seen, Unread};

/// Its id.
pub const ID: &str = "dbt_plan";

/// External OAuth is for accounts of the Enterprise tiers (dbt's page on external OAuth); a trial has them for a while.
pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let resource = format!("dbt/{}", observed.desired.dbt_system);
    let rule = Rule {
        check: ID,
        row: "R01",
        resource: &resource,
        expected: "an Enterprise plan, which external OAuth belongs to".into(),
    };
    const WITHOUT: &str = "dbt may switch external OAuth off, and then nobody can sign in";
    let finding = match &observed.dbt.plan {
        Seen::There(account) if account.locked => rule.warning(
            format!("the account is locked (plan `{}`)", account.plan),
            "developers cannot work in dbt at all",
            "ask dbt's support, or whoever pays for the account",
        ),
        Seen::There(account) if account.plan.starts_with("enterprise") => rule.ok(format!("`{}`", account.plan)),
        Seen::There(account) if account.plan.is_empty() => rule.unknown(&Unread::because(
            "dbt does not tell the account's plan to our token",
            "look at dbt: Account settings > Billing",
        )),
        Seen::There(account) if account.plan.starts_with("trial") => {
            rule.info(format!("`{}`", account.plan), WITHOUT, "choose an Enterprise plan before the trial ends")
        }
        // What plans by use include is not documented.
        Seen::There(account) if account.plan.starts_with("usage") => {
            rule.info(format!("`{}`", account.plan), WITHOUT, "ask dbt whether external OAuth is part of it")
        }
        Seen::There(account) => rule.warning(format!("`{}`", account.plan), WITHOUT, "choose an Enterprise plan"),
        Seen::Unread(why) => rule.unknown(why),
        Seen::Gone => {
            rule.unknown(&Unread::because("our token does not see the account", "check the token and its account"))
        }
    };
    vec![finding]
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Info, Ok, Unknown, Warning};
    use extoauth_core::systems::Idp;
    use extoauth_systems::dbt::AccountPlan;

    use super::super::testing::{healthy, severities, unread};
    use super::*;

    #[test]
    fn plans() {
        let mut observed = healthy(Idp::Okta);
        for (plan, locked, severity) in [
            ("enterprise", false, Ok),
            ("enterprise_plus_2025", false, Ok),
            ("enterprise", true, Warning),
            ("trial_2025", false, Info),
            ("team_2022", false, Warning),
            ("cancelled", false, Warning),
            ("", false, Unknown),
        ] {
            observed.dbt.plan = Seen::There(AccountPlan { id: 1, plan: plan.into(), locked });
            assert_eq!(severities(&observed, ID), [severity], "{plan}");
        }
        observed.dbt.plan = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
    }
}
