//! The endpoint as clients see it: AWS's own SDK speaks to a served `redshift_local`, which runs on a real PostgreSQL that
//! these tests start themselves. COPY is tested end to end, where an S3 is at hand.

mod api; // statuses, sub-statements, idempotency, cancellation, refused requests
mod dialect; // the two corpora in tests/dialect
mod procedures; // parameters, RAISE, what a batch forbids
mod results; // typed values, column metadata, pages
mod semantics; // what Redshift spells as PostgreSQL does and means otherwise
mod support;
mod transactions; // one batch, one transaction; snapshots and locks
