//! GetStatementResult, and its second version for results in CSV.

use std::sync::Arc;

use serde_json::{Value, json};

use super::fields::{StatementRequest, find, offset, split_id, sub_statement, wait_for_end};
use crate::Endpoint;
use crate::api_error::ApiError;
use crate::result_set::ResultSet;
use crate::statement::{ResultFormat, Status};

/// GetStatementResult: rows as lists of typed values.
pub(super) async fn get(endpoint: &Endpoint, request: &StatementRequest) -> Result<Value, ApiError> {
    let result = find_result(endpoint, request, ResultFormat::Json).await?;
    let (rows, next) = result.page(offset(request.next_token.as_ref())?);
    let records: Vec<Vec<Value>> = rows.iter().map(|row| row.iter().map(|field| field.to_json()).collect()).collect();
    Ok(answer(&result, json!(records), next))
}

/// GetStatementResultV2: rows as CSV text, without a line of names, which `ColumnMetadata` has.
pub(super) async fn get_csv(endpoint: &Endpoint, request: &StatementRequest) -> Result<Value, ApiError> {
    let result = find_result(endpoint, request, ResultFormat::Csv).await?;
    let (rows, next) = result.page(offset(request.next_token.as_ref())?);
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        let written = writer.write_record(row.iter().map(|field| field.to_csv()));
        written.map_err(|error| ApiError::Internal(error.to_string()))?;
    }
    let text = writer.into_inner().map_err(|error| ApiError::Internal(error.to_string()))?;
    let records = json!([{ "CSVRecords": String::from_utf8_lossy(&text) }]);
    let mut answer = answer(&result, records, next);
    answer["ResultFormat"] = json!(ResultFormat::Csv.name());
    Ok(answer)
}

fn answer(result: &ResultSet, records: Value, next: Option<usize>) -> Value {
    let columns: Vec<Value> = result.columns.iter().map(|column| column.to_json()).collect();
    let mut answer = json!({ "Records": records, "ColumnMetadata": columns, "TotalNumRows": result.rows.len() });
    if let Some(next) = next {
        answer["NextToken"] = json!(next.to_string());
    }
    answer
}

async fn find_result(
    endpoint: &Endpoint,
    request: &StatementRequest,
    format: ResultFormat,
) -> Result<Arc<ResultSet>, ApiError> {
    let (id, position) = split_id(request.id()?)?;
    wait_for_end(endpoint, id, request.wait_time_seconds).await?;
    let statement = find(endpoint, id)?;
    let without_result = || ApiError::ResourceNotFound {
        message: "Query does not have result. Please check query status with DescribeStatement.".to_owned(),
        resource_id: id.to_owned(),
    };
    if statement.result_format != format {
        let (is, wanted) = (statement.result_format.name(), format.name());
        return Err(ApiError::Validation(format!(
            "The result of this statement is in {is} format, and this operation returns {wanted}; \
             GetStatementResult reads JSON, GetStatementResultV2 reads CSV"
        )));
    }
    let sub = match position {
        Some(position) => sub_statement(&statement, position, request.id()?)?,
        None if statement.is_batch => return Err(without_result()),
        None => statement.sub_statements.first().ok_or_else(without_result)?,
    };
    // Rows of an unfinished batch are not committed, so nobody sees them.
    let is_visible = statement.status == Status::Finished || statement.commits_each() && sub.status == Status::Finished;
    sub.result.clone().filter(|_| is_visible).ok_or_else(without_result)
}
