//! What Entra has of it.

mod claims;
mod look;

use std::collections::BTreeSet;

use extoauth_systems::entra::{
    Application, Assignment, Discovery, Grant, Member, Password, ServicePrincipal, TokenVersion,
};

use super::{Asked, Claim, Document, IdpView, Person, Seen, Unread};
use crate::systems::{EntraPort, Systems};
use claims::claims_of;
use look::Looked;

/// What the Entra side looks like, in Entra's own words.
#[derive(Clone, Debug, Default)]
pub struct EntraView {
    /// The resource-server app, which alone decides what access tokens look like.
    pub resource: Seen<Application>,
    /// The client app that dbt is.
    pub client: Seen<Application>,
    /// The resource app's service principal.
    pub resource_principal: Seen<ServicePrincipal>,
    /// The client app's.
    pub client_principal: Seen<ServicePrincipal>,
    /// Microsoft Graph's, to which the scopes of a sign-in belong.
    pub graph_principal: Seen<ServicePrincipal>,
    /// Who is assigned to the client.
    pub assignments: Seen<Vec<Assignment>>,
    /// What was consented to for the client.
    pub grants: Seen<Vec<Grant>>,
    /// The groups that are to use it.
    pub groups: Vec<GroupView>,
    /// Members of other groups that are assigned: read only where a wanted group is not assigned itself.
    pub others: Vec<GroupView>,
    /// The client secret that dbt was given, among the client's credentials.
    pub secret: SecretView,
}

/// A group.
#[derive(Clone, Debug)]
pub struct GroupView {
    /// Its name as the ticket has it; of a group that the ticket does not name, its id.
    pub name: String,
    /// Object id. `Gone`: there is none of this name, or several, and none is recorded.
    pub id: Seen<String>,
    /// Its direct members, of many the first ones: those of nested groups are never assigned through it.
    pub members: Seen<Vec<Member>>,
    /// Whether it has more members than were read.
    pub truncated: bool,
}

impl GroupView {
    /// Its members with an account that is not disabled.
    pub fn active(&self) -> Seen<Vec<&Member>> {
        self.members.as_ref().map(|all| all.iter().filter(|member| member.enabled != Some(false)).collect())
    }
}

/// The client secret that dbt was given last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretView {
    /// The version of its value in Secrets Manager; `None`: it is not recorded.
    pub version: Option<String>,
    /// The first three characters of the value, which is what Entra shows of each of its secrets (`hint`).
    pub hint: Seen<String>,
}

impl SecretView {
    /// Which of an app's credentials it is: the one that is named after the version; of those that people have made, for
    /// whom no version is known, one that begins alike.
    pub fn among<'p>(&self, passwords: &'p [Password]) -> Option<&'p Password> {
        let version = self.version.as_deref()?;
        let named = passwords.iter().find(|one| one.display_name.rsplit_once('#').is_some_and(|(_, v)| v == version));
        named.or_else(|| {
            let hint = self.hint.there().filter(|hint| !hint.is_empty())?;
            let mut alike: Vec<&Password> = passwords.iter().filter(|one| one.hint == *hint).collect();
            // Of several that begin alike, the one that lives longest: whichever it is, logins work until then.
            alike.sort_by_key(|one| one.ends);
            alike.pop()
        })
    }
}

impl EntraView {
    /// Whether only assigned people may use the client.
    pub fn assignment_required(&self) -> Seen<bool> {
        self.client_principal.as_ref().map(|principal| principal.assignment_required)
    }

    /// Whom the assignments name.
    pub fn assigned(&self) -> Seen<BTreeSet<&str>> {
        self.assignments.as_ref().map(|all| all.iter().map(|one| one.principal_id.as_str()).collect())
    }

    /// Whether a user is assigned: themselves, or through an assigned group of which they are a direct member. `Unread`
    /// where a group that was not read in full may hold them.
    pub fn covers(&self, user: &str) -> Seen<bool> {
        let assigned = match self.assigned() {
            Seen::There(assigned) => assigned,
            Seen::Gone => return Seen::There(false),
            Seen::Unread(why) => return Seen::Unread(why),
        };
        if assigned.contains(user) {
            return Seen::There(true);
        }
        let mut unsure = None;
        let is_group = |id: &&str| self.groups.iter().chain(&self.others).all(|g| g.id.there().is_none_or(|g| g != id));
        let unknown_groups = self.assignments.there().into_iter().flatten();
        let unknown_groups =
            unknown_groups.filter(|one| one.principal_type == "Group").any(|one| is_group(&one.principal_id.as_str()));
        if unknown_groups {
            unsure = Some(Unread::because(
                "the members of a group that is assigned were not read",
                "ask for `verify` with the right to read groups, or assign the wanted groups themselves",
            ));
        }
        for group in self.groups.iter().chain(&self.others) {
            if !group.id.there().is_some_and(|id| assigned.contains(id.as_str())) {
                continue;
            }
            match &group.members {
                Seen::There(members) if members.iter().any(|member| member.id == user) => return Seen::There(true),
                Seen::There(_) if group.truncated => {
                    unsure = Some(Unread::because(
                        format!("the group {} has more members than were read", group.name),
                        "look at the group's members by hand",
                    ));
                }
                Seen::There(_) | Seen::Gone => {}
                Seen::Unread(why) => unsure = Some(why.clone()),
            }
        }
        unsure.map_or(Seen::There(false), Seen::Unread)
    }
}

