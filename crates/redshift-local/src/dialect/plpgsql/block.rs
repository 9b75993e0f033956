//! Reads blocks and declarations. The reader knows the names in scope, because an assignment to an unknown name is an
//! error in Redshift when the procedure is created.

use std::ops::Range;

use super::ast::{Block, Body, Declaration, Declared, Fragment, Handler};
use crate::dialect::Refusal;
use crate::dialect::lexer::{self, TokenKind};
use crate::dialect::reserved_words::{self, is_reserved};
use crate::dialect::token_view::TokenView;
use crate::dialect::types::read_type;

/// Redshift's limits for one procedure.
const BODY_MAX_BYTES: usize = 2 * 1024 * 1024;
const VARIABLES_MAX: usize = 1024;
/// Blocks and loops in each other; the reader is recursive, so there must be one.
const NESTING_MAX: usize = 100;

/// Reads the text between `$$`. `parameters` are the names of the procedure's parameters, where they have one.
///
/// # Errors
/// What is no PL/pgSQL of Redshift, placed in the body.
pub(crate) fn parse(body: &str, parameters: &[Option<String>]) -> Result<Body, Refusal> {
    let tokens = lexer::tokenize(body)?;
    let view = TokenView { sql: body, tokens: &tokens };
    if body.len() > BODY_MAX_BYTES {
        return Err(view.refuse(0, "body", "Redshift's limit is 2 MB of source"));
    }
    let mut known: Vec<String> = parameters.iter().flatten().cloned().collect();
    known.extend((1..=parameters.len()).map(|position| format!("${position}")));
    let mut reader = Reader { view, at: 0, known, variable_count: 0, depth: 0 };
    let label = reader.label()?;
    let block = reader.block(label)?;
    reader.skip_symbol(";");
    if reader.at < view.len() {
        return Err(reader.refuse("text behind END", "a body is one block, and it has ended"));
    }
    Ok(Body { block })
}

pub(super) struct Reader<'a> {
    pub(super) view: TokenView<'a>,
    pub(super) at: usize,
    /// Names of variables in scope, the innermost last.
    known: Vec<String>,
    variable_count: usize,
    depth: usize,
}

