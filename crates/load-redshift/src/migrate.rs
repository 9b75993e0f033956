//! Keeps the warehouse's schemas, tables, procedures and metrics as this program has them. What did not change since the
//! last migration is left alone, so it is harmless to repeat.

use crate::{
    data_api::{BATCH_MAX_BYTES, BATCH_MAX_STATEMENTS, DataApi, Statement},
    error::LoadError,
    literal,
    metric::metrics,
    sha256::sha256_hex,
    sql_script::split_statements,
    sql_tree::{SETUP, SqlFile, object_files, presentation_files},
};
use rental_core::Currency;
use std::collections::BTreeMap;

/// Statements that a transaction has beside those of its objects: the guard, and two that record them.
const EXTRA_STATEMENTS: usize = 3;
const EXTRA_BYTES: usize = 12_000;

/// Something that stands in the warehouse: what makes it, and by what it is recognised.
#[derive(Debug, Clone)]
pub(crate) struct WarehouseObject {
    name: String,
    pub(crate) statements: Vec<Statement>,
    sha256: String,
}

impl WarehouseObject {
    fn new(name: String, statements: Vec<Statement>) -> Self {
        let sha256 = sha256_hex(statements.iter().flat_map(|statement| [statement.sql.as_str(), ";"]));
        Self { name, statements, sha256 }
    }

    fn of_file(file: SqlFile) -> Self {
        let place = |(position, sql)| Statement::new(format!("sql/{}, statement {}", file.path, position + 1), sql);
        let statements = split_statements(file.text).into_iter().enumerate().map(place).collect();
        Self::new(file.path.to_owned(), statements)
    }
}

/// Applies what is new or changed; returns how many objects that were.
///
/// # Errors
/// When the warehouse refuses. Every object is applied whole or not at all.
pub(crate) async fn migrate(api: &DataApi) -> Result<usize, LoadError> {
    let deployed = deployed(api).await?;
    let mut objects = objects()?;
    objects.retain(|object| deployed.get(&object.name) != Some(&object.sha256));
    let count = objects.len();
    if count == 0 {
        tracing::info!("the warehouse is up to date");
        return Ok(0);
    }
    for transaction in transactions(&objects) {
        api.execute(&transaction).await?;
    }
    tracing::info!(object_count = count, "migrated the warehouse");
    Ok(count)
}

/// How an object of this program and that of the warehouse are not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) object: String,
    pub(crate) kind: DifferenceKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DifferenceKind {
    New,
    Changed,
    /// Stands in the warehouse and is not made by this program, such as a metric that was taken out of the folder of SQL.
    Unknown,
}

impl Difference {
    /// Whether a migration would apply it.
    pub(crate) fn is_pending(&self) -> bool {
        self.kind != DifferenceKind::Unknown
    }
}

/// What a migration would apply, in that order, and what it leaves alone. Looks at what earlier migrations recorded, so a change
/// by hand is not seen.
///
/// # Errors
/// When the warehouse cannot be asked.
pub(crate) async fn differences(api: &DataApi) -> Result<Vec<Difference>, LoadError> {
    let mut deployed = deployed(api).await?;
    let mut found = Vec::new();
    for object in objects()? {
        let kind = match deployed.remove(&object.name) {
            Some(sha256) if sha256 == object.sha256 => continue,
            Some(_) => DifferenceKind::Changed,
            None => DifferenceKind::New,
        };
        found.push(Difference { object: object.name, kind });
    }
    found.extend(deployed.into_keys().map(|object| Difference { object, kind: DifferenceKind::Unknown }));
    Ok(found)
}

/// All that a migration keeps as it is here, in the order in which it is made.
///
/// # Errors
/// When a file of the folder of SQL is no metric.
pub(crate) fn objects() -> Result<Vec<WarehouseObject>, LoadError> {
    let mut objects: Vec<_> = object_files().into_iter().map(WarehouseObject::of_file).collect();
    objects.push(currencies());
    let metric = |metric: &crate::metric::Metric| {
        WarehouseObject::new(format!("metrics/{}.sql", metric.name), metric.definition())
    };
    objects.extend(metrics()?.iter().map(metric));
    objects.extend(presentation_files().into_iter().map(WarehouseObject::of_file));
    Ok(objects)
}

