//! `CREATE [OR REPLACE] PROCEDURE name (parameters) … AS $$`: what stands around a body.

use std::ops::Range;

use crate::dialect::Refusal;
use crate::dialect::lexer::TokenKind;
use crate::dialect::token_view::TokenView;
use crate::dialect::types::read_type;

/// Redshift's limit for input and for output parameters each.
const PARAMETERS_MAX: usize = 32;

/// The head of a CREATE PROCEDURE, in token indexes of its statement.
#[derive(Debug)]
pub(crate) struct Header {
    /// The first token of the name, behind PROCEDURE.
    pub(crate) name: usize,
    pub(crate) parameters: Vec<ProcedureParameter>,
    /// The word NONATOMIC.
    pub(crate) nonatomic: Option<usize>,
    pub(crate) body: usize,
}

#[derive(Debug)]
pub(crate) struct ProcedureParameter {
    /// All its tokens.
    pub(crate) tokens: Range<usize>,
    pub(crate) name: Option<String>,
    pub(crate) mode: Mode,
    /// Where the word of the mode stands, if there is one.
    pub(crate) mode_at: Option<usize>,
    pub(crate) type_at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    In,
    Out,
    InOut,
}

impl Mode {
    fn of(view: TokenView<'_>, index: usize) -> Option<Self> {
        match view.text(index) {
            "in" => Some(Self::In),
            "out" => Some(Self::Out),
            "inout" => Some(Self::InOut),
            _ => None,
        }
    }
}

impl Header {
    /// Reads the head of the CREATE PROCEDURE in `view`.
    ///
    /// # Errors
    /// A form that Redshift does not have.
    pub(crate) fn read(view: TokenView<'_>) -> Result<Self, Refusal> {
        let procedure = (0..view.len()).find(|&index| view.is(index, "procedure")).unwrap_or(0);
        let name = procedure + 1;
        let open = view.name_end(name);
        if !view.is_name(name) || !view.is_symbol(open, "(") {
            return Err(view.refuse(open, "CREATE PROCEDURE", "its parameters in brackets are expected here"));
        }
        let close = view.partner(open);
        let mut parameters = Vec::new();
        let mut start = open + 1;
        while start < close {
            let end = end_of_parameter(view, start, close);
            parameters.push(ProcedureParameter::read(view, start..end)?);
            start = end + 1;
        }
        let outputs = parameters.iter().filter(|parameter| parameter.mode != Mode::In).count();
        let inputs = parameters.iter().filter(|parameter| parameter.mode != Mode::Out).count();
        if outputs > PARAMETERS_MAX || inputs > PARAMETERS_MAX {
            let reason = "Redshift's limit is 32 input and 32 output parameters; pass a temporary table";
            return Err(view.refuse(open, "CREATE PROCEDURE", reason));
        }
        let mut clauses = Clauses::default();
        clauses.read(view, close + 1)?;
        let Some(body) = clauses.body else {
            return Err(view.refuse(view.len(), "CREATE PROCEDURE", "AS $$ body $$ is missing"));
        };
        if !clauses.has_language {
            return Err(view.refuse(view.len(), "CREATE PROCEDURE", "LANGUAGE plpgsql is missing"));
        }
        if let (Some(_), Some((index, construct))) = (clauses.nonatomic, clauses.not_with_nonatomic) {
            return Err(view.refuse(index, construct, "Redshift does not combine it with NONATOMIC"));
        }
        Ok(Self { name, parameters, nonatomic: clauses.nonatomic, body })
    }
}

/// What follows the parameters, in any order.
#[derive(Default)]
struct Clauses {
    nonatomic: Option<usize>,
    body: Option<usize>,
    has_language: bool,
    not_with_nonatomic: Option<(usize, &'static str)>,
}

impl Clauses {
    /// `[NONATOMIC] AS $$ … $$ LANGUAGE plpgsql [SECURITY INVOKER | DEFINER] [SET name {TO | =} value]`.
    fn read(&mut self, view: TokenView<'_>, start: usize) -> Result<(), Refusal> {
        let is_body = |index: usize| view.tokens.get(index).is_some_and(|token| token.kind == TokenKind::Body);
        let mut index = start;
        while index < view.len() {
            match view.text(index) {
                "nonatomic" => {
                    self.nonatomic = Some(index);
                    index += 1;
                }
                "as" if is_body(index + 1) => {
                    self.body = Some(index + 1);
                    index += 2;
                }
                "language" if is_plpgsql(view, index + 1) => {
                    self.has_language = true;
                    index += 2;
                }
                "security" if view.is_any(index + 1, &["invoker", "definer"]) => {
                    if view.is(index + 1, "definer") {
                        self.not_with_nonatomic = Some((index, "SECURITY DEFINER"));
                    }
                    index += 2;
                }
                "set" if view.is(index + 2, "to") || view.is_symbol(index + 2, "=") => {
                    self.not_with_nonatomic = Some((index, "SET in CREATE PROCEDURE"));
                    index += 4;
                    while view.is_symbol(index, ",") {
                        index += 2;
                    }
                }
                other => {
                    let reason = "here stand AS $$ body $$, LANGUAGE plpgsql, SECURITY INVOKER or DEFINER, and SET name TO value";
                    return Err(view.refuse(index, other.to_uppercase(), reason));
                }
            }
        }
        Ok(())
    }
}

fn is_plpgsql(view: TokenView<'_>, index: usize) -> bool {
    view.tokens.get(index).is_some_and(|token| token.text.trim_matches('\'').eq_ignore_ascii_case("plpgsql"))
}

fn end_of_parameter(view: TokenView<'_>, start: usize, close: usize) -> usize {
    let mut index = start;
    while index < close && !view.is_symbol(index, ",") {
        index = view.next_beside(index);
    }
    index
}

impl ProcedureParameter {
    /// `[name] [IN | OUT | INOUT] type`, where the mode may also precede the name.
    fn read(view: TokenView<'_>, tokens: Range<usize>) -> Result<Self, Refusal> {
        let mut index = tokens.start;
        let mut mode_at = Mode::of(view, index).map(|_| index);
        index += usize::from(mode_at.is_some());
        // What is left is `name type`, `name mode type` or `type`; a type of two words starts like a name.
        let is_named = tokens.end - index > 1
            && !view.is_symbol(index + 1, "(")
            && !view.is_any(index + 1, &["precision", "varying", "with", "without"]);
        let name = is_named.then(|| view.tokens[index].text.clone());
        index += usize::from(is_named);
        if mode_at.is_none() && Mode::of(view, index).is_some() {
            mode_at = Some(index);
            index += 1;
        }
        let end = read_type(view.sql, view.tokens, index)?.end;
        if end < tokens.end {
            let construct = view.tokens[end].text.to_uppercase();
            return Err(view.refuse(end, construct, "Redshift's procedures have no parameter defaults"));
        }
        let mode = mode_at.and_then(|at| Mode::of(view, at)).unwrap_or(Mode::In);
        Ok(Self { tokens, name, mode, mode_at, type_at: index })
    }
}
