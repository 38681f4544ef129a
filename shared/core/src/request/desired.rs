//! From variables to the desired state: defaults, and what configuration and policy allow.

use serde_json::json;

use super::{Action, Content, Variables};
use crate::integration::{Cutover, Integration, Lifetimes};
use crate::policy::{Bounds, Policy};
use crate::problem::Problems;
use crate::systems::{Idp, SystemId, SystemsConfig};

/// Without them there is nothing to make.
const REQUIRED: [&str; 6] = ["idp", "idp_system", "warehouse_system", "dbt_system", "dbt_environments", "groups"];

/// The lifetimes that dbt's manual recommends: an hour, and 90 days for both of the refresh token's. A policy with
/// narrower bounds moves them to the nearest one.
const RECOMMENDED: Lifetimes = Lifetimes { access_minutes: 60, refresh_days: 90, idle_days: 90 };

/// The database that every Redshift warehouse starts with.
const USUAL_DATABASE: &str = "dev";

/// Where SCIM puts the address by which Identity Center and the identity provider know the same person.
const USUAL_ATTRIBUTE: &str = "emails.value";

impl Variables {
    /// Fills in what was left empty, for actions that describe an integration.
    pub(super) fn with_defaults(mut self, action: Action, systems: &SystemsConfig, policy: &Policy) -> Self {
        if action == Action::Verify {
            self.default("repair", false);
        }
        if !action.describes_integration() {
            return self;
        }
        let bounds = &policy.lifetimes;
        self.default("access_token_minutes", bounds.access_minutes.clamp(RECOMMENDED.access_minutes));
        self.default("refresh_token_days", bounds.refresh_days.clamp(RECOMMENDED.refresh_days));
        let refresh_days = self.count("refresh_token_days");
        self.default("idle_days", refresh_days);
        self.default("secret_days", policy.secret_days.default);
        self.default("warehouse_database", USUAL_DATABASE);
        self.default("identity_attribute", USUAL_ATTRIBUTE);
        self.default("cutover", "now");
        let host = self.text("warehouse_system").and_then(|name| systems.redshift.get(name));
        if let Some(host) = host.map(|redshift| json!(redshift.default_host.to_ascii_lowercase())) {
            self.default("warehouse_host", host);
        }
        self
    }

    fn count(&self, name: &str) -> u32 {
        self.number(name).and_then(|n| u32::try_from(n).ok()).unwrap_or_default()
    }

    fn idp(&self) -> Option<Idp> {
        match self.text("idp")? {
            "okta" => Some(Idp::Okta),
            "entra" => Some(Idp::Entra),
            _ => None,
        }
    }

    fn cutover(&self) -> Option<Cutover> {
        match self.text("cutover")? {
            "now" => Some(Cutover::Now),
            "hold" => Some(Cutover::Hold),
            time => time.parse().ok().map(Cutover::At),
        }
    }

    /// Notes what configuration and policy do not allow. `problems` may hold some of the same fields already: those were
    /// unreadable, and are not called missing as well.
    pub(super) fn check(&self, action: Action, systems: &SystemsConfig, policy: &Policy, problems: &mut Problems) {
        if action.describes_integration() {
            for name in REQUIRED {
                let field = format!("variables.{name}");
                if self.get(name).is_none() && problems.0.iter().all(|problem| problem.field != field) {
                    problems.add(field, format!("is required for `{action}`"));
                }
            }
        }
        self.check_systems(systems, problems);
        self.check_lifetimes(action, policy, problems);
        if action != Action::Adopt {
            for name in ["okta_app_id", "dbt_oauth_configuration_id"] {
                if action.describes_integration() && self.get(name).is_some() {
                    problems.add(format!("variables.{name}"), "taking over an existing object is the action `adopt`");
                }
            }
        }
    }

    /// Notes what an action of an alert lacks. Until when it may be silent is judged by whoever knows the alert.
    pub(super) fn check_alert(&self, action: Action, has_integration: bool, problems: &mut Problems) {
        if !action.is_of_alert() {
            return;
        }
        let mut needs = |name: &str, why: &str| {
            let field = format!("variables.{name}");
            if self.get(name).is_none() && problems.0.iter().all(|problem| problem.field != field) {
                problems.add(field, why);
            }
        };
        needs("finding", "is required: the id that the notice names");
        if action == Action::Snooze {
            needs("until", "is required: a time such as 2026-12-01T18:00:00Z");
        }
        let named = problems.0.iter().any(|problem| problem.field == "integration");
        match self.text("system") {
            None if !has_integration && !named => {
                problems.add("integration", "is required, or `variables.system` for an alert of a system");
            }
            Some(_) if has_integration => {
                problems.add("variables.system", "must be empty where an integration is named");
            }
            Some(name) if SystemId::parse(name).is_none() => {
                problems.add("variables.system", "must be kind and name, such as `okta/acme`");
            }
            _ => {}
        }
    }

