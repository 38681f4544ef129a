//! The environments are development ones that external OAuth works with (row R29), and how dbt reaches the warehouse.

use extoauth_core::error::{CallResult, absent_is_none};
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::integration::{Cutover, EnvironmentRef, Integration};
use extoauth_systems::dbt::{Connection, Environment as Seen, TunnelSpec};
use futures::future::try_join_all;

use super::missing;
use crate::systems::{DbtPort, Systems};
use crate::want::{Environment, Link};

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) environments: Vec<Environment>,
    pub(super) link: Link,
    pub(super) findings: Vec<Finding>,
}

pub(super) async fn check(systems: &Systems, desired: &Integration) -> CallResult<Found> {
    let port = &systems.dbt;
    let wanted = desired.environments.iter().map(|wanted| resolve(port, *wanted));
    let mut found = Found::default();
    let mut connections = Vec::new();
    for (wanted, environment) in desired.environments.iter().zip(try_join_all(wanted).await?) {
        match environment {
            Ok(seen) => {
                found.findings.extend(usable(port, &seen));
                connections.extend(seen.connection_id);
                found.environments.push(Environment { project: seen.project_id, id: seen.id, name: seen.name });
            }
            Err(why) => found.findings.push(missing(
                "environment_resolvable",
                &port.id.to_string(),
                "R29",
                "one development environment",
                format!("dbt environment {wanted}: {why}"),
                "name the environment as project/environment, as dbt's URL shows them",
            )),
        }
    }
    let present = present(port, desired, &connections).await?;
    found.link = link(port, desired, &present).await?;
    // Whoever signs in with external OAuth already has no saved password to lose.
    let by_password = present.iter().any(|connection| connection.oauth_configuration_id.is_none());
    if matches!(desired.cutover, Cutover::Now) && by_password {
        found.findings.extend(logged_out(port, &found.environments).await?);
    }
    Ok(found)
}

async fn resolve(port: &DbtPort, wanted: EnvironmentRef) -> CallResult<Result<Seen, String>> {
    let Some(id) = wanted.environment else {
        let mut all = absent_is_none(port.read().environments(wanted.project).await)?.unwrap_or_default();
        all.retain(Seen::is_development);
        return Ok(match all.len() {
            1 => Ok(all.swap_remove(0)),
            0 => Err("the project has no development environment, or our token may not see it".into()),
            n => Err(format!("the project has {n} development environments")),
        });
    };
    let found = absent_is_none(port.read().environment(wanted.project, id).await)?;
    Ok(found.ok_or_else(|| "it is not there, or our token may not see it".into()))
}

fn usable(port: &DbtPort, seen: &Seen) -> Vec<Finding> {
    let resource = port.id.to_string();
    let mut findings = Vec::new();
    let name = format!("environment `{}` ({}/{})", seen.name, seen.project_id, seen.id);
    if !seen.is_development() {
        findings.push(missing(
            "environment_is_development",
            &resource,
            "R29",
            "a development environment",
            format!("{name} is a {} environment", seen.kind),
            "name the project's development environment: dbt has external OAuth for developers only",
        ));
    }
    if seen.is_fusion() {
        findings.push(missing(
            "environment_engine",
            &resource,
            "R29",
            "an engine that supports external OAuth with Redshift",
            format!("{name} is on `{}`: dbt Fusion does not support it (dbt-fusion #1571)", seen.dbt_version),
            "choose a release track of dbt Core for the environment",
        ));
    }
    if let Some(profile) = seen.primary_profile_id {
        findings.push(missing(
            "environment_profile",
            &resource,
            "R29",
            "an environment with a connection of its own",
            format!("{name} takes its connection from profile {profile}, which other environments may share"),
            "take the profile off the environment",
        ));
    }
    findings
}

/// The connections that the environments use now, unless the ticket names the one to use.
async fn present(port: &DbtPort, desired: &Integration, connections: &[u64]) -> CallResult<Vec<Connection>> {
    if desired.connection_id.is_some() {
        return Ok(Vec::new());
    }
    let each = connections.iter().map(|id| async { absent_is_none(port.read().connection(*id).await) });
    Ok(try_join_all(each).await?.into_iter().flatten().collect())
}

/// What the present connection has is taken over, unless the ticket says otherwise: without it the warehouse is out of
/// dbt's reach.
async fn link(port: &DbtPort, desired: &Integration, connections: &[Connection]) -> CallResult<Link> {
    if let Some(id) = &desired.private_link_endpoint_id {
        return Ok(Link { private_link_endpoint_id: Some(id.clone()), tunnel: None });
    }
    let mut found = Link::default();
    for present in connections {
        if found.private_link_endpoint_id.is_none() {
            found.private_link_endpoint_id.clone_from(&present.private_link_endpoint_id);
        }
        if present.is_ssh_tunnel_enabled && found.tunnel.is_none() {
            found.tunnel = port.read().tunnels(present.id).await?.into_iter().find_map(|tunnel| {
                let port = u16::try_from(tunnel.port?).ok()?;
                Some(TunnelSpec { username: tunnel.username?, hostname: tunnel.hostname?, port })
            });
        }
    }
    Ok(found)
}

/// Whoever has saved a password loses it when the environment gets another connection.
async fn logged_out(port: &DbtPort, environments: &[Environment]) -> CallResult<Option<Finding>> {
    let mut projects: Vec<u64> = environments.iter().map(|e| e.project).collect();
    projects.dedup();
    let mut people = Some(0);
    for project in projects {
        let all = port.read().environments(project).await?;
        let here = port.read().saved_passwords(project, &all).await?;
        people = people.zip(here).map(|(a, b)| a + b);
    }
    let found = match people {
        Some(0) => return Ok(None),
        Some(n) => format!("{n} people have a password saved for the environments' present connections"),
        None => "how many people have saved a password cannot be read with our token".to_owned(),
    };
    Ok(Some(Finding {
        check: "cutover_logs_out".into(),
        severity: Severity::Info,
        resource: port.id.to_string(),
        expected: "nobody is surprised by the cut-over".into(),
        found,
        effect: "they are asked to connect anew when the environments get the new connection".into(),
        fix: "tell them before (R30, R31), or choose a time with `cutover`".into(),
        row: "R29".into(),
    }))
}
