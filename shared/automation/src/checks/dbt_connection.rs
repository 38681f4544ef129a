//! The connection leads to the warehouse, and signs people in with our OAuth configuration.

use extoauth_core::finding::Finding;
use extoauth_systems::dbt::Connection;

use super::Rule;
use super::common::follows;
use super::way::{Fault, foreign, sorted, warehouse};
use crate::observe::{Observed, Seen, Unread};

/// Its id.
pub const ID: &str = "dbt_connection";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let desired = &observed.desired;
    let resource = match desired.connection_id {
        Some(id) if observed.dbt.connection_is_given => format!("dbt.connection_use[{id}]"),
        _ => "dbt.connection".to_owned(),
    };
    let rule = Rule {
        check: ID,
        row: "R28",
        resource: &resource,
        expected: format!(
            "a Redshift connection to {} / {} with External OAuth and our OAuth configuration",
            desired.warehouse_host, desired.database
        ),
    };
    let connection = match &observed.dbt.connection {
        Seen::There(connection) => connection,
        Seen::Unread(why) => return vec![rule.unknown(why)],
        Seen::Gone => {
            return vec![rule.critical(
                "the connection that was recorded is not there any more (dbt says the same where our token may not see it)",
                "nobody can sign in: the environments have no way to the warehouse",
                "ask for `verify` with `repair: true`: it makes a new one and points the environments at it",
            )];
        }
    };
    judged(connection, observed, &rule)
}

fn judged(connection: &Connection, observed: &Observed, rule: &Rule<'_>) -> Vec<Finding> {
    let place = format!("dbt: Account settings > Connections > {} ({})", connection.name, connection.id);
    let mut faults = of_warehouse(connection, observed);
    let mut findings = Vec::new();
    match &observed.dbt.configuration {
        Seen::There(ours) if connection.oauth_configuration_id == Some(ours.id) => {}
        _ if connection.oauth_configuration_id.is_none() => faults.push(foreign(None, observed)),
        Seen::There(_) => match &observed.dbt.foreign_configuration {
            Some(other) => faults.push(foreign(Some(other), observed)),
            None => findings.push(rule.unknown(&not_compared())),
        },
        // It is gone, and the connection goes on naming it, or another one that was read.
        Seen::Gone => match &observed.dbt.foreign_configuration {
            Some(other) => faults.push(foreign(Some(other), observed)),
            None => findings.push(rule.unknown(&follows("dbt's OAuth configuration", "dbt_configuration"))),
        },
        Seen::Unread(why) => findings.push(rule.unknown(why)),
    }
    faults.extend(of_link(connection, observed));
    let (breaks, differs) = sorted(faults);
    if !breaks.is_empty() {
        findings.push(rule.critical(
            breaks.join("; "),
            "nobody gets into the warehouse from the environments that use it",
            format!("ask for `verify` with `repair: true`, or set it by hand: {place}"),
        ));
    }
    if !differs.is_empty() {
        findings.push(rule.warning(
            differs.join("; "),
            "whether dbt reaches the warehouse, and signs the right people in, is not known",
            format!("ask for `verify` with `repair: true`, or look at it: {place}"),
        ));
    }
    if findings.is_empty() {
        findings.push(rule.ok(format!("`{}` ({}){}", connection.name, connection.id, link(connection))));
    }
    findings
}

fn not_compared() -> Unread {
    Unread::because("the OAuth configuration that the connection uses was not read", "ask for `verify` again")
}

/// A connection that the ticket named is somebody else's: its host may be another name of the warehouse.
fn of_warehouse(connection: &Connection, observed: &Observed) -> Vec<Fault> {
    let faults = warehouse(connection, observed);
    if !observed.dbt.connection_is_given {
        return faults;
    }
    let soften = |fault| match fault {
        Fault::Breaks(text) | Fault::Differs(text) => Fault::Differs(text),
    };
    faults.into_iter().map(soften).collect()
}

