//! UNLOAD ('select …') TO 's3://…' FORMAT AS PARQUET: the rows of a query into Parquet files of an S3 bucket.
//!
//! Rows are encoded as PostgreSQL sends them. One file is built at a time, in memory, and goes to S3 when it is full, so a
//! result of any size takes the memory of one file. What was written stays when the command fails, or when the transaction
//! around it does.

mod columns;
mod command;
mod manifest;
mod parquet_writer;
mod row_decoder;
mod unload_error;

use std::sync::Arc;

use futures::TryStreamExt;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

pub(crate) use command::UnloadCommand;
pub(crate) use unload_error::UnloadError;

use crate::engine::Transaction;
use crate::object_store::ObjectStore;
use columns::Column;
use command::Existing;
use parquet_writer::{DataFile, ParquetWriter};
use row_decoder::RowDecoder;

/// Runs the command; returns how many rows it unloaded.
pub(crate) async fn run(
    command: &UnloadCommand,
    store: &ObjectStore,
    session: &mut PgConnection,
    transaction: Transaction,
) -> Result<i64, UnloadError> {
    let columns = columns::describe(&command.query, session, transaction).await?;
    prepare_destination(command, store).await?;
    remember_count(0, session).await?;
    let files = write_files(command, &columns, store, session).await?;
    if let Some(detail) = command.manifest.filter(|_| !files.is_empty()) {
        let manifest = manifest::to_json(&files, &columns, detail).to_string();
        store.put(&format!("{}manifest", command.prefix), manifest.into()).await?;
    }
    let row_count = files.iter().map(|file| file.record_count).sum::<u64>();
    let row_count = i64::try_from(row_count).unwrap_or(i64::MAX);
    remember_count(row_count, session).await?;
    Ok(row_count)
}

/// Every object whose URL begins with the prefix is in the way, its own or another's.
async fn prepare_destination(command: &UnloadCommand, store: &ObjectStore) -> Result<(), UnloadError> {
    match command.existing {
        Existing::Overwritten => {}
        Existing::Deleted => store.delete_all(&command.prefix).await?,
        Existing::Refused => {
            if !store.is_empty(&command.prefix).await? {
                return Err(UnloadError::NotEmpty);
            }
        }
    }
    Ok(())
}

async fn write_files(
    command: &UnloadCommand,
    columns: &[Column],
    store: &ObjectStore,
    session: &mut PgConnection,
) -> Result<Vec<DataFile>, UnloadError> {
    let schema = Arc::new(columns::schema(columns));
    let mut decoder = RowDecoder::new(columns.to_vec(), Arc::clone(&schema));
    let mut writer = ParquetWriter::new(command, store, schema);
    // Prepared, so that values come in binary, and not kept: hardly an UNLOAD runs twice in one session.
    let mut rows = sqlx::query(AssertSqlSafe(command.query.clone())).persistent(false).fetch(session);
    while let Some(row) = rows.try_next().await? {
        decoder.push(&row)?;
        if decoder.is_full()
            && let Some(batch) = decoder.batch()?
        {
            writer.write(&batch).await?;
        }
    }
    if let Some(batch) = decoder.batch()? {
        writer.write(&batch).await?;
    }
    writer.finish().await
}

/// What `pg_last_unload_count()` answers for the rest of the session.
async fn remember_count(row_count: i64, session: &mut PgConnection) -> Result<(), UnloadError> {
    let remember = format!("select set_config('redshift_local.last_unload_count', '{row_count}', false)");
    sqlx::raw_sql(AssertSqlSafe(remember)).execute(session).await?;
    Ok(())
}
