//! Whether the app has a client secret that is accepted, and whether dbt's is it (row R04).

use extoauth_core::finding::Finding;

use super::{APP, names, read};
use crate::checks::Rule;
use crate::observe::okta::SecretView;
use crate::observe::{Observed, OktaView, SecretProof, Seen};

pub const ID: &str = "client_secrets";

const PLACE: &str = "Applications > Applications > the app > General > Client Credentials > Client secrets";

pub fn run(view: &OktaView, observed: &Observed) -> Vec<Finding> {
    let rule = Rule { check: ID, row: "R04", resource: APP, expected: "one active client secret, dbt's".into() };
    // An app that proves itself otherwise has no secrets, and its list of them may not be there.
    let none = Vec::new();
    let secrets = match (&view.app, &view.secrets) {
        (Seen::There(_), Seen::Gone) => &none,
        (_, seen) => match read(&rule, seen, "client_app") {
            Ok(secrets) => secrets,
            Err(unknown) => return vec![unknown],
        },
    };
    let active: Vec<&str> = secrets.iter().filter(|secret| secret.active).map(|secret| secret.id.as_str()).collect();
    if active.is_empty() {
        let found = format!("none of the app's {} client secrets is active", secrets.len());
        let effect = "nobody can sign in: whatever secret dbt sends, Okta answers `invalid_client`";
        return vec![rule.critical(found, effect, format!("{PLACE}: activate dbt's, or submit `rotate_secret`"))];
    }
    if let Some(finding) = of_dbt(&rule, secrets, observed) {
        return vec![finding];
    }
    if active.len() > 1 {
        return vec![rule.info(
            format!("{} client secrets are active: {}", active.len(), names(active)),
            "none: both are accepted, as in a rotation; a further one cannot be made while there are two",
            format!("once no rotation is under way, {PLACE}: deactivate and delete the one that dbt does not have"),
        )];
    }
    vec![rule.ok(format!("{} is active, {} inactive", names(active), secrets.len().saturating_sub(1)))]
}

/// What stands against the secret that dbt has, where its value is known. Critical only together with Okta's own
/// refusal: somebody may have given dbt another one by hand.
fn of_dbt(rule: &Rule<'_>, secrets: &[SecretView], observed: &Observed) -> Option<Finding> {
    let found = match secrets.iter().find(|secret| secret.of_dbt == Some(true)) {
        Some(secret) if secret.active => return None,
        Some(secret) => format!("the secret that dbt has ({}) is inactive", secret.id),
        None if secrets.iter().all(|secret| secret.of_dbt == Some(false)) => {
            "the app has other client secrets than the one that dbt has".to_owned()
        }
        None => return None,
    };
    let fix = format!("{PLACE}: activate dbt's if it is there; or submit `rotate_secret`, which gives dbt a new one");
    Some(if observed.idp.secret.there() == Some(&SecretProof::Refused) {
        rule.critical(found, "nobody can sign in: Okta refuses dbt's secret, `invalid_client`", fix)
    } else {
        rule.warning(found, "nobody can sign in unless dbt was given another secret by hand", fix)
    })
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Info, Ok, Unknown, Warning};

    use super::*;
    use crate::checks::okta::testing::{observed, run_on, view};

    #[test]
    fn each_list() {
        let secret = |active, of_dbt| SecretView { id: "ocs1".into(), active, created: None, of_dbt };
        let refused = Seen::There(SecretProof::Refused);
        let proved = Seen::There(SecretProof::Proved);
        for (secrets, proof, expected) in [
            (Seen::There(vec![secret(true, Some(true))]), &proved, Ok),
            (Seen::There(vec![secret(true, None)]), &proved, Ok),
            (Seen::There(vec![secret(true, Some(true)), secret(false, Some(false))]), &proved, Ok),
            (Seen::There(vec![secret(true, Some(true)), secret(true, Some(false))]), &proved, Info),
            (Seen::There(vec![secret(true, Some(false)), secret(false, Some(true))]), &refused, Critical),
            (Seen::There(vec![secret(true, Some(false))]), &refused, Critical),
            (Seen::There(vec![secret(true, Some(false))]), &Seen::default(), Warning),
            (Seen::There(vec![secret(false, Some(true))]), &refused, Critical),
            (Seen::There(vec![]), &Seen::Gone, Critical),
            (Seen::Gone, &Seen::Gone, Critical),
            (Seen::default(), &proved, Unknown),
        ] {
            let mut view = view();
            view.secrets = secrets;
            let mut observed = observed();
            observed.idp.secret = proof.clone();
            assert_eq!(run_on(&view, &observed, run), [expected], "{:?} {proof:?}", view.secrets);
        }
        let mut view = view();
        (view.app, view.secrets) = (Seen::Gone, Seen::Gone);
        assert_eq!(run_on(&view, &observed(), run), [Unknown]);
    }
}
