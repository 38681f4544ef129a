//! Whether refresh tokens stay the same (row R03).

use extoauth_core::finding::Finding;

use super::{APP, APP_PLACE, read};
use crate::checks::Rule;
use crate::observe::{Observed, OktaView};

pub const ID: &str = "refresh_rotation";

pub fn run(view: &OktaView, _observed: &Observed) -> Vec<Finding> {
    let expected = "refresh tokens stay the same (`STATIC`)".to_owned();
    let rule = Rule { check: ID, row: "R03", resource: APP, expected };
    let app = match read(&rule, &view.app, "client_app") {
        Ok(app) => app,
        Err(unknown) => return vec![unknown],
    };
    vec![match app.refresh_token_rotation.as_deref() {
        Some("STATIC") => rule.ok("they stay the same"),
        Some(other) => rule.warning(
            format!("refresh tokens change at each use (`{other}`)"),
            "people sign in on the dbt platform; dbt Core keeps the first refresh token and ignores the new one, so its \
             users are refused soon after the first refresh, and where several processes share one token Okta revokes \
             them all",
            format!("{APP_PLACE} > Refresh Token: Use persistent token"),
        ),
        None => rule.info(
            "there are no refresh tokens",
            "see `client_app`: it says what is missing",
            format!("{APP_PLACE} > Grant type: enable Refresh Token, Use persistent token"),
        ),
    }]
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Info, Ok, Unknown, Warning};
    use serde_json::json;

    use super::*;
    use crate::checks::okta::testing::{app, severities, view};
    use crate::observe::Seen;

    #[test]
    fn each_mode() {
        let mode = |mode| Seen::There(app(&[("/settings/oauthClient/refresh_token", mode)]));
        for (seen, expected) in [
            (mode(json!({"rotation_type": "STATIC"})), Ok),
            (mode(json!({"rotation_type": "ROTATE", "leeway": 30})), Warning),
            (mode(json!(null)), Info),
            (Seen::Gone, Unknown),
            (Seen::default(), Unknown),
        ] {
            let mut view = view();
            view.app = seen;
            assert_eq!(severities(&view, run), [expected], "{:?}", view.app);
        }
    }
}
