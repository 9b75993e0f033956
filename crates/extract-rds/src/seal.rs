//! Sealing: three conditional writes, so that no two runs ever seal a table on the same state, wherever one of them is
//! killed. [`TableState`] says how.

use crate::{error::ExtractError, json::to_json};
use chrono::{DateTime, Utc};
use futures::future::try_join_all;
use rental_core::{Manifest, RunId, SealStatus, TableSpec, TableState, object_key};
use rental_task::{Bucket, BucketError, Put};
use std::{collections::BTreeSet, error::Error};

const JSON: &str = "application/json";

/// A table's state with the tag under which it was read.
#[derive(Debug, Clone)]
pub(crate) struct ReadState {
    pub(crate) state: TableState,
    etag: Option<String>,
}

/// The manifest that a run has for a table, if any.
///
/// # Errors
/// When it cannot be read, or a later run closed this one.
pub(crate) async fn read_manifest(
    bucket: &Bucket,
    table: &str,
    run_id: &RunId,
) -> Result<Option<Manifest>, ExtractError> {
    let key = object_key::manifest(table, run_id);
    let Some(object) = bucket.read(&key).await? else { return Ok(None) };
    Ok(Some(Manifest::from_json(&key, &object.content)?))
}

/// The run that sealed a table last, with the moment that it read, if one did.
///
/// # Errors
/// When the state cannot be read.
pub(crate) async fn last_seal(
    bucket: &Bucket,
    spec: &TableSpec,
) -> Result<Option<(Option<DateTime<Utc>>, RunId)>, ExtractError> {
    let TableState { snapshot_at, last_run_id, .. } = read_state(bucket, &spec.name).await?.state;
    Ok(last_run_id.map(|run_id| (snapshot_at, run_id)))
}

/// The state to extract against. What a killed run left unfinished is finished or closed first.
///
/// # Errors
/// When the bucket fails, or another run writes the state at the same time.
pub(crate) async fn settled_state(
    bucket: &Bucket,
    spec: &TableSpec,
    run_id: &RunId,
) -> Result<ReadState, ExtractError> {
    let mut read = read_state(bucket, &spec.name).await?;
    if let Some(known) = read.state.chunk_grid.as_ref().filter(|known| !known.cuts_as(&spec.chunk_grid)) {
        let (found, known) = (spec.chunk_grid.to_string(), known.to_string());
        return Err(ExtractError::OtherGrid { table: spec.name.clone(), found, known });
    }
    let Some(unfinished) = read.state.sealing.clone() else { return Ok(read) };
    let manifest = match read_manifest(bucket, &spec.name, &unfinished).await? {
        // Another attempt at this run may be about to write it.
        None if unfinished == *run_id => return Ok(read),
        None => {
            tracing::warn!(table = spec.name, run_id = %unfinished, "closing a run that was never sealed");
            close(bucket, spec, &read.state, &unfinished).await?
        }
        found => found,
    };
    read.state = match manifest {
        Some(manifest) if manifest.status == SealStatus::Sealed => read.state.after(&manifest),
        _ => TableState { sealing: None, ..read.state },
    };
    write_state(bucket, &spec.name, read).await
}

/// Seals a table with this manifest.
///
/// # Errors
/// When another run was faster, or closed this one.
pub(crate) async fn seal(bucket: &Bucket, manifest: &Manifest, read: ReadState) -> Result<(), ExtractError> {
    let table = &manifest.table;
    let announced = TableState { sealing: Some(manifest.run_id.clone()), ..read.state };
    let announced = write_state(bucket, table, ReadState { state: announced, etag: read.etag }).await?;

    let copy_key = &manifest.copy_manifest;
    bucket.write(copy_key, to_json(copy_key, &manifest.copy_manifest(bucket.name()))?, JSON).await?;
    let key = object_key::manifest(table, &manifest.run_id);
    if bucket.replace(&key, to_json(&key, manifest)?, None).await? == Put::Contended {
        let lost = match read_manifest(bucket, table, &manifest.run_id).await? {
            // A request whose answer was lost is repeated, and then finds what it wrote itself.
            Some(found) if found == *manifest => None,
            Some(found) if found.status == SealStatus::Abandoned => {
                Some(ExtractError::Abandoned { table: table.clone(), run_id: manifest.run_id.clone() })
            }
            // Sealed by another attempt, or about to be: S3 answers so as well while somebody else's write is under way.
            Some(_) | None => Some(ExtractError::LostRace { table: table.clone() }),
        };
        if let Some(lost) = lost {
            return Err(lost);
        }
    }
    let after = ReadState { state: announced.state.after(manifest), etag: announced.etag };
    write_state(bucket, table, after).await.map(drop)
}

