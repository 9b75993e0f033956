//! The manifest that an UNLOAD writes: which files there are, in the form that COPY reads.

use serde_json::{Value, json};

use super::columns::Column;
use super::command::Detail;
use super::parquet_writer::DataFile;

pub(super) fn to_json(files: &[DataFile], columns: &[Column], detail: Detail) -> Value {
    let is_verbose = detail == Detail::Verbose;
    let meta = |content_length: usize, record_count: u64| {
        if is_verbose {
            json!({"content_length": content_length, "record_count": record_count})
        } else {
            json!({"content_length": content_length})
        }
    };
    let entries: Vec<Value> = files
        .iter()
        .map(|file| json!({"url": file.url, "meta": meta(file.content_length, file.record_count)}))
        .collect();
    if !is_verbose {
        return json!({"entries": entries});
    }
    let elements: Vec<Value> =
        columns.iter().map(|column| json!({"name": column.name, "type": column.column_type.to_json()})).collect();
    let content_length = files.iter().map(|file| file.content_length).sum();
    let record_count = files.iter().map(|file| file.record_count).sum();
    json!({
        "entries": entries,
        "schema": {"elements": elements},
        "meta": meta(content_length, record_count),
        "author": {"name": "Amazon Redshift", "version": "1.0.0"},
    })
}
