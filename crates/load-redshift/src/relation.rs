//! The columns of relations as they stand in the warehouse.

use crate::{data_api::DataApi, error::LoadError, literal};
use std::collections::BTreeMap;

/// One column: its name and its type with length or precision, as the engine describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelationColumn {
    pub(crate) name: String,
    pub(crate) type_name: String,
    size: Vec<Option<String>>,
}

impl RelationColumn {
    /// The type as `sql/` writes it.
    pub(crate) fn definition(&self) -> String {
        let size = |position: usize| self.size.get(position).and_then(Option::as_deref).unwrap_or("?");
        match self.type_name.as_str() {
            "character varying" => format!("varchar({})", size(0)),
            "numeric" => format!("decimal({},{})", size(1), size(2)),
            "timestamp without time zone" => "timestamp".to_owned(),
            other => other.to_owned(),
        }
    }
}

/// The columns of every relation of a schema, in their order, by relation.
///
/// # Errors
/// When the warehouse refuses.
pub(crate) async fn columns_of(
    api: &DataApi,
    schema: &str,
) -> Result<BTreeMap<String, Vec<RelationColumn>>, LoadError> {
    let sql = format!(
        "select table_name::varchar(128), column_name::varchar(128), data_type::varchar(128), \
         character_maximum_length::integer, numeric_precision::integer, numeric_scale::integer \
         from information_schema.columns where table_schema = {} order by table_name, ordinal_position",
        literal::text(schema)
    );
    let result = api.query(&format!("read the columns of schema {schema}"), &sql).await?;
    let mut relations: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in &result.rows {
        let mut texts = row.iter().map(|cell| cell.to_text());
        let (Some(Some(relation)), Some(Some(name)), Some(Some(type_name))) =
            (texts.next(), texts.next(), texts.next())
        else {
            continue;
        };
        relations.entry(relation).or_default().push(RelationColumn { name, type_name, size: texts.collect() });
    }
    Ok(relations)
}
