//! The process's AWS configuration: one HTTP client, credentials and region from the environment.

use std::time::Duration;

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

/// Reads the environment; makes no call and asks no metadata service, since every cold start waits for this.
///
/// The HTTP client is made here, once: left alone, the SDK makes one for each service, each with a TLS configuration and
/// a connection pool of its own. Idle connections are dropped early, because a function is frozen between invocations
/// and a connection that died meanwhile would lose a call.
pub async fn load() -> SdkConfig {
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .pool_idle_timeout(Duration::from_secs(20))
        .build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .region(EnvironmentVariableRegionProvider::new())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .load()
        .await
}
