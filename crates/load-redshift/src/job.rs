//! What every step works with: the configuration, the warehouse and the log.

use crate::{
    config::{Config, ConfigError},
    data_api::DataApi,
    error::LoadError,
};
use rental_task::{Bucket, sdk_config};

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
        let sdk_config = sdk_config().await.map_err(ConfigError::from)?;
        Ok(Self {
            config,
            api: DataApi::new(&sdk_config, &config.warehouse),
            bucket: Bucket::new(&sdk_config, &config.bucket),
        })
    }
}
