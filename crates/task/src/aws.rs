//! The SDK's configuration: its own variables and profiles, TLS by rustls on ring, and timeouts that tell a server that is
//! away from one that is busy.

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longer than the longest wait that is asked of the Data API, and enough for a data file on a slow line.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_ATTEMPTS: u32 = 3;

/// Nothing says in which region AWS is to be used.
#[derive(Debug, thiserror::Error)]
#[error("no AWS region is set")]
pub struct NoRegion;

/// The configuration of every AWS client of a task.
///
/// # Errors
/// When neither variables nor profile name a region.
pub async fn sdk_config() -> Result<SdkConfig, NoRegion> {
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
    if config.region().is_none_or(|region| region.as_ref().is_empty()) { Err(NoRegion) } else { Ok(config) }
}
