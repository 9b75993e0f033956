//! The rows of a source table as they should arrive, read without any of `extract-rds`: the server turns values into text,
//! and what the contracts say of types, zones and rejected rows is said here a second time.

use chrono::{Duration, LocalResult, NaiveDateTime, TimeZone as _};
use chrono_tz::Tz;
use rental_core::{ColumnSpec, ColumnType, TableSpec};
use sqlx::{MySqlPool, Row as _};
use std::collections::BTreeMap;

/// One row: the text of each column of the contract.
pub(crate) type Row = Vec<Option<String>>;
/// Rows with how often each occurs.
pub(crate) type Rows = BTreeMap<Row, u64>;

/// Rows that rules beyond a column's type quarantine. The tables of [`super::RandomSource`] know one currency without
/// decimals, and a stay may have 365 nights.
const QUARANTINED: [(&str, &str); 4] = [
    ("apartments", "upper(trim(currency)) = 'JPY' and price <> round(price, 0)"),
    ("apartment_attributes", "false"),
    (
        "bookings",
        "checkout_date <= checkin_date or datediff(checkout_date, checkin_date) > 365
         or (upper(trim(currency)) = 'JPY' and total_price <> round(total_price, 0))",
    ),
    ("user_viewing", "false"),
];

pub(crate) fn row_count(rows: &Rows) -> u64 {
    rows.values().sum()
}

/// The rows that should arrive, and how many should be rejected.
pub(crate) async fn source_rows(source: &MySqlPool, spec: &TableSpec, zone: Tz) -> (Rows, u64) {
    let types = column_types(source, &spec.name).await;
    let selected: Vec<_> = spec.columns.iter().filter(|column| types.contains_key(&column.name)).collect();
    let list: Vec<_> = selected
        .iter()
        .map(|column| match types[&column.name].as_str() {
            "bit" => format!("cast({} + 0 as char)", column.name),
            _ => format!("cast({} as char)", column.name),
        })
        .collect();
    let (_, by_rule) = QUARANTINED.iter().find(|(table, _)| *table == spec.name).expect("conditions of a table");
    let by_type: String = selected.iter().map(|column| format!(" or {}", does_not_fit(column))).collect();
    let statement =
        format!("select coalesce({by_rule}{by_type}, 0) as is_rejected, {} from {}", list.join(", "), spec.name);
    let found = sqlx::query(sqlx::AssertSqlSafe(statement)).persistent(false).fetch_all(source).await;
    let (mut rows, mut rejected) = (Rows::new(), 0);
    for found in found.expect("read a source table") {
        if found.get::<i64, _>("is_rejected") != 0 {
            rejected += 1;
            continue;
        }
        let texts: BTreeMap<&str, Option<String>> = selected
            .iter()
            .enumerate()
            .map(|(position, column)| (column.name.as_str(), found.try_get_unchecked(position + 1).expect("a text")))
            .collect();
        let value = |column: &ColumnSpec| {
            if let Some(of) = &column.has_time_of {
                return Some((types[of] != "date").to_string());
            }
            let text = texts.get(column.name.as_str())?.as_deref()?;
            arrives(column.column_type, text, &types[&column.name], zone)
        };
        *rows.entry(spec.columns.iter().map(value).collect()).or_default() += 1;
    }
    (rows, rejected)
}

/// The condition under which a row is rejected for the value of this column alone.
fn does_not_fit(column: &ColumnSpec) -> String {
    let name = &column.name;
    let condition = match column.column_type {
        ColumnType::BigInt => format!("{name} > {}", i64::MAX),
        ColumnType::Integer => format!("{name} not between {} and {}", i32::MIN, i32::MAX),
        ColumnType::Decimal { precision, scale } => {
            format!("{name} <> round({name}, {scale}) or abs({name}) >= 1e{}", i16::from(precision) - i16::from(scale))
        }
        ColumnType::Boolean => format!("{name} not in (0, 1)"),
        ColumnType::Varchar { max_bytes } => format!("octet_length({name}) > {max_bytes}"),
        // Without a zero part there is no date; where one is needed, the row goes.
        ColumnType::Date | ColumnType::Timestamp if column.required => {
            format!("year({name}) = 0 or month({name}) = 0 or day({name}) = 0")
        }
        ColumnType::Date | ColumnType::Timestamp | ColumnType::Double => "false".to_owned(),
    };
    if column.required { format!("{name} is null or {condition}") } else { condition }
}

/// Types of a source table's columns, by name.
async fn column_types(source: &MySqlPool, table: &str) -> BTreeMap<String, String> {
    let query = "select cast(column_name as char), cast(data_type as char) from information_schema.columns
                 where table_schema = database() and table_name = ?";
    let found = sqlx::query(query).bind(table).fetch_all(source).await.expect("read the columns of a source table");
    let text = |row: &sqlx::mysql::MySqlRow, position| row.try_get_unchecked::<String, _>(position).expect("a text");
    found.iter().map(|row| (text(row, 0), text(row, 1))).collect()
}

/// The text of a value as it should arrive; a date with a zero part is none.
fn arrives(column_type: ColumnType, text: &str, source_type: &str, zone: Tz) -> Option<String> {
    match column_type {
        ColumnType::BigInt | ColumnType::Integer => Some(text.to_owned()),
        ColumnType::Decimal { scale, .. } => {
            let (whole, places) = text.split_once('.').unwrap_or((text, ""));
            let places: String = places.chars().chain(std::iter::repeat('0')).take(scale as usize).collect();
            Some(format!("{whole}.{places}"))
        }
        ColumnType::Double => Some(text.parse::<f64>().expect("a number").to_string()),
        ColumnType::Boolean => Some((text == "1").to_string()),
        ColumnType::Varchar { .. } if source_type == "tinyint" => Some((text == "1").to_string()),
        ColumnType::Varchar { .. } => Some(text.to_owned()),
        ColumnType::Date => {
            let date = &text[..10];
            is_date(date).then(|| date.to_owned())
        }
        ColumnType::Timestamp => {
            if !is_date(&text[..10]) {
                return None;
            }
            let text = if text.len() == 10 { format!("{text} 00:00:00") } else { text.to_owned() };
            let local = NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f").expect("a time");
            let utc = if source_type == "datetime" { to_utc(local, zone) } else { local };
            Some(utc.format("%Y-%m-%d %H:%M:%S%.6f").to_string())
        }
    }
}

fn is_date(text: &str) -> bool {
    !text.starts_with("0000") && !text.contains("-00")
}

/// A time that a clock change skips moves forward by as much; of one that occurs twice the earlier is taken.
pub(crate) fn to_utc(local: NaiveDateTime, zone: Tz) -> NaiveDateTime {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => time.naive_utc(),
        LocalResult::None => {
            // The offset that held on the day before.
            let before = local - Duration::hours(25);
            let utc = zone.from_local_datetime(&before).earliest().expect("no zone skips two days").naive_utc();
            utc + Duration::hours(25)
        }
    }
}
