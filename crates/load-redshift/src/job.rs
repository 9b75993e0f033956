//! What every step works with: the configuration, the warehouse and the log.

use crate::{aws, bucket::Bucket, config::Config, data_api::DataApi, error::LoadError};

/// One call of the program.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    pub(crate) config: &'a Config,
    pub(crate) api: DataApi,
    pub(crate) bucket: Bucket,
}

impl<'a> Job<'a> {
    /// # Errors
    /// When no region is set. Nothing is connected to yet.
    pub(crate) async fn new(config: &'a Config) -> Result<Self, LoadError> {
        let sdk_config = aws::sdk_config().await?;
        Ok(Self {
            config,
            api: DataApi::new(&sdk_config, &config.warehouse),
            bucket: Bucket::new(&sdk_config, &config.bucket),
        })
    }
}
