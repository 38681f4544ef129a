//! The database itself is registered with the application: SQL's `CREATE IDENTITY PROVIDER … TYPE AWSIDC`.

use extoauth_core::finding::Finding;

use super::Rule;
use super::common::{listed, needed};
use crate::observe::{Observed, REGISTERED_SQL, Seen, Unread};

/// Its id.
pub const ID: &str = "warehouse_registered";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let resource = format!("redshift/{}", observed.desired.warehouse_system);
    let rule = Rule {
        check: ID,
        row: "R24",
        resource: &resource,
        expected: "the warehouse is registered with the application's ARN in IAM Identity Center".into(),
    };
    vec![judged(observed, &rule)]
}

fn judged(observed: &Observed, rule: &Rule<'_>) -> Finding {
    let rows = match &observed.warehouse.registered {
        Seen::There(rows) => rows,
        Seen::Unread(why) => return rule.unknown(why),
        Seen::Gone => {
            let why = "the warehouse does not know the table of its identity providers";
            return rule.unknown(&Unread::because(why, format!("have its administrator run `{REGISTERED_SQL};`")));
        }
    };
    let application = match needed(&observed.warehouse.application, "the Redshift application", "application_there") {
        Ok(application) => application,
        Err(why) => return rule.unknown(&why),
    };
    let Some(arn) = &application.managed_application_arn else {
        let why = "AWS does not tell the application's ARN in IAM Identity Center";
        return rule.unknown(&Unread::because(why, "look at the application in the Redshift console"));
    };
    if let Some(row) = rows.iter().find(|row| row.enabled && row.application_arn == *arn) {
        return rule.ok(format!("as `{}`, namespace `{}`", row.name, row.namespace));
    }
    let found = match rows.as_slice() {
        [] => "it is registered with no IAM Identity Center application".to_owned(),
        rows => format!("it is registered with {}", listed(rows.iter().map(|row| &row.application_arn))),
    };
    rule.critical(
        found,
        "nobody gets into the warehouse: it does not know who proves their tokens",
        format!(
            "as a superuser of the database: CREATE IDENTITY PROVIDER … TYPE AWSIDC NAMESPACE '{}' APPLICATION_ARN \
             '{arn}' IAM_ROLE '{}'",
            application.namespace.as_deref().unwrap_or("AWSIDC"),
            application.role_arn.as_deref().unwrap_or("…")
        ),
    )
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Ok, Unknown};
    use extoauth_core::systems::Idp;

    use super::super::testing::{findings, healthy, severities};
    use super::*;
    use crate::observe::Registration;

    #[test]
    fn unknown_without_a_reader() {
        let observed = healthy(Idp::Okta);
        assert_eq!(severities(&observed, ID), [Unknown]);
    }

    #[test]
    fn by_a_reader() {
        let mut observed = healthy(Idp::Okta);
        let row = |arn: &str, enabled| Registration {
            name: "idc".into(),
            namespace: "AWSIDC".into(),
            application_arn: arn.into(),
            enabled,
        };
        let ours = "arn:aws:sso::1:application/ssoins-1/apl-1";
        let table = [
            (vec![row("arn:other", true), row(ours, true)], Ok),
            (vec![row(ours, false)], Critical),
            (vec![row("arn:other", true)], Critical),
            (Vec::new(), Critical),
        ];
        for (rows, severity) in table {
            observed.warehouse.registered = Seen::There(rows);
            assert_eq!(severities(&observed, ID), [severity]);
        }
        assert!(findings(&observed, ID)[0].fix.contains(ours));
    }
}
