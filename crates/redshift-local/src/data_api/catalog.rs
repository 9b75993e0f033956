//! ListDatabases, ListSchemas, ListTables and DescribeTable: what a warehouse holds, read from PostgreSQL's catalog.

use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::fields::{database, page, target};
use crate::Endpoint;
use crate::api_error::ApiError;
use crate::engine;
use crate::late_binding;
use crate::result_set::{ColumnMetadata, internal_type_name};

/// Entries of one page.
const PAGE_MAX: usize = 1000;

/// Every database of the server but PostgreSQL's own: those that are warehouses bear no mark.
const DATABASES: &str = "select datname::text from pg_catalog.pg_database \
    where not datistemplate and datname <> 'postgres' order by datname";

const SCHEMAS: &str = "select nspname::text from pg_catalog.pg_namespace \
    where nspname like $1 and nspname <> 'redshift_local' and nspname !~ '^pg_(toast|temp)' order by nspname";

const TABLES: &str = "select n.nspname::text, c.relname::text, case \
        when n.nspname in ('pg_catalog', 'information_schema') then 'SYSTEM ' else '' end \
        || case c.relkind when 'v' then 'VIEW' when 'm' then 'MATERIALIZED VIEW' else 'TABLE' end \
    from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace \
    where c.relkind in ('r', 'p', 'v', 'm') and n.nspname like $1 and c.relname like $2 \
        and n.nspname <> 'redshift_local' and n.nspname !~ '^pg_(toast|temp)' \
    order by n.nspname, c.relname";

