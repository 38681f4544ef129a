//! The development environments use the connection, and nothing overrides it.

use extoauth_core::finding::Finding;
use extoauth_core::integration::Cutover;
use extoauth_systems::dbt::{Attributes, Environment};

use super::Rule;
use super::common::{follows, listed};
use super::way::{Fault, PORT, foreign, is_host, sorted, warehouse};
use crate::observe::{EnvironmentView, Observed, Seen, Unread};

/// Its id.
pub const ID: &str = "dbt_environment";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    if observed.dbt.environments.is_empty() {
        return vec![not_cut_over(observed)];
    }
    observed.dbt.environments.iter().flat_map(|view| environment(view, observed)).collect()
}

fn not_cut_over(observed: &Observed) -> Finding {
    let rule = Rule {
        check: ID,
        row: "R29",
        resource: "dbt.environment_connection",
        expected: "the development environments use the connection".into(),
    };
    let named = listed(&observed.desired.environments);
    const EFFECT: &str = "developers go on as before, and do not use the integration yet";
    match observed.desired.cutover {
        Cutover::Hold => rule.info(
            format!("the environments {named} are not pointed at it, as the ticket asks (`cutover`: `hold`)"),
            EFFECT,
            "a ticket with `cutover` = `now` points them at it",
        ),
        Cutover::At(at) if at > observed.now => {
            rule.info(format!("the environments {named} are pointed at it on {at}"), EFFECT, "none: the request waits")
        }
        Cutover::At(_) | Cutover::Now => rule.unknown(&Unread::because(
            format!("no environment is recorded as pointed at it, and {named} should be"),
            "ask for `provision` again, or record the present state with `adopt`",
        )),
    }
}

fn environment(view: &EnvironmentView, observed: &Observed) -> Vec<Finding> {
    let resource = format!("dbt.environment_connection[{}/{}]", view.project, view.id);
    let rule = Rule {
        check: ID,
        row: "R29",
        resource: &resource,
        expected: "a development environment that uses the connection, with nothing that overrides it".into(),
    };
    let place = format!("dbt: Project {} > Environments > {}", view.project, view.id);
    let found = match &view.environment {
        Seen::There(found) => found,
        Seen::Unread(why) => return vec![rule.unknown(why)],
        Seen::Gone => {
            return vec![rule.critical(
                "it is not there any more (dbt says the same where our token may not see it)",
                "nobody can work in it, or sign in from it",
                "name the present environment in a ticket (`dbt_environments`), or ask for `deprovision`",
            )];
        }
    };
    let mut findings = Vec::new();
    let mut faults = of_environment(found);
    match uses(view, found, observed) {
        Ok(fault) => faults.extend(fault),
        Err(why) => findings.push(rule.unknown(&why)),
    }
    match &view.attributes {
        Some(Seen::There(attributes)) => faults.extend(of_attributes(attributes, observed)),
        Some(Seen::Unread(why)) => findings.push(rule.unknown(why)),
        Some(Seen::Gone) | None => {}
    }
    let (breaks, differs) = sorted(faults);
    if !breaks.is_empty() {
        findings.push(rule.critical(
            breaks.join("; "),
            "nobody who works in this environment can sign in to the warehouse",
            format!("ask for `verify` with `repair: true`, or set it by hand: {place}"),
        ));
    }
    if !differs.is_empty() {
        findings.push(rule.warning(
            differs.join("; "),
            "who works in this environment may get into the warehouse by another way than agreed",
            format!("ask for `verify` with `repair: true`, or look at it: {place}"),
        ));
    }
    if findings.is_empty() {
        findings.push(rule.ok(format!("`{}` uses it", found.name)));
    }
    findings
}

fn of_environment(found: &Environment) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !found.is_development() {
        faults.push(Fault::Breaks(format!(
            "it is a {} environment: dbt has external OAuth for developers only",
            if found.kind.is_empty() { "nameless" } else { &found.kind }
        )));
    }
    if found.state == Some(2) {
        faults.push(Fault::Breaks("it is deleted".into()));
    }
    if let Some(profile) = found.primary_profile_id {
        faults.push(Fault::Differs(format!(
            "it has the profile {profile}, from which dbt may take another connection, and on which it may write ours"
        )));
    }
    faults
}

/// Whether it uses our connection. Another one that leads to the same warehouse with our configuration does as well.
fn uses(view: &EnvironmentView, found: &Environment, observed: &Observed) -> Result<Vec<Fault>, Unread> {
    let Some(used) = found.connection_id else {
        return Ok(vec![Fault::Breaks("it has no connection".into())]);
    };
    let ours = match &observed.dbt.connection {
        Seen::There(ours) if ours.id == used => return Ok(Vec::new()),
        Seen::There(ours) => Some(ours.id),
        Seen::Gone => None,
        Seen::Unread(why) if view.elsewhere.is_none() => return Err(why.clone()),
        Seen::Unread(_) => None,
    };
    let Some(elsewhere) = &view.elsewhere else {
        return Err(follows("the connection", "dbt_connection"));
    };
    let connection = match &elsewhere.connection {
        Seen::There(connection) => connection,
        Seen::Gone => return Ok(vec![Fault::Breaks(format!("it uses the connection {used}, which is not there"))]),
        Seen::Unread(why) => return Err(why.clone()),
    };
    let instead = ours.map(|id| format!(" instead of ours ({id})")).unwrap_or_default();
    let told = format!("it uses the connection `{}` ({used}){instead}", connection.name);
    let mut faults = warehouse(connection, observed);
    let configuration = observed.dbt.configuration.there().map(|ours| ours.id);
    if connection.oauth_configuration_id.is_none() || connection.oauth_configuration_id != configuration {
        faults.push(foreign(elsewhere.configuration.as_ref(), observed));
    }
    let (breaks, differs) = sorted(faults);
    Ok(if breaks.is_empty() {
        vec![Fault::Differs([vec![told], differs].concat().join(": "))]
    } else {
        vec![Fault::Breaks(format!("{told}: {}", breaks.join("; ")))]
    })
}

