//! What COPY would find, looked at before it runs: the files of a manifest, by their footers, against the raw table as the contract
//! declares it. COPY maps columns by position and converts nothing, and what it says of a misfit names neither cause nor way out.

use crate::{
    error::LoadError,
    footer::{FileColumn, Footer, read_footers},
    load_plan::{SealedManifest, expect_columns},
};
use rental_core::TableSpec;
use rental_task::Bucket;

/// Data files that the raw table cannot take.
#[derive(Debug, thiserror::Error)]
pub enum Misfit {
    #[error("data file `{key}` does not fit table `raw.{table}`: {}", differences.join("; "))]
    Table { key: String, table: String, differences: Vec<String> },
    #[error("data files of one manifest are not alike: `{one}` has `{found_in_one}`, `{other}` has `{found_in_other}`")]
    Mixed { one: String, other: String, found_in_one: String, found_in_other: String },
}

/// Looks at every data file of a manifest; returns the footers, which are alike.
///
/// # Errors
/// When the manifest's columns are not those of the contract; when a file is not the one that was sealed, does not fit the raw
/// table, or is not like the others; when the bucket fails.
pub(crate) async fn preflight(
    bucket: &Bucket,
    spec: &TableSpec,
    sealed: &SealedManifest,
) -> Result<Vec<Footer>, LoadError> {
    let manifest = &sealed.manifest;
    expect_columns(&sealed.key, manifest, spec)?;
    let footers = read_footers(bucket, &manifest.files).await?;
    check(spec, &footers)?;
    Ok(footers)
}

/// COPY's column list: the columns of files that are alike, in their order.
pub(crate) fn column_list(footers: &[Footer]) -> Vec<String> {
    let columns = footers.iter().take(1).flat_map(|footer| &footer.columns);
    columns.map(|column| column.name.clone()).collect()
}

fn check(spec: &TableSpec, footers: &[Footer]) -> Result<(), Misfit> {
    for Footer { key, columns } in footers {
        let differences = differences(spec, columns);
        if !differences.is_empty() {
            return Err(Misfit::Table { key: key.clone(), table: spec.name.clone(), differences });
        }
    }
    let Some((first, others)) = footers.split_first() else { return Ok(()) };
    for other in others {
        let mut pairs = first.columns.iter().zip(&other.columns);
        if let Some((one, another)) = pairs.find(|(one, another)| one.declaration != another.declaration) {
            return Err(Misfit::Mixed {
                one: first.key.clone(),
                other: other.key.clone(),
                found_in_one: one.declaration.clone(),
                found_in_other: another.declaration.clone(),
            });
        }
    }
    Ok(())
}

