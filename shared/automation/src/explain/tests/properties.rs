use extoauth_core::systems::Idp;
use proptest::prelude::*;

use super::super::{Pasted, Refused, explain};
use super::values;

/// Words that rules look for, so that random texts meet them.
const KNOWN: [&str; 8] = [
    "AADSTS50011",
    "error_codes\":[",
    "access_denied",
    "Token credentials expired or invalid",
    "%2",
    "\\u0027",
    "database \"",
    "error?code=",
];

fn text() -> impl Strategy<Value = String> {
    let piece =
        prop_oneof![proptest::sample::select(KNOWN.to_vec()).prop_map(str::to_owned), ".{0,40}", "[a-z ]{0,20}"];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Something secret that a stranger may paste.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "eyJ[a-zA-Z0-9_-]{20,80}\\.[a-zA-Z0-9_-]{20,80}\\.[a-zA-Z0-9_-]{20,80}",
        "[a-zA-Z0-9]{3}[0-9]Q~[a-zA-Z0-9_.~-]{34}",
        "client_secret=[a-zA-Z0-9]{8,40}",
        "refresh_token\": \"[a-zA-Z0-9._-]{8,60}\"",
        "([a-z][A-Z][0-9]){14,30}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_and_every_text_is_answered(text in text(), okta: bool) {
        let values = values(if okta { Idp::Okta } else { Idp::Entra });
        if let Ok(pasted) = Pasted::of(&text) {
            let explanation = explain(&pasted, &values);
            prop_assert!(!explanation.causes.is_empty());
        }
    }

    #[test]
    fn a_secret_is_refused_wherever_it_stands(before in "[a-z .,\n]{0,40}", secret in secret(), after in "[a-z .,\n]{0,40}") {
        let refused = Pasted::of(&format!("{before} {secret} {after}")).expect_err("holds a secret");
        prop_assert!(matches!(refused, Refused::Secret(_)));
        let told = format!("{refused} {refused:?}");
        prop_assert!(!told.contains(&secret));
    }

    #[test]
    fn nothing_of_the_text_is_in_the_answer(at in 0..KNOWN.len(), word in "zq[b-df-hj-np-tv-z]{6,20}zq", markup in "<[a-z]{1,8}>") {
        let pasted = Pasted::of(&format!("{word} {} {markup} {word}", KNOWN[at]));
        if let Ok(pasted) = pasted {
            let answer = serde_json::to_string(&explain(&pasted, &values(Idp::Entra))).expect("JSON");
            prop_assert!(!answer.contains(&word));
            prop_assert!(markup == "<issuer>" || markup == "<dbt>" || !answer.contains(&markup));
        }
    }
}
