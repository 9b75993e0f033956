//! The source's columns against a contract: what would lose or change data is drift and refuses the run; what the contract
//! does not name is reported. From both follows how each column is selected.

use rental_core::{ColumnSpec, ColumnType, TableSpec, UnknownColumns};
use std::{collections::BTreeMap, fmt};

/// A column as `information_schema` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceColumn {
    /// The bare type in lower case, for example `decimal`.
    pub(crate) data_type: String,
    /// The type with its width, for example `decimal(10,2) unsigned`.
    pub(crate) full_type: String,
    /// Digits of an exact number.
    pub(crate) precision: Option<u64>,
    /// Whether an index begins with the column, so that a range of its values is found without reading the table.
    pub(crate) leads_index: bool,
}

/// The columns of one source table by name; a table without columns does not exist.
pub(crate) type SourceColumns = BTreeMap<String, SourceColumn>;

/// One difference that refuses the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    MissingTable { table: String },
    MissingColumn { table: String, column: String, column_type: ColumnType },
    OtherType { table: String, column: String, found: String, column_type: ColumnType },
    UnknownColumn { table: String, column: String },
}

/// How one column of the contract comes from the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ColumnOrigin {
    /// Selected as it is.
    Selected { full_type: String, zone: Zone },
    /// Optional and not at the source.
    Absent,
    /// Not at the source: whether another column has a time of day.
    Constant(bool),
}

/// How a date or time of the source is to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    /// A DATETIME has no zone: it is in the stated one.
    Stated,
    /// A TIMESTAMP is an instant, and the session's zone is UTC. A DATE is never shifted.
    Utc,
}

/// One table as it will be read.
#[derive(Debug, Clone)]
pub(crate) struct TableReading {
    /// One per contract column, in its order.
    pub(crate) origins: Vec<ColumnOrigin>,
    /// Positions in the contract of the selected columns, in the order of the SELECT list: the column that places a row in a
    /// chunk comes first, so that it is found without looking at the others.
    pub(crate) selected: Vec<usize>,
    /// Whether the rows of a chunk are found without reading the whole table.
    pub(crate) finds_chunks: bool,
    /// Columns of the source that the contract does not name.
    pub(crate) ignored: Vec<String>,
}

/// More digits than this do not all survive in a double.
const DOUBLE_DIGITS: u64 = 15;

impl TableReading {
    /// Holds the source's columns against the contract.
    ///
    /// # Errors
    /// Every difference that the contract does not allow.
    pub(crate) fn plan(spec: &TableSpec, columns: &SourceColumns) -> Result<Self, Vec<Drift>> {
        let table = || spec.name.clone();
        if columns.is_empty() {
            return Err(vec![Drift::MissingTable { table: table() }]);
        }
        let mut drifts = Vec::new();
        let mut origins = Vec::new();
        for column in &spec.columns {
            match origin(column, columns) {
                Ok(origin) => origins.push(origin),
                Err(found) => drifts.push(match found {
                    None => Drift::MissingColumn {
                        table: table(),
                        column: column.name.clone(),
                        column_type: column.column_type,
                    },
                    Some(found) => Drift::OtherType {
                        table: table(),
                        column: column.name.clone(),
                        found,
                        column_type: column.column_type,
                    },
                }),
            }
        }
        let is_named = |name: &String| spec.columns.iter().any(|column| column.name == *name);
        let ignored: Vec<_> = columns.keys().filter(|name| !is_named(name)).cloned().collect();
        if spec.unknown_columns == UnknownColumns::Freeze {
            drifts.extend(ignored.iter().map(|column| Drift::UnknownColumn { table: table(), column: column.clone() }));
        }
        if !drifts.is_empty() {
            return Err(drifts);
        }
        let mut selected: Vec<_> =
            (0..origins.len()).filter(|index| matches!(origins[*index], ColumnOrigin::Selected { .. })).collect();
        selected.sort_by_key(|index| spec.columns[*index].name != spec.chunk_grid.column());
        let finds_chunks = columns.get(spec.chunk_grid.column()).is_some_and(|column| column.leads_index);
        Ok(Self { origins, selected, finds_chunks, ignored })
    }

    /// Names of the optional columns that the source lacks.
    pub(crate) fn absent_columns(&self, spec: &TableSpec) -> Vec<String> {
        let pairs = spec.columns.iter().zip(&self.origins);
        pairs.filter(|(_, origin)| **origin == ColumnOrigin::Absent).map(|(column, _)| column.name.clone()).collect()
    }

    /// The statement that reads the rows for which the condition holds, in whatever order they lie.
    pub(crate) fn select(&self, spec: &TableSpec, condition: Option<&str>) -> String {
        let names = self.selected.iter().map(|position| quoted(&spec.columns[*position].name));
        let list = names.collect::<Vec<_>>().join(", ");
        let condition = condition.map(|condition| format!(" where {condition}")).unwrap_or_default();
        format!("select {list} from {}{condition}", quoted(&spec.name))
    }