/// Whose uploads are ended that were begun before a run started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UploadsOf {
    /// Right after a seal: nobody can finish them, because their run read a state that is no longer the last one.
    AllRuns,
    /// Later on: others may have read the state since.
    ThisRun,
}

/// Removes what killed attempts left: files of this run that its manifest does not name, and uploads begun before it started.
/// It is no fault when this fails.
pub(crate) async fn tidy_up(bucket: &Bucket, manifest: &Manifest, uploads_of: UploadsOf, started_at: DateTime<Utc>) {
    let (table, run_id) = (&manifest.table, &manifest.run_id);
    let tidied = async {
        let files = manifest.files.iter().chain(&manifest.quarantine_files).map(|file| file.key.as_str());
        let named: BTreeSet<_> = files.chain([manifest.copy_manifest.as_str()]).collect();
        let is_attempts_own = |key: &str| key.ends_with(".parquet") || key.ends_with(".manifest");
        let mut stray = Vec::new();
        let run_prefixes =
            [object_key::raw_run_prefix(table, run_id), object_key::quarantine_run_prefix(table, run_id)];
        for keys in try_join_all(run_prefixes.iter().map(|prefix| bucket.keys(prefix))).await? {
            stray.extend(keys.into_iter().filter(|key| is_attempts_own(key) && !named.contains(key.as_str())));
        }
        bucket.delete(&stray).await?;
        let prefixes = match uploads_of {
            UploadsOf::AllRuns => [object_key::raw_prefix(table), object_key::quarantine_prefix(table)],
            UploadsOf::ThisRun => run_prefixes,
        };
        let aborted = try_join_all(prefixes.iter().map(|prefix| bucket.abort_uploads(prefix, started_at))).await?;
        Ok::<_, BucketError>((stray.len(), aborted.into_iter().sum::<usize>()))
    };
    match tidied.await {
        Ok((0, 0)) => {}
        Ok((files, uploads)) => tracing::info!(table, files, uploads, "removed what killed attempts had left"),
        Err(error) => tracing::warn!(table, error = &error as &dyn Error, "what killed attempts left stays behind"),
    }
}

/// Puts a manifest that holds nothing in the place of one that never came; returns the real one if it came after all.
async fn close(
    bucket: &Bucket,
    spec: &TableSpec,
    state: &TableState,
    run_id: &RunId,
) -> Result<Option<Manifest>, ExtractError> {
    let key = object_key::manifest(&spec.name, run_id);
    let abandoned = Manifest::abandoned(spec, run_id.clone(), state.sequence + 1);
    match bucket.replace(&key, to_json(&key, &abandoned)?, None).await? {
        Put::Done { .. } => Ok(None),
        Put::Contended => read_manifest(bucket, &spec.name, run_id).await,
    }
}

async fn read_state(bucket: &Bucket, table: &str) -> Result<ReadState, ExtractError> {
    let key = object_key::table_state(table);
    let Some(object) = bucket.read(&key).await? else { return Ok(ReadState { state: TableState::new(), etag: None }) };
    let state: TableState =
        serde_json::from_slice(&object.content).map_err(|source| ExtractError::Json { key: key.clone(), source })?;
    if state.format_version != TableState::FORMAT_VERSION {
        let (found, expected) = (state.format_version, TableState::FORMAT_VERSION);
        return Err(ExtractError::StateVersion { key, found, expected });
    }
    Ok(ReadState { state, etag: object.etag })
}

async fn write_state(bucket: &Bucket, table: &str, read: ReadState) -> Result<ReadState, ExtractError> {
    let key = object_key::table_state(table);
    match bucket.replace(&key, to_json(&key, &read.state)?, read.etag.as_deref()).await? {
        Put::Done { etag } => Ok(ReadState { state: read.state, etag }),
        Put::Contended => {
            // As above: it may be this very state that stands there.
            let found = read_state(bucket, table).await?;
            if found.state == read.state { Ok(found) } else { Err(ExtractError::LostRace { table: table.to_owned() }) }
        }
    }
}