const COLUMNS: &str = "select a.attname::text, a.atttypid, a.atttypmod, not a.attnotnull, pg_get_expr(d.adbin, d.adrelid) \
    from pg_catalog.pg_attribute as a \
    join pg_catalog.pg_class as c on c.oid = a.attrelid \
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace \
    left join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum \
    where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped order by a.attnum";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CatalogRequest {
    database: Option<String>,
    connected_database: Option<String>,
    workgroup_name: Option<String>,
    cluster_identifier: Option<String>,
    schema_pattern: Option<String>,
    table_pattern: Option<String>,
    schema: Option<String>,
    table: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

impl CatalogRequest {
    /// A session on the database that the request is about.
    async fn connect(&self, endpoint: &Endpoint) -> Result<PgConnection, ApiError> {
        let texts = [&self.schema_pattern, &self.table_pattern, &self.schema, &self.table];
        if texts.into_iter().flatten().any(|text| text.contains('\0')) {
            return Err(ApiError::Validation("a name or a pattern holds the character NUL".to_owned()));
        }
        target(self.workgroup_name.clone(), self.cluster_identifier.clone())?;
        let database = database(self.database.clone())?;
        if self.connected_database.as_ref().is_some_and(|connected| *connected != database) {
            let text = "the stand-in lists the database it connects to; leave out ConnectedDatabase";
            return Err(ApiError::Validation(text.to_owned()));
        }
        let connected = endpoint.warehouse.connect(&database).await;
        connected.map_err(|error| ApiError::DatabaseConnection(error.to_string()))
    }

    fn answer(&self, name: &str, items: &[Value]) -> Result<Value, ApiError> {
        let (page, next) = page(items, self.next_token.as_ref(), self.max_results, PAGE_MAX)?;
        let mut answer = json!({ name: page });
        if let Some(next) = next {
            answer["NextToken"] = json!(next);
        }
        Ok(answer)
    }
}

/// ListDatabases.
pub(super) async fn list_databases(endpoint: &Endpoint, request: &CatalogRequest) -> Result<Value, ApiError> {
    let mut session = request.connect(endpoint).await?;
    let names: Vec<String> = sqlx::query_scalar(DATABASES).fetch_all(&mut session).await.map_err(fault)?;
    close(session).await;
    request.answer("Databases", &names.into_iter().map(Value::String).collect::<Vec<_>>())
}

/// ListSchemas; `%` and `_` in the pattern stand for any characters and one.
pub(super) async fn list_schemas(endpoint: &Endpoint, request: &CatalogRequest) -> Result<Value, ApiError> {
    let mut session = request.connect(endpoint).await?;
    let pattern = request.schema_pattern.as_deref().unwrap_or("%");
    let names: Vec<String> = sqlx::query_scalar(SCHEMAS).bind(pattern).fetch_all(&mut session).await.map_err(fault)?;
    close(session).await;
    request.answer("Schemas", &names.into_iter().map(Value::String).collect::<Vec<_>>())
}

/// ListTables: tables and views, those of the system among them.
pub(super) async fn list_tables(endpoint: &Endpoint, request: &CatalogRequest) -> Result<Value, ApiError> {
    let mut session = request.connect(endpoint).await?;
    let schema = request.schema_pattern.as_deref().unwrap_or("%");
    let table = request.table_pattern.as_deref().unwrap_or("%");
    let found: Vec<(String, String, String)> =
        sqlx::query_as(TABLES).bind(schema).bind(table).fetch_all(&mut session).await.map_err(fault)?;
    close(session).await;
    let members = found.into_iter().map(|(schema, name, kind)| json!({ "name": name, "schema": schema, "type": kind }));
    request.answer("Tables", &members.collect::<Vec<_>>())
}

/// DescribeTable: the columns of one table, in its order. A table that does not exist has none.
pub(super) async fn describe_table(endpoint: &Endpoint, request: &CatalogRequest) -> Result<Value, ApiError> {
    let mut session = request.connect(endpoint).await?;
    let schema = request.schema.as_deref().unwrap_or("public");
    let table = request.table.as_deref().unwrap_or_default();
    let columns = match late_binding::query_of(&mut session, schema, table).await.map_err(fault)? {
        Some(query) => columns_of_query(&mut session, query).await?,
        None => columns_of_table(&mut session, schema, table).await?,
    };
    close(session).await;
    let columns = columns.into_iter().map(|(column, default)| {
        let column = ColumnMetadata { schema_name: schema.to_owned(), table_name: table.to_owned(), ..column };
        let mut json = column.to_json();
        json["columnDefault"] = json!(default);
        json
    });
    let mut answer = request.answer("ColumnList", &columns.collect::<Vec<_>>())?;
    answer["TableName"] = json!(table);
    Ok(answer)
}

/// The columns with their defaults.
async fn columns_of_table(
    session: &mut PgConnection,
    schema: &str,
    table: &str,
) -> Result<Vec<(ColumnMetadata, Option<String>)>, ApiError> {
    let found: Vec<(String, sqlx::postgres::types::Oid, i32, bool, Option<String>)> =
        sqlx::query_as(COLUMNS).bind(schema).bind(table).fetch_all(session).await.map_err(fault)?;
    let columns = found.into_iter().map(|(name, type_id, modifier, is_nullable, default)| {
        let column = ColumnMetadata { name, is_nullable, ..ColumnMetadata::default() };
        let mut column = column.of_type(internal_type_name(type_id.0));
        column.set_modifier(modifier);
        (column, default)
    });
    Ok(columns.collect())
}

/// The columns of a late-binding view; one whose tables are gone has none.
async fn columns_of_query(
    session: &mut PgConnection,
    query: String,
) -> Result<Vec<(ColumnMetadata, Option<String>)>, ApiError> {
    let query = late_binding::expand(session, query).await.map_err(|error| ApiError::Internal(error.to_string()))?;
    match engine::describe(session, query).await {
        Ok(columns) => Ok(columns.into_iter().map(|column| (column, None)).collect()),
        Err(sqlx::Error::Database(_)) => Ok(Vec::new()),
        Err(error) => Err(fault(error)),
    }
}

fn fault(error: sqlx::Error) -> ApiError {
    ApiError::Internal(error.to_string())
}

async fn close(session: PgConnection) {
    if let Err(error) = session.close().await {
        tracing::debug!(%error, "close session");
    }
}
