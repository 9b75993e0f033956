//! Views WITH NO SCHEMA BINDING. PostgreSQL ties a view to the tables it was made of, so such a view is kept as text, and the
//! text takes the place of its name in each statement that reads it. A view of PostgreSQL holds its place in the catalog.

use std::collections::BTreeSet;

use sqlx::postgres::PgConnection;

use crate::dialect::relations::{Relation, relations};
use crate::engine_error::EngineError;
use crate::translate::{Rewrite, quote_identifier, quote_literal};

/// Views in views; a deeper one reads itself.
const DEPTH_MAX: usize = 32;
/// Views that read others twice, and those again, double with each level.
const TEXT_MAX_BYTES: usize = 1024 * 1024;

/// Of the relations named `$1`, those that bind late: schema, name, query, and whether the name alone finds it.
const VIEWS: &str = "select n.nspname::text, c.relname::text, v.query, pg_catalog.pg_table_is_visible(c.oid) \
    from redshift_local.late_binding_views as v \
    join pg_catalog.pg_class as c on c.oid = v.relation and c.relname::text = any($1) \
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace";

/// A row of [`VIEWS`].
type ViewRow = (String, String, String, bool);

/// A view as it is kept.
struct View {
    schema: String,
    name: String,
    query: String,
    is_visible: bool,
}

/// Those of the late-binding views that have one of `names`, in whatever schema.
async fn find(session: &mut PgConnection, names: Vec<String>) -> Result<Vec<View>, sqlx::Error> {
    let rows: Vec<ViewRow> = sqlx::query_as(VIEWS).bind(names).persistent(false).fetch_all(session).await?;
    let views = rows.into_iter().map(|(schema, name, query, is_visible)| View { schema, name, query, is_visible });
    Ok(views.collect())
}

/// SQL that makes a view of `query`, both in PostgreSQL's words; `name` is qualified.
pub(crate) fn create(name: &str, columns: Option<&str>, query: &str, replaces: bool) -> String {
    let query = match columns {
        Some(columns) => format!("select * from ({query}\n) as renamed {columns}"),
        None => query.to_owned(),
    };
    format!(
        "call redshift_local.create_late_binding_view({}, {}, {replaces})",
        quote_literal(name),
        quote_literal(&query)
    )
}

/// `sql`, with the queries of the late-binding views that it reads in their places.
///
/// # Errors
/// A view that reads itself or too many others, and faults of the session.
pub(crate) async fn expand(session: &mut PgConnection, sql: String) -> Result<String, EngineError> {
    let mut sql = sql;
    for _ in 0..DEPTH_MAX {
        let rewrite = Rewrite::new(&sql)?;
        let read = relations(rewrite.view());
        if read.is_empty() {
            return Ok(sql);
        }
        let names: BTreeSet<&str> = read.iter().map(|relation| &*rewrite.tokens[relation.name.end - 1].text).collect();
        let views = find(session, names.into_iter().map(str::to_owned).collect()).await?;
        if views.is_empty() {
            return Ok(sql);
        }
        let Some(expanded) = expand_once(rewrite, &read, &views) else { return Ok(sql) };
        if expanded.len() > TEXT_MAX_BYTES {
            let text = "with the views WITH NO SCHEMA BINDING that it reads, the statement has more than 1 MB";
            return Err(EngineError::new("54001", text));
        }
        sql = expanded;
    }
    Err(EngineError::new("42P17", format!("views WITH NO SCHEMA BINDING are nested more than {DEPTH_MAX} deep")))
}

/// The query of the late-binding view `schema.name`, if it is one.
pub(crate) async fn query_of(
    session: &mut PgConnection,
    schema: &str,
    name: &str,
) -> Result<Option<String>, sqlx::Error> {
    let views = find(session, vec![name.to_owned()]).await?;
    Ok(views.into_iter().find(|view| view.schema == schema).map(|view| view.query))
}

/// None when none of the views is read.
fn expand_once(mut rewrite: Rewrite<'_>, read: &[Relation], views: &[View]) -> Option<String> {
    let mut expanded: Vec<(&View, &Relation)> = Vec::new();
    for relation in read {
        let path: Vec<&str> = rewrite.tokens[relation.name.clone()]
            .iter()
            .filter(|token| token.is_name())
            .map(|token| token.text.as_str())
            .collect();
        let view = views.iter().find(|view| match path.as_slice() {
            [name] => *name == view.name && view.is_visible,
            [.., schema, name] => *schema == view.schema && *name == view.name,
            [] => false,
        });
        expanded.extend(view.map(|view| (view, relation)));
    }
    if expanded.is_empty() {
        return None;
    }
    for (view, relation) in &expanded {
        let alias = if relation.has_alias { String::new() } else { format!(" as {}", quote_identifier(&view.name)) };
        // The line end is for a query that ends in a comment.
        rewrite.replace_range(relation.name.clone(), format!("({}\n){alias}", view.query));
    }
    // A column `schema.view.column` is one of the subquery `view` now. Of views that are read many times, once each.
    let read: BTreeSet<(&str, &str)> = expanded.iter().map(|(view, _)| (&*view.schema, &*view.name)).collect();
    for index in 0..rewrite.tokens.len() {
        let name = |at: usize| rewrite.tokens.get(at).filter(|token| token.is_name()).map_or("", |token| &token.text);
        let is_column = rewrite.is_symbol(index + 1, ".")
            && rewrite.is_symbol(index + 3, ".")
            && (index == 0 || !rewrite.is_symbol(index - 1, "."))
            && read.contains(&(name(index), name(index + 2)));
        if is_column {
            rewrite.remove(index..index + 2);
        }
    }
    Some(rewrite.render(rewrite.all()))
}