    fn check_systems(&self, systems: &SystemsConfig, problems: &mut Problems) {
        let unknown = |name: &str, kind: &str| format!("`{name}` is not a configured {kind} system");
        let idp = self.idp();
        if let Some(name) = self.text("idp_system") {
            let (known, kind) = match idp {
                Some(Idp::Okta) => (systems.okta.contains_key(name), "Okta"),
                Some(Idp::Entra) => (systems.entra.contains_key(name), "Entra"),
                None => (systems.okta.contains_key(name) || systems.entra.contains_key(name), "identity provider"),
            };
            if !known {
                problems.add("variables.idp_system", unknown(name, kind));
            }
        }
        if let Some(name) = self.text("dbt_system") {
            match (systems.dbt.get(name), idp) {
                (None, _) => problems.add("variables.dbt_system", unknown(name, "dbt")),
                (Some(dbt), Some(idp)) if !dbt.redirect_uri.contains_key(&idp) => {
                    problems.add("variables.dbt_system", format!("`{name}` has no redirect URI for {idp} configured"));
                }
                _ => {}
            }
        }
        let Some(name) = self.text("warehouse_system") else { return };
        let Some(redshift) = systems.redshift.get(name) else {
            problems.add("variables.warehouse_system", unknown(name, "Redshift"));
            return;
        };
        if let Some(host) = self.text("warehouse_host") {
            let allowed = redshift.hosts.iter().chain([&redshift.default_host]);
            if !allowed.into_iter().any(|pattern| host_matches(pattern, host)) {
                problems.add("variables.warehouse_host", format!("`{host}` is not an allowed host of `{name}`"));
            }
        }
    }

    /// Okta refuses an idle window below the access token's life or above the refresh token's (Okta API reference,
    /// `refreshTokenWindowMinutes`).
    fn check_lifetimes(&self, action: Action, policy: &Policy, problems: &mut Problems) {
        let bounds = &policy.lifetimes;
        let secrets = Bounds { min: 1, max: policy.secret_days.max };
        let mut within = true;
        for (name, bounds) in [
            ("access_token_minutes", bounds.access_minutes),
            ("refresh_token_days", bounds.refresh_days),
            ("idle_days", bounds.idle_days),
            ("secret_days", secrets),
        ] {
            if self.get(name).is_some() && !bounds.holds(self.count(name)) {
                problems.add(format!("variables.{name}"), format!("must be {} to {}", bounds.min, bounds.max));
                within = false;
            }
        }
        if !within || !action.describes_integration() {
            return;
        }
        let (access, refresh, idle) =
            (self.count("access_token_minutes"), self.count("refresh_token_days"), self.count("idle_days"));
        if idle > refresh {
            let words = format!("must not be longer than the refresh token's life ({refresh} days)");
            problems.add("variables.idle_days", words);
        }
        if u64::from(access) > u64::from(idle) * 24 * 60 {
            problems
                .add("variables.idle_days", format!("must not be shorter than the access token's {access} minutes"));
        }
    }
}

impl Content {
    /// The desired state that the request describes; `None` for an action that describes none. Checked again, since
    /// configuration and policy may have changed since the request came.
    ///
    /// # Errors
    /// What they do not allow any more.
    pub fn desired(&self, systems: &SystemsConfig, policy: &Policy) -> Result<Option<Integration>, Problems> {
        let Some(name) = self.integration.clone().filter(|_| self.action.describes_integration()) else {
            return Ok(None);
        };
        let given = self.variables.clone();
        let mut problems = Problems::default();
        given.check(self.action, systems, policy, &mut problems);
        let (Some(idp), Some(cutover)) = (given.idp(), given.cutover()) else {
            problems.add("variables", "cannot be read");
            return Err(problems);
        };
        let text = |name: &str| given.text(name).map(str::to_owned);
        problems.or(Some(Integration {
            name,
            idp,
            idp_system: text("idp_system").unwrap_or_default(),
            warehouse_system: text("warehouse_system").unwrap_or_default(),
            dbt_system: text("dbt_system").unwrap_or_default(),
            environments: given.environments(),
            connection_id: given.number("dbt_connection_id"),
            private_link_endpoint_id: text("private_link_endpoint_id"),
            warehouse_host: text("warehouse_host").unwrap_or_default(),
            database: text("warehouse_database").unwrap_or_default(),
            groups: given.entries("groups").map(str::to_owned).collect(),
            user_claim: text("user_claim"),
            identity_attribute: text("identity_attribute").unwrap_or_default(),
            lifetimes: Lifetimes {
                access_minutes: given.count("access_token_minutes"),
                refresh_days: given.count("refresh_token_days"),
                idle_days: given.count("idle_days"),
            },
            secret_days: given.count("secret_days"),
            cutover,
        }))
    }
}

/// Whether a host is one that the pattern allows. `*` stands for one or more characters within one label.
pub(super) fn host_matches(pattern: &str, host: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let (patterns, labels): (Vec<&str>, Vec<&str>) = (pattern.split('.').collect(), host.split('.').collect());
    // A leading `*.` stands for whatever is before the rest: workgroup and account are two labels of a Redshift host.
    if let Some(("*", rest)) = patterns.split_first().map(|(first, rest)| (*first, rest)) {
        return labels.len() > rest.len()
            && labels[labels.len() - rest.len()..]
                .iter()
                .zip(rest)
                .all(|(label, pattern)| label_matches(pattern, label));
    }
    patterns.len() == labels.len() && patterns.iter().zip(&labels).all(|(pattern, label)| label_matches(pattern, label))
}

fn label_matches(pattern: &str, label: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = label.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
