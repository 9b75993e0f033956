//! COPY … FROM 's3://…' FORMAT AS PARQUET: Parquet files of an S3 bucket into one table, by position. The files are those of
//! a manifest, or all whose keys begin alike; when none does, nothing is loaded, as in Redshift.
//!
//! Several files are read at once, row group by row group, while PostgreSQL takes in what was read before through its own
//! binary COPY, file after file. The first fault fails the whole command, as in Redshift.

mod command;
mod copy_error;
mod manifest;
mod open_files;
mod parquet_file;
mod row_encoder;
mod target;

use std::time::{Duration, Instant, SystemTime};

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

pub(crate) use command::CopyCommand;
pub(crate) use copy_error::CopyError;

use crate::object_store::ObjectStore;
use crate::translate::quote_identifier;
use command::Source;
use manifest::DataFile;
use open_files::OpenFiles;
use row_encoder::{FILE_HEADER, FILE_TRAILER};

/// What a COPY came to.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) table: String,
    /// The URL of the manifest, or the prefix.
    pub(crate) data_source: String,
    pub(crate) started_at: SystemTime,
    pub(crate) duration: Duration,
    pub(crate) row_count: i64,
    pub(crate) file_count: i32,
    pub(crate) file_bytes: i64,
    pub(crate) error: Option<LoadError>,
}

/// Why a COPY loaded nothing.
#[derive(Debug)]
pub(crate) struct LoadError {
    /// The file at fault, if it is one.
    pub(crate) file: Option<String>,
    /// Redshift's code.
    pub(crate) code: i32,
    pub(crate) message: String,
}

/// Runs the command in the session's transaction; returns how many rows it loaded, and notes the load in `loads`.
pub(crate) async fn run(
    command: &CopyCommand,
    store: &ObjectStore,
    session: &mut PgConnection,
    loads: &mut Vec<Load>,
) -> Result<i64, CopyError> {
    let started = Instant::now();
    let mut load = Load {
        table: command.table_name(),
        data_source: command.source.url().to_owned(),
        started_at: SystemTime::now(),
        duration: Duration::ZERO,
        row_count: 0,
        file_count: 0,
        file_bytes: 0,
        error: None,
    };
    let mut file = None;
    let ran = load_files(command, store, session, &mut load, &mut file).await;
    load.duration = started.elapsed();
    match &ran {
        Ok(row_count) => load.row_count = *row_count,
        Err(error) => load.error = Some(LoadError { file, code: error.code(), message: error.to_string() }),
    }
    loads.push(load);
    ran
}

/// After the transaction of a COPY that failed: the last COPY loaded nothing, whatever one before it did.
pub(crate) async fn forget_count(session: &mut PgConnection) -> Result<(), CopyError> {
    remember_count(0, session).await
}

/// Notes in `file` which one is at fault.
async fn load_files(
    command: &CopyCommand,
    store: &ObjectStore,
    session: &mut PgConnection,
    load: &mut Load,
    file: &mut Option<String>,
) -> Result<i64, CopyError> {
    let columns = target::columns(command, session).await?;
    let files = match &command.source {
        Source::Manifest(url) => manifest::read(url, store).await?,
        Source::Prefix(prefix) => {
            let objects = store.list(prefix).await?.into_iter();
            objects.map(|(url, content_length)| DataFile { url, content_length }).collect()
        }
    };
    load.file_count = i32::try_from(files.len()).unwrap_or(i32::MAX);
    load.file_bytes = files.iter().map(|file| i64::try_from(file.content_length).unwrap_or(i64::MAX)).sum();

    let names: Vec<String> = columns.iter().map(|column| quote_identifier(&column.name)).collect();
    let into = format!("copy {} ({}) from stdin (format binary)", command.quoted_table(), names.join(", "));
    let mut files = OpenFiles::new(files, columns, command.leniency, store.clone());
    let mut copy_in = session.copy_in_raw(&into).await?;
    copy_in.send(FILE_HEADER).await?;
    loop {
        match files.next().await {
            Ok(Some(rows)) => copy_in.send(rows).await.map(|_| ())?,
            Ok(None) => break,
            Err(error) => {
                *file = files.current().map(str::to_owned);
                copy_in.abort("a data file was refused").await?;
                return Err(error);
            }
        }
    }
    copy_in.send(FILE_TRAILER).await?;
    let row_count = i64::try_from(copy_in.finish().await?).unwrap_or(i64::MAX);
    remember_count(row_count, session).await?;
    Ok(row_count)
}

/// What `pg_last_copy_count()` answers for the rest of the session. A rollback undoes it.
async fn remember_count(row_count: i64, session: &mut PgConnection) -> Result<(), CopyError> {
    let remember = format!("select set_config('redshift_local.last_copy_count', '{row_count}', false)");
    sqlx::raw_sql(AssertSqlSafe(remember)).execute(session).await?;
    Ok(())
}
