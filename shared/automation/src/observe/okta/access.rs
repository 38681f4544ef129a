//! Which access policy decides.

use extoauth_systems::okta::Policy;

/// The word that stands for every client of the org in a policy.
const ALL_CLIENTS: &str = "ALL_CLIENTS";

/// The policy that decides for a client: of the active ones that are for it, the first by priority (Okta's guide on access
/// policies: "The first policy and rule that matches the client request is applied and no further rule or policy
/// processing occurs").
///
/// Later policies are not asked, even if none of this one's rules fits. UNCONFIRMED, and an article of Okta's support
/// ("Tokens not issued with lifetime configured in access rule for custom authorization server") says otherwise: that
/// evaluation goes on with the next rule and the next policy until one matches.
pub fn deciding_policy<'p>(policies: &'p [Policy], client_id: &str) -> Option<&'p Policy> {
    let for_client = |policy: &&Policy| {
        policy.is_active() && policy.clients.iter().any(|client| client == ALL_CLIENTS || client == client_id)
    };
    policies.iter().filter(for_client).min_by_key(|policy| policy.priority.unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(id: &str, priority: i64, status: &str, client: &str) -> Policy {
        let raw = json!({"id": id, "priority": priority, "status": status,
            "conditions": {"clients": {"include": [client]}}});
        serde_json::from_value(raw).expect("a policy")
    }

    #[test]
    fn the_first_active_policy_for_the_client_decides() {
        let ours = policy("ours", 3, "ACTIVE", "0oa1");
        let table = [
            (vec![ours.clone()], Some("ours")),
            (vec![policy("theirs", 1, "ACTIVE", "0oa2"), ours.clone()], Some("ours")),
            (vec![ours.clone(), policy("all", 2, "ACTIVE", "ALL_CLIENTS")], Some("all")),
            (vec![ours.clone(), policy("all", 2, "INACTIVE", "ALL_CLIENTS")], Some("ours")),
            (vec![policy("ours", 1, "INACTIVE", "0oa1"), policy("all", 9, "ACTIVE", "ALL_CLIENTS")], Some("all")),
            (vec![policy("ours", 1, "INACTIVE", "0oa1")], None),
            (vec![], None),
        ];
        for (policies, expected) in table {
            assert_eq!(deciding_policy(&policies, "0oa1").map(|p| p.id.as_str()), expected, "{policies:?}");
        }
    }
}