/// The Application ID URI that every tenant policy takes, and that the recipe gives the resource app.
pub fn application_id_uri(app_id: &str) -> String {
    format!("api://{app_id}")
}

/// Whether version 1 tokens carry the app id instead of the URI that the client has asked for (optional claim `aud` with
/// `use_guid`; Microsoft identity platform, optional claims reference).
pub fn pins_audience(app: &Application) -> bool {
    app.access_token_claim_says("aud", "use_guid")
}

/// The `aud` of access tokens for a client that asks by the app's usual Application ID URI.
fn audience(app: &Application) -> String {
    match app.token_version {
        TokenVersion::V1 if !pins_audience(app) => application_id_uri(&app.app_id),
        TokenVersion::V1 | TokenVersion::V2 => app.app_id.clone(),
    }
}

/// Reads it.
pub(super) async fn observe(port: &EntraPort, systems: &Systems, asked: &Asked<'_>) -> (IdpView, EntraView) {
    let Looked { view, v1, v2, keys, proof } = look::look(port, systems, asked).await;
    let of_version = |app: &Application| match app.token_version {
        TokenVersion::V1 => v1.as_ref(),
        TokenVersion::V2 => v2.as_ref(),
    };
    let document = view.resource.as_ref().and_then(of_version);
    let idp = IdpView {
        system: port.id.clone(),
        issuer: document.clone().map(|document| document.issuer.clone()),
        audience: view.resource.as_ref().map(audience),
        discovery: document
            .map(|document| Document { issuer: document.issuer.clone(), jwks_uri: document.jwks_uri.clone() }),
        keys,
        // A version 1 authorize URL takes no scopes: dbt would get a token for Microsoft Graph.
        authorize_urls: v2.as_ref().map(|v2| urls(&view, port, [&v2.authorize_url])),
        token_urls: v2.as_ref().and_then(|v2| {
            let v1 = v1.there().map(|v1: &Discovery| &v1.token_url);
            Seen::There(urls(&view, port, [&v2.token_url].into_iter().chain(v1)))
        }),
        client_id: view.client.as_ref().map(|client| client.app_id.clone()),
        redirect_uris: view.client.as_ref().map(|client| client.redirect_uris.clone()),
        people: people(&view, &asked.trust.claim),
        secret: proof,
    };
    (idp, view)
}

/// These URLs; for a client that takes accounts of other tenants too, also those that name no tenant.
fn urls<'u>(view: &EntraView, port: &EntraPort, of: impl IntoIterator<Item = &'u String>) -> Vec<String> {
    let own: Vec<String> = of.into_iter().cloned().collect();
    let single = view.client.there().is_none_or(|client| client.sign_in_audience.as_deref() == Some("AzureADMyOrg"));
    let names: &[&str] = if single { &[] } else { &["organizations", "common"] };
    let tenant = format!("/{}/", port.read().tenant_id());
    let of_any = |url: &String, name: &str| url.replacen(&tenant, &format!("/{name}/"), 1);
    let others =
        own.iter().flat_map(|url| names.iter().map(move |name| (url, name))).map(|(url, name)| of_any(url, name));
    let mut all: Vec<String> = own.iter().cloned().chain(others).collect();
    let mut known = BTreeSet::new();
    all.retain(|url| known.insert(url.clone()));
    all
}

/// The people of the wanted groups who may use the client, with what their tokens will hold.
fn people(view: &EntraView, agreed: &str) -> Seen<Vec<Person>> {
    let app = match &view.resource {
        Seen::There(app) => app,
        Seen::Gone => return Seen::Gone,
        Seen::Unread(why) => return Seen::Unread(why.clone()),
    };
    let required = match (&view.client, view.assignment_required()) {
        (Seen::Gone, _) | (_, Seen::Gone) => return Seen::Gone,
        (_, Seen::Unread(why)) => return Seen::Unread(why),
        (_, Seen::There(required)) => required,
    };
    let (mut people, mut known, mut unread) = (Vec::new(), BTreeSet::new(), None);
    for group in &view.groups {
        let members = match group.active() {
            Seen::There(members) => members,
            Seen::Gone => continue,
            Seen::Unread(why) => {
                unread = Some(why);
                continue;
            }
        };
        for member in members {
            let may = !required || matches!(view.covers(&member.id), Seen::There(true));
            if may && known.insert(member.id.as_str()) {
                people.push(Person { name: name_of(member), claims: claims_of(member, app, agreed) });
            }
        }
    }
    match unread {
        Some(why) if people.is_empty() => Seen::Unread(why),
        _ => Seen::There(people),
    }
}

/// How people know a user; without the right to read users there is nothing but an id.
pub fn name_of(member: &Member) -> String {
    let name = if member.guest { member.mail.as_deref() } else { None };
    match name.unwrap_or(&member.user_principal_name) {
        "" => member.id.clone(),
        name => name.to_owned(),
    }
}

pub use claims::{Carried, carried};

#[cfg(test)]
mod tests;
