//! What a program needs to know to use a running local cloud: addresses, accounts, and the variables that stand for them.

use crate::mariadb::{EXTRACT_USER, SourceServer};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// The region that everything is deployed in.
pub const REGION: &str = "us-east-1";
/// The account that LocalStack gives to [`ACCESS_KEY_ID`].
pub(crate) const ACCOUNT_ID: &str = "000000000000";
pub(crate) const ACCESS_KEY_ID: &str = "test";
const SECRET_ACCESS_KEY: &str = "test";
/// Name under which the stand-in is the warehouse; it takes any.
pub(crate) const WORKGROUP: &str = "rental-local";
/// The stand-in reads S3 with no role, so only the form of this one matters.
const COPY_ROLE: &str = "arn:aws:iam::000000000000:role/local-copy";

/// Environment variables of one process.
pub type Environment = BTreeMap<String, String>;

/// A running local cloud, as seen from outside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Connection {
    /// Endpoint of every AWS service.
    pub aws_endpoint: String,
    /// Endpoint of Redshift Data (also reachable through `aws_endpoint`) and of ECS.
    pub own_endpoint: String,
    pub source: SourceServer,
    /// PostgreSQL under the warehouse, without a database: for looking behind the Data API.
    pub postgres_url: String,
    /// Folder with the AWS CLI.
    pub tools_folder: PathBuf,
}

impl Connection {
    /// Configuration for SDK clients of this process.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        let credentials = Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "rental-local");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(&self.aws_endpoint)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }

    /// S3 with the bucket in the path: LocalStack's address takes no name before it.
    #[must_use]
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.sdk_config()).force_path_style(true).build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// What tells an AWS SDK or the AWS CLI to use this cloud.
    #[must_use]
    pub fn aws_environment(&self) -> Environment {
        environment([
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
            ("AWS_ENDPOINT_URL", &self.aws_endpoint),
            ("AWS_ENDPOINT_URL_REDSHIFT_DATA", &self.own_endpoint),
        ])
    }

    /// Everything `extract-rds` needs to read `database` into `bucket`.
    #[must_use]
    pub fn extract_rds_environment(&self, database: &str, bucket: &str) -> Environment {
        let mut variables = self.aws_environment();
        variables.extend(environment([
            ("S3_BUCKET", bucket),
            ("RDS_HOST", &self.source.host),
            ("RDS_PORT", &self.source.port.to_string()),
            ("RDS_DATABASE", database),
            ("RDS_USER", EXTRACT_USER),
            ("RDS_PASSWORD", &self.source.extract_password),
            ("RDS_SSL_CA", &self.source.authority.display().to_string()),
            ("SOURCE_TIMEZONE", "UTC"),
        ]));
        variables
    }

    /// Everything `load-redshift` needs to load `bucket` into the warehouse's `database`.
    #[must_use]
    pub fn load_redshift_environment(&self, database: &str, bucket: &str) -> Environment {
        let mut variables = self.aws_environment();
        variables.extend(environment([
            ("S3_BUCKET", bucket),
            ("REDSHIFT_WORKGROUP", WORKGROUP),
            ("REDSHIFT_DATABASE", database),
            ("GLUE_ROLE_ARN", COPY_ROLE),
        ]));
        variables
    }
}

fn environment<const N: usize>(pairs: [(&str, &str); N]) -> Environment {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
