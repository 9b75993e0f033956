//! One PostgreSQL for all tests, one endpoint and one database per test.

mod postgres;
mod warehouse;

pub(crate) use warehouse::Warehouse;
