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
    /// The source in messages.
    pub(crate) place: String,
    /// The server's clock when the snapshot was opened.
    pub(crate) at: DateTime<Utc>,
    /// How the rows come to be of one moment.
    pub(crate) mode: String,
}

impl SourceSnapshot {
    /// Opens the snapshot on `connections` connections, or on one where they cannot be made to see the same moment.
    ///
    /// # Errors
    /// When the server cannot be reached, or does not give a consistent snapshot.
    pub(crate) async fn open(
        source: &mut Source,
        specs: &[&TableSpec],
        connections: NonZero<usize>,
    ) -> Result<Self, SourceError> {
        let failed = |source: &Source, error: WireError| source.failed("open a snapshot", error);
        // All of them before the lock, which others wait for.
        let mut readers = Vec::new();
        let mut servers = Vec::new();
        for _ in 0..connections.get() {
            let mut reader = source.connect_wire().await?;
            prepare(&mut reader).map_err(|error| failed(source, error))?;
            servers.push(Server::of(&mut reader).map_err(|error| failed(source, error))?);
            readers.push(reader);
        }
        let obstacle = match (connections.get(), source.server().await?) {
            (1, _) => Some(String::new()),
            (_, locked) => match obstacle(&locked, &servers) {
                Some(obstacle) => Some(format!(", since {obstacle}")),
                None => {
                    let tables: Vec<_> = specs.iter().map(|spec| spec.name.as_str()).collect();
                    source.lock(&tables).await.err().map(|refused| format!(", since {refused}"))
                }
            },
        };
        let mode = match &obstacle {
            None => format!("consistent snapshot, {connections} connections under a table lock"),
            Some(why) => {
                if !why.is_empty() {
                    tracing::info!("reading over one connection{why}");
                }
                readers.truncate(1);
                format!("consistent snapshot, one connection{why}")
            }
        };
        let begun: Result<(), _> = readers.iter_mut().try_for_each(begin);
        // Also when it failed: nobody is kept waiting.
        let unlocked = if obstacle.is_none() { source.unlock().await } else { Ok(()) };
        begun.map_err(|error| failed(source, error))?;
        unlocked?;
        let at =
            readers.iter_mut().map(verify).collect::<Result<Vec<_>, _>>().map_err(|error| failed(source, error))?;
        let at = at.into_iter().min().unwrap_or_default();
        Ok(Self { readers, place: source.place().to_owned(), at, mode })
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
}

/// Which server a connection leads to. One name may stand for several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) name: String,
    /// A reader of Aurora, or another server whose rows come from elsewhere than from statements.
    pub(crate) is_read_only: bool,
}

impl Server {
    /// Host, port, number, and whether its storage is another one's.
    pub(crate) const QUERY: &str =
        "select cast(concat_ws(' ', @@hostname, @@port, @@server_id) as char), cast(@@innodb_read_only + 0 as char)";

    fn of(connection: &mut WireConnection) -> Result<Self, WireError> {
        let name = connection.text(Self::QUERY, 0)?.unwrap_or_default();
        Ok(Self { name, is_read_only: connection.text(Self::QUERY, 1)?.as_deref() != Some("0") })
    }
}

/// Why a table lock on one server would not keep several connections at one moment, if it would not.
fn obstacle(locked: &Server, readers: &[Server]) -> Option<&'static str> {
    if readers.iter().any(|reader| reader.name != locked.name) {
        return Some("the connections lead to different servers");
    }
    // https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Overview.html: a reader shares the storage of the
    // writer, whose changes arrive there without asking for locks.
    locked.is_read_only.then_some("no lock at a reader of Aurora stops what the writer changes")
}

/// Everything that a snapshot needs and that may take its time.
fn prepare(connection: &mut WireConnection) -> Result<(), WireError> {
    connection.execute("set session transaction isolation level repeatable read").map(drop)
}

/// Puts a connection into a snapshot of its own.
fn begin(connection: &mut WireConnection) -> Result<(), WireError> {
    // Error 138 is only a warning: under another isolation level the server takes no snapshot and goes on.
    // https://dev.mysql.com/doc/refman/8.0/en/commit.html
    if connection.execute("start transaction with consistent snapshot, read only")? > 0 {
        return Err(WireError::NoSnapshot("it warned when the transaction began".to_owned()));
    }
    Ok(())
}

/// Reads back that it is one; the server's clock then.
fn verify(connection: &mut WireConnection) -> Result<DateTime<Utc>, WireError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_keeps_only_connections_to_its_own_server_together() {
        let server = |name: &str, is_read_only| Server { name: name.to_owned(), is_read_only };
        let writer = server("a 3306 1", false);
        assert_eq!(obstacle(&writer, &[writer.clone(), writer.clone()]), None);
        assert!(obstacle(&writer, &[writer.clone(), server("b 3306 2", false)]).is_some());
        let reader = server("a 3306 1", true);
        assert!(obstacle(&reader, &[reader.clone(), reader.clone()]).is_some());
    }
}
