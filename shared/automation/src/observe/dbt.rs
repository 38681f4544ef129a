//! What the dbt account has of it.

use extoauth_core::engine::Resource;
use extoauth_core::error::absent_is_none;
use extoauth_systems::dbt::{AccountPlan, Attributes, Connection, Environment, OauthConfiguration, Tunnel};
use extoauth_systems::secrets::CURRENT;
use futures::future::{join, join_all, join4};

use super::{Asked, Seen, Unread};
use crate::federation::SecretRef;
use crate::resources::dbt::{self as resources, ConnectionIdentity, ConnectionUse, EnvironmentConnection};
use crate::resources::dbt::{EnvironmentIdentity, OauthConfigurationIdentity, TunnelIdentity};
use crate::systems::Systems;

/// What dbt has.
#[derive(Clone, Debug, Default)]
pub struct DbtView {
    /// The account's plan.
    pub plan: Seen<AccountPlan>,
    /// The OAuth configuration.
    pub configuration: Seen<OauthConfiguration>,
    /// The secret that dbt was given last, as Secrets Manager has it.
    pub secret: Seen<HeldSecret>,
    /// The connection.
    pub connection: Seen<Connection>,
    /// The OAuth configuration that the connection uses where that is not ours.
    pub foreign_configuration: Option<Seen<OauthConfiguration>>,
    /// Whether the connection is somebody else's that the ticket named: then only its reference to the configuration is
    /// ours.
    pub connection_is_given: bool,
    /// Its SSH tunnel, where it says that it has one; `There(None)`: it has no such object.
    pub tunnel: Option<Seen<Option<Tunnel>>>,
    /// Whether a tunnel was made for it.
    pub tunnel_is_ours: bool,
    /// The environments that are recorded: those that have been cut over.
    pub environments: Vec<EnvironmentView>,
}

/// A dbt environment that is to use the connection.
#[derive(Clone, Debug)]
pub struct EnvironmentView {
    /// Project id.
    pub project: u64,
    /// Environment id.
    pub id: u64,
    /// The environment.
    pub environment: Seen<Environment>,
    /// Its extended attributes, where it has some: they override what the connection says.
    pub attributes: Option<Seen<Attributes>>,
    /// What it uses where that is not our connection.
    pub elsewhere: Option<Elsewhere>,
}

/// A connection that is not ours, and what it signs people in with.
#[derive(Clone, Debug, Default)]
pub struct Elsewhere {
    /// The connection.
    pub connection: Seen<Connection>,
    /// Its OAuth configuration; `None`: it names none.
    pub configuration: Option<Seen<OauthConfiguration>>,
}

/// The version of the client secret that dbt was given last, and where that version stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldSecret {
    /// ARN of the secret, and the version.
    pub held: SecretRef,
    /// The version that Secrets Manager calls current.
    pub current: Option<String>,
    /// Whether the secret is marked for deletion.
    pub deleted: bool,
}

fn unrecorded<T>(what: &str) -> Seen<T> {
    Seen::Unread(Unread::because(
        format!("no {what} is recorded for this integration"),
        "have the integration set up (`provision`), or the present one recorded (`adopt`)",
    ))
}

/// Reads them: the objects under their recorded ids at the same time, then what only they name (a tunnel, extended
/// attributes, and where something else is used than ours, that).
pub(super) async fn observe(systems: &Systems, asked: &Asked<'_>) -> DbtView {
    let dbt = systems.dbt.read();
    let known = asked.known;
    let configuration_id =
        known.identity::<OauthConfigurationIdentity>(resources::OauthConfiguration::KIND).map(|i| i.id);
    let connection_id = known.identity::<ConnectionIdentity>(resources::Connection::KIND).map(|i| i.id);
    let given = asked.desired.connection_id;
    let used = known.identity::<ConnectionIdentity>(ConnectionUse::KIND).map(|i| i.id);
    let ours = connection_id.or(used).or(given);

    let configuration = async {
        match configuration_id {
            Some(id) => Seen::from(dbt.oauth_configuration(id).await),
            None => unrecorded("OAuth configuration"),
        }
    };
    let connection = async {
        let Some(id) = ours else { return (unrecorded("connection"), None, None) };
        let connection = Seen::from(dbt.connection(id).await);
        let Some(found) = connection.there() else { return (connection, None, None) };
        let tunnel = async {
            if !found.is_ssh_tunnel_enabled {
                return None;
            }
            Some(Seen::from(dbt.tunnels(id).await).map(|tunnels: Vec<Tunnel>| tunnels.into_iter().next()))
        };
        let foreign = async {
            let other = found.oauth_configuration_id.filter(|other| Some(*other) != configuration_id)?;
            Some(Seen::from(dbt.oauth_configuration(other).await))
        };
        let (tunnel, foreign) = join(tunnel, foreign).await;
        (connection, tunnel, foreign)
    };
    let recorded = known.identities::<EnvironmentIdentity>(EnvironmentConnection::KIND);
    let environments = join_all(recorded.iter().map(|(_, identity)| environment(systems, identity, ours)));
    let plan = async { Seen::from(dbt.plan().await) };
    let ((configuration, secret), (connection, tunnel, foreign_configuration), environments, plan) =
        join4(join(configuration, secret(systems, asked)), Box::pin(connection), Box::pin(environments), plan).await;
    DbtView {
        plan,
        configuration,
        secret,
        connection,
        foreign_configuration,
        connection_is_given: connection_id.is_none() && given.is_some(),
        tunnel,
        tunnel_is_ours: known.identity::<TunnelIdentity>(resources::Tunnel::KIND).is_some(),
        environments,
    }
}

async fn secret(systems: &Systems, asked: &Asked<'_>) -> Seen<HeldSecret> {
    let Some(held) = asked.known.secret_of_dbt() else { return unrecorded("secret of dbt") };
    let described = absent_is_none(systems.secrets.read().describe(&held.arn).await);
    match described {
        Ok(Some(found)) => Seen::There(HeldSecret {
            held,
            current: found.holder_of(CURRENT).map(str::to_owned),
            deleted: found.deleted.is_some(),
        }),
        Ok(None) => Seen::Gone,
        Err(e) => Seen::Unread(Unread::from(&e)),
    }
}

async fn environment(systems: &Systems, identity: &EnvironmentIdentity, ours: Option<u64>) -> EnvironmentView {
    let dbt = systems.dbt.read();
    let (project, id) = (identity.project, identity.id);
    let environment = Seen::from(dbt.environment(project, id).await);
    let found = environment.there();
    let attributes = async {
        let attributes = found?.extended_attributes_id?;
        Some(Seen::from(dbt.extended_attributes(project, attributes).await))
    };
    let elsewhere = async {
        let other = found?.connection_id.filter(|other| Some(*other) != ours)?;
        let connection = Seen::from(dbt.connection(other).await);
        let configuration = match connection.there().and_then(|c: &Connection| c.oauth_configuration_id) {
            Some(id) => Some(Seen::from(dbt.oauth_configuration(id).await)),
            None => None,
        };
        Some(Elsewhere { connection, configuration })
    };
    let (attributes, elsewhere) = join(attributes, elsewhere).await;
    EnvironmentView { project, id, environment, attributes, elsewhere }
}
