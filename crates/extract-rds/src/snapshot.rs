//! One moment of the source, seen by several connections: they are opened while the tables are locked for an instant, so that
//! nothing is committed between the first and the last. Where the lock is not to be had, one connection has to do: it sees
//! one moment as well.

use crate::{
    extract_table::RunContext,
    source::Source,
    source_error::SourceError,
    wire::{WireConnection, WireError},
};
use chrono::{DateTime, Utc};
use rental_core::{Snapshot, TableSpec};
use std::num::NonZero;

const ISOLATION: &str = "REPEATABLE-READ";

/// Connections that see the source as it was at one moment and cannot change it.
pub(crate) struct SourceSnapshot {
    pub(crate) readers: Vec<WireConnection>,
    /// The server's clock when the snapshot was opened.
    pub(crate) at: DateTime<Utc>,
    /// How the rows come to be of one moment.
    pub(crate) mode: String,
}

impl SourceSnapshot {
    /// Opens the snapshot on `connections` connections, or on one where the tables cannot be locked.
    ///
    /// # Errors
    /// When the server cannot be reached, or does not give a consistent snapshot.
    pub(crate) async fn open(
        source: &mut Source,
        specs: &[&TableSpec],
        connections: NonZero<usize>,
    ) -> Result<Self, SourceError> {
        if connections.get() == 1 {
            return Self::open_unlocked(source, 1, "consistent snapshot, one connection".to_owned()).await;
        }
        let tables: Vec<_> = specs.iter().map(|spec| spec.name.as_str()).collect();
        match source.lock(&tables).await {
            Ok(()) => {
                let mode = format!("consistent snapshot, {connections} connections under a table lock");
                let opened = Self::open_unlocked(source, connections.get(), mode).await;
                // Also when it failed: nobody is kept waiting.
                let unlocked = source.unlock().await;
                let snapshot = opened?;
                unlocked?;
                Ok(snapshot)
            }
            Err(refused) => {
                tracing::info!(reason = refused.to_string(), "tables cannot be locked: reading over one connection");
                let mode = format!("consistent snapshot, one connection, since {refused}");
                Self::open_unlocked(source, 1, mode).await
            }
        }
    }

    /// In the form of the manifest.
    pub(crate) fn described(&self, run: &RunContext<'_>, source: &Source) -> Snapshot {
        Snapshot {
            at: self.at,
            mode: self.mode.clone(),
            server_version: source.server_version.clone(),
            source_timezone: run.source_zone.timezone().to_string(),
        }
    }

    async fn open_unlocked(source: &Source, connections: usize, mode: String) -> Result<Self, SourceError> {
        let open = async || {
            let mut connection = source.connect_wire().await?;
            let at = begin(&mut connection).map_err(|error| source.failed("open a snapshot", error))?;
            Ok::<_, SourceError>((connection, at))
        };
        let first = open().await?;
        let (mut readers, at) = (vec![first.0], first.1);
        for _ in 1..connections {
            readers.push(open().await?.0);
        }
        Ok(Self { readers, at, mode })
    }
}

/// Puts a connection into a snapshot of its own; the server's clock then.
fn begin(connection: &mut WireConnection) -> Result<DateTime<Utc>, WireError> {
    connection.execute("set session transaction isolation level repeatable read")?;
    // Error 138 is only a warning: under another isolation level the server takes no snapshot and goes on.
    // https://dev.mysql.com/doc/refman/8.0/en/commit.html
    if connection.execute("start transaction with consistent snapshot, read only")? > 0 {
        return Err(WireError::NoSnapshot("it warned when the transaction began".to_owned()));
    }
    let isolation = connection
        .text("show session variables where variable_name in ('transaction_isolation', 'tx_isolation')", 1)?
        .unwrap_or_default();
    if isolation != ISOLATION {
        return Err(WireError::NoSnapshot(format!("the isolation level is {isolation}")));
    }
    let clock = connection.text("select cast(utc_timestamp(6) as char)", 0)?.unwrap_or_default();
    let at = chrono::NaiveDateTime::parse_from_str(&clock, "%Y-%m-%d %H:%M:%S%.f");
    let at = at.map_err(|_| WireError::Protocol("the time of the server's clock"))?;
    Ok(at.and_utc())
}