/// How dbt gets to the warehouse's network. Whether that way is open, no API shows.
fn of_link(connection: &Connection, observed: &Observed) -> Option<Fault> {
    if observed.dbt.connection_is_given {
        return None;
    }
    let wanted = observed.desired.private_link_endpoint_id.as_deref();
    let is = connection.private_link_endpoint_id.as_deref();
    if wanted.is_some() && wanted != is {
        let text = format!("its private endpoint is `{}`, not `{}`", is.unwrap_or("none"), wanted.unwrap_or_default());
        return Some(Fault::Differs(text));
    }
    match &observed.dbt.tunnel {
        Some(Seen::There(None) | Seen::Gone) => {
            Some(Fault::Differs("it goes through an SSH tunnel, and has none".into()))
        }
        Some(Seen::Unread(why)) => Some(Fault::Differs(format!("its SSH tunnel was not read: {}", why.why))),
        None if observed.dbt.tunnel_is_ours => {
            Some(Fault::Differs("it does not go through the SSH tunnel that was made for it".into()))
        }
        _ => None,
    }
}

fn link(connection: &Connection) -> String {
    match (&connection.private_link_endpoint_id, connection.is_ssh_tunnel_enabled) {
        (Some(endpoint), _) => format!(", through the private endpoint {endpoint}"),
        (None, true) => ", through an SSH tunnel".into(),
        (None, false) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{self, Critical, Ok, Unknown, Warning};
    use extoauth_core::systems::Idp;
    use extoauth_systems::dbt::OauthConfiguration;

    use super::super::testing::{findings, healthy, severities, unread};
    use super::*;

    type Change<T> = fn(&mut T);

    fn with(change: Change<Connection>) -> Vec<Severity> {
        let mut observed = healthy(Idp::Okta);
        if let Seen::There(connection) = &mut observed.dbt.connection {
            change(connection);
        }
        severities(&observed, ID)
    }

    #[test]
    fn fields() {
        let table: [(Change<Connection>, Severity); 10] = [
            (|_| (), Ok),
            (|c| c.name = "renamed".into(), Ok),
            (|c| c.hostname = c.hostname.as_ref().map(|host| host.to_uppercase()), Ok),
            (|c| c.port = None, Ok),
            (|c| c.hostname = Some("other.example.com".into()), Critical),
            (|c| c.hostname = None, Critical),
            (|c| c.port = Some(5432), Critical),
            (|c| c.dbname = Some("prod".into()), Critical),
            (|c| c.oauth_configuration_id = None, Critical),
            (|c| c.adapter_version = "postgres_v0".into(), Critical),
        ];
        for (n, (change, severity)) in table.into_iter().enumerate() {
            assert_eq!(with(change), [severity], "{n}");
        }
    }

    #[test]
    fn another_configuration() {
        let table: [(Change<OauthConfiguration>, Severity); 4] = [
            (|_| (), Warning),
            (|c| c.client_id = "other".into(), Critical),
            (|c| c.client_id.clear(), Critical),
            (
                |c| {
                    c.kind = "entra".into();
                    c.application_id_uri = Some("api://x".into());
                },
                Warning,
            ),
        ];
        for (n, (change, severity)) in table.into_iter().enumerate() {
            let mut observed = healthy(Idp::Okta);
            let mut other = observed.dbt.configuration.there().cloned().expect("a configuration");
            other.id = 999;
            change(&mut other);
            observed.dbt.foreign_configuration = Some(Seen::There(other));
            if let Seen::There(connection) = &mut observed.dbt.connection {
                connection.oauth_configuration_id = Some(999);
            }
            assert_eq!(severities(&observed, ID), [severity], "{n}");
        }
    }

    #[test]
    fn a_connection_of_somebody_else() {
        let mut observed = healthy(Idp::Okta);
        observed.dbt.connection_is_given = true;
        if let Seen::There(connection) = &mut observed.dbt.connection {
            connection.hostname = Some("warehouse.internal.example.com".into());
        }
        assert_eq!(severities(&observed, ID), [Warning]);
    }

    #[test]
    fn links() {
        let mut observed = healthy(Idp::Okta);
        observed.dbt.tunnel = Some(Seen::There(None));
        assert_eq!(severities(&observed, ID), [Warning]);
        observed.dbt.tunnel = None;
        observed.dbt.tunnel_is_ours = true;
        assert_eq!(severities(&observed, ID), [Warning]);
        observed.desired.private_link_endpoint_id = Some("2Zl8".into());
        assert!(findings(&observed, ID)[0].found.contains("2Zl8"));
    }

    #[test]
    fn gone_and_unread() {
        let mut observed = healthy(Idp::Okta);
        observed.dbt.configuration = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
        observed.dbt.configuration = Seen::Gone;
        assert_eq!(severities(&observed, ID), [Unknown]);
        observed.dbt.connection = Seen::Gone;
        assert_eq!(severities(&observed, ID), [Critical]);
        observed.dbt.connection = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
    }
}
