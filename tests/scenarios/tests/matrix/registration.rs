//! The warehouse itself, asked by SQL whether it is registered with Identity Center (`data_api`): only where that is
//! configured, and never with a false alarm where the answer means nothing.

use std::time::Duration;

use extoauth_core::finding::{Finding, Severity};
use extoauth_sandbox::redshift_wire::IdentityProvider;
use extoauth_sandbox::seed;
use extoauth_sandbox::world::FaultSpec;
use serde_json::{Value, json};

use crate::house::{House, beside_others};

const CHECK: &str = "warehouse_registered";

/// What a verify says of the registration, with what the Data API was asked.
async fn verified(house: &House) -> (Finding, Vec<String>) {
    house.forget_calls();
    let ended = house.run("okta-verify").await;
    let mut found = ended.report.findings.iter().filter(|finding| finding.check == CHECK);
    let finding = found.next().expect("a finding").clone();
    let calls = house.calls().into_iter().filter(|call| call.system == "redshift-data").map(|call| call.path);
    assert_eq!(finding.severity == Severity::Critical, !ended.is_good(), "{:?}", ended.verdict);
    (finding, calls.collect())
}

fn by_secret() -> Value {
    let arn = format!(
        "arn:aws:secretsmanager:{}:{}:secret:{}/warehouse-aaaaaa",
        seed::REGION,
        seed::ACCOUNT,
        seed::CREDENTIALS
    );
    json!({"workgroup_name": seed::WORKGROUP, "database": "dev", "secret_arn": arn})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_that_is_dropped_is_critical() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.run("okta-provision").await.good();

    let (finding, calls) = verified(&house).await;
    assert_eq!((finding.severity, calls), (Severity::Unknown, vec![]), "nobody is asked who is not configured");

    house.reconfigured("/redshift/main/data_api", by_secret());
    let (finding, calls) = verified(&house).await;
    assert_eq!(finding.severity, Severity::Ok, "{finding:?}");
    assert_eq!(calls, ["ExecuteStatement", "GetStatementResult"]);

    // Ours is behind others, on the second page.
    let registered = house.sandbox.warehouse.identity_providers();
    let other = |name: &str| IdentityProvider {
        name: name.to_owned(),
        namespace: name.to_owned(),
        application_arn: format!("arn:aws:sso::{}:application/ssoins-1/apl-{name}", seed::ACCOUNT),
    };
    let mut many = vec![other("a"), other("b")];
    many.extend(registered.clone());
    house.sandbox.warehouse.set_identity_providers(many);
    let (finding, calls) = verified(&house).await;
    assert_eq!(finding.severity, Severity::Ok, "{finding:?}");
    assert_eq!(calls.len(), 3, "{calls:?}");

    for left in [vec![], vec![other("a")]] {
        house.sandbox.warehouse.set_identity_providers(left);
        let (finding, _) = verified(&house).await;
        assert_eq!(finding.severity, Severity::Critical, "{finding:?}");
        assert!(finding.fix.contains(seed::IDC_APPLICATION_ARN), "{}", finding.fix);
    }
    house.sandbox.warehouse.set_identity_providers(registered);
    assert_eq!(verified(&house).await.0.severity, Severity::Ok);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_means_nothing_is_unknown() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.run("okta-provision").await.good();
    let unknown = |finding: &Finding, words: &str| {
        assert_eq!(finding.severity, Severity::Unknown, "{finding:?}");
        assert!(finding.found.contains(words), "`{words}` is not in {finding:?}");
    };

    // A role without a secret is no superuser: it sees no row, or is refused.
    house.reconfigured("/redshift/main/data_api", json!({"workgroup_name": seed::WORKGROUP, "database": "dev"}));
    for denied in [false, true] {
        house.sandbox.aws.redshift_data.deny(denied);
        let (finding, _) = verified(&house).await;
        unknown(&finding, "superuser");
    }
    let cluster = json!({"cluster_identifier": seed::CLUSTER, "database": "other", "db_user": "admin"});
    house.reconfigured("/redshift/main/data_api", cluster);
    unknown(&verified(&house).await.0, "database \"other\" does not exist");
    house.reconfigured("/redshift/main/data_api", json!({"workgroup_name": "gone", "database": "dev"}));
    unknown(&verified(&house).await.0, "Redshift endpoint doesn't exist");

    house.reconfigured("/redshift/main/data_api", by_secret());
    house.fault(FaultSpec::new("redshift-data", "ExecuteStatement", "status:403").times(1));
    unknown(&verified(&house).await.0, "secretsmanager:GetSecretValue");
    house.fault(FaultSpec::new("redshift-data", "GetStatementResult", "status:404").times(1));
    unknown(&verified(&house).await.0, "Query does not exist");
}

/// A warehouse that wakes up takes longer than AWS waits within one call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_takes_long_is_waited_for() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.run("okta-provision").await.good();
    house.reconfigured("/redshift/main/data_api", by_secret());
    house.sandbox.aws.redshift_data.takes(Duration::from_secs(9));
    let (finding, calls) = verified(&house).await;
    assert_eq!(finding.severity, Severity::Ok, "{finding:?}");
    assert_eq!(calls, ["ExecuteStatement", "DescribeStatement", "GetStatementResult"]);
}
