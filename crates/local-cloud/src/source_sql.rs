//! Statements at the source database, as its owner: what an application would do to it between two runs.

use crate::{output::print, running_cloud::RunningCloud};
use anyhow::Context as _;
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use futures::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Either, Row as _, mysql::MySqlRow};

/// Runs one or more statements; prints the rows that they return, and says how many they changed.
///
/// # Errors
/// When the server refuses one of them; those before it are done.
pub(crate) async fn run_sql(cloud: &RunningCloud, sql: String) -> anyhow::Result<()> {
    let source = cloud.connection.source.admin_options(Some(&cloud.deployment.source_database));
    let mut connection = source.connect().await.context("connect to MariaDB")?;
    let mut outcomes = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(&mut connection);
    let mut rows = Vec::new();
    while let Some(outcome) = outcomes.try_next().await? {
        match outcome {
            Either::Right(row) => rows.push(row),
            // A result ends with an empty one.
            Either::Left(_) if !rows.is_empty() => print_rows(&std::mem::take(&mut rows))?,
            Either::Left(done) => eprintln!("rows changed: {}", done.rows_affected()),
        }
    }
    drop(outcomes);
    Ok(connection.close().await?)
}

fn print_rows(rows: &[MySqlRow]) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(rows.iter().take(1).flat_map(|row| row.columns()).map(|column| column.name().to_owned()));
    for row in rows {
        // Without a prepared statement every value comes as text.
        let text = |index| {
            let bytes: Option<Vec<u8>> = row.try_get_unchecked(index)?;
            Ok(bytes.map_or_else(|| "NULL".to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        table.add_row((0..row.len()).map(text).collect::<Result<Vec<_>, sqlx::Error>>()?);
    }
    print(table)
}
