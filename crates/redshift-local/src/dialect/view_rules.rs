//! CREATE VIEW … WITH NO SCHEMA BINDING: what it reads is found by name at each use, so every name has its schema.

use super::Refusal;
use super::relations::relations;
use super::token_view::TokenView;

const NO_SCHEMA_BINDING: &[&str] = &["with", "no", "schema", "binding"];

/// Whether the statement is a view that binds late.
pub(crate) fn is_late_binding(view: TokenView<'_>) -> bool {
    view.is(0, "create") && view.are(view.len().saturating_sub(NO_SCHEMA_BINDING.len()), NO_SCHEMA_BINDING)
}

pub(super) fn check(view: TokenView<'_>) -> Result<(), Refusal> {
    if !is_late_binding(view) {
        return Ok(());
    }
    match relations(view).into_iter().find(|relation| relation.name.len() == 1) {
        Some(relation) => {
            let name = view.tokens[relation.name.start].text.clone();
            let reason = format!("all relation names in such a view are qualified; write schema.{name}");
            Err(view.refuse(relation.name.start, "VIEW … WITH NO SCHEMA BINDING", reason))
        }
        None => Ok(()),
    }
}
