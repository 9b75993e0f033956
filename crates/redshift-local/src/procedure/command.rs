//! `CALL name(argument, …)`.

use crate::dialect::Refusal;
use crate::dialect::lexer::{Token, TokenKind};
use crate::dialect::token_view::TokenView;

/// A CALL ready to run.
#[derive(Debug)]
pub(crate) struct CallCommand {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
    pub(crate) arguments: Vec<CallArgument>,
}

#[derive(Debug)]
pub(crate) struct CallArgument {
    /// The expression as written.
    pub(crate) text: String,
    /// A single name, which in a nested CALL takes the value of an INOUT parameter.
    pub(crate) variable: Option<String>,
    /// A literal of no type of its own: text, NULL or a parameter of the Data API.
    pub(crate) is_untyped: bool,
}

impl CallCommand {
    /// Reads the CALL that `tokens` hold.
    ///
    /// # Errors
    /// Another form than `CALL [schema.]name(argument, …)`.
    pub(crate) fn parse(sql: &str, tokens: &[Token]) -> Result<Self, Refusal> {
        let view = TokenView { sql, tokens };
        let open = view.name_end(1);
        if !view.is_name(1) || !view.is_symbol(open, "(") {
            return Err(view.refuse(open, "CALL", "its form is CALL name(argument, …)"));
        }
        let close = view.partner(open);
        if close + 1 < view.len() {
            return Err(view.refuse(close + 1, "CALL", "nothing may follow its arguments"));
        }
        let path: Vec<&str> =
            tokens[1..open].iter().filter(|token| token.is_name()).map(|it| it.text.as_str()).collect();
        let (schema, name) = match path.as_slice() {
            [name] => (None, (*name).to_owned()),
            [schema, name] => (Some((*schema).to_owned()), (*name).to_owned()),
            _ => return Err(view.refuse(1, "CALL", "a procedure is called as name or schema.name")),
        };
        let mut arguments = Vec::new();
        let mut start = open + 1;
        while start < close {
            let mut end = start;
            while end < close && !view.is_symbol(end, ",") {
                if view.is(end, "select") || view.is_symbol(end, "(") && view.is(end + 1, "select") {
                    let reason = "an argument is no query; read it into a variable, or call with its value";
                    return Err(view.refuse(end, "query in CALL", reason));
                }
                if view.is_symbol(end, "=>") || view.is_symbol(end, ":=") {
                    return Err(view.refuse(end, "named argument", "Redshift passes arguments by position only"));
                }
                end = view.next_beside(end);
            }
            if start == end {
                return Err(view.refuse(start, "CALL", "an argument is missing between the commas"));
            }
            arguments.push(CallArgument::of(sql, &tokens[start..end]));
            start = end + 1;
        }
        Ok(Self { schema, name, arguments })
    }
}

impl CallArgument {
    fn of(sql: &str, tokens: &[Token]) -> Self {
        let text = sql[tokens[0].start..tokens[tokens.len() - 1].end].to_owned();
        let variable = match tokens {
            [only] if only.is_name() || only.kind == TokenKind::Positional => Some(only.text.clone()),
            [record, _, field] if record.is_name() && tokens[1].is_symbol(".") && field.is_name() => {
                Some(format!("{}.{}", record.text, field.text))
            }
            _ => None,
        };
        let is_untyped = match tokens {
            [only] => only.is("null") || matches!(only.kind, TokenKind::Text | TokenKind::Parameter),
            _ => false,
        };
        Self { text, variable, is_untyped }
    }
}
