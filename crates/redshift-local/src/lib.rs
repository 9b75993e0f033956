//! A Redshift Data API on PostgreSQL 15 or newer.
//!
//! A call's SQL is read as tokens ([`check`] does the same without a server), refused where Redshift would refuse it,
//! rewritten where PostgreSQL spells or means it otherwise, and run in a PostgreSQL session of its own, whose database holds
//! the functions that PostgreSQL lacks (`shims/`). COPY reads S3 and UNLOAD writes it in this process.
//!
//! # What is not emulated
//! Nothing is silently ignored: what is listed as refused fails with a message that says so.
//! * DECIMAL: quotients and averages have Redshift's precision and scale where the sizes of their operands can be told. Sums
//!   and products have its scale, but no limit of 38 digits and no declared size (CREATE TABLE … AS makes such a column
//!   a NUMERIC without one, which COPY and UNLOAD refuse: cast it). Quotients in MERGE, and all of them on PostgreSQL 17
//!   and newer, which no longer tells where an operator stands, have PostgreSQL's scale. The guide does not say whether the
//!   last digit of a quotient or an average is cut or rounded; here it is cut.
//! * Where DATEDIFF(week) puts its boundary is not documented; here it is Monday.
//! * Trailing blanks of VARCHAR count in comparisons; in Redshift they do not, as those of CHAR.
//! * Redshift converts numbers, dates and times to text by itself; here the commonest functions of text take them, and
//!   elsewhere they must be cast. What is compared by COLLATE(…, 'case_insensitive') is ordered as ICU does, and has no LIKE.
//! * FNV_HASH takes text and integers, MURMUR3_32_HASH also DATE and TIMESTAMP; TEXT_TO_INT_ALT and TEXT_TO_NUMERIC_ALT take
//!   no format. TO_DATE and TO_TIMESTAMP let overflow run over in formats of numbers alone. TRY_CAST is NULL for what
//!   PostgreSQL's CAST refuses.
//! * CURRENT_AWS_ACCOUNT and CURRENT_NAMESPACE are zeros.
//! * Identity columns have gaps, but count in the order of insertion.
//! * A view that is made of one WITH NO SCHEMA BINDING is bound to the tables below it. SVV_COLUMNS does not show the columns
//!   of late-binding views; DescribeTable does.
//! * Encodings, distribution and sort keys are checked and forgotten; EXPLAIN shows PostgreSQL's plan.
//! * Refused though Redshift has it: WithEvent; BEGIN, COMMIT and ROLLBACK as calls (send a batch); PREPARE and EXECUTE;
//!   users, groups, roles, databases, datashares, external schemas and tables; ALTER of anything but a table; SUPER and
//!   the other types PostgreSQL lacks; UNLOAD of other formats than Parquet, with PARTITION BY, keys, REGION or EXTENSION;
//!   COPY of other formats than Parquet, with SERIALIZETOJSON, of INT96 timestamps, or into TIMESTAMPTZ and TIME; Python and
//!   Lambda functions; the functions that `dialect/functions.txt` marks; PIVOT and UNPIVOT; CONNECT BY.
//! * An UPDATE that waited for another transaction's change of the same row fails with 1023, even as the first statement of
//!   its transaction, where Redshift was seen to go on with the changed row.
//! * The history of queries shows the text of CREDENTIALS. A stand-in that is ended leaves statements that run to PostgreSQL.
//! * What Redshift says to two that make the same object at once is not documented. Here it is `could not complete because of
//!   conflict with concurrent transaction`, which <https://github.com/dbt-labs/dbt-adapters> (dbt-redshift, `connections.py`)
//!   sends again.
//! * A TRUNCATE by others empties the table for snapshots that are older, too.
//! * UNLOAD writes one file after the other, each of about 64 MB at most, and names them as slices; an ORDER BY holds across
//!   them. TIMESTAMP is stored as INT64 microseconds and DECIMAL in the smallest form, where Redshift writes INT96 and
//!   FIXED_LEN_BYTE_ARRAY. A DECIMAL whose precision PostgreSQL does not know must be cast, and TIME has no form.
//!   A verbose manifest gives text of no stated length the longest one.
//! * In procedures: what RAISE says below EXCEPTION goes to the log, as the Data API has no place for it; a loop over a
//!   query reads all its rows first; a width declared for a parameter is not enforced; which name wins where a variable
//!   and a column share it is not documented, here it is the variable.
//! * The gate sees tokens, not types or names: skip-level correlation, implicit conversions and leader-node functions behind
//!   views pass here.
//! * A table that was created after the transaction's snapshot is found, and empty; Redshift fails with 1018, `Relation does
//!   not exist`.
//! * `precision` and `scale` in the metadata of a result are those of its types and of the tables' columns; those of an
//!   expression's DECIMAL, VARCHAR or CHAR are 0, as the driver does not tell them.
//! * Half of the connections that PostgreSQL takes run statements, which wait for one PICKED; a quarter is for kept sessions,
//!   of which there are no more than that.
//! * Users and roles: every request runs as one PostgreSQL superuser, whatever its credentials, secret or user.
//! * Of Redshift's system views there are those of `shims/catalog.sql`, with what PostgreSQL knows; no `STL_`, `STV_`, `SVL_`.

