//! `type 'text'`: a literal whose type Redshift lacks. Casts and columns are read with their types, wherever those stand.

use super::Refusal;
use super::lexer::TokenKind;
use super::token_view::TokenView;
use super::types::why_refused;

pub(super) fn check(view: TokenView<'_>) -> Result<(), Refusal> {
    // Their options look alike: `JSON 's3://…'`.
    if view.is_any(0, &["copy", "unload"]) {
        return Ok(());
    }
    for index in 1..view.len() {
        let is_typed = view.tokens[index].kind == TokenKind::Text && view.tokens[index - 1].kind == TokenKind::Word;
        let is_column = index >= 2 && view.is_symbol(index - 2, ".");
        if let (true, Some(instead)) = (is_typed && !is_column, why_refused(view.text(index - 1))) {
            let construct = view.text(index - 1).to_uppercase();
            return Err(view.refuse(index - 1, construct, format!("Redshift has no such type; {instead}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::dialect::lexer::tokenize;
    use crate::dialect::token_view::TokenView;

    #[test]
    fn a_type_in_front_of_a_literal_is_one_of_redshift() {
        for (sql, is_refused) in [
            ("select jsonb '{}'", true),
            ("select UUID 'a0ee'", true),
            ("select date '2024-01-01', interval '1 day'", false),
            ("copy t from 's3://b/k' json 'auto'", false),
            ("select name from t where name like 'a'", false),
        ] {
            let tokens = tokenize(sql).expect("tokens");
            assert_eq!(check(TokenView { sql, tokens: &tokens }).is_err(), is_refused, "{sql}");
        }
    }
}
