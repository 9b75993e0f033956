//! One PostgreSQL for all tests, one endpoint and one database per test.

mod object_store;
mod postgres;
mod warehouse;

pub(crate) use object_store::Bucket;
pub(crate) use warehouse::Warehouse;
