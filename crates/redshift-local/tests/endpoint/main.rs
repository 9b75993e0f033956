//! The endpoint as clients see it: AWS's own SDK speaks to a served `redshift_local`, which runs on a real PostgreSQL that
//! these tests start themselves, and for COPY and UNLOAD on the S3 of a LocalStack.

mod aliases; // of a SELECT list, in the same list
mod api; // statuses, sub-statements, idempotency, cancellation, refused requests
mod catalog; // databases, schemas, tables
mod clients; // boto3, the AWS CLI, awswrangler
mod concurrency; // many clients at once
mod copy; // Parquet by manifest
mod cursors; // in procedures and of a session
mod decimals; // precision and scale of quotients and averages
mod dialect; // the two corpora in tests/dialect
mod faults; // what goes wrong on purpose
mod late_binding; // views WITH NO SCHEMA BINDING
mod procedure_bodies; // variables, loops and branches
mod procedure_transactions; // what a call commits, and what an error in it leaves
mod procedures; // parameters, dynamic SQL, what is refused when they are created
mod requests; // what no client sends: garbage on the wire
mod results; // typed values, column metadata, pages
mod semantics; // what Redshift spells as PostgreSQL does and means otherwise
mod sessions; // that outlive a call
mod signatures; // where one pair of credentials is required
mod support;
mod transactions; // one batch, one transaction; snapshots and locks
mod unload; // Parquet and manifests to S3, and back by COPY
mod values; // functions and expressions, statement by statement
