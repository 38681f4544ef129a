//! Laws of normalisation.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{body, systems, valid, validate};
use crate::policy::Policy;
use crate::request::{Content, Submission};

/// The same value in one of the forms in which ticket systems send it.
fn number() -> impl Strategy<Value = (u64, Value)> {
    (1_u64..400, 0..4).prop_map(|(n, form)| {
        let value = match form {
            0 => json!(n),
            1 => json!(n.to_string()),
            2 => json!(format!(" {n} ")),
            _ => json!({"value": n.to_string(), "display_value": format!("{n} days")}),
        };
        (n, value)
    })
}

fn set(items: &[String], form: u8) -> Value {
    match form {
        0 => json!(items),
        1 => json!(items.join(",")),
        _ => json!(items.iter().rev().map(|item| format!(" {item} ,")).collect::<String>()),
    }
}

proptest! {
    #[test]
    fn equal_meanings_have_equal_digests(
        groups in vec("[a-z]{1,8}( [a-z]{1,8})?", 1..5),
        projects in vec(1_u64..99_999, 1..4),
        (days, days_form) in number(),
        forms in (0_u8..3, 0_u8..3),
    ) {
        let environments: Vec<String> = projects.iter().map(|p| format!("{p}/{}", p + 1)).collect();
        let mut plain = body();
        plain["variables"]["groups"] = json!(groups);
        plain["variables"]["dbt_environments"] = json!(environments);
        plain["variables"]["refresh_token_days"] = json!(days);
        let mut other = plain.clone();
        other["variables"]["groups"] = set(&groups, forms.0);
        other["variables"]["dbt_environments"] = set(&environments, forms.1);
        other["variables"]["refresh_token_days"] = days_form;
        let (plain, other) = (valid(&plain), valid(&other));
        prop_assert_eq!(plain.digest(), other.digest());
        prop_assert_eq!(plain.differences(&other), Vec::<String>::new());
    }

    #[test]
    fn normalising_twice_changes_nothing(groups in vec("[a-zA-Z ]{1,9}", 1..5), claim in "[a-z]{1,5}(\\.[a-z]{1,5})?") {
        let mut first = body();
        first["variables"]["groups"] = json!(groups);
        first["variables"]["user_claim"] = json!(claim);
        let Ok(content) = validate(&first) else { return Ok(()) };
        let mut again = body();
        again["variables"] = serde_json::to_value(&content.variables).expect("JSON");
        let again = valid(&again);
        prop_assert_eq!(&again.variables, &content.variables);
        prop_assert_eq!(again.digest(), content.digest());
        let stored: Content = serde_json::from_value(serde_json::to_value(&content).expect("JSON")).expect("the same");
        prop_assert_eq!(stored, content);
    }

    #[test]
    fn no_body_makes_it_panic(text in ".{0,300}", name in "[a-z_]{1,12}") {
        let mut wild = body();
        wild["variables"][&name] = json!(text);
        wild["ticket"][&name] = json!([text]);
        wild["integration"] = json!(text);
        let _ = validate(&wild);
        let _ = Submission::parse(text.as_bytes()).map(|s| s.validate(&systems(), &Policy::default()));
    }
}
