//! CREATE FUNCTION of an SQL expression: its types and its body in PostgreSQL's words.

use super::create_table::qualify_new_name;
use super::{Action, Rewrite, Values, rewrite_type, translate};
use crate::dialect::Refusal;
use crate::dialect::function_rules::{FunctionHeader, body_of};

pub(super) fn rewrite_create_function(rewrite: &mut Rewrite<'_>) -> Result<(), Refusal> {
    let header = FunctionHeader::read(rewrite.view())?;
    let (body, offset) = body_of(rewrite.view(), &header);
    let translation = translate(body, Values::NONE).map_err(|refusal| refusal.within(rewrite.sql, offset))?;
    let Action::Sql(select) = translation.action else {
        return Err(rewrite.refuse(header.body, "body of a function", "it is one SELECT of one expression"));
    };
    rewrite.replace(header.body, format!("$body${select}$body$"));
    qualify_new_name(rewrite, header.name, false)?;
    for type_at in header.types {
        rewrite_type(rewrite, type_at)?;
    }
    Ok(())
}
