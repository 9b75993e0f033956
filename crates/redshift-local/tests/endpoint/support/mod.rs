//! One PostgreSQL for all tests, one endpoint and one database per test.

mod object_store;
pub(crate) mod postgres;
pub(crate) mod python;
mod random;
mod warehouse;

pub(crate) use object_store::{Bucket, parquet};
pub(crate) use random::Random;
pub(crate) use warehouse::{Warehouse, client};