mod api_error;
mod check;
mod command_parser;
mod copy;
mod data_api;
mod decimal;
mod dialect;
mod engine;
mod engine_error;
mod execution;
mod faults;
mod history;
mod kept_session;
mod late_binding;
mod lateral_alias;
mod object_store;
mod postgres_binary;
mod procedure;
mod result_set;
mod session;
mod signature;
mod snapshot;
mod statement;
mod statistics;
mod translate;
mod unload;

use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;

use aws_credential_types::Credentials;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::map_response;
use axum::routing::post;
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;

pub use check::check;
pub use dialect::{Refusal, Verdict};
pub use faults::Faults;

use crate::faults::FaultCounters;
use crate::kept_session::KeptSessions;
use crate::object_store::ObjectStore;
use crate::session::Warehouse;
use crate::statement::StatementStore;

/// A request holds at most 100 KB of SQL; escapes and parameters come on top.
const REQUEST_MAX_BYTES: usize = 4 * 1024 * 1024;

/// What an endpoint needs to know.
#[derive(Clone)]
pub struct Options {
    /// URL of the PostgreSQL server, of a superuser; its database, if any, is not used. A request's `Database` names the
    /// PostgreSQL database, which is created when first named.
    pub postgres_url: String,
    /// Endpoint of the S3 that COPY reads and UNLOAD writes; without one, AWS's own.
    pub s3_endpoint: Option<String>,
    pub region: String,
    /// The one pair whose signed requests are taken; without it every request is, signed or not.
    pub credentials: Option<Credentials>,
    pub faults: Faults,
}

/// Without the URL, which holds a password.
impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Options")
            .field("s3_endpoint", &self.s3_endpoint)
            .field("region", &self.region)
            .field("credentials", &self.credentials)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

/// Why an endpoint could not start or went on no longer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("read the PostgreSQL URL")]
    PostgresUrl(#[source] sqlx::Error),
    #[error("serve HTTP")]
    Serve(#[source] std::io::Error),
}

/// What all calls share.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) warehouse: Warehouse,
    pub(crate) object_store: ObjectStore,
    pub(crate) statements: StatementStore,
    pub(crate) kept_sessions: KeptSessions,
    pub(crate) region: String,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) faults: FaultCounters,
}

/// The Data API as a router, to be served alone or beside other services. It answers `POST /`.
///
/// # Errors
/// A PostgreSQL URL that cannot be read. The server itself is first contacted by the first statement.
pub fn router(options: Options) -> Result<Router, Error> {
    let server = PgConnectOptions::from_str(&options.postgres_url).map_err(Error::PostgresUrl)?;
    let endpoint = Endpoint {
        warehouse: Warehouse::new(server),
        object_store: ObjectStore::new(options.s3_endpoint, options.region.clone()),
        statements: StatementStore::new(options.faults.retention),
        kept_sessions: KeptSessions::default(),
        region: options.region,
        credentials: options.credentials,
        faults: FaultCounters::new(options.faults),
    };
    Ok(Router::new()
        .route("/", post(data_api::handle))
        .layer(map_response(data_api::with_request_id))
        .layer(DefaultBodyLimit::max(REQUEST_MAX_BYTES))
        .with_state(Arc::new(endpoint)))
}

/// Serves the Data API on `listener` until `shutdown` completes.
///
/// # Errors
/// As [`router`], and faults of the listener.
pub async fn serve(
    listener: TcpListener,
    options: Options,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let router = router(options)?;
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await.map_err(Error::Serve)
}

#[cfg(test)]
mod tests {
    use super::{Faults, Options};

    #[test]
    fn options_are_shown_without_the_password() {
        let options = Options {
            postgres_url: "postgres://owner:hidden@host".to_owned(),
            s3_endpoint: None,
            region: "us-east-1".to_owned(),
            credentials: None,
            faults: Faults::default(),
        };
        assert!(!format!("{options:?}").contains("hidden"));
    }
}
