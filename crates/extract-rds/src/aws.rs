//! The SDK's configuration: its own variables and profiles, TLS by rustls on ring, and timeouts that tell a server that is
//! away from one that is busy.

use crate::config::ConfigError;
use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A data file of the largest size needs some of it on a slow line.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_ATTEMPTS: u32 = 3;

/// # Errors
/// When neither variables nor profile name a region.
pub(crate) async fn sdk_config() -> Result<SdkConfig, ConfigError> {
    let http_client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS))
        .load()
        .await;
    // An empty variable counts as not set, as everywhere.
    if config.region().is_none_or(|region| region.as_ref().is_empty()) {
        Err(ConfigError::NoRegion)
    } else {
        Ok(config)
    }
}
