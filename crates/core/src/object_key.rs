//! Where every object lives in the bucket. Files that are written in pieces also bear the attempt that wrote them, so that
//! two processes with the same run id never write the same file; which of them count, the manifest says.

use crate::run::RunId;

/// The prefix under which a table's runs lie.
#[must_use]
pub fn raw_prefix(table: &str) -> String {
    format!("raw/{table}/")
}

/// The prefix under which a table's rejected rows lie.
#[must_use]
pub fn quarantine_prefix(table: &str) -> String {
    format!("quarantine/{table}/")
}

/// Everything that a run writes of a table's good rows.
#[must_use]
pub fn raw_run_prefix(table: &str, run_id: &RunId) -> String {
    format!("raw/{table}/run={run_id}/")
}

/// Everything that a run writes of a table's rejected rows.
#[must_use]
pub fn quarantine_run_prefix(table: &str, run_id: &RunId) -> String {
    format!("quarantine/{table}/run={run_id}/")
}

/// One Parquet file of good rows.
#[must_use]
pub fn data_file(table: &str, run_id: &RunId, attempt: &str, part: usize) -> String {
    format!("raw/{table}/run={run_id}/part-{attempt}-{part:05}.parquet")
}

/// The manifest: written last, so its presence says that the table's extract is complete.
#[must_use]
pub fn manifest(table: &str, run_id: &RunId) -> String {
    format!("raw/{table}/run={run_id}/manifest.json")
}

/// The list of files in the form that COPY reads.
#[must_use]
pub fn copy_manifest(table: &str, run_id: &RunId, attempt: &str) -> String {
    format!("raw/{table}/run={run_id}/copy-{attempt}.manifest")
}

/// One Parquet file of rejected rows.
#[must_use]
pub fn quarantine_file(table: &str, run_id: &RunId, attempt: &str, part: usize) -> String {
    format!("quarantine/{table}/run={run_id}/part-{attempt}-{part:05}.parquet")
}

/// The fingerprints of the last sealed run of a table.
#[must_use]
pub fn table_state(table: &str) -> String {
    format!("state/{table}.json")
}

/// The receipt of a whole run.
#[must_use]
pub fn receipt(run_id: &RunId) -> String {
    format!("runs/{run_id}/receipt.json")
}

/// The work items of a run that several tasks share.
#[must_use]
pub fn extract_plan(run_id: &RunId) -> String {
    format!("runs/{run_id}/plan.json")
}

/// What was captured for one of them.
#[must_use]
pub fn extract_part(run_id: &RunId, table: &str, item: usize) -> String {
    format!("runs/{run_id}/parts/{table}/{item:05}.json")
}

/// Everything that one reconciliation has the warehouse unload, to be deleted at its end.
#[must_use]
pub fn reconcile_prefix(id: &RunId) -> String {
    format!("reconcile/{id}/")
}

/// The rows of one table, as the warehouse has them.
#[must_use]
pub fn unloaded_prefix(id: &RunId, table: &str) -> String {
    format!("reconcile/{id}/{table}/")
}

/// The run id in a key or prefix that one of the functions above made, if it holds one.
#[must_use]
pub fn run_id_of(key: &str) -> Option<RunId> {
    key.split('/').find_map(|part| part.strip_prefix("run="))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_has_its_place() {
        let run: RunId = "2025-01-31-nightly".parse().unwrap();
        let cases = [
            (data_file("bookings", &run, "5f0c", 7), "raw/bookings/run=2025-01-31-nightly/part-5f0c-00007.parquet"),
            (manifest("bookings", &run), "raw/bookings/run=2025-01-31-nightly/manifest.json"),
            (copy_manifest("bookings", &run, "1f00cafe"), "raw/bookings/run=2025-01-31-nightly/copy-1f00cafe.manifest"),
            (
                quarantine_file("bookings", &run, "5f0c", 0),
                "quarantine/bookings/run=2025-01-31-nightly/part-5f0c-00000.parquet",
            ),
            (table_state("bookings"), "state/bookings.json"),
            (extract_plan(&run), "runs/2025-01-31-nightly/plan.json"),
            (extract_part(&run, "bookings", 3), "runs/2025-01-31-nightly/parts/bookings/00003.json"),
            (receipt(&run), "runs/2025-01-31-nightly/receipt.json"),
            (unloaded_prefix(&run, "bookings"), "reconcile/2025-01-31-nightly/bookings/"),
        ];
        for (key, expected) in cases {
            assert_eq!(key, expected);
        }
    }

    #[test]
    fn the_run_id_reads_back_from_its_keys() {
        let run: RunId = "r1".parse().unwrap();
        assert_eq!(run_id_of(&manifest("bookings", &run)), Some(run.clone()));
        assert_eq!(run_id_of("raw/bookings/run=r1/"), Some(run));
        assert_eq!(run_id_of("state/bookings.json"), None);
    }
}
