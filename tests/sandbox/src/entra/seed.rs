//! What a tenant holds at start.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::data::{
    Application, Data, Federated, Grant, Group, KeyCredential, Password, RoleAssignment, ServicePrincipal, User,
};
use super::keys::{self, Certified};
use super::permissions::{APPLICATION, DELEGATED, GRAPH_APP_ID};
use super::{Automation, application_json, ids, management_policies};
use crate::seed as names;

/// Object id of Microsoft Graph's service principal in this tenant.
pub(super) const GRAPH_PRINCIPAL: &str = "2b9a6c7d-8e1f-4a3b-9c5d-7e6f8a9b0c1d";
/// Object id of the automation's application.
const AUTOMATION_APPLICATION: &str = "0a1b2c3d-4e5f-4061-8273-8495a6b7c8d9";
/// Client id of the automation.
const AUTOMATION_CLIENT: &str = "c3b5a7f9-1d2e-4f60-8a9b-0c1d2e3f4a5b";
/// Object id of the automation's service principal.
const AUTOMATION_PRINCIPAL: &str = "e5d4c3b2-a190-4f8e-9d7c-6b5a49382716";

/// Application permissions of the automation: what extoauth asks an administrator for.
const GRANTED: [&str; 7] = [
    "Application.ReadWrite.OwnedBy",
    "Application.Read.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "GroupMember.Read.All",
    "User.Read.All",
    "Policy.Read.All",
];

/// A tenant at start.
pub(super) struct Seeded {
    pub data: Data,
    pub automation: Automation,
}

/// The objects of the sandbox's tenant, made some weeks ago.
pub(super) fn tenant(now: Timestamp) -> Seeded {
    let then = now - SignedDuration::from_hours(40 * 24);
    let mut data = Data::default();
    data.default_management_policy = management_policies::default_policy();
    people(&mut data, then);
    graph(&mut data, then);
    let automation = automation(&mut data, then);
    unrelated(&mut data, then);
    Seeded { data, automation }
}

fn people(data: &mut Data, then: Timestamp) {
    let mut members = BTreeSet::new();
    for (n, mail) in names::USERS.iter().enumerate() {
        let user = person(mail, mail, &format!("Dev {}", n + 1), "Member", then);
        members.insert(user.id.clone());
        data.users.insert(user.id.clone(), user);
    }
    let admin = person("admin@example.com", "admin@example.com", "Tenant Administrator", "Member", then);
    data.users.insert(admin.id.clone(), admin);
    let upn = format!("partner_example.org#EXT#@{}", names::ENTRA_DOMAIN);
    let guest = person(&upn, "partner@example.org", "Partner", "Guest", then);
    data.users.insert(guest.id.clone(), guest);
    let group = |name: &str, description: &str, members| Group {
        id: ids::guid(),
        shown: json!({
            "displayName": name, "description": description, "mailNickname": name, "mailEnabled": false, "mail": null,
            "securityEnabled": true, "groupTypes": [], "visibility": null, "isAssignableToRole": null,
            "onPremisesSyncEnabled": null, "createdDateTime": ids::time(then), "deletedDateTime": null,
            "membershipRule": null, "proxyAddresses": [],
        }),
        members,
    };
    for group in [
        group(names::GROUP, "People who build on the warehouse", members),
        group("finance", "Not ours", BTreeSet::new()),
    ] {
        data.groups.insert(group.id.clone(), group);
    }
}

fn person(upn: &str, mail: &str, name: &str, kind: &str, then: Timestamp) -> User {
    let (given, family) = name.split_once(' ').unwrap_or((name, ""));
    let shown = json!({
        "userPrincipalName": upn, "mail": mail, "displayName": name, "givenName": given, "surname": family,
        "accountEnabled": true, "userType": kind, "businessPhones": [], "jobTitle": null, "mobilePhone": null,
        "officeLocation": null, "preferredLanguage": null, "createdDateTime": ids::time(then),
        "externalUserState": if kind == "Guest" { json!("Accepted") } else { Value::Null },
    });
    User { id: ids::guid(), shown }
}

/// Microsoft Graph's service principal: its application is in Microsoft's tenant.
fn graph(data: &mut Data, then: Timestamp) {
    let mut shown = super::principal_json::blank("Microsoft Graph");
    shown["appOwnerOrganizationId"] = json!("f8cdef31-a31e-4b4a-93e4-5f571e91255a");
    shown["servicePrincipalNames"] = json!(["https://graph.microsoft.com", "https://graph.microsoft.com/"]);
    shown["publisherName"] = json!("Microsoft Services");
    shown["appRoles"] = APPLICATION
        .iter()
        .map(|(id, value)| {
            json!({"id": id, "value": value, "displayName": value, "description": value, "isEnabled": true,
                "origin": "Application", "allowedMemberTypes": ["Application"]})
        })
        .collect();
    shown["oauth2PermissionScopes"] = DELEGATED
        .iter()
        .map(|(id, value)| {
            json!({"id": id, "value": value, "type": "User", "isEnabled": true, "adminConsentDisplayName": value,
                "adminConsentDescription": value, "userConsentDisplayName": value, "userConsentDescription": value})
        })
        .collect();
    let principal = ServicePrincipal {
        id: GRAPH_PRINCIPAL.to_owned(),
        app_id: GRAPH_APP_ID.to_owned(),
        shown,
        owners: BTreeSet::new(),
        created: then,
    };
    data.add_principal(principal);
}

