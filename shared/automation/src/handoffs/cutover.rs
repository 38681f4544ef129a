//! With `cutover` = `hold` the environments stay as they are until somebody decides; and what a tunnel needs before they
//! are cut over.

use std::collections::BTreeMap;

use extoauth_core::handoff::Handoff;

use crate::want::WantedIntegration;

/// Our connection's SSH tunnel has a key of its own, which the bastion must be told.
pub fn for_bastion(want: &WantedIntegration) -> Option<Handoff> {
    let tunnel = want.link.tunnel.as_ref()?;
    Some(Handoff {
        who: "the administrator of the SSH bastion".into(),
        what: "Add the public key that dbt shows for our connection to the user's authorized keys: dbt makes a new key for \
               each connection"
            .into(),
        place: format!("{}:{} (the key: dbt > Account settings > Connections)", tunnel.hostname, tunnel.port),
        values: BTreeMap::from([
            ("connection".to_owned(), want.names.connection.clone()),
            ("user".to_owned(), tunnel.username.clone()),
        ]),
        done: None,
    })
}

/// One hand-off for each environment that still uses its old connection.
pub fn for_cutover(want: &WantedIntegration) -> Vec<Handoff> {
    want.environments
        .iter()
        .map(|environment| Handoff {
            who: "the owner of the integration".into(),
            what: format!(
                "When the developers are ready, send a provision ticket for `{}` with cutover = now. Those who saved a \
                 password for `{}` are logged out by it and sign in as R30 and R31 say",
                want.name(),
                environment.name
            ),
            place: "the ticket system".into(),
            values: BTreeMap::from([
                ("project".to_owned(), environment.project.to_string()),
                ("environment".to_owned(), environment.id.to_string()),
                ("connection".to_owned(), want.names.connection.clone()),
            ]),
            done: Some(false),
        })
        .collect()
}
