//! COPY … FROM 's3://…' FORMAT AS PARQUET MANIFEST: Parquet files of an S3 bucket into one table, by position.
//!
//! Files are read one after the other, row group by row group, while PostgreSQL takes in what was read before through its
//! own binary COPY. The first fault fails the whole command, as in Redshift.

mod command;
mod copy_error;
mod manifest;
mod object_store;
mod parquet_file;
mod row_encoder;
mod target;

use bytes::Bytes;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub(crate) use command::CopyCommand;
pub(crate) use copy_error::CopyError;
pub(crate) use object_store::ObjectStore;

use crate::translate::quote_identifier;
use manifest::DataFile;
use row_encoder::{FILE_HEADER, FILE_TRAILER};
use target::Column;

/// Encoded batches that wait for PostgreSQL; each is some megabytes at most.
const BATCHES_IN_FLIGHT: usize = 4;

/// Runs the command in the session's transaction; returns how many rows it loaded.
pub(crate) async fn run(
    command: &CopyCommand,
    store: &ObjectStore,
    session: &mut PgConnection,
) -> Result<i64, CopyError> {
    let columns = target::columns(command, session).await?;
    let files = manifest::read(&command.manifest, store).await?;

    let names: Vec<String> = columns.iter().map(|column| quote_identifier(&column.name)).collect();
    let into = format!("copy {} ({}) from stdin (format binary)", command.quoted_table(), names.join(", "));
    let mut copy_in = session.copy_in_raw(&into).await?;
    copy_in.send(FILE_HEADER).await?;

    let (sender, mut encoded) = mpsc::channel(BATCHES_IN_FLIGHT);
    // Ends with this function, however it ends.
    let mut reader = JoinSet::new();
    reader.spawn(read_files(files, columns, command.fills_record, store.clone(), sender));
    while let Some(batch) = encoded.recv().await {
        match batch {
            Ok(rows) => copy_in.send(rows).await.map(|_| ())?,
            Err(error) => {
                copy_in.abort("a data file was refused").await?;
                return Err(error);
            }
        }
    }
    if let Some(Err(panic)) = reader.join_next().await {
        copy_in.abort("reading stopped").await?;
        return Err(CopyError::ReaderStopped(panic));
    }
    copy_in.send(FILE_TRAILER).await?;
    let row_count = i64::try_from(copy_in.finish().await?).unwrap_or(i64::MAX);
    remember_count(row_count, session).await?;
    Ok(row_count)
}

async fn read_files(
    files: Vec<DataFile>,
    columns: Vec<Column>,
    fills_record: bool,
    store: ObjectStore,
    sender: mpsc::Sender<Result<Bytes, CopyError>>,
) {
    for file in files {
        if let Err(error) = parquet_file::read(&file, &columns, fills_record, &store, &sender).await {
            // Without a receiver the command has ended otherwise.
            let _ = sender.send(Err(error)).await;
            return;
        }
    }
}

/// What `pg_last_copy_count()` answers for the rest of the session.
async fn remember_count(row_count: i64, session: &mut PgConnection) -> Result<(), CopyError> {
    let remember = format!("select set_config('redshift_local.last_copy_count', '{row_count}', false)");
    sqlx::raw_sql(AssertSqlSafe(remember)).execute(session).await?;
    Ok(())
}
