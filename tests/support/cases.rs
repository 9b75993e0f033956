//! Source tables in which every row is a case: in order but for what the case is about, and with an outcome of its own.

use super::{Mirror, Pipeline, cloud};
use rental_core::{RowRule, TableSpec, table_spec, table_specs};
use serde_json::Value;
use sqlx::{Executor as _, MySqlPool, mysql::MySqlPoolOptions};

const RUN_DATE: &str = "2025-12-31";

/// A table with types that hold any case, the values of a row in order, and the column that numbers the cases: no rule looks
/// at it.
struct CaseTable {
    name: &'static str,
    columns: &'static [(&'static str, &'static str, &'static str)],
    numbered_by: &'static str,
}

const TABLES: [CaseTable; 4] = [
    CaseTable {
        name: "apartments",
        columns: &[
            ("id", "bigint", "1"),
            ("title", "text", "'a title'"),
            ("source", "varchar(50)", "''"),
            ("price", "decimal(20,4)", "100.00"),
            ("currency", "varchar(20)", "'USD'"),
            ("listing_created_on", "date", "'2024-01-01'"),
            ("is_active", "tinyint(1)", "1"),
            ("last_modified_timestamp", "datetime", "'2025-01-10 12:00:00'"),
        ],
        numbered_by: "source",
    },
    CaseTable {
        name: "apartment_attributes",
        columns: &[
            ("id", "bigint", "1"),
            ("category", "text", "'housing'"),
            ("body", "mediumtext", "'a body'"),
            ("amenities", "mediumtext", "'Gym,Pool'"),
            ("bathrooms", "bigint", "1"),
            ("bedrooms", "bigint", "2"),
            ("fee", "decimal(10,2)", "0.00"),
            ("has_photo", "tinyint(1)", "1"),
            ("pets_allowed", "varchar(50)", "'1'"),
            ("price_display", "varchar(50)", "'$1'"),
            ("price_type", "varchar(50)", "'Monthly'"),
            ("square_feet", "int", "0"),
            ("address", "text", "'1 Main St'"),
            ("cityname", "varchar(100)", "'Austin'"),
            ("state", "varchar(50)", "'TX'"),
            ("latitude", "double", "30.25"),
            ("longitude", "double", "-97.75"),
        ],
        numbered_by: "square_feet",
    },
    CaseTable {
        name: "bookings",
        columns: &[
            ("booking_id", "bigint", "1"),
            ("user_id", "bigint", "7"),
            ("apartment_id", "bigint", "0"),
            ("booking_date", "datetime", "'2025-01-10 12:00:00'"),
            ("checkin_date", "date", "'2025-02-01'"),
            ("checkout_date", "date", "'2025-02-04'"),
            ("total_price", "decimal(20,4)", "100.00"),
            ("currency", "varchar(20)", "'USD'"),
            ("booking_status", "varchar(100)", "'confirmed'"),
            ("payment_status", "varchar(20)", "'paid'"),
            ("num_guests", "bigint", "2"),
        ],
        numbered_by: "apartment_id",
    },
    CaseTable {
        name: "user_viewing",
        columns: &[
            ("user_id", "bigint", "7"),
            ("apartment_id", "bigint", "0"),
            ("viewed_at", "datetime", "'2025-01-10 12:00:00'"),
            ("is_wishlisted", "tinyint(1)", "0"),
            ("call_to_action", "varchar(500)", "'call'"),
        ],
        numbered_by: "apartment_id",
    },
];

/// One row: column and SQL value where it differs from a row in order.
pub(crate) struct Case {
    pub(crate) table: &'static str,
    pub(crate) values: Vec<(&'static str, &'static str)>,
    pub(crate) outcome: Outcome,
}

