//! The query of an UNLOAD, which stands in the statement as a literal: `'…'` with doubled quotes, or `$$…$$`.

use super::Refusal;
use super::lexer::{Token, TokenKind, body_text, text_characters};

/// The query as it is meant, with the way back to where it is written.
pub(crate) struct QuotedQuery {
    pub(crate) text: String,
    /// For each byte of `text`, and for its end, the place in the statement.
    offsets: Vec<usize>,
}

impl QuotedQuery {
    /// `None` when `token` is no literal.
    pub(crate) fn read(sql: &str, token: &Token) -> Option<Self> {
        let (characters, start) = match token.kind {
            TokenKind::Text => (text_characters(&sql[token.start..token.end]), token.start),
            TokenKind::Body => {
                let (body, start) = body_text(sql, token);
                (body.char_indices().collect(), start)
            }
            _ => return None,
        };
        let mut text = String::with_capacity(characters.len());
        let mut offsets = Vec::with_capacity(characters.len() + 1);
        for (offset, character) in characters {
            text.push(character);
            offsets.resize(text.len(), start + offset);
        }
        offsets.push(token.end - 1);
        Some(Self { text, offsets })
    }

    /// What a call gives whose value is not known, only its form; all of it is written where `token` stands.
    pub(super) fn standing_for(text: &str, token: &Token) -> Self {
        Self { text: text.to_owned(), offsets: vec![token.start; text.len() + 1] }
    }

    /// A refusal of something in the query, placed in `sql`, the statement.
    pub(crate) fn place(&self, sql: &str, refusal: Refusal) -> Refusal {
        let offset = self.offsets.get(refusal.offset_in(&self.text)).copied().unwrap_or(sql.len());
        Refusal { verdict: refusal.verdict, ..Refusal::at(sql, offset, refusal.construct, refusal.reason) }
    }
}

#[cfg(test)]
mod tests {
    use super::QuotedQuery;
    use crate::dialect::Refusal;
    use crate::dialect::lexer::tokenize;

    #[test]
    fn a_place_in_the_query_is_a_place_in_the_statement() {
        for (sql, line, column) in [
            ("unload ('select ''é'', x')", 1, 24),
            (r"unload ('select \'é\', x')", 1, 24),
            ("unload ('select ''a''\n  , x')", 2, 5),
            ("unload ($q$select 'é',\n x$q$)", 2, 2),
        ] {
            let tokens = tokenize(sql).expect("tokens");
            let query = QuotedQuery::read(sql, &tokens[2]).expect("literal");
            let refusal = Refusal::at(&query.text, query.text.find('x').expect("x"), "x", "why");
            let placed = query.place(sql, refusal);
            assert_eq!((placed.line, placed.column), (line, column), "{sql}");
            let end = query.place(sql, Refusal::at(&query.text, query.text.len(), "x", "why"));
            assert_eq!(end.line, line, "{sql}");
        }
    }
}
