//! Reads the statements of a body.

use super::ast::{BodyStatement, CursorSource, Fragment, Operation, RaiseLevel};
use super::block::Reader;
use crate::dialect::Refusal;
use crate::dialect::lexer::text_value;

/// Words that end a list of statements.
const LIST_ENDS: &[&str] = &["end", "exception", "elsif", "elseif", "else", "when"];

const UNKNOWN: &str = "it is no variable of this procedure; declare it";

impl Reader<'_> {
    /// Statements up to one of the words that end a list.
    pub(super) fn statements(&mut self) -> Result<Vec<BodyStatement>, Refusal> {
        let mut statements = Vec::new();
        while self.at < self.view.len() && !self.view.is_any(self.at, LIST_ENDS) {
            if self.skip_symbol(";") {
                continue;
            }
            let offset = self.view.tokens[self.at].start;
            let operation = self.statement()?;
            statements.push(BodyStatement { offset, operation });
        }
        Ok(statements)
    }

    fn statement(&mut self) -> Result<Operation, Refusal> {
        let label = self.label()?;
        let word = self.view.text(self.at).to_owned();
        let follows = self.view.text(self.at + 1).to_owned();
        if label.is_some() && !matches!(word.as_str(), "declare" | "begin" | "loop" | "while" | "for") {
            return Err(self.refuse("label", "a label stands in front of a block or a loop"));
        }
        match word.as_str() {
            "declare" => return self.inner_block(label),
            "begin" if !matches!(follows.as_str(), "transaction" | "work") => return self.inner_block(label),
            "loop" => return self.plain_loop(label),
            "while" => return self.while_loop(label),
            "for" => return self.for_loop(label),
            "if" => return self.branches(),
            "case" => return self.case(),
            _ => {}
        }
        let operation = match word.as_str() {
            "null" if follows == ";" => self.words(1, Operation::Nothing),
            "exit" | "continue" => self.leave_loop(word == "exit")?,
            "return" => self.words(1, Operation::Return),
            "raise" => self.raise()?,
            "execute" => self.execute()?,
            "get" => self.get_diagnostics()?,
            "open" if !self.is_assignment() => self.open()?,
            "fetch" => self.fetch()?,
            "close" => {
                self.at += 1;
                Operation::Close { cursor: self.variable()? }
            }
            "commit" | "end" => self.transaction_end(Operation::Commit),
            "rollback" | "abort" => self.transaction_end(Operation::Rollback),
            "start" if follows == "transaction" => self.words(2, Operation::StartTransaction),
            "begin" => self.words(2, Operation::StartTransaction),
            "call" => Operation::Call(self.fragment_until(&[";"])?),
            "select" | "with" | "(" => self.query()?,
            _ if self.is_assignment() => self.assignment()?,
            _ => Operation::Sql(self.fragment_until(&[";"])?),
        };
        self.end_of_statement(&word.to_uppercase())?;
        Ok(operation)
    }

    fn words(&mut self, count: usize, operation: Operation) -> Operation {
        self.at += count;
        operation
    }

    fn transaction_end(&mut self, operation: Operation) -> Operation {
        self.at += 1;
        if self.view.is_any(self.at, &["work", "transaction"]) {
            self.at += 1;
        }
        operation
    }

    fn inner_block(&mut self, label: Option<String>) -> Result<Operation, Refusal> {
        let block = self.block(label)?;
        self.end_of_statement("END")?;
        Ok(Operation::Block(block))
    }

    /// `LOOP … END LOOP [label];`
    fn loop_body(&mut self, label: Option<&str>) -> Result<Vec<BodyStatement>, Refusal> {
        self.enter()?;
        self.expect_word("loop", "a loop's body is LOOP … END LOOP")?;
        let body = self.statements()?;
        self.expect_word("end", "the loop is not ended; write END LOOP")?;
        self.expect_word("loop", "a loop is ended by END LOOP")?;
        self.closing_label(label)?;
        self.end_of_statement("END LOOP")?;
        self.leave();
        Ok(body)
    }

    fn plain_loop(&mut self, label: Option<String>) -> Result<Operation, Refusal> {
        let body = self.loop_body(label.as_deref())?;
        Ok(Operation::Loop { label, body })
    }

    fn while_loop(&mut self, label: Option<String>) -> Result<Operation, Refusal> {
        self.at += 1;
        let condition = self.fragment_until(&["loop"])?;
        let body = self.loop_body(label.as_deref())?;
        Ok(Operation::While { label, condition, body })
    }

    fn for_loop(&mut self, label: Option<String>) -> Result<Operation, Refusal> {
        self.at += 1;
        let targets_at = self.at;
        let first = self.name("its form is FOR name IN … LOOP")?;
        self.at = targets_at;
        let source = self.find(&["in"])? + 1;
        let end = {
            self.at = source;
            self.find(&["loop"])?
        };
        if let Some(range) = (source..end).find(|&index| self.view.is_symbol(index, "..")) {
            let is_reverse = self.skip_word("reverse");
            let from = self.fragment(self.at..range)?;
            let to = self.fragment(range + 1..end)?;
            self.at = end;
            let body = self.with_variable(first.clone(), |reader| reader.loop_body(label.as_deref()))?;
            return Ok(Operation::ForInteger { label, variable: first, is_reverse, from, to, body });
        }
        self.at = targets_at;
        let targets = self.targets()?;
        self.expect_word("in", "its form is FOR record IN SELECT … LOOP")?;
        let is_dynamic = self.skip_word("execute");
        if !is_dynamic && !self.view.is_any(self.at, &["select", "with"]) && !self.view.is_symbol(self.at, "(") {
            return Err(self.refuse("FOR", "it runs over a..b, SELECT … or EXECUTE text"));
        }
        let query = self.fragment(self.at..end)?;
        self.at = end;
        let body = self.loop_body(label.as_deref())?;
        Ok(Operation::ForQuery { label, targets, query, is_dynamic, body })
    }

    /// `IF … THEN … [ELSIF …] [ELSE …] END IF;`
    fn branches(&mut self) -> Result<Operation, Refusal> {
        self.enter()?;
        let mut branches = Vec::new();
        while branches.is_empty() || self.is("elsif") || self.is("elseif") {
            self.at += 1;
            let condition = self.fragment_until(&["then"])?;
            self.at += 1;
            branches.push((condition, self.statements()?));
        }
        let otherwise = if self.skip_word("else") { Some(self.statements()?) } else { None };
        self.expect_word("end", "the IF is not ended; write END IF")?;
        self.expect_word("if", "an IF is ended by END IF")?;
        self.end_of_statement("END IF")?;
        self.leave();
        Ok(Operation::Branch { branches, otherwise, is_case: false })
    }

    /// `CASE [operand] WHEN … THEN … [ELSE …] END CASE;`
    fn case(&mut self) -> Result<Operation, Refusal> {
        self.enter()?;
        self.at += 1;
        let operand = if self.is("when") { None } else { Some(self.fragment_until(&["when"])?) };
        let mut branches = Vec::new();
        while self.skip_word("when") {
            let end = self.find(&["then"])?;
            let mut values = Vec::new();
            while self.at < end {
                let value_end = match operand {
                    Some(_) => self.find(&[",", "then"])?,
                    None => end,
                };
                values.push(self.fragment(self.at..value_end)?);
                self.at = if value_end < end { value_end + 1 } else { end };
            }
            self.at = end + 1;
            branches.push((values, self.statements()?));
        }
        let otherwise = if self.skip_word("else") { Some(self.statements()?) } else { None };
        self.expect_word("end", "the CASE is not ended; write END CASE")?;
        self.expect_word("case", "a CASE statement is ended by END CASE")?;
        self.end_of_statement("END CASE")?;
        self.leave();
        Ok(match operand {
            Some(operand) => Operation::Match { operand, branches, otherwise },
            None => {
                let conditions =
                    branches.into_iter().filter_map(|(values, list)| Some((values.into_iter().next()?, list)));
                Operation::Branch { branches: conditions.collect(), otherwise, is_case: true }
            }
        })
    }

    /// `EXIT [label] [WHEN condition]`, and CONTINUE alike.
    fn leave_loop(&mut self, is_exit: bool) -> Result<Operation, Refusal> {
        self.at += 1;
        let label = if self.is("when") || self.view.is_symbol(self.at, ";") {
            None
        } else {
            Some(self.name("a label, WHEN or a semicolon is expected here")?)
        };
        let condition = if self.skip_word("when") { Some(self.fragment_until(&[";"])?) } else { None };
        Ok(if is_exit { Operation::Exit { label, condition } } else { Operation::Continue { label, condition } })
    }

    /// `RAISE level 'format' [, variable …]`, or `RAISE` alone. `procedure_rules` has already refused other forms.
    fn raise(&mut self) -> Result<Operation, Refusal> {
        self.at += 1;
        if self.view.is_symbol(self.at, ";") {
            return Ok(Operation::RaiseAgain);
        }
        let level = match self.view.text(self.at) {
            "log" => RaiseLevel::Log,
            "info" => RaiseLevel::Info,
            "notice" => RaiseLevel::Notice,
            "warning" => RaiseLevel::Warning,
            "exception" => RaiseLevel::Exception,
            _ => return Err(self.refuse("RAISE", "its form is RAISE level 'format' [, variable …]")),
        };
        self.at += 1;
        if !self.is_text() {
            return Err(self.refuse("RAISE", "the format is a literal"));
        }
        let format = text_value(&self.view.tokens[self.at].text);
        self.at += 1;
        let mut variables = Vec::new();
        while self.skip_symbol(",") {
            variables.push(self.variable()?);
        }
        Ok(Operation::Raise { level, format, variables })
    }

    fn execute(&mut self) -> Result<Operation, Refusal> {
        self.at += 1;
        let statement = self.fragment_until(&["into", ";"])?;
        let targets = if self.skip_word("into") { self.targets()? } else { Vec::new() };
        Ok(Operation::Execute { statement, targets })
    }

    /// `GET DIAGNOSTICS variable {:= | =} ROW_COUNT`
    fn get_diagnostics(&mut self) -> Result<Operation, Refusal> {
        const FORM: &str = "its form is GET DIAGNOSTICS variable := ROW_COUNT";
        self.at += 1;
        self.expect_word("diagnostics", FORM)?;
        let target = self.variable()?;
        if !self.skip_symbol(":=") && !self.skip_symbol("=") {
            return Err(self.refuse("GET DIAGNOSTICS", FORM));
        }
        self.expect_word("row_count", FORM)?;
        Ok(Operation::GetDiagnostics { target })
    }

    fn open(&mut self) -> Result<Operation, Refusal> {
        self.at += 1;
        let cursor = self.variable()?;
        let source = if self.skip_word("for") {
            if self.skip_word("execute") {
                CursorSource::Dynamic(self.fragment_until(&[";"])?)
            } else {
                CursorSource::Query(self.fragment_until(&[";"])?)
            }
        } else {
            CursorSource::Declared(self.arguments()?)
        };
        Ok(Operation::Open { cursor, source })
    }

    /// `(a, b)`, or nothing.
    fn arguments(&mut self) -> Result<Vec<Fragment>, Refusal> {
        let mut arguments = Vec::new();
        if !self.view.is_symbol(self.at, "(") {
            return Ok(arguments);
        }
        let close = self.view.partner(self.at);
        self.at += 1;
        while self.at < close {
            let mut end = self.at;
            while end < close && !self.view.is_symbol(end, ",") {
                end = self.view.next_beside(end);
            }
            arguments.push(self.fragment(self.at..end)?);
            self.at = end + usize::from(end < close);
        }
        self.at = close + 1;
        Ok(arguments)
    }

    /// `FETCH [NEXT] [FROM | IN] cursor INTO targets`
    fn fetch(&mut self) -> Result<Operation, Refusal> {
        self.at += 1;
        self.skip_word("next");
        if !self.skip_word("from") {
            self.skip_word("in");
        }
        let cursor = self.variable()?;
        self.expect_word("into", "its form is FETCH cursor INTO variable, …")?;
        Ok(Operation::Fetch { cursor, targets: self.targets()? })
    }

    /// A query, which gives its first row to the targets behind INTO.
    fn query(&mut self) -> Result<Operation, Refusal> {
        let start = self.at;
        let end = self.find(&[";"])?;
        let Some(into) = self.view.find_beside(start..end, &["into"]) else {
            self.at = end;
            return Ok(Operation::Sql(self.fragment(start..end)?));
        };
        self.at = into + 1;
        let targets = self.targets()?;
        let query = self.fragment_without(start..end, into..self.at)?;
        self.at = end;
        Ok(Operation::SelectInto { query, targets })
    }

    fn is_assignment(&self) -> bool {
        let end = self.view.name_end(self.at);
        self.view.is_name(self.at) && (self.view.is_symbol(end, ":=") || self.view.is_symbol(end, "="))
    }

    fn assignment(&mut self) -> Result<Operation, Refusal> {
        let target = self.variable()?;
        self.at += 1;
        Ok(Operation::Assign { target, value: self.fragment_until(&[";"])? })
    }

    fn targets(&mut self) -> Result<Vec<String>, Refusal> {
        let mut targets = vec![self.variable()?];
        while self.skip_symbol(",") {
            targets.push(self.variable()?);
        }
        Ok(targets)
    }

    /// `variable` or `record.field`, which must be in scope.
    fn variable(&mut self) -> Result<String, Refusal> {
        let Some(first) = self.view.tokens.get(self.at) else {
            return Err(self.refuse("statement", "a variable is expected here"));
        };
        let first = first.text.clone();
        if !self.is_known(&first) {
            return Err(self.refuse(&first, UNKNOWN));
        }
        self.at += 1;
        if self.view.is_symbol(self.at, ".") && self.view.is_name(self.at + 1) {
            self.at += 2;
            return Ok(format!("{first}.{}", self.view.tokens[self.at - 1].text));
        }
        Ok(first)
    }
}