/// What becomes of a row.
pub(crate) enum Outcome {
    /// The column has this value in the data file.
    Arrives { column: &'static str, text: Option<&'static str> },
    /// So it has, and the row is counted under the rule.
    Counts { rule: &'static str, column: &'static str, text: Option<&'static str> },
    /// The row is in the quarantine file under the rule, and there the column is as the source has it.
    Rejected { rule: &'static str, column: &'static str, original: Option<&'static str> },
}

/// A value that arrives as this text.
pub(crate) fn arrives(
    table: &'static str,
    column: &'static str,
    value: &'static str,
    text: impl Into<Option<&'static str>>,
) -> Case {
    Case { table, values: vec![(column, value)], outcome: Outcome::Arrives { column, text: text.into() } }
}

/// A value that counts under a rule and arrives as this text.
pub(crate) fn counts(
    rule: &'static str,
    table: &'static str,
    column: &'static str,
    value: &'static str,
    text: impl Into<Option<&'static str>>,
) -> Case {
    Case { table, values: vec![(column, value)], outcome: Outcome::Counts { rule, column, text: text.into() } }
}

/// A value that is rejected under a rule, with this text in the quarantine file.
pub(crate) fn rejected(
    rule: &'static str,
    table: &'static str,
    column: &'static str,
    value: &'static str,
    original: impl Into<Option<&'static str>>,
) -> Case {
    Case {
        table,
        values: vec![(column, value)],
        outcome: Outcome::Rejected { rule, column, original: original.into() },
    }
}

impl Case {
    /// The same case with another value in its row.
    pub(crate) fn with(mut self, column: &'static str, value: &'static str) -> Self {
        self.values.push((column, value));
        self
    }
}

/// The four tables without rows.
pub(crate) async fn create_tables(source: &MySqlPool) {
    for table in &TABLES {
        let columns: Vec<_> =
            table.columns.iter().map(|(name, column_type, _)| format!("{name} {column_type} null")).collect();
        let statement = format!("create table {} ({})", table.name, columns.join(", "));
        execute(source, &statement).await;
    }
}

/// Inserts a row that is in order but for these values.
pub(crate) async fn insert(source: &MySqlPool, table: &str, values: &[(&str, &str)]) {
    let table = TABLES.iter().find(|known| known.name == table).expect("a table");
    let value = |name: &str, usual: &'static str| {
        values.iter().find(|(column, _)| *column == name).map_or(usual.to_owned(), |(_, value)| (*value).to_owned())
    };
    let columns: Vec<_> = table.columns.iter().map(|(name, _, usual)| (*name, value(name, usual))).collect();
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    let values: Vec<_> = columns.iter().map(|(_, value)| value.as_str()).collect();
    execute(source, &format!("insert into {} ({}) values ({})", table.name, names.join(", "), values.join(", "))).await;
}

pub(crate) async fn execute(source: &MySqlPool, statement: &str) {
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(source).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// Connections on which the server takes any value that a column can hold.
pub(crate) async fn lenient_source(pipeline: &Pipeline) -> MySqlPool {
    let pool = MySqlPoolOptions::new().max_connections(1).after_connect(|connection, _| {
        Box::pin(async move {
            // Values are stored or refused, but never changed; zero dates and February 30 are stored.
            connection.execute("set session sql_mode = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES'").await.map(drop)
        })
    });
    pool.connect_with(cloud().source_options(&pipeline.source_database)).await.expect("connect to the source")
}

/// Runs an extract over these cases, after the statements, and fails where one has another outcome.
pub(crate) async fn assert_outcomes(name: &str, zone: &str, statements: &[&str], cases: &[Case]) -> Mirror {
    let pipeline = Pipeline::new(name).await.set("SOURCE_TIMEZONE", zone).set("REPORTING_TIMEZONE", zone);
    let source = lenient_source(&pipeline).await;
    create_tables(&source).await;
    for statement in statements {
        execute(&source, statement).await;
    }
    for (number, case) in cases.iter().enumerate() {
        let numbered_by = TABLES.iter().find(|table| table.name == case.table).expect("a table").numbered_by;
        let number = format!("'{number}'");
        let values: Vec<_> = case.values.iter().copied().chain([(numbered_by, number.as_str())]).collect();
        insert(&source, case.table, &values).await;
    }
    pipeline.extract(&["--run-id", "cases", "--as-of", RUN_DATE]).expect(0, &[]);
    let shown =
        pipeline.extract(&["quarantine", "show", "--run-id", "cases", "--format", "json"]).expect(0, &[]).stdout;
    let shown: Vec<Value> = serde_json::from_str(&shown).expect("a list of rows");

    let mut mirror = Mirror::of(&pipeline.bucket);
    mirror.catch_up().await;
    for (number, case) in cases.iter().enumerate() {
        assert_outcome(&mirror, number, case, &shown);
    }
    for spec in table_specs() {
        let mine: Vec<_> = cases.iter().filter(|case| case.table == spec.name).collect();
        let expected_rejected =
            mine.iter().filter(|case| matches!(case.outcome, Outcome::Rejected { .. })).count() as u64;
        let rows = mirror.table(&spec.name).last().rows;
        let expected = (mine.len() as u64, mine.len() as u64 - expected_rejected, expected_rejected);
        assert_eq!((rows.read, rows.written, rows.quarantined), expected, "rows of `{}`", spec.name);
    }
    mirror
}

fn assert_outcome(mirror: &Mirror, number: usize, case: &Case, shown: &[Value]) {
    let spec = table_spec(case.table).expect("a contract");
    let place = format!("case {number} of `{}`, {:?}", case.table, case.values);
    match case.outcome {
        Outcome::Arrives { column, text } => {
            assert_eq!(arrived(mirror, spec, number, column), text.map(str::to_owned), "{place}")
        }
        Outcome::Counts { rule, column, text } => {
            assert_eq!(arrived(mirror, spec, number, column), text.map(str::to_owned), "{place}");
            let counted = mirror.table(case.table).last().violations.iter().any(|count| count.rule.to_string() == rule);
            assert!(counted, "{place} is not counted under {rule}");
        }
        Outcome::Rejected { rule, column, original } => {
            let numbered_by = TABLES.iter().find(|table| table.name == case.table).expect("a table").numbered_by;
            let number = number.to_string();
            let mut rows = mirror.table(case.table).rejected.iter();
            let row = rows.find(|row| row.source_row[numbered_by] == number.as_str());
            let row = row.unwrap_or_else(|| panic!("{place} is not in the quarantine file"));
            assert_eq!(row.rule, rule, "{place}: {row:?}");
            assert_eq!(row.source_row[column].as_str(), original, "{place}");
            assert_eq!(row.version, RowRule::VERSION as i32, "{place}");
            let expected_case = rule.ends_with("-PRICE").then_some("decimals");
            assert_eq!(row.case.as_deref(), expected_case, "{place}: {row:?}");
            let key = spec.primary_key.as_ref().and_then(|key| row.source_row[key].as_str());
            assert_eq!(row.row_key.as_deref(), key, "{place}: {row:?}");
            assert!(!row.reason.is_empty() && row.severity == "error", "{place}: {row:?}");
            let name = row.case.as_ref().map_or_else(|| rule.to_owned(), |case| format!("{rule}:{case}"));
            let is_shown = |shown: &Value| {
                shown["rule"] == name && shown["reason"] == row.reason && shown["source_row"] == row.source_row
            };
            assert!(shown.iter().any(is_shown), "{place} is not among what is shown:\n{shown:?}");
        }
    }
}

/// The value of a column in the row of that number.
fn arrived(mirror: &Mirror, spec: &TableSpec, number: usize, column: &str) -> Option<String> {
    let numbered_by = TABLES.iter().find(|table| table.name == spec.name).expect("a table").numbered_by;
    let position = |name: &str| spec.columns.iter().position(|column| column.name == name).expect("a column");
    let rows = mirror.table(&spec.name).rows();
    let mut found = rows.keys().filter(|row| row[position(numbered_by)].as_deref() == Some(&number.to_string()));
    match (found.next(), found.next()) {
        (Some(row), None) => row[position(column)].clone(),
        (none, _) => {
            panic!("case {number} of `{}` is in {} rows", spec.name, if none.is_none() { "no" } else { "two" })
        }
    }
}
