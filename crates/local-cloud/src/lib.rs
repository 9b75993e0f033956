//! The whole pipeline on one machine, without Docker and without an AWS account.
//!
//! [`LocalCloud::start`] starts MariaDB as the source, PostgreSQL under the Redshift stand-in, LocalStack for most of AWS, and
//! an endpoint of our own for Redshift Data and ECS, all on free ports of 127.0.0.1. [`deploy`] creates the stack of `infra/`
//! in it. Whoever holds its [`Connection`] can use it from outside.

mod arguments;
mod certificate;
mod cloud;
mod commands;
mod connection;
mod deployment;
mod ecs_tasks;
mod endpoint;
mod execution;
mod failed_container;
mod fill;
mod generate;
mod http;
mod localstack;
mod mariadb;
mod output;
mod postgres;
mod programs;
mod progress;
mod results;
mod running_cloud;
mod seed;
mod server_process;
mod shell;
mod source_sql;
mod spawn;
mod state_folder;
mod status;
mod supervisor;
mod system_user;
mod tcp_port;

pub use arguments::Arguments;
pub use cloud::{LocalCloud, Options};
pub use commands::execute;
pub use connection::{Connection, Environment, REGION};
pub use deployment::{Deployment, deploy};
pub use generate::{SAMPLE_SEED, SampleSize, generate};
pub use mariadb::SourceServer;
pub use seed::seed;