/// An application and its service principal.
fn app(data: &mut Data, body: Value, app_id: &str, ids: [&str; 2], then: Timestamp) {
    let empty = serde_json::Map::new();
    let shown = application_json::made(body.as_object().unwrap_or(&empty), false).unwrap_or_default();
    let [id, principal] = ids;
    let principal = ServicePrincipal {
        id: principal.to_owned(),
        app_id: app_id.to_owned(),
        shown: super::principal_json::blank(body["displayName"].as_str().unwrap_or_default()),
        owners: BTreeSet::new(),
        created: then,
    };
    data.add_principal(principal);
    let application = Application {
        id: id.to_owned(),
        app_id: app_id.to_owned(),
        shown,
        passwords: Vec::new(),
        keys: Vec::new(),
        federated: BTreeMap::new(),
        owners: BTreeSet::new(),
        lifetime_policies: Vec::new(),
        management_policies: Vec::new(),
        created: then,
    };
    data.add_application(application);
}

/// extoauth's own registration: a certificate, a secret, and a federated credential for each function's role, so that
/// every form of credential can be tried.
fn automation(data: &mut Data, then: Timestamp) -> Automation {
    let certified: Arc<Certified> = keys::automation();
    let body = json!({"displayName": "extoauth", "signInAudience": "AzureADMyOrg"});
    app(data, body, AUTOMATION_CLIENT, [AUTOMATION_APPLICATION, AUTOMATION_PRINCIPAL], then);
    let until = then + SignedDuration::from_hours(24 * 730);
    let secret = ids::secret();
    if let Some(application) = data.applications.get_mut(AUTOMATION_APPLICATION) {
        application.keys.push(KeyCredential {
            key_id: ids::guid(),
            display_name: Some("CN=extoauth".to_owned()),
            certificate: certified.certificate.clone(),
            start: then,
            end: until,
        });
        application.passwords.push(password("automation", &secret, then, until));
        for function in names::FUNCTIONS {
            let federated = Federated {
                id: ids::guid(),
                name: format!("aws-{function}"),
                issuer: names::AWS_TOKEN_ISSUER.to_owned(),
                subject: names::role_arn(function),
                audiences: vec!["api://AzureADTokenExchange".to_owned()],
                description: None,
            };
            application.federated.insert(federated.id.clone(), federated);
        }
    }
    for value in GRANTED {
        let Some((role, _)) = APPLICATION.iter().find(|(_, known)| *known == value) else { continue };
        let assignment = RoleAssignment {
            id: ids::role_assignment(AUTOMATION_PRINCIPAL),
            principal: AUTOMATION_PRINCIPAL.to_owned(),
            resource: GRAPH_PRINCIPAL.to_owned(),
            role: (*role).to_owned(),
            created: then,
        };
        data.role_assignments.insert(assignment.id.clone(), assignment);
    }
    Automation { client_id: AUTOMATION_CLIENT.to_owned(), secret, certified }
}

fn password(name: &str, secret: &str, start: Timestamp, end: Timestamp) -> Password {
    Password {
        key_id: ids::guid(),
        display_name: Some(name.to_owned()),
        custom_key_identifier: Value::Null,
        start,
        end,
        secret: secret.to_owned(),
    }
}

/// Registrations of other people, which nobody may touch.
fn unrelated(data: &mut Data, then: Timestamp) {
    let until = then + SignedDuration::from_hours(24 * 365);
    let wiki = json!({
        "displayName": "Wiki", "signInAudience": "AzureADMyOrg",
        "web": {"redirectUris": ["https://wiki.example.com/login/callback"]},
    });
    let scope = json!({
        "id": "7c1d5a52-3b6f-4d0f-9a0e-6b7c8d9e0f1a", "value": "access_as_user", "type": "User", "isEnabled": true,
        "adminConsentDisplayName": "Reports", "adminConsentDescription": "Reports",
    });
    let reports = json!({
        "displayName": "Reports API", "signInAudience": "AzureADMyOrg", "identifierUris": ["api://reports.example.com"],
        "api": {"requestedAccessTokenVersion": 2, "oauth2PermissionScopes": [scope]},
        "tags": ["finance"],
    });
    let known = [
        (
            wiki,
            "b1a2c3d4-0001-4000-8000-0000000000a1",
            ["b1a2c3d4-0001-4000-8000-0000000000a0", "b1a2c3d4-0001-4000-8000-0000000000a2"],
        ),
        (
            reports,
            "b1a2c3d4-0002-4000-8000-0000000000b1",
            ["b1a2c3d4-0002-4000-8000-0000000000b0", "b1a2c3d4-0002-4000-8000-0000000000b2"],
        ),
    ];
    let [.., (_, _, [_, resource])] = &known;
    let (_, _, [_, client]) = &known[0];
    let mut grant = Grant {
        id: String::new(),
        client: (*client).to_owned(),
        resource: (*resource).to_owned(),
        principal: None,
        scope: "access_as_user".to_owned(),
    };
    grant.id = ids::grant(&grant);
    data.grants.insert(grant.id.clone(), grant);
    for (body, app_id, of) in known {
        let secret = ids::secret();
        app(data, body, app_id, of, then);
        if let Some(application) = data.applications.get_mut(of[0]) {
            application.passwords.push(password("production", &secret, then, until));
        }
    }
}
