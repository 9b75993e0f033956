//! The SDK's configuration: its own variables and profiles, TLS by rustls on ring, and timeouts that tell a server that is
//! away from one that is busy.

use aws_config::{
    BehaviorVersion, SdkConfig, imds::client::error::ImdsError, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_credential_types::provider::{ProvideCredentials as _, error::CredentialsError};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use std::{error::Error as _, time::Duration};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longer than the longest wait that is asked of the Data API, and enough for a data file on a slow line.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_ATTEMPTS: u32 = 3;

/// Why AWS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    #[error("no AWS region is set")]
    NoRegion,
    #[error("no AWS credentials are set")]
    NoCredentials,
    #[error("the AWS credentials that are set cannot be used")]
    UnusableCredentials { source: CredentialsError },
    #[error("AWS gives out no credentials at the moment")]
    CredentialsAway { source: CredentialsError },
}

impl AwsError {
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::CredentialsAway { .. } => true,
            Self::NoRegion | Self::NoCredentials | Self::UnusableCredentials { .. } => false,
        }
    }

    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoRegion => "set `AWS_REGION`, for example to us-east-1, or a profile that has a region",
            Self::NoCredentials => {
                "set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or `AWS_PROFILE` to a profile that has some; a container has those of its task's role"
            }
            Self::UnusableCredentials { .. } => "correct `AWS_PROFILE`, or the profile that it names",
            Self::CredentialsAway { .. } => {
                "it may pass; see that what gives them out can be reached, and for a profile of SSO log in again"
            }
        }
    }
}

/// The configuration of every AWS client of a task.
///
/// # Errors
/// When neither variables nor profile name a region, or there are no credentials: whatever asks for AWS first would fail
/// with less to say.
pub async fn sdk_config() -> Result<SdkConfig, AwsError> {
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
        return Err(AwsError::NoRegion);
    }
    let provider = config.credentials_provider().ok_or(AwsError::NoCredentials)?;
    match provider.provide_credentials().await {
        Ok(_) => Ok(config),
        Err(CredentialsError::CredentialsNotLoaded(_)) => Err(AwsError::NoCredentials),
        Err(source @ CredentialsError::InvalidConfiguration(_)) => Err(AwsError::UnusableCredentials { source }),
        // The last that is asked: a machine that is none of EC2's may have something else answer at that address.
        Err(source) if is_of_instance_metadata(&source) => Err(AwsError::NoCredentials),
        Err(source) => Err(AwsError::CredentialsAway { source }),
    }
}

fn is_of_instance_metadata(error: &CredentialsError) -> bool {
    let mut next = error.source();
    while let Some(error) = next {
        if error.is::<ImdsError>() {
            return true;
        }
        next = error.source();
    }
    false
}