    /// How the times of a column are to be understood.
    pub(crate) fn zone(&self, position: usize) -> Zone {
        match &self.origins[position] {
            ColumnOrigin::Selected { zone, .. } => *zone,
            ColumnOrigin::Absent | ColumnOrigin::Constant(_) => Zone::Utc,
        }
    }
}

/// Where a column comes from, or the type that it has instead of a suitable one (`None`: it is missing).
fn origin(column: &ColumnSpec, columns: &SourceColumns) -> Result<ColumnOrigin, Option<String>> {
    if let Some(other) = &column.has_time_of {
        let has_time = columns.get(other).is_some_and(|other| other.data_type != "date");
        return Ok(ColumnOrigin::Constant(has_time));
    }
    let Some(found) = columns.get(&column.name) else {
        return if column.optional { Ok(ColumnOrigin::Absent) } else { Err(None) };
    };
    if !column.column_type.mysql_types().contains(&found.data_type.as_str()) {
        return Err(Some(found.full_type.clone()));
    }
    if column.column_type == ColumnType::Double
        && found.data_type == "decimal"
        && found.precision.is_none_or(|digits| digits > DOUBLE_DIGITS)
    {
        return Err(Some(found.full_type.clone()));
    }
    let zone = if found.data_type == "datetime" { Zone::Stated } else { Zone::Utc };
    Ok(ColumnOrigin::Selected { full_type: found.full_type.clone(), zone })
}

/// An identifier in MySQL's quotes.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

impl fmt::Display for Drift {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingTable { table } => {
                write!(formatter, "table `{table}` does not exist, or the user has no rights on it")
            }
            Self::MissingColumn { table, column, column_type } => {
                write!(formatter, "table `{table}` has no column `{column}` ({column_type})")
            }
            Self::OtherType { table, column, found, column_type } => write!(
                formatter,
                "column `{column}` of table `{table}` is {found}, which cannot be read as {column_type} without loss (it can be {})",
                column_type.mysql_types().join(", ")
            ),
            Self::UnknownColumn { table, column } => {
                write!(formatter, "column `{column}` of table `{table}` is not in its contract")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rental_core::table_spec;

    fn columns(pairs: &[(&str, &str)]) -> SourceColumns {
        let column = |full_type: &str| SourceColumn {
            data_type: full_type.split(['(', ' ']).next().unwrap_or(full_type).to_owned(),
            full_type: full_type.to_owned(),
            precision: Some(16),
            leads_index: false,
        };
        pairs.iter().map(|(name, full_type)| ((*name).to_owned(), column(full_type))).collect()
    }

    fn viewings() -> Vec<(&'static str, &'static str)> {
        vec![
            ("user_id", "bigint(20)"),
            ("apartment_id", "int(10) unsigned"),
            ("viewed_at", "datetime"),
            ("is_wishlisted", "tinyint(1)"),
            ("call_to_action", "varchar(50)"),
        ]
    }

    #[test]
    fn the_column_that_places_a_row_is_selected_first() {
        let spec = table_spec("user_viewing").unwrap();
        let reading = TableReading::plan(spec, &columns(&viewings())).unwrap();
        assert_eq!(reading.selected, [2, 0, 1, 3, 4]);
        assert_eq!(
            reading.select(spec, Some("1 = 1")),
            "select `viewed_at`, `user_id`, `apartment_id`, `is_wishlisted`, `call_to_action` from `user_viewing` where 1 = 1"
        );
    }

    #[test]
    fn a_decimal_with_more_digits_than_a_double_is_drift() {
        let spec = table_spec("apartment_attributes").unwrap();
        let mut found = columns(&[("latitude", "decimal(16,13)")]);
        let latitude = spec.column("latitude").unwrap();
        assert!(origin(latitude, &found).is_err());
        found.get_mut("latitude").unwrap().precision = Some(9);
        assert!(origin(latitude, &found).is_ok());
    }

    #[test]
    fn whatever_would_lose_data_is_drift() {
        let spec = table_spec("user_viewing").unwrap();
        let mut changed = viewings();
        changed[2] = ("viewed_at", "varchar(30)");
        changed.remove(0);
        let drifts = TableReading::plan(spec, &columns(&changed)).unwrap_err();
        let text = drifts.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(text.contains("no column `user_id`") && text.contains("varchar(30)"), "{text}");
        let missing = TableReading::plan(spec, &SourceColumns::new()).unwrap_err();
        assert_eq!(missing, [Drift::MissingTable { table: "user_viewing".into() }]);
    }

    #[test]
    fn a_column_that_nobody_agreed_on_is_named() {
        let mut more = viewings();
        more.push(("device", "varchar(20)"));
        let reading = TableReading::plan(table_spec("user_viewing").unwrap(), &columns(&more)).unwrap();
        assert_eq!(reading.ignored, ["device"]);
    }
}
