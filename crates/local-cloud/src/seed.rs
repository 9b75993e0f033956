//! Puts CSV files into the source database as they are: no row is dropped and no value repaired.

mod source_table;

use anyhow::{Context as _, bail};
use csv::{Reader, StringRecord};
use source_table::{SourceTable, source_tables};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, MySqlConnection, mysql::MySqlConnectOptions};
use std::{collections::BTreeMap, fs::File, path::Path};

/// Values of one INSERT, of which MySQL takes 65,535. Each INSERT waits for the server, so few and large ones are faster.
const INSERT_VALUES: usize = 60_000;
/// Strict, so that no value is cut or rounded, and yet with the zero and impossible dates that old sources hold.
const SQL_MODE: &str = "set session sql_mode = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES'";

/// Loads `<table>.csv` of `folder` for each source table, in place of what the database held; returns the rows of each.
///
/// # Errors
/// A file that is missing or no CSV, a value that its column cannot hold (naming file, line and column), a server that fails.
pub async fn seed(source: &MySqlConnectOptions, folder: &Path) -> anyhow::Result<BTreeMap<&'static str, u64>> {
    let mut connection = source.clone().connect().await.context("connect to the source database")?;
    sqlx::raw_sql(SQL_MODE).execute(&mut connection).await?;
    let mut row_counts = BTreeMap::new();
    for table in source_tables() {
        let file = folder.join(format!("{}.csv", table.name));
        let row_count = load_file(&mut connection, table, &file).await?;
        row_counts.insert(table.name, row_count);
    }
    connection.close().await?;
    Ok(row_counts)
}

async fn load_file(connection: &mut MySqlConnection, table: &SourceTable, file: &Path) -> anyhow::Result<u64> {
    let header = open(file)?.headers().with_context(|| format!("read the header of {}", file.display()))?.clone();
    let columns: Vec<String> =
        header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_lowercase()).collect();
    if columns.iter().any(|name| name.is_empty() || name.contains('`')) {
        bail!("{}: the first line has to name the columns of `{}`", file.display(), table.name);
    }
    let times = columns_with_times(table, &columns, file)?;
    for statement in [format!("drop table if exists {}", table.name), table.definition(&columns, &times)] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    }
    let mut transaction = connection.begin().await?;
    let mut reader = open(file)?;
    let mut row_count = 0;
    let batch_rows = (INSERT_VALUES / columns.len()).max(1);
    let mut batch = Vec::with_capacity(batch_rows);
    for record in reader.records() {
        batch.push(record.with_context(|| format!("read {}", file.display()))?);
        if batch.len() == batch_rows {
            row_count += insert(&mut transaction, table, &columns, &batch, file).await?;
            batch.clear();
        }
    }
    row_count += insert(&mut transaction, table, &columns, &batch, file).await?;
    transaction.commit().await?;
    Ok(row_count)
}

fn open(file: &Path) -> anyhow::Result<Reader<File>> {
    Reader::from_path(file).with_context(|| format!("open {}", file.display()))
}

/// The columns that may be dates or times and have a time of day somewhere in the file.
fn columns_with_times(table: &SourceTable, columns: &[String], file: &Path) -> anyhow::Result<Vec<String>> {
    let undecided: Vec<usize> = (0..columns.len()).filter(|&index| table.may_have_time(&columns[index])).collect();
    let mut with_times = vec![false; columns.len()];
    for record in open(file)?.records() {
        let record = record.with_context(|| format!("read {}", file.display()))?;
        for &index in &undecided {
            with_times[index] |= record.get(index).is_some_and(|value| value.contains(':'));
        }
    }
    Ok(columns.iter().zip(with_times).filter(|(_, with_time)| *with_time).map(|(column, _)| column.clone()).collect())
}

async fn insert(
    connection: &mut MySqlConnection,
    table: &SourceTable,
    columns: &[String],
    records: &[StringRecord],
    file: &Path,
) -> anyhow::Result<u64> {
    if records.is_empty() {
        return Ok(0);
    }
    let names = columns.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let marks = format!("({})", vec!["?"; columns.len()].join(", "));
    let rows = vec![marks; records.len()].join(", ");
    let mut query = sqlx::query(AssertSqlSafe(format!("insert into {} ({names}) values {rows}", table.name)));
    for record in records {
        for (column, value) in columns.iter().zip(record) {
            query = query.bind(table.stored_form(column, value));
        }
    }
    match query.persistent(false).execute(connection).await {
        Ok(_) => Ok(records.len() as u64),
        Err(error) => match error.as_database_error() {
            Some(refused) => bail!("{}: {}", place(file, records, refused.message()), refused.message()),
            None => Err(error).with_context(|| place(file, records, "")),
        },
    }
}

/// Where the value stands that an INSERT failed for: the server's message counts rows from the first one inserted.
fn place(file: &Path, records: &[StringRecord], message: &str) -> String {
    let line = |record: Option<&StringRecord>| record.and_then(StringRecord::position).map_or(0, csv::Position::line);
    let row: Option<usize> = message.rsplit_once(" at row ").and_then(|(_, row)| row.parse().ok());
    match row.and_then(|row| row.checked_sub(1)).and_then(|index| records.get(index)) {
        Some(record) => format!("store line {} of {}", line(Some(record)), file.display()),
        None => format!("store lines {} to {} of {}", line(records.first()), line(records.last()), file.display()),
    }
}
