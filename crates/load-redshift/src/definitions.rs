//! What the SQL of this program makes, as far as somebody could have changed it in the warehouse since: schemas, bodies of
//! procedures, columns of tables. Migrations look at their own record only.

use crate::{
    data_api::DataApi,
    error::LoadError,
    literal,
    migrate::objects,
    relation::{RelationColumn, columns_of},
};
use std::collections::{BTreeMap, BTreeSet};

/// What the SQL files define.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Definitions {
    pub(crate) schemas: BTreeSet<String>,
    /// Bodies, by `schema.procedure`.
    procedures: BTreeMap<String, String>,
    /// Columns with their types, by schema and table.
    tables: BTreeMap<(String, String), Vec<(String, String)>>,
}

impl Definitions {
    /// # Errors
    /// When a file of the folder of SQL is no metric.
    pub(crate) fn of_sql_files() -> Result<Self, LoadError> {
        let mut definitions = Self::default();
        for object in objects()? {
            object.statements.iter().for_each(|statement| definitions.take(&statement.sql));
        }
        Ok(definitions)
    }

    fn take(&mut self, sql: &str) {
        let sql = code(sql);
        if let Some(name) = sql.strip_prefix("create schema if not exists ") {
            self.schemas.insert(name.trim().replace('"', ""));
        } else if let Some(rest) = sql.strip_prefix("create or replace procedure ") {
            if let (Some((name, _)), Some(body)) = (rest.split_once('('), body(rest)) {
                self.procedures.insert(name.trim().replace('"', ""), body.to_owned());
            }
        } else if let Some((name, rest)) =
            sql.strip_prefix("create table if not exists ").and_then(|it| it.split_once('('))
            && let Some((schema, table)) = name.trim().split_once('.')
            && let Some(columns) = columns(rest)
        {
            self.tables.insert((schema.replace('"', ""), table.to_owned()), columns);
        }
    }

    /// What is not so in the warehouse of the procedures.
    ///
    /// # Errors
    /// When the warehouse refuses.
    pub(crate) async fn changed_procedures(&self, api: &DataApi) -> Result<Vec<String>, LoadError> {
        let schemas = self.schemas.iter().map(|schema| literal::text(schema)).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "select n.nspname::varchar(128) || '.' || p.proname::varchar(128), p.prosrc\nfrom pg_catalog.pg_proc as p\n\
             join pg_catalog.pg_namespace as n on n.oid = p.pronamespace\nwhere n.nspname in ({schemas})"
        );
        let standing = api.query("read the bodies of procedures", &sql).await?.text_pairs();
        let changed = self.procedures.iter().filter_map(|(name, body)| match standing.get(name) {
            None => Some(format!("{name} is missing")),
            Some(found) if found.trim() != body.trim() => Some(format!("{name} has another body")),
            Some(_) => None,
        });
        Ok(changed.collect())
    }

    /// What is not so in the warehouse of the tables.
    ///
    /// # Errors
    /// When the warehouse refuses.
    pub(crate) async fn changed_tables(&self, api: &DataApi) -> Result<Vec<String>, LoadError> {
        let schemas: BTreeSet<_> = self.tables.keys().map(|(schema, _)| schema).collect();
        let mut standing = BTreeMap::new();
        for schema in schemas {
            standing.insert(schema.as_str(), columns_of(api, schema).await?);
        }
        let changed = self.tables.iter().flat_map(|((schema, table), columns)| {
            let found = standing.get(schema.as_str()).and_then(|tables| tables.get(table));
            let differences = found.map_or_else(|| vec!["is missing".to_owned()], |found| differences(columns, found));
            differences.into_iter().map(move |difference| format!("{schema}.{table} {difference}"))
        });
        Ok(changed.collect())
    }
}

/// How the columns of a table are not those that are expected, in their order.
fn differences(expected: &[(String, String)], found: &[RelationColumn]) -> Vec<String> {
    let found: Vec<_> = found.iter().map(|column| (column.name.clone(), column.definition())).collect();
    let mut differences: Vec<_> = expected
        .iter()
        .filter_map(|(name, type_name)| match found.iter().find(|(other, _)| other == name) {
            None => Some(format!("lacks the column {name} {type_name}")),
            Some((_, other)) if other != type_name => Some(format!("has {name} as {other}, expected {type_name}")),
            Some(_) => None,
        })
        .collect();
    let is_strange = |name: &String| expected.iter().all(|(other, _)| other != name);
    differences
        .extend(found.iter().filter(|(name, _)| is_strange(name)).map(|(name, _)| format!("has a column {name}")));
    if differences.is_empty() && found != expected {
        differences.push("has its columns in another order".to_owned());
    }
    differences
}

/// A statement without the comment in front of it.
fn code(sql: &str) -> &str {
    let mut rest = sql.trim_start();
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    }
    rest
}

fn body(sql: &str) -> Option<&str> {
    let (_, rest) = sql.split_once("$$")?;
    rest.rsplit_once("$$").map(|(body, _)| body)
}

/// The columns of a table's definition, from behind its bracket on: a line each, with what comes after the type left out.
fn columns(definition: &str) -> Option<Vec<(String, String)>> {
    let (lines, _) = definition.split_once("\n)")?;
    let lines = lines
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("--") && !line.starts_with("primary key"));
    lines
        .map(|line| {
            let (name, rest) = line.trim_end_matches(',').split_once(' ')?;
            let ends = [" not null", " default", " encode"].iter().filter_map(|end| rest.find(end));
            let type_name = &rest[..ends.min().unwrap_or(rest.len())];
            Some((name.to_owned(), type_name.replace(", ", ",")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_defines_what_it_is_known_for() {
        let definitions = Definitions::of_sql_files().unwrap();
        let schemas: Vec<_> = definitions.schemas.iter().map(String::as_str).collect();
        assert_eq!(schemas, ["audit", "curated", "etl", "presentation", "raw"]);
        assert!(definitions.procedures["etl.record_load"].trim_start().starts_with("begin"));
        assert!(definitions.procedures["audit.refresh_occupancy_rate"].contains("audit.occupancy_rate"));
        let bookings = &definitions.tables[&("raw".to_owned(), "bookings".to_owned())];
        let spec = rental_core::table_spec("bookings").unwrap();
        let names: Vec<_> = bookings.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, [&spec.column_names()[..], &["run_id"]].concat());
        let currencies = &definitions.tables[&("curated".to_owned(), "currencies".to_owned())];
        assert_eq!(currencies.len(), 2, "{currencies:?}");
    }

    #[test]
    fn a_column_is_its_name_and_type() {
        let text = "\n    id bigint not null,\n    -- Why, and how.\n    price decimal(10, 2),\n    at double precision default 0,\n\
                    \n    primary key (id)\n)\nsortkey (id);";
        let expected = [("id", "bigint"), ("price", "decimal(10,2)"), ("at", "double precision")];
        assert_eq!(columns(text).unwrap(), expected.map(|(name, type_name)| (name.to_owned(), type_name.to_owned())));
    }
}