/// Every way in which a file's columns are not those of the raw table, in words. How long its texts are no footer tells.
fn differences(spec: &TableSpec, columns: &[FileColumn]) -> Vec<String> {
    let place_in_file = |name: &str| columns.iter().position(|column| column.name == name);
    let in_both: Vec<_> = spec.columns.iter().filter_map(|column| place_in_file(&column.name)).collect();
    let mut in_file_order = in_both.clone();
    in_file_order.sort_unstable();
    let mut expected_places = in_file_order.into_iter();
    let mut found = Vec::new();
    for (place, declared) in spec.columns.iter().enumerate() {
        let mut say = |what: String| found.push(format!("column {} `{}`: {what}", place + 1, declared.name));
        let Some(place_in_file) = place_in_file(&declared.name) else {
            say("not in the file".to_owned());
            continue;
        };
        if expected_places.next() != Some(place_in_file) {
            say(format!("at place {} of the file", place_in_file + 1));
        }
        let column = &columns[place_in_file];
        if column.data_type != declared.column_type.arrow() {
            let expected = declared.column_type.redshift().to_uppercase();
            say(format!("file {}, table {expected}", column.stored_type()));
        }
        if let Some(null_count) = column.null_count.filter(|count| declared.required && *count > 0) {
            say(format!("file {null_count} NULLs, table NOT NULL"));
        }
    }
    for (place, column) in columns.iter().enumerate() {
        if spec.column(&column.name).is_none() || place_in_file(&column.name) != Some(place) {
            found.push(format!("column {} `{}` of the file: not in the table", place + 1, column.name));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::footer::FileDays;
    use arrow::datatypes::{DataType, TimeUnit};
    use rental_core::table_spec;

    fn column(name: &str, data_type: DataType, declaration: &str) -> FileColumn {
        FileColumn {
            name: name.into(),
            data_type,
            declaration: declaration.into(),
            null_count: Some(0),
            days: FileDays::None,
        }
    }

    /// A file that fits `raw.user_viewing`.
    fn fitting() -> Vec<FileColumn> {
        let time = DataType::Timestamp(TimeUnit::Microsecond, None);
        vec![
            column("user_id", DataType::Int64, "OPTIONAL INT64 user_id"),
            column("apartment_id", DataType::Int64, "OPTIONAL INT64 apartment_id"),
            column("viewed_at", time, "REQUIRED INT64 viewed_at (TIMESTAMP(MICROS,false))"),
            column("is_wishlisted", DataType::Boolean, "OPTIONAL BOOLEAN is_wishlisted"),
            column("call_to_action", DataType::Utf8, "OPTIONAL BYTE_ARRAY call_to_action (STRING)"),
        ]
    }

    fn footer(key: &str, columns: Vec<FileColumn>) -> Footer {
        Footer { key: key.into(), columns }
    }

    fn said(break_it: impl FnOnce(&mut Vec<FileColumn>)) -> String {
        let mut columns = fitting();
        break_it(&mut columns);
        differences(table_spec("user_viewing").unwrap(), &columns).join("; ")
    }

    #[test]
    fn a_file_of_the_contract_gives_copy_its_column_list() {
        let spec = table_spec("user_viewing").unwrap();
        let footers = [footer("a", fitting()), footer("b", fitting())];
        check(spec, &footers).unwrap();
        assert_eq!(column_list(&footers), spec.column_names());
        check(spec, &[]).unwrap();
    }

    #[test]
    fn each_misfit_is_said_in_the_words_of_both_sides() {
        let time = |unit, zone: Option<&str>| DataType::Timestamp(unit, zone.map(Into::into));
        let cases = [
            (said(|columns| drop(columns.remove(3))), "column 4 `is_wishlisted`: not in the file"),
            (
                said(|columns| columns.push(column("channel", DataType::Utf8, "OPTIONAL BYTE_ARRAY channel (STRING)"))),
                "column 6 `channel` of the file: not in the table",
            ),
            (said(|columns| columns.insert(1, columns[0].clone())), "column 2 `user_id` of the file: not in the table"),
            (
                said(|columns| columns.swap(0, 1)),
                "column 1 `user_id`: at place 2 of the file; column 2 `apartment_id`: at place 1 of the file",
            ),
            (
                said(|columns| columns[0] = column("user_id", DataType::Int32, "OPTIONAL INT32 user_id")),
                "column 1 `user_id`: file INT32, table BIGINT",
            ),
            (
                said(|columns| {
                    let nanos = "REQUIRED INT64 viewed_at (TIMESTAMP(NANOS,false))";
                    columns[2] = column("viewed_at", time(TimeUnit::Nanosecond, None), nanos);
                }),
                "column 3 `viewed_at`: file INT64 (TIMESTAMP(NANOS,false)), table TIMESTAMP",
            ),
            (
                said(|columns| {
                    columns[4] = column("call_to_action", DataType::Binary, "OPTIONAL BYTE_ARRAY call_to_action")
                }),
                "column 5 `call_to_action`: file BYTE_ARRAY, table VARCHAR(200)",
            ),
            (said(|columns| columns[2].null_count = Some(3)), "column 3 `viewed_at`: file 3 NULLs, table NOT NULL"),
            (said(|columns| columns[2].null_count = None), ""),
            (said(|columns| columns[0].null_count = Some(3)), ""),
        ];
        for (found, expected) in cases {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn all_misfits_of_a_file_are_named_with_its_key() {
        let mut columns = fitting();
        columns.remove(1);
        columns[0] = column("user_id", DataType::Utf8, "OPTIONAL BYTE_ARRAY user_id (STRING)");
        let files = [footer("raw/a", fitting()), footer("raw/b", columns)];
        let message = check(table_spec("user_viewing").unwrap(), &files).unwrap_err().to_string();
        let expected = "data file `raw/b` does not fit table `raw.user_viewing`: column 1 `user_id`: file BYTE_ARRAY (STRING), \
                        table BIGINT; column 2 `apartment_id`: not in the file";
        assert_eq!(message, expected);
    }

    #[test]
    fn files_that_fit_and_are_not_alike_are_refused() {
        let mut other = fitting();
        other[2].declaration = "OPTIONAL INT64 viewed_at (TIMESTAMP(MICROS,false))".into();
        let files = [footer("raw/a", fitting()), footer("raw/b", other)];
        let message = check(table_spec("user_viewing").unwrap(), &files).unwrap_err().to_string();
        assert!(
            message.contains("`raw/a` has `REQUIRED INT64") && message.contains("`raw/b` has `OPTIONAL"),
            "{message}"
        );
    }
}
