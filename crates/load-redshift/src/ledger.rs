//! What the warehouse says is loaded, transformed and published.

use crate::{
    data_api::{DataApi, Statement},
    error::LoadError,
    result_rows::{ResultRows, Row, UnexpectedValue},
};
use chrono::NaiveDateTime;
use rental_core::{RunDate, RunId};
use std::collections::{BTreeMap, BTreeSet};

/// All entries of `etl.ledger` and `etl.runs`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) entries: Vec<LedgerEntry>,
    pub(crate) runs: BTreeMap<RunId, RunEntry>,
}

/// One loaded table of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LedgerEntry {
    pub(crate) run_id: RunId,
    pub(crate) table: String,
    pub(crate) sequence: u64,
    pub(crate) run_date: RunDate,
    pub(crate) snapshot_at: NaiveDateTime,
    pub(crate) chunk_count: u64,
    pub(crate) file_count: u64,
    /// Rows that the manifest promised and that were counted when it was loaded.
    pub(crate) row_count: u64,
}

/// How far a run came after loading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunEntry {
    pub(crate) run_date: RunDate,
    pub(crate) transformed_at: String,
    pub(crate) published_at: Option<String>,
}

const ENTRIES: &str = "select run_id, table_name, manifest_sequence, run_date::varchar(10), snapshot_at::varchar(32), \
                       chunk_count, file_count, expected_rows from etl.ledger";
const RUNS: &str =
    "select run_id, run_date::varchar(10), transformed_at::varchar(32), published_at::varchar(32) from etl.runs";

impl Ledger {
    /// Reads both tables on one snapshot.
    pub(crate) async fn read(api: &DataApi) -> Result<Self, LoadError> {
        let queries = [Statement::new("read etl.ledger", ENTRIES), Statement::new("read etl.runs", RUNS)];
        let results = api.query_all(&queries).await.map_err(|error| {
            if error.says("does not exist") { LoadError::NotMigrated { source: error } } else { error.into() }
        })?;
        let [entries, runs] = results.as_slice() else { return Ok(Self::default()) };
        Self::of_rows(entries, runs).map_err(|source| LoadError::Result { what: "etl.ledger and etl.runs", source })
    }

    fn of_rows(entries: &ResultRows, runs: &ResultRows) -> Result<Self, UnexpectedValue> {
        let entry = |cells: &Vec<_>| {
            let row = Row(cells);
            Ok(LedgerEntry {
                run_id: row.run_id(0)?,
                table: row.text(1)?,
                sequence: row.count(2)?,
                run_date: row.date(3)?,
                snapshot_at: row.timestamp(4)?,
                chunk_count: row.count(5)?,
                file_count: row.count(6)?,
                row_count: row.count(7)?,
            })
        };
        let run = |cells: &Vec<_>| {
            let row = Row(cells);
            let entry =
                RunEntry { run_date: row.date(1)?, transformed_at: row.text(2)?, published_at: row.optional_text(3) };
            Ok((row.run_id(0)?, entry))
        };
        Ok(Self {
            entries: entries.rows.iter().map(entry).collect::<Result<_, _>>()?,
            runs: runs.rows.iter().map(run).collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn entry(&self, table: &str, run_id: &RunId) -> Option<&LedgerEntry> {
        self.entries.iter().find(|entry| entry.table == table && entry.run_id == *run_id)
    }

    pub(crate) fn entries_of<'a>(&'a self, run_id: &'a RunId) -> impl Iterator<Item = &'a LedgerEntry> {
        self.entries.iter().filter(move |entry| entry.run_id == *run_id)
    }

    /// How many manifests of the table are loaded, by their own count.
    pub(crate) fn last_sequence(&self, table: &str) -> u64 {
        self.entries.iter().filter(|entry| entry.table == table).map(|entry| entry.sequence).max().unwrap_or(0)
    }

    /// The run whose snapshot of the source is the newest one loaded.
    pub(crate) fn latest_run(&self) -> Option<&RunId> {
        self.entries.iter().max_by_key(|entry| (entry.snapshot_at, entry.sequence)).map(|entry| &entry.run_id)
    }

    /// The run date that the run's manifests name.
    pub(crate) fn run_date(&self, run_id: &RunId) -> Option<RunDate> {
        self.entries_of(run_id).map(|entry| entry.run_date).max()
    }

    /// Runs with loaded tables, oldest snapshot first.
    pub(crate) fn loaded_runs(&self) -> Vec<&RunId> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|entry| (entry.snapshot_at, entry.sequence));
        let mut seen = BTreeSet::new();
        let mut runs: Vec<_> =
            entries.iter().rev().map(|entry| &entry.run_id).filter(|run| seen.insert(*run)).collect();
        runs.reverse();
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(run_id: &str, table: &str, sequence: u64, snapshot_at: &str) -> LedgerEntry {
        LedgerEntry {
            run_id: run_id.parse().unwrap(),
            table: table.to_owned(),
            sequence,
            run_date: snapshot_at[..10].parse().unwrap(),
            snapshot_at: snapshot_at.parse().unwrap(),
            chunk_count: 1,
            file_count: 1,
            row_count: 1,
        }
    }

    #[test]
    fn the_latest_run_is_that_of_the_newest_snapshot_whatever_its_name() {
        let ledger = Ledger {
            entries: vec![
                entry("z", "bookings", 1, "2025-02-16T03:00:00"),
                entry("a", "bookings", 2, "2025-02-17T03:00:00.5"),
                entry("m", "bookings", 3, "2025-02-17T03:00:00.4"),
            ],
            runs: BTreeMap::new(),
        };
        assert_eq!(ledger.latest_run().map(RunId::as_str), Some("a"));
        assert_eq!(ledger.last_sequence("bookings"), 3);
        assert_eq!(ledger.loaded_runs().into_iter().map(RunId::as_str).collect::<Vec<_>>(), ["z", "m", "a"]);
    }
}