/// Extended attributes override connection and credentials (dbt's documentation). A template in them is filled in by dbt
/// alone, and cannot be judged.
fn of_attributes(attributes: &Attributes, observed: &Observed) -> Vec<Fault> {
    let desired = &observed.desired;
    let fault = |name: &str, value: &Option<String>, same: &dyn Fn(&str) -> bool| {
        let value = value.as_deref().filter(|value| !same(value))?;
        let text = format!("its extended attributes set `{name}` to `{value}`");
        Some(if value.contains("{{") { Fault::Differs(text) } else { Fault::Breaks(text) })
    };
    let host = fault("host", &attributes.host, &|value| is_host(value, &desired.warehouse_host));
    let port = fault("port", &attributes.port, &|value| value == PORT.to_string());
    let database = fault("dbname", &attributes.dbname, &|value| value == desired.database);
    let method = attributes.method.as_ref().map(|method| {
        Fault::Differs(format!("its extended attributes set `method` to `{method}`: people sign in by that instead"))
    });
    [host, port, database, method].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{self, Critical, Info, Ok, Unknown, Warning};
    use extoauth_core::systems::Idp;
    use serde_json::{Value, json};

    use super::super::testing::{self, HOST, healthy, severities, unread};
    use super::*;
    use crate::observe::Elsewhere;

    fn with(fields: &Value) -> Observed {
        let mut observed = healthy(Idp::Okta);
        observed.dbt.environments[0].environment = Seen::There(testing::environment(fields));
        observed
    }

    #[test]
    fn fields() {
        let table = [
            (json!({}), Ok),
            (json!({"name": "renamed"}), Ok),
            (json!({"type": "deployment"}), Critical),
            (json!({"connection_id": null}), Critical),
            (json!({"state": 2}), Critical),
            (json!({"primary_profile_id": 5}), Warning),
        ];
        for (fields, severity) in table {
            assert_eq!(severities(&with(&fields), ID), [severity], "{fields}");
        }
    }

    #[test]
    fn another_connection() {
        let mut observed = with(&json!({"connection_id": 999}));
        let mut elsewhere = |connection, configuration| {
            observed.dbt.environments[0].elsewhere = Some(Elsewhere { connection, configuration });
            severities(&observed, ID)
        };
        let other = |configuration| Seen::There(testing::connection(999, configuration));
        assert_eq!(elsewhere(other(None), None), [Critical]);
        assert_eq!(elsewhere(other(Some(777)), Some(unread())), [Warning], "ours by another connection");
        assert_eq!(elsewhere(other(Some(5)), Some(Seen::Gone)), [Critical]);
        assert_eq!(elsewhere(other(Some(5)), Some(unread())), [Warning]);
        assert_eq!(elsewhere(Seen::Gone, None), [Critical]);
        assert_eq!(elsewhere(unread(), None), [Unknown]);
    }

    #[test]
    fn extended_attributes() {
        let table: [(Attributes, Severity); 6] = [
            (Attributes { keys: vec!["keepalives_idle".into()], ..Attributes::default() }, Ok),
            (Attributes { host: Some(HOST.into()), port: Some("5439".into()), ..Attributes::default() }, Ok),
            (Attributes { host: Some("other".into()), ..Attributes::default() }, Critical),
            (Attributes { dbname: Some("prod".into()), ..Attributes::default() }, Critical),
            (Attributes { host: Some("{{ env_var('DBT_HOST') }}".into()), ..Attributes::default() }, Warning),
            (Attributes { method: Some("iam".into()), ..Attributes::default() }, Warning),
        ];
        for (attributes, severity) in table {
            let mut observed = healthy(Idp::Okta);
            let told = format!("{attributes:?}");
            observed.dbt.environments[0].attributes = Some(Seen::There(attributes));
            assert_eq!(severities(&observed, ID), [severity], "{told}");
        }
        let mut observed = healthy(Idp::Okta);
        observed.dbt.environments[0].attributes = Some(unread());
        assert_eq!(severities(&observed, ID), [Unknown]);
    }

    #[test]
    fn before_the_cut_over() {
        let mut observed = healthy(Idp::Okta);
        observed.dbt.environments.clear();
        assert_eq!(severities(&observed, ID), [Unknown]);
        observed.desired.cutover = Cutover::Hold;
        assert_eq!(severities(&observed, ID), [Info]);
        observed.desired.cutover = Cutover::At(observed.now);
        assert_eq!(severities(&observed, ID), [Unknown]);
    }

    #[test]
    fn gone_and_unread() {
        let mut observed = healthy(Idp::Okta);
        observed.dbt.environments[0].environment = Seen::Gone;
        assert_eq!(severities(&observed, ID), [Critical]);
        observed.dbt.environments[0].environment = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
        let mut observed = healthy(Idp::Okta);
        observed.dbt.connection = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
    }
}