impl Reader<'_> {
    /// A block behind its label: from DECLARE or BEGIN to END.
    pub(super) fn block(&mut self, label: Option<String>) -> Result<Block, Refusal> {
        let outer = self.known.len();
        self.enter()?;
        let mut declarations = Vec::new();
        while self.skip_word("declare") {
            while !self.is("begin") && !self.is("declare") {
                let at = self.at;
                let declaration = self.declaration()?;
                if declarations.iter().any(|earlier: &Declaration| earlier.name == declaration.name) {
                    return Err(self.view.refuse(at, declaration.name, "the block declares it twice"));
                }
                declarations.push(declaration);
            }
        }
        self.expect_word("begin", "a block is [DECLARE …] BEGIN … END")?;
        self.skip_symbol(";");
        let statements = self.statements()?;
        let handler = if self.skip_word("exception") { Some(self.handler()?) } else { None };
        self.expect_word("end", "the block that BEGIN opened is not ended")?;
        self.closing_label(label.as_deref())?;
        self.known.truncate(outer);
        self.depth -= 1;
        Ok(Block { label, declarations, statements, handler })
    }

    /// `WHEN OTHERS THEN …`, with the kind of handler in front or behind.
    fn handler(&mut self) -> Result<Handler, Refusal> {
        let is_continue = self.skip_word("continue_handler");
        if !is_continue {
            self.skip_word("exit_handler");
        }
        self.expect_word("when", "its form is EXCEPTION WHEN OTHERS THEN …")?;
        if !self.skip_word("others") {
            let construct = format!("EXCEPTION WHEN {}", self.view.text(self.at).to_uppercase());
            return Err(self.refuse(&construct, "Redshift's only condition is OTHERS"));
        }
        self.expect_word("then", "its form is EXCEPTION WHEN OTHERS THEN …")?;
        let outer = self.known.len();
        self.known.extend(["sqlerrm".to_owned(), "sqlstate".to_owned()]);
        let statements = self.statements()?;
        self.known.truncate(outer);
        if self.is("when") {
            return Err(self.refuse("EXCEPTION", "OTHERS matches everything; a second WHEN is never reached"));
        }
        Ok(Handler { is_continue, statements })
    }

    /// `name [CONSTANT] type [NOT NULL] [{:= | = | DEFAULT} expression];`, a cursor, or an alias.
    fn declaration(&mut self) -> Result<Declaration, Refusal> {
        if self.view.tokens.get(self.at).is_some_and(is_reserved) {
            return Err(self.refuse(&self.view.text(self.at).to_uppercase(), reserved_words::REASON));
        }
        let name = self.name("a variable's name is expected here, or BEGIN")?;
        self.variable_count += 1;
        if self.variable_count > VARIABLES_MAX {
            return Err(self.refuse("DECLARE", "Redshift's limit is 1,024 variables; use a temporary table"));
        }
        let declared = if self.skip_word("alias") {
            self.expect_word("for", "its form is name ALIAS FOR $n;")?;
            let of = self.view.tokens.get(self.at).map_or_else(String::new, |token| token.text.clone());
            if !self.is_known(&of) {
                return Err(self.refuse(&of.clone(), "ALIAS FOR names a parameter that does not exist"));
            }
            self.at += 1;
            Declared::Alias { of }
        } else if self.skip_word("cursor") {
            self.cursor()?
        } else if self.skip_word("record") {
            Declared::Record
        } else {
            let is_constant = self.skip_word("constant");
            let type_name = self.type_name()?;
            let is_not_null = self.are(&["not", "null"]);
            self.at += 2 * usize::from(is_not_null);
            let has_value = self.skip_word("default") || self.skip_symbol(":=") || self.skip_symbol("=");
            let value = if has_value { Some(self.fragment_until(&[";"])?) } else { None };
            if value.is_none() && (is_constant || is_not_null) {
                return Err(
                    self.refuse("DECLARE", "a CONSTANT or NOT NULL variable needs a value: name type := value;")
                );
            }
            Declared::Variable { type_name, is_constant, is_not_null, value }
        };
        self.end_of_statement("DECLARE")?;
        self.known.push(name.clone());
        Ok(Declaration { name, declared })
    }

    /// `[(name type, …)] {FOR | IS} query`.
    fn cursor(&mut self) -> Result<Declared, Refusal> {
        let mut parameters = Vec::new();
        if self.skip_symbol("(") {
            while !self.skip_symbol(")") {
                let name = self.name("a cursor's parameter is `name type`")?;
                parameters.push((name, self.type_name()?));
                self.skip_symbol(",");
            }
        }
        if !self.skip_word("for") && !self.skip_word("is") {
            return Err(self.refuse("CURSOR", "its form is name CURSOR [(name type, …)] FOR SELECT …;"));
        }
        Ok(Declared::Cursor { parameters, query: self.fragment_until(&[";"])? })
    }

    fn type_name(&mut self) -> Result<String, Refusal> {
        let type_name = read_type(self.view.sql, self.view.tokens, self.at)?;
        self.at = type_name.end;
        Ok(type_name.postgres)
    }

    /// `<<label>>`, if there is one.
    pub(super) fn label(&mut self) -> Result<Option<String>, Refusal> {
        if !self.skip_symbol("<<") {
            return Ok(None);
        }
        let label = self.name("a label is <<name>>")?;
        if !self.skip_symbol(">>") {
            return Err(self.refuse("label", "a label is <<name>>"));
        }
        Ok(Some(label))
    }

    /// The label that may follow END and END LOOP, which must be that of the start.
    pub(super) fn closing_label(&mut self, label: Option<&str>) -> Result<(), Refusal> {
        let Some(closing) = self.view.tokens.get(self.at).filter(|token| token.is_name()) else { return Ok(()) };
        if label != Some(closing.text.as_str()) {
            return Err(self.refuse("END label", "the label behind END is not that of the block or loop it ends"));
        }
        self.at += 1;
        Ok(())
    }

    /// Counts one more level of blocks and loops.
    pub(super) fn enter(&mut self) -> Result<(), Refusal> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(self.refuse("nesting", "blocks and loops stand in each other more than 100 deep"));
        }
        Ok(())
    }

    /// Ends what [`Self::enter`] began.
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(super) fn is_known(&self, name: &str) -> bool {
        name == "found" || self.known.iter().any(|known| known == name)
    }

    /// Makes `name` a variable as long as `read` runs.
    pub(super) fn with_variable<T>(
        &mut self,
        name: String,
        read: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.known.push(name);
        let result = read(self);
        self.known.pop();
        result
    }

    pub(super) fn is(&self, word: &str) -> bool {
        self.view.is(self.at, word)
    }

    pub(super) fn are(&self, words: &[&str]) -> bool {
        self.view.are(self.at, words)
    }

    pub(super) fn skip_word(&mut self, word: &str) -> bool {
        let is_there = self.is(word);
        self.at += usize::from(is_there);
        is_there
    }

    pub(super) fn skip_symbol(&mut self, symbol: &str) -> bool {
        let is_there = self.view.is_symbol(self.at, symbol);
        self.at += usize::from(is_there);
        is_there
    }

    pub(super) fn expect_word(&mut self, word: &str, reason: &str) -> Result<(), Refusal> {
        if self.skip_word(word) { Ok(()) } else { Err(self.refuse(&word.to_uppercase(), reason)) }
    }

    pub(super) fn end_of_statement(&mut self, construct: &str) -> Result<(), Refusal> {
        if self.skip_symbol(";") { Ok(()) } else { Err(self.refuse(construct, "a semicolon is expected here")) }
    }

    pub(super) fn name(&mut self, reason: &str) -> Result<String, Refusal> {
        match self.view.tokens.get(self.at).filter(|token| token.is_name()) {
            Some(token) => {
                self.at += 1;
                Ok(token.text.clone())
            }
            None => Err(self.refuse("name", reason)),
        }
    }

    /// The text up to one of `ends` (words or symbols), outside brackets and CASE expressions; stops in front of it.
    pub(super) fn fragment_until(&mut self, ends: &[&str]) -> Result<Fragment, Refusal> {
        let end = self.find(ends)?;
        let fragment = self.fragment(self.at..end)?;
        self.at = end;
        Ok(fragment)
    }

    /// Where one of `ends` stands next, outside brackets and CASE expressions.
    pub(super) fn find(&self, ends: &[&str]) -> Result<usize, Refusal> {
        let mut index = self.at;
        let mut cases = 0_usize;
        while index < self.view.len() {
            let text = self.view.text(index);
            if cases == 0 && ends.contains(&text) {
                return Ok(index);
            }
            match text {
                ";" => break,
                "case" => cases += 1,
                "end" => cases = cases.saturating_sub(1),
                _ => {}
            }
            index = self.view.next_beside(index);
        }
        let wanted: Vec<String> = ends.iter().map(|end| end.to_uppercase()).collect();
        Err(self.view.refuse(index, "statement", format!("{} is expected here", wanted.join(" or "))))
    }

    pub(super) fn fragment(&self, range: Range<usize>) -> Result<Fragment, Refusal> {
        if range.is_empty() {
            return Err(self.view.refuse(range.start, "statement", "an expression or a statement is missing here"));
        }
        let (start, end) = (self.view.tokens[range.start].start, self.view.tokens[range.end - 1].end);
        Ok(Fragment { text: self.view.sql[start..end].to_owned(), offset: start })
    }

    /// The fragment of `range` with the tokens of `hole` left blank.
    pub(super) fn fragment_without(&self, range: Range<usize>, hole: Range<usize>) -> Result<Fragment, Refusal> {
        let mut fragment = self.fragment(range)?;
        if let (Some(first), Some(last)) = (self.view.tokens.get(hole.start), self.view.tokens.get(hole.end - 1)) {
            let (start, end) = (first.start - fragment.offset, last.end - fragment.offset);
            let blank: String =
                fragment.text[start..end].bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect();
            fragment.text.replace_range(start..end, &blank);
        }
        Ok(fragment)
    }

    pub(super) fn is_text(&self) -> bool {
        self.view.tokens.get(self.at).is_some_and(|token| token.kind == TokenKind::Text)
    }

    pub(super) fn refuse(&self, construct: &str, reason: &str) -> Refusal {
        self.view.refuse(self.at, construct, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn nesting_has_an_end_before_the_stack_has() {
        let body = |depth: usize| format!("{}null;{}", "begin ".repeat(depth), "end;".repeat(depth));
        assert!(parse(&body(90), &[]).is_ok());
        let refusal = parse(&body(20_000), &[]).expect_err("too deep");
        assert_eq!(refusal.construct, "nesting");
    }

    #[test]
    fn faults_are_placed_in_the_body() {
        let refusal = parse("begin\n  if true then\n    x := 1;\n  end if;\nend", &[]).expect_err("x is unknown");
        assert_eq!((refusal.line, refusal.column, refusal.construct.as_str()), (3, 5, "x"));
    }
}
