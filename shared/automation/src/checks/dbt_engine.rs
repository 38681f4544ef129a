//! The environments run on an engine that has external OAuth with Redshift.

use extoauth_core::finding::Finding;

use super::Rule;
use super::common::follows;
use crate::observe::{Observed, Seen};

/// Its id.
pub const ID: &str = "dbt_engine";

/// Fusion has no external OAuth with Redshift (dbt-fusion issue 1571; dbt's documentation of its Redshift set-up lists a
/// password and IAM).
pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    observed
        .dbt
        .environments
        .iter()
        .map(|view| {
            let resource = format!("dbt.environment_connection[{}/{}]", view.project, view.id);
            let rule = Rule {
                check: ID,
                row: "R29",
                resource: &resource,
                expected: "a release track of dbt Core, not of Fusion".into(),
            };
            match &view.environment {
                Seen::There(environment) if environment.is_fusion() => rule.critical(
                    format!("`{}`", environment.dbt_version),
                    "nobody who works in this environment can sign in: dbt Fusion does not support external OAuth with \
                     Redshift",
                    format!(
                        "choose a release track of dbt Core: dbt: Project {} > Environments > {}",
                        view.project, view.id
                    ),
                ),
                Seen::There(environment) => rule.ok(format!("`{}`", environment.dbt_version)),
                Seen::Unread(why) => rule.unknown(why),
                Seen::Gone => rule.unknown(&follows("the environment", "dbt_environment")),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Ok, Unknown};
    use extoauth_core::systems::Idp;
    use serde_json::json;

    use super::super::testing::{environment, healthy, severities, unread};
    use super::*;

    #[test]
    fn fusion_is_not_supported() {
        let mut observed = healthy(Idp::Okta);
        assert_eq!(severities(&observed, ID), [Ok]);
        observed.dbt.environments[0].environment = Seen::There(environment(&json!({"dbt_version": "latest-fusion"})));
        assert_eq!(severities(&observed, ID), [Critical]);
        for environment in [Seen::Gone, unread()] {
            observed.dbt.environments[0].environment = environment;
            assert_eq!(severities(&observed, ID), [Unknown]);
        }
    }
}
