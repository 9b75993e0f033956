//! What Redshift's SYS_ views tell about statements that ended. The rows lie in the database that the statement ran in, whose
//! views of that name (`shims/catalog.sql`) show them; they are written when the statement's transaction is over, so those of
//! failed statements are there too.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, NaiveDateTime, Utc};
use sqlx::postgres::PgConnection;

use crate::copy::Load;
use crate::dialect::lexer;
use crate::dialect::relations::relations;
use crate::dialect::statement_kind::StatementKind;
use crate::dialect::token_view::TokenView;
use crate::statement::{Parameter, Statement, Status};
use crate::translate::{Values, translate};

const QUERY: &str = "insert into redshift_local.sys_query_history (query_id, session_id, database_name, query_type, status, \
    start_time, end_time, elapsed_time, error_message, returned_rows, query_text) \
    values ($1, $2, current_database(), $3, $4, $5, $6, $7, $8, $9, $10)";
const LOAD: &str = "insert into redshift_local.sys_load_history (query_id, session_id, database_name, table_name, status, \
    start_time, end_time, duration, data_source, file_format, loaded_rows, source_file_count, source_file_bytes, error_count) \
    values ($1, $2, current_database(), $3, $4, $5, $6, $7, $8, 'parquet', $9, $10, $11, $12)";
const LOAD_ERROR: &str = "insert into redshift_local.sys_load_error_detail (query_id, session_id, database_name, table_name, \
    start_time, file_name, error_code, error_message) values ($1, $2, current_database(), $3, $4, $5, $6, $7)";

/// SYS_QUERY_HISTORY keeps so much of a statement.
const QUERY_TEXT_MAX_CHARS: usize = 4_000;

/// Writes what became of the parts of `statement`, and of the loads in them, each with the id of its query.
pub(crate) async fn write(
    statement: &Statement,
    loads: &[(i64, Load)],
    session: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    for sub in &statement.sub_statements {
        let status = match sub.status {
            Status::Finished => "success",
            Status::Failed => "failed",
            Status::Aborted => "canceled",
            // It never ran.
            Status::Submitted | Status::Picked | Status::Started => continue,
        };
        let (started, ended) = span(sub.updated_at - sub.duration, sub.duration);
        sqlx::query(QUERY)
            .bind(sub.query_id)
            .bind(session_id(statement))
            .bind(query_type(&sub.sql))
            .bind(status)
            .bind(started)
            .bind(ended)
            .bind(microseconds(sub.duration))
            .bind(&sub.error)
            .bind(sub.result.as_ref().map_or(0, |result| result.rows.len() as i64))
            .bind(sub.sql.chars().take(QUERY_TEXT_MAX_CHARS).collect::<String>())
            .execute(&mut *session)
            .await?;
    }
    for (query_id, load) in loads {
        write_load(statement, *query_id, load, session).await?;
    }
    Ok(())
}

async fn write_load(
    statement: &Statement,
    query_id: i64,
    load: &Load,
    session: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let (started, ended) = span(load.started_at, load.duration);
    sqlx::query(LOAD)
        .bind(query_id)
        .bind(session_id(statement))
        .bind(&load.table)
        .bind(if load.error.is_none() { "completed" } else { "aborted" })
        .bind(started)
        .bind(ended)
        .bind(microseconds(load.duration))
        .bind(&load.data_source)
        .bind(load.row_count)
        .bind(load.file_count)
        .bind(load.file_bytes)
        .bind(i64::from(load.error.is_some()))
        .execute(&mut *session)
        .await?;
    let Some(error) = &load.error else { return Ok(()) };
    sqlx::query(LOAD_ERROR)
        .bind(query_id)
        .bind(session_id(statement))
        .bind(&load.table)
        .bind(started)
        .bind(&error.file)
        .bind(error.code)
        .bind(&error.message)
        .execute(session)
        .await?;
    Ok(())
}

fn session_id(statement: &Statement) -> i32 {
    i32::try_from(statement.pid).unwrap_or(0)
}

/// Start and end in UTC.
fn span(started_at: SystemTime, duration: Duration) -> (NaiveDateTime, NaiveDateTime) {
    let utc = |time: SystemTime| DateTime::<Utc>::from(time).naive_utc();
    (utc(started_at), utc(started_at + duration))
}

fn microseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Whether a statement makes a query, which has an id: one that the gate refuses, one that concerns the session or the
/// transaction only, and a SELECT without a table, which the documentation's example shows, make none.
pub(crate) fn makes_query(sql: &str, parameters: &[Parameter]) -> bool {
    let Ok(translation) = translate(sql, Values::Parameters(parameters)) else { return false };
    match translation.kind {
        StatementKind::Select => {
            let tokens = lexer::tokenize(sql).unwrap_or_default();
            !relations(TokenView { sql, tokens: &tokens }).is_empty()
        }
        StatementKind::Set | StatementKind::Reset | StatementKind::Show | StatementKind::TransactionControl => false,
        _ => true,
    }
}

/// As SYS_QUERY_HISTORY calls it.
fn query_type(sql: &str) -> &'static str {
    let tokens = lexer::tokenize(sql).unwrap_or_default();
    let Ok(kind) = StatementKind::of(sql, &tokens) else { return "OTHER" };
    match kind {
        StatementKind::Select => "SELECT",
        StatementKind::Insert => "INSERT",
        StatementKind::Update => "UPDATE",
        StatementKind::Delete => "DELETE",
        StatementKind::Copy => "COPY",
        StatementKind::Unload => "UNLOAD",
        StatementKind::CreateTable if tokens.iter().any(|token| token.is("select")) => "CTAS",
        StatementKind::CreateTable
        | StatementKind::CreateView
        | StatementKind::CreateMaterializedView
        | StatementKind::CreateSchema
        | StatementKind::CreateProcedure
        | StatementKind::CreateFunction
        | StatementKind::Drop
        | StatementKind::AlterTable
        | StatementKind::Truncate
        | StatementKind::Grant
        | StatementKind::Revoke
        | StatementKind::Comment => "DDL",
        StatementKind::Call | StatementKind::Merge => "COMMAND",
        _ => "UTILITY",
    }
}
