//! Whether the credential is there that dbt uses, and what others the client has.

use extoauth_core::finding::Finding;

use super::{NOBODY, REGISTRATIONS};
use crate::checks::Rule;
use crate::observe::{EntraView, Observed, SecretProof, Seen, Unread};

pub const ID: &str = "client_secrets";

pub fn run(view: &EntraView, observed: &Observed) -> Vec<Finding> {
    let rule = Rule {
        check: ID,
        row: "R17",
        resource: "entra.client_secret",
        expected: "the client app has the client secret that dbt uses, and no other".into(),
    };
    let app = match &view.client {
        Seen::There(app) => app,
        Seen::Gone => return Vec::new(),
        Seen::Unread(why) => return vec![rule.unknown(why)],
    };
    let place = format!("{REGISTRATIONS} > {} ({}) > Certificates & secrets", app.display_name, app.app_id);
    let used = view.secret.among(&app.passwords);
    let others = app.passwords.iter().filter(|one| used.is_none_or(|used| used.key_id != one.key_id));
    let others: Vec<String> = others
        .map(|one| {
            let end = one.ends.map_or("without an end".to_owned(), |end| format!("ends {end}"));
            format!("`{}` (key id {}, {end})", one.display_name, one.key_id)
        })
        .collect();
    let proved = observed.idp.secret.there() == Some(&SecretProof::Proved);
    let Some(used) = used else {
        let found = match others.as_slice() {
            [] => "the client app has no client secret".to_owned(),
            others => format!("the client app has other client secrets only: {}", super::some(others)),
        };
        let effect =
            format!("{NOBODY}: the token request ends with AADSTS7000215, the secret is not one of the client's");
        let fix = "ask for `rotate_secret`, which makes a secret and gives it to dbt";
        return vec![match (&view.secret.version, &view.secret.hint) {
            _ if proved => rule.warning(
                format!("{found}, as far as a read shows; Entra takes the one that dbt has"),
                "sign-in works",
                "ask for `verify` again: the directory may lag",
            ),
            _ if app.passwords.is_empty() => rule.critical(found, effect, fix),
            (None, _) => rule.unknown(&Unread::because("which client secret dbt uses is not recorded", fix)),
            (_, Seen::Unread(why)) => rule.unknown(why),
            _ => rule.critical(found, effect, fix),
        }];
    };
    let told = format!("the one that dbt uses has the key id {}", used.key_id);
    vec![match others.as_slice() {
        [] => rule.ok(told),
        others => rule.info(
            format!("{told}; besides {}", super::some(others)),
            "whoever knows one of the others can act as dbt towards Entra",
            format!("if nobody uses them, remove them in {place}; a rotation leaves its own for a while"),
        ),
    }]
}
