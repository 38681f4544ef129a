//! Whether both apps have a service principal in the tenant that may be used, and only by whom it is meant for.

use extoauth_core::finding::Finding;
use extoauth_systems::entra::{Application, ServicePrincipal};

use super::{ENTERPRISE_APPS, NOBODY, PROVISION};
use crate::checks::Rule;
use crate::observe::{EntraView, Observed, Seen};

pub const ID: &str = "principals";

pub fn run(view: &EntraView, _: &Observed) -> Vec<Finding> {
    let client = Side { what: "client", address: "entra.client_principal", code: "AADSTS700016" };
    let resource = Side { what: "resource", address: "entra.resource_principal", code: "AADSTS500011" };
    let mut findings = client.judge(&view.client, &view.client_principal);
    findings.extend(resource.judge(&view.resource, &view.resource_principal));
    findings
}

struct Side {
    what: &'static str,
    address: &'static str,
    /// How a sign-in ends without it.
    code: &'static str,
}

impl Side {
    fn is_client(&self) -> bool {
        self.what == "client"
    }

    fn judge(&self, app: &Seen<Application>, principal: &Seen<ServicePrincipal>) -> Vec<Finding> {
        if app.is_gone() {
            return Vec::new();
        }
        let demand = if self.is_client() { ", and only for those who are assigned" } else { "" };
        let rule = Rule {
            check: ID,
            row: if self.is_client() { "R14" } else { "R11" },
            resource: self.address,
            expected: format!("the {} app's service principal is there and enabled{demand}", self.what),
        };
        let principal = match principal {
            Seen::There(principal) => principal,
            Seen::Gone => {
                return vec![rule.critical(
                    format!("the {} app has no service principal in the tenant", self.what),
                    format!("{NOBODY}: sign-in ends with {}", self.code),
                    format!(
                        "{PROVISION}, which makes one; by hand: restore it in {ENTERPRISE_APPS} > Deleted applications. \
                         Consent and assignments went with it"
                    ),
                )];
            }
            Seen::Unread(why) => return vec![rule.unknown(why)],
        };
        let name = format!("`{}` ({})", principal.display_name, principal.app_id);
        let place = format!("{ENTERPRISE_APPS} > {} > Properties", principal.display_name);
        if !principal.enabled {
            return vec![rule.critical(
                format!("the enterprise application {name} is disabled"),
                format!("{NOBODY}: Entra gives out no tokens"),
                format!("set \"Enabled for users to sign-in?\" to Yes in {place}, or {PROVISION}"),
            )];
        }
        match (self.is_client(), principal.assignment_required) {
            (true, false) => vec![rule.warning(
                format!("{name} does not require assignment"),
                "everybody in the tenant, guests included, can sign in to dbt's client, not only the assigned groups",
                format!("set \"Assignment required?\" to Yes in {place}, or {PROVISION}"),
            )],
            (false, true) => vec![rule.warning(
                format!("{name} requires assignment"),
                "whether Entra then gives users who are not assigned to the resource app a token is not documented; a proof \
                 of the client secret without a user ends with AADSTS501051",
                format!("set \"Assignment required?\" to No in {place}: who may sign in is decided at the client"),
            )],
            (true, true) => vec![rule.ok(format!("{name} is enabled and requires assignment"))],
            (false, false) => vec![rule.ok(format!("{name} is enabled"))],
        }
    }
}
