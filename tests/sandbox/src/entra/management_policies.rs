//! App management policies: the tenant's default and those assigned to single applications.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use super::data::{Application, Data};
use super::error::Problem;
use super::names;

/// The default policy of a tenant that nobody has restricted. Since 2025-06 Microsoft itself switches on that identifier
/// URIs of applications with version 1 tokens contain the tenant's id, the application's or a verified domain.
pub(super) fn default_policy() -> Value {
    let uris = |state: &str| {
        json!({
            "state": state, "isStateSetByMicrosoft": true, "excludeAppsReceivingV2Tokens": true, "excludeSaml": true,
            "excludeActors": null, "restrictForAppsCreatedAfterDateTime": null,
        })
    };
    json!({
        "id": "00000000-0000-0000-0000-000000000000",
        "deletedDateTime": null,
        "displayName": "Default app management tenant policy",
        "description": "Default tenant policy that enforces app management restrictions on applications and service \
                        principals. To apply policy to targeted resources, create a new policy under \
                        appManagementPolicies collection.",
        "isEnabled": false,
        "applicationRestrictions": {
            "passwordCredentials": [], "keyCredentials": [],
            "identifierUris": {
                "nonDefaultUriAddition": uris("disabled"),
                "uriAdditionWithoutUniqueTenantIdentifier": uris("enabled"),
            },
        },
        "servicePrincipalRestrictions": {"passwordCredentials": [], "keyCredentials": []},
    })
}

/// The policy for an application, its id, and the part with the restrictions on applications: its own before the
/// tenant's default. One that is not enabled restricts nothing.
fn policy_for<'a>(data: &'a Data, app: &Application) -> (&'a Value, Value) {
    let own = app.management_policies.iter().find_map(|id| data.management_policies.get(id));
    match own {
        Some(own) => {
            let mut restrictions = own["restrictions"].clone();
            restrictions["identifierUris"] = own["restrictions"]["applicationRestrictions"]["identifierUris"].clone();
            (own, restrictions)
        }
        None => (&data.default_management_policy, data.default_management_policy["applicationRestrictions"].clone()),
    }
}

/// Whether a restriction is for an application of this age.
fn applies(restriction: &Value, app: &Application) -> bool {
    let since =
        restriction["restrictForAppsCreatedAfterDateTime"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    restriction["state"] != "disabled" && since.is_none_or(|since| app.created >= since)
}

/// Judges a new client secret.
pub(super) fn allows_password(data: &Data, app: &Application, start: Timestamp, end: Timestamp) -> Result<(), Problem> {
    let (policy, restrictions) = policy_for(data, app);
    if policy["isEnabled"] != true {
        return Ok(());
    }
    let id = policy["id"].as_str().unwrap_or_default();
    for restriction in restrictions["passwordCredentials"].as_array().into_iter().flatten() {
        if !applies(restriction, app) {
            continue;
        }
        match restriction["restrictionType"].as_str().unwrap_or_default() {
            // By memory of real answers.
            "passwordAddition" => {
                let text = format!("Credential type not allowed as per assigned policy '{id}'.");
                return Err(Problem::new(400, "CredentialTypeNotAllowedAsPerAppPolicy", text)
                    .detail("InvalidPasswordAddition", "PasswordCredentials"));
            }
            "passwordLifetime" if longer(start, end, restriction) => {
                let text = format!("Credential lifetime exceeds the max value allowed as per assigned policy '{id}'.");
                return Err(Problem::new(400, "CredentialInvalidLifetimeAsPerAppPolicy", text)
                    .detail("InvalidKeyEndDate", "EndDate"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn longer(start: Timestamp, end: Timestamp, restriction: &Value) -> bool {
    let span = restriction["maxLifetime"].as_str().and_then(|text| text.parse::<Span>().ok());
    let last = span.and_then(|span| start.to_zoned_datetime(TimeZone::UTC).checked_add(span).ok());
    last.is_some_and(|last| end > last.timestamp())
}

/// Judges a new identifier URI. The text is Microsoft's; status and code are UNCONFIRMED.
pub(super) fn allows_uri(data: &Data, app: &Application, uri: &str) -> Result<(), Problem> {
    let (policy, restrictions) = policy_for(data, app);
    let rules = &restrictions["identifierUris"];
    let in_force = |name: &str| {
        let rule = &rules[name];
        let exempt = rule["excludeAppsReceivingV2Tokens"] != false && app.token_version() == 2;
        let enabled = policy["isEnabled"] == true || rule["isStateSetByMicrosoft"] == true;
        rule["state"] == "enabled" && enabled && applies(rule, app) && !exempt
    };
    let tenant = names::ENTRA_TENANT;
    let default = [format!("api://{}", app.app_id), format!("api://{tenant}/{}", app.app_id)];
    let is_default = default.iter().any(|known| known.eq_ignore_ascii_case(uri));
    let lower = uri.to_ascii_lowercase();
    let host = url::Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_ascii_lowercase));
    let verified = [names::ENTRA_DOMAIN, "example.com"];
    let of_domain =
        host.is_some_and(|host| verified.iter().any(|domain| host == *domain || host.ends_with(&format!(".{domain}"))));
    let identified = lower.contains(tenant) || lower.contains(&app.app_id.to_ascii_lowercase()) || of_domain;
    let refused = (in_force("nonDefaultUriAddition") && !is_default)
        || (in_force("uriAdditionWithoutUniqueTenantIdentifier") && !identified);
    if !refused {
        return Ok(());
    }
    let text = format!(
        "Failed to add identifier URI {uri}. All newly added URIs must contain a tenant verified domain, tenant ID, or \
         app ID, as per the default tenant policy of your organization. See https://aka.ms/identifier-uri-addition-error \
         for more information on this error."
    );
    Err(Problem::bad(text).detail("InvalidIdentifierUri", "identifierUris"))
}
