//! The account itself and its audit log.

use std::sync::Arc;

use axum::extract::{Query, State};
use serde_json::{Value, json};

use super::Account;
use super::access::{Area, Principal};
use super::envelope::{Answer, Params, Style, ok, page};
use crate::seed::{DBT_ACCOUNT, DBT_HOST, DBT_NAME};

const STYLE: Style = Style::Classic;

/// As every token of the account sees it.
pub(super) fn show() -> Value {
    let subdomain = DBT_HOST.split('.').next().unwrap_or_default();
    json!({
        "id": DBT_ACCOUNT, "name": DBT_NAME, "plan": "enterprise_2025", "run_slots": 15, "developer_seats": 20,
        "it_seats": 0, "explorer_seats": 0, "analyst_seats": 0, "read_only_seats": 50, "locked": false,
        "lock_reason": null, "lock_cause": null, "unlocked_at": null, "pending_cancel": false,
        "billing_email_address": null, "pod_memory_request_mebibytes": 600,
        "develop_pod_memory_request_mebibytes": 0, "run_duration_limit_seconds": 86400, "queue_limit": 50,
        "enterprise_login_slug": null, "business_critical": false, "starter_repo_url": null,
        "git_auth_level": "personal", "identifier": "act_0000000000000000000000054321", "trial_end_date": null,
        "static_subdomain": subdomain, "vanity_subdomain": null, "run_locked_until": null, "state": 1,
        "docs_job_id": null, "freshness_job_id": null, "copilot_locked_until": null, "agent_credit_locked": false,
        "account_migration_events": [], "groups": [],
        "created_at": "2026-01-15T09:00:00.000000Z", "updated_at": "2026-01-15T09:00:00.000000Z",
    })
}

/// Every good token lists the accounts it belongs to; there is one.
pub(super) async fn list(_: Principal, Query(params): Query<Params>) -> Answer {
    page(STYLE, &params, vec![show()])
}

pub(super) async fn read(_: Principal) -> Answer {
    Ok(ok(STYLE, show()))
}

pub(super) async fn audit_logs(
    State(account): State<Arc<Account>>,
    who: Principal,
    Query(params): Query<Params>,
) -> Answer {
    who.read(Area::AuditLogs, None)?;
    let mut newest_first = params.clone();
    newest_first.entry("order_by".into()).or_insert_with(|| "-id".into());
    page(STYLE, &newest_first, account.store().audit_logs.clone())
}
