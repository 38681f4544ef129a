//! What we keep in a dbt account.

mod connection;
mod connection_use;
mod environment;
mod oauth_configuration;
mod tunnel;

pub use connection::{Connection, ConnectionIdentity};
pub use connection_use::{ConnectionUse, put_back as put_back_configuration};
pub use environment::{
    EnvironmentConnection, EnvironmentIdentity, PreImage, environment_key, put_back as put_back_connection,
};
pub(crate) use oauth_configuration::SECRET;
pub use oauth_configuration::{OauthConfiguration, OauthConfigurationIdentity};
pub use tunnel::{Tunnel, TunnelIdentity};

pub(super) use connection_use::OURS as CONFIGURATION;
pub(super) use environment::OURS as CONNECTION;

/// Who acts for dbt where we may not write.
const DBT_ADMIN: &str = "the administrator of the dbt account";

/// The port that Redshift listens on unless it is told otherwise.
const REDSHIFT_PORT: u16 = 5439;
