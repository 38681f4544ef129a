//! The tenant: what we may do there, what it allows, whom the groups hold.

use std::collections::BTreeSet;

use extoauth_core::error::{CallResult, ErrorKind};
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::integration::Integration;
use extoauth_core::registry::TrustRecord;
use extoauth_core::systems::Mode;
use extoauth_systems::entra::{GRAPH_APP_ID, Group, Member, PasswordRules};
use futures::future::{try_join, try_join_all, try_join3};

use super::missing;
use super::people::{Claim, Members, SAMPLE, group, no_such_group};
use crate::resources::entra::TOKEN_VERSION;
use crate::systems::EntraPort;
use crate::want::{EntraFacts, Hands};

/// Application permissions of Microsoft Graph that allow a step, the least one first.
const APPS: [&str; 3] = ["Application.ReadWrite.OwnedBy", "Application.ReadWrite.All", "Directory.ReadWrite.All"];
const CONSENT: [&str; 2] = ["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"];
const SEE_CONSENT: [&str; 2] = ["DelegatedPermissionGrant.Read.All", "Directory.Read.All"];
const ASSIGN: [&str; 2] = ["AppRoleAssignment.ReadWrite.All", "Directory.ReadWrite.All"];
const SEE_ASSIGNMENT: [&str; 3] = ["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All"];
const SEE_GROUPS: [&str; 4] =
    ["GroupMember.Read.All", "Group.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const SEE_POLICY: [&str; 1] = ["Policy.Read.All"];

/// What each feature needs: one of these.
pub(crate) const FEATURES: [(&str, &[&str]); 7] = [
    ("apps, their scopes and client secrets", &APPS),
    ("granting admin consent", &CONSENT),
    ("reading consent", &["DelegatedPermissionGrant.Read.All", "Directory.Read.All", CONSENT[0], CONSENT[1]]),
    ("assigning groups", &ASSIGN),
    ("reading assignments", &SEE_ASSIGNMENT),
    ("groups and their members", &SEE_GROUPS),
    ("app management policies", &SEE_POLICY),
];

/// What our token allows. One that cannot be read is taken to allow everything: Graph then says what is missing.
struct Rights(Option<BTreeSet<String>>);

impl Rights {
    fn any(&self, of: &[&str]) -> bool {
        self.0.as_ref().is_none_or(|rights| of.iter().any(|right| rights.contains(*right)))
    }

    /// Whether one of these is known to be there: then a refusal has another cause.
    fn surely(&self, of: &[&str]) -> bool {
        self.0.is_some() && self.any(of)
    }

    fn hands(&self, ours: &[&str], seen: &[&str]) -> Hands {
        match (self.any(ours), self.any(seen)) {
            (true, _) => Hands::Ours,
            (false, true) => Hands::Theirs,
            (false, false) => Hands::Unseen,
        }
    }
}

/// `has_secret`: the integration's client secret was made before, so nothing that forbids new ones stands in its way.
pub(super) async fn members(
    port: &EntraPort,
    desired: &Integration,
    trust: &TrustRecord,
    has_secret: bool,
) -> CallResult<Members> {
    let resource = port.id.to_string();
    let rights = Rights(port.read().rights().await?);
    let each = desired.groups.iter().map(|name| of_group(port, &rights, name, trust));
    let tenant = try_join(port.read().metadata(TOKEN_VERSION), graph_principal(port, &rights));
    let (groups, rules, (metadata, graph)) =
        try_join3(try_join_all(each), password_rules(port, &rights), tenant).await?;

    let mut all = Members { issuer: Some(metadata.issuer), ..Members::default() };
    groups.into_iter().for_each(|one| all.add(one));
    all.entra = EntraFacts { unresolved_groups: all.entra.unresolved_groups, ..facts(&rights, graph) };
    if port.mode == Mode::Manage && !rights.any(&APPS) {
        all.findings.push(missing(
            "entra_right",
            &resource,
            "R11",
            &format!("our app registration has {}", APPS[0]),
            format!("our app registration in {resource} may not make apps"),
            &format!("grant it the application permission {} of Microsoft Graph, with admin consent", APPS[0]),
        ));
    }
    if port.mode == Mode::Manage {
        all.findings.extend(by_hand(&resource, &all.entra));
    }
    match rules {
        Some(rules) => {
            all.secret_days = days(&rules);
            all.findings.extend(judge(&resource, &rules, desired, has_secret));
        }
        None => all.findings.push(unread(&resource)),
    }
    all.findings.extend(claim_in_token(&resource, &trust.claim));
    all.findings.push(no_knob(&resource, desired));
    Ok(all)
}

/// Who does what in the tenant, by our token's rights; groups and authority are left out.
///
/// # Errors
/// The tenant does not let us in, or not answer.
pub(crate) async fn hands(port: &EntraPort) -> CallResult<EntraFacts> {
    let rights = Rights(port.read().rights().await?);
    let graph = graph_principal(port, &rights).await?;
    Ok(facts(&rights, graph))
}

fn facts(rights: &Rights, graph: Option<String>) -> EntraFacts {
    EntraFacts {
        consent: match (rights.hands(&CONSENT, &SEE_CONSENT), &graph) {
            // Without Graph's own principal nobody can tell whether the second grant is there.
            (Hands::Ours | Hands::Theirs, None) => Hands::Unseen,
            (hands, _) => hands,
        },
        assignment: rights.hands(&ASSIGN, &SEE_ASSIGNMENT),
        graph_principal: graph,
        ..EntraFacts::default()
    }
}

/// Microsoft Graph's service principal: the resource of a sign-in's own scopes.
async fn graph_principal(port: &EntraPort, rights: &Rights) -> CallResult<Option<String>> {
    match port.read().service_principal_of(GRAPH_APP_ID).await {
        Ok(principal) => Ok(Some(principal.id)),
        Err(e) if e.is_not_found() => Ok(None),
        Err(e) if e.kind == ErrorKind::Forbidden && !rights.surely(&SEE_ASSIGNMENT) => Ok(None),
        Err(e) => Err(e),
    }
}

async fn password_rules(port: &EntraPort, rights: &Rights) -> CallResult<Option<PasswordRules>> {
    if !rights.any(&SEE_POLICY) {
        return Ok(None);
    }
    match port.read().password_rules().await {
        Ok(rules) => Ok(Some(rules)),
        Err(e) if e.kind == ErrorKind::Forbidden && !rights.surely(&SEE_POLICY) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Whole days: a secret that ends with its last whole day is never over the limit.
fn days(rules: &PasswordRules) -> Option<u32> {
    let longest = rules.longest?;
    Some(u32::try_from(longest.as_hours() / 24).unwrap_or(u32::MAX))
}

fn judge(resource: &str, rules: &PasswordRules, desired: &Integration, has_secret: bool) -> Option<Finding> {
    if rules.forbidden || days(rules) == Some(0) {
        let finding = missing(
            "client_secret_allowed",
            resource,
            "R17",
            "the tenant lets apps have client secrets, which dbt needs",
            format!("the app management policy of {resource} forbids client secrets"),
            "ask the tenant's administrator to except our app registration (as an excluded actor) from the tenant's default \
             app management policy, or to allow client secrets",
        );
        // What is there works on, until it has to be replaced.
        let later = "the client secret that is there works until it ends, and cannot be replaced".to_owned();
        return Some(if has_secret {
            Finding { severity: Severity::Warning, effect: later, ..finding }
        } else {
            finding
        });
    }
    let days = days(rules).filter(|days| *days < desired.secret_days)?;
    Some(Finding {
        check: "client_secret_days".into(),
        severity: Severity::Info,
        resource: resource.into(),
        expected: format!("a client secret that lives {} days", desired.secret_days),
        found: format!("the tenant's app management policy allows {days} days"),
        effect: format!("the client secret is made for {days} days and must be replaced that much sooner"),
        fix: "nothing, or ask the tenant's administrator for a longer limit".into(),
        row: "R17".into(),
    })
}

fn unread(resource: &str) -> Finding {
    Finding {
        check: "client_secret_allowed".into(),
        severity: Severity::Unknown,
        resource: resource.into(),
        expected: "the tenant's app management policy is known before a client secret is made".into(),
        found: format!("our app registration may not read it (it lacks {})", SEE_POLICY[0]),
        effect: "a policy against client secrets, or against long ones, shows only when one is made".into(),
        fix: format!("grant our app registration the application permission {} of Microsoft Graph", SEE_POLICY[0]),
        row: "R17".into(),
    }
}

/// The steps that are left to people for want of a right.
fn by_hand(resource: &str, facts: &EntraFacts) -> Vec<Finding> {
    let each = [
        (facts.consent, "admin consent", CONSENT[0], "R16"),
        (facts.assignment, "the assignment of groups", ASSIGN[0], "R14"),
    ];
    let lacking = each.into_iter().filter(|(hands, ..)| *hands != Hands::Ours);
    lacking
        .map(|(hands, step, right, row)| {
            let left = format!("{step} is left to an administrator, as a hand-off of this request");
            let grant = format!("grant our app registration the application permission {right} of Microsoft Graph");
            let (severity, effect, fix) = match hands {
                Hands::Unseen => (
                    Severity::Warning,
                    format!(
                        "{left}; we may not even read whether it is done, so nothing waits for it, and until it is done \
                         nobody can sign in"
                    ),
                    format!(
                        "have the hand-off done before the environments are cut over (`cutover` = `hold`), or {grant}"
                    ),
                ),
                Hands::Ours | Hands::Theirs => (Severity::Info, left, format!("nothing, or {grant}")),
            };
            Finding {
                check: "entra_right".into(),
                severity,
                resource: resource.into(),
                expected: format!("our app registration has {right}"),
                found: "it has not".into(),
                effect,
                fix,
                row: row.into(),
            }
        })
        .collect()
}

/// Version 2 tokens carry some claims that version 1 tokens, which we have Entra make, do not.
fn claim_in_token(resource: &str, claim: &str) -> Option<Finding> {
    ["preferred_username", "name"].contains(&claim).then(|| {
        missing(
            "claim_in_token",
            resource,
            "R23",
            "the access token carries the claim that Identity Center maps",
            format!("version 1 access tokens of Entra do not carry `{claim}`"),
            "ask for `upn` or `email` in the ticket",
        )
    })
}

/// What a ticket asks for and Entra cannot do is said, not silently left out.
fn no_knob(resource: &str, desired: &Integration) -> Finding {
    let asked = desired.lifetimes;
    Finding {
        check: "entra_token_lifetimes".into(),
        severity: Severity::Info,
        resource: resource.into(),
        expected: format!(
            "access tokens of {} minutes, refresh tokens of {} days that end after {} idle days",
            asked.access_minutes, asked.refresh_days, asked.idle_days
        ),
        found: "Entra ID has no such setting for a single client: access tokens live 60 to 90 minutes, refresh tokens \
                until they were not used for 90 days"
            .into(),
        effect:
            "developers sign in again after 90 days without dbt, or when the tenant's Conditional Access asks them \
                 to; the ticket's lifetimes change nothing here"
                .into(),
        fix: "nothing; where sessions must be shorter, set a sign-in frequency in Conditional Access".into(),
        row: "R20".into(),
    }
}

async fn of_group(port: &EntraPort, rights: &Rights, name: &str, trust: &TrustRecord) -> CallResult<Members> {
    let resource = port.id.to_string();
    if !rights.any(&SEE_GROUPS) {
        return Ok(unresolved(&resource, name));
    }
    let groups = match port.read().groups_named(name).await {
        Ok(groups) => groups,
        Err(e) if e.kind == ErrorKind::Forbidden && !rights.surely(&SEE_GROUPS) => {
            return Ok(unresolved(&resource, name));
        }
        Err(e) => return Err(e),
    };
    let [Group { id, .. }] = groups.as_slice() else { return Ok(no_such_group(&resource, name, groups.len())) };
    let members = port.read().members(id, SAMPLE).await?;
    let active = members.iter().filter(|member| member.enabled != Some(false));
    let people = active.map(|member| (who(member), claim_of(member, &trust.claim)));
    Ok(group(&resource, name, id, &trust.claim, people))
}

fn unresolved(resource: &str, name: &str) -> Members {
    let finding = Finding {
        check: "group_resolvable".into(),
        severity: Severity::Unknown,
        resource: resource.into(),
        expected: format!("the group `{name}` and its members are known"),
        found: format!("our app registration may not read groups (it lacks {})", SEE_GROUPS[0]),
        effect:
            "whether the group is there, and whether Identity Center knows its members, shows only when they sign in"
                .into(),
        fix: format!("grant our app registration the application permission {} of Microsoft Graph", SEE_GROUPS[0]),
        row: "R21".into(),
    };
    let mut members = Members { findings: vec![finding], ..Members::default() };
    members.entra.unresolved_groups.insert(name.to_owned());
    members
}

fn who(member: &Member) -> String {
    match member.user_principal_name.as_str() {
        "" => member.id.clone(),
        name => name.to_owned(),
    }
}

/// What a claim of the access token will hold. A guest's name in this tenant is not one of theirs, and Entra leaves `upn`
/// out of their tokens.
fn claim_of(member: &Member, claim: &str) -> Claim {
    let value = match claim {
        // Without the right to read users, members come with nothing but their id.
        _ if member.user_principal_name.is_empty() => return Claim::Unknown,
        "upn" if member.guest => None,
        "upn" | "unique_name" => Some(member.user_principal_name.clone()),
        "email" => member.mail.clone(),
        "oid" => Some(member.id.clone()),
        _ => return Claim::Unknown,
    };
    value.filter(|v| !v.is_empty()).map_or(Claim::Empty, Claim::Is)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn rights(of: &[&str]) -> Rights {
        Rights(Some(of.iter().map(|&right| right.to_owned()).collect()))
    }

    #[test]
    fn who_acts_follows_from_the_rights() {
        let owned = rights(&["Application.ReadWrite.OwnedBy"]);
        assert_eq!(owned.hands(&CONSENT, &SEE_CONSENT), Hands::Unseen);
        let reads = rights(&["Application.ReadWrite.OwnedBy", "Directory.Read.All"]);
        assert_eq!(reads.hands(&CONSENT, &SEE_CONSENT), Hands::Theirs);
        assert_eq!(reads.hands(&ASSIGN, &SEE_ASSIGNMENT), Hands::Theirs);
        assert_eq!(rights(&CONSENT[..1]).hands(&CONSENT, &SEE_CONSENT), Hands::Ours);
        assert_eq!(Rights(None).hands(&ASSIGN, &SEE_ASSIGNMENT), Hands::Ours, "Graph will say");
    }

    #[test]
    fn a_limit_counts_in_whole_days() {
        let limit =
            |hours| PasswordRules { longest: Some(SignedDuration::from_hours(hours)), ..PasswordRules::default() };
        assert_eq!(days(&limit(24 * 30)), Some(30));
        assert_eq!(days(&limit(24 * 30 + 23)), Some(30));
        assert_eq!(days(&limit(5)), Some(0));
        assert_eq!(days(&PasswordRules::default()), None);
    }

    #[test]
    fn a_guest_has_no_upn() {
        let mut member = Member {
            id: "1".into(),
            user_principal_name: "g_partner.example#EXT#@contoso.example".into(),
            mail: Some("g@partner.example".into()),
            display_name: Some("Dev".into()),
            given_name: None,
            surname: None,
            enabled: Some(true),
            guest: true,
        };
        assert!(matches!(claim_of(&member, "upn"), Claim::Empty));
        assert!(matches!(claim_of(&member, "email"), Claim::Is(mail) if mail == "g@partner.example"));
        member.user_principal_name.clear();
        assert!(matches!(claim_of(&member, "upn"), Claim::Unknown));
    }
}
