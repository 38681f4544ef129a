//! Rows R30 to R32: every developer's own steps.

use std::collections::BTreeMap;

use extoauth_core::handoff::Handoff;
use extoauth_core::systems::DbtSettings;

use crate::want::WantedIntegration;

/// The three steps that every developer does in a browser. dbt takes them from the developer alone: its API accepts a
/// user's credentials only with that user's own personal token (dbt Admin API v3), so they are written, not done, and no
/// API shows whether they are done.
pub fn for_developers(want: &WantedIntegration, dbt: &DbtSettings) -> Vec<Handoff> {
    let host = dbt.url.as_str().trim_end_matches('/');
    let groups = want.desired.groups.iter().cloned().collect::<Vec<_>>().join(", ");
    let who = format!("every developer of {groups}");
    let projects: Vec<String> =
        want.environments.iter().map(|e| format!("{} (project {}, environment {})", e.name, e.project, e.id)).collect();
    let values = |more: &[(&str, &str)]| {
        let mut values = BTreeMap::from([
            ("environments".to_owned(), projects.join(", ")),
            ("people".to_owned(), want.people.join(", ")),
        ]);
        values.extend(more.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        values
    };
    let step = |what: &str, place: String, values: BTreeMap<String, String>| Handoff {
        who: who.clone(),
        what: what.to_owned(),
        place,
        values,
        done: None,
    };
    vec![
        step(
            "R30: choose the authentication method External OAuth for the project, enter your schema, and save",
            format!("{host}/settings/profile > Credentials"),
            values(&[("authentication method", "External OAuth")]),
        ),
        step(
            "R31: click \"Connect to Redshift\" there, sign in at the identity provider and agree",
            format!("{host}/settings/profile > Credentials"),
            values(&[("identity provider", want.desired.idp_system.as_str())]),
        ),
        step(
            "R32: start a Studio session and run `dbt debug`. A session that is open for longer than the access token \
             lives may fail to reconnect: start a new one then (a known limitation of dbt)",
            format!("{host}/develop"),
            values(&[("command", "dbt debug")]),
        ),
    ]
}
