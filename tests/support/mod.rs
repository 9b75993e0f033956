//! The cloud that all tests share, and a pipeline of one's own in it.

mod cloud;
mod drivers;
mod forwarder;
mod pipeline;
mod s3_proxy;
mod tables;

pub(crate) use cloud::{cloud, project_path};
pub(crate) use drivers::{BOTH_DRIVERS, Driver, ENDLESS_QUERY, source_config};
pub(crate) use forwarder::Forwarder;
pub(crate) use pipeline::Pipeline;
pub(crate) use s3_proxy::{Disturbance, S3Proxy};
pub(crate) use tables::{assert_equal, table_checksums};