/// The rows of `curated.currencies`: the list with which extract-rds validates.
fn currencies() -> WarehouseObject {
    let row = |currency: Currency| {
        let minor_units = currency.minor_units.map_or_else(|| "null".to_owned(), |units| units.to_string());
        format!("('{}', {minor_units})", currency.code)
    };
    let rows = Currency::all().map(row).collect::<Vec<_>>().join(",\n");
    let texts = [
        "delete from curated.currencies".to_owned(),
        format!("insert into curated.currencies (currency, minor_units) values\n{rows}"),
    ];
    let statements = texts.into_iter().map(|sql| Statement::new("fill curated.currencies", sql)).collect();
    WarehouseObject::new("rows of curated.currencies".to_owned(), statements)
}

async fn deployed(api: &DataApi) -> Result<BTreeMap<String, String>, LoadError> {
    let origin = "read etl.deployed_objects";
    let result = match api.query(origin, "select object_name, sha256 from etl.deployed_objects").await {
        Ok(result) => result,
        // A warehouse that was never migrated.
        Err(error) if error.says("does not exist") && error.says("etl") => return Ok(BTreeMap::new()),
        Err(error) => return Err(error.into()),
    };
    Ok(result.text_pairs())
}

/// Objects in their order, as many per transaction as the Data API takes, each with the record of its own objects.
fn transactions(objects: &[WarehouseObject]) -> Vec<Vec<Statement>> {
    let mut groups: Vec<Vec<&WarehouseObject>> = Vec::new();
    let mut statement_count = 0;
    let mut byte_count = 0;
    for object in objects {
        let bytes: usize = object.statements.iter().map(|statement| statement.sql.len()).sum();
        statement_count += object.statements.len();
        byte_count += bytes;
        let fits =
            statement_count + EXTRA_STATEMENTS <= BATCH_MAX_STATEMENTS && byte_count + EXTRA_BYTES <= BATCH_MAX_BYTES;
        let follows_setup = groups.last().and_then(|group| group.last()).is_some_and(|last| last.name == SETUP);
        match groups.last_mut() {
            Some(group) if fits && !follows_setup => group.push(object),
            _ => {
                groups.push(vec![object]);
                statement_count = object.statements.len();
                byte_count = bytes;
            }
        }
    }
    groups.into_iter().map(|group| transaction(&group)).collect()
}

fn transaction(objects: &[&WarehouseObject]) -> Vec<Statement> {
    let mut statements = Vec::new();
    // The setup makes the guard, so it cannot begin with it.
    if objects.iter().all(|object| object.name != SETUP) {
        statements.push(Statement::new("migrate: lock the guard", "lock etl.guard"));
    }
    statements.extend(objects.iter().flat_map(|object| object.statements.iter().cloned()));
    let names: Vec<_> = objects.iter().map(|object| literal::text(&object.name)).collect();
    let rows =
        objects.iter().map(|object| format!("({}, '{}', getdate())", literal::text(&object.name), object.sha256));
    let record = [
        format!("delete from etl.deployed_objects where object_name in ({})", names.join(", ")),
        format!(
            "insert into etl.deployed_objects (object_name, sha256, deployed_at) values\n{}",
            rows.collect::<Vec<_>>().join(",\n")
        ),
    ];
    statements.extend(record.map(|sql| Statement::new("migrate: record what is deployed", sql)));
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_tree_fits_the_data_api() {
        for transaction in transactions(&objects().unwrap()) {
            assert!(transaction.len() <= BATCH_MAX_STATEMENTS);
            let bytes: usize = transaction.iter().map(|statement| statement.sql.len()).sum();
            assert!(bytes <= BATCH_MAX_BYTES, "{bytes} bytes from {}", transaction[1].origin);
        }
    }

    #[test]
    fn the_setup_stands_alone_and_every_other_transaction_holds_the_guard() {
        let all = transactions(&objects().unwrap());
        assert!(all[0][0].origin.contains(SETUP), "{}", all[0][0].origin);
        assert!(all[0].iter().all(|statement| !statement.origin.contains("sql/raw")));
        assert!(all[1..].iter().all(|transaction| transaction[0].sql == "lock etl.guard"));
    }

    #[test]
    fn objects_keep_their_order_and_none_is_lost_when_they_are_grouped() {
        let object = |index: usize| {
            let statements = (0..=index % 5).map(|part| Statement::new("o", format!("select {index}, {part}")));
            WarehouseObject::new(format!("o{index}"), statements.collect())
        };
        let objects: Vec<_> = (0..60).map(object).collect();
        let all = transactions(&objects);
        assert!(all.len() > 2);
        let applied: Vec<_> = all.iter().flatten().filter(|statement| statement.origin == "o").collect();
        let expected: Vec<_> = objects.iter().flat_map(|object| &object.statements).collect();
        assert_eq!(applied, expected);
    }
}
