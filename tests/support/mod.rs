//! The cloud that all tests share, and a pipeline of one's own in it.

mod cases;
mod changes;
mod cloud;
mod drivers;
mod forwarder;
mod log;
mod mirror;
mod pipeline;
mod random_source;
mod s3_proxy;
mod source_rows;
mod tables;

pub(crate) use cases::{
    Case, Outcome, arrives, assert_outcomes, counts, create_tables, execute, insert, lenient_source, rejected,
};
pub(crate) use changes::{ACCEPTED, change, put_rates};
pub(crate) use cloud::{cloud, copy_of_sql, project_path};
pub(crate) use drivers::{BOTH_DRIVERS, Driver, ENDLESS_QUERY, source_config};
pub(crate) use forwarder::Forwarder;
pub(crate) use log::Log;
pub(crate) use mirror::{Mirror, assert_mirrors};
pub(crate) use pipeline::Pipeline;
pub(crate) use random_source::RandomSource;
pub(crate) use s3_proxy::{Disturbance, S3Proxy};
pub(crate) use tables::{assert_equal, table_checksums};
