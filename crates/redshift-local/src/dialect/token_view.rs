//! The tokens of one text (a statement, or the body of a procedure) with the questions that rules ask of them.

use std::ops::Range;

use super::Refusal;
use super::lexer::{Token, TokenKind};

#[derive(Clone, Copy)]
pub(crate) struct TokenView<'a> {
    pub(crate) sql: &'a str,
    pub(crate) tokens: &'a [Token],
}

impl TokenView<'_> {
    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    pub(crate) fn is(&self, index: usize, word: &str) -> bool {
        self.tokens.get(index).is_some_and(|token| token.is(word))
    }

    pub(crate) fn is_any(&self, index: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(index, word))
    }

    pub(crate) fn is_symbol(&self, index: usize, symbol: &str) -> bool {
        self.tokens.get(index).is_some_and(|token| token.is_symbol(symbol))
    }

    pub(crate) fn is_name(&self, index: usize) -> bool {
        self.tokens.get(index).is_some_and(Token::is_name)
    }

    /// Word or symbol at `index`; empty for all else.
    pub(crate) fn text(&self, index: usize) -> &str {
        self.tokens
            .get(index)
            .filter(|token| matches!(token.kind, TokenKind::Word | TokenKind::Symbol))
            .map_or("", |token| token.text.as_str())
    }

    /// Whether `phrase`, words and symbols, stands from `index` on.
    pub(crate) fn are(&self, index: usize, phrase: &[&str]) -> bool {
        phrase.iter().enumerate().all(|(offset, expected)| self.text(index + offset) == *expected)
    }

    /// The bracket that pairs with the one at `index`.
    pub(crate) fn partner(&self, index: usize) -> usize {
        self.tokens.get(index).and_then(|token| token.partner).unwrap_or(index)
    }

    /// The next index at the same bracket depth.
    pub(crate) fn next_beside(&self, index: usize) -> usize {
        self.partner(index).max(index) + 1
    }

    /// The first index of `range`, outside brackets, at which one of `words` stands.
    pub(crate) fn find_beside(&self, range: Range<usize>, words: &[&str]) -> Option<usize> {
        let mut index = range.start;
        while index < range.end {
            if self.is_any(index, words) {
                return Some(index);
            }
            index = self.next_beside(index);
        }
        None
    }

    /// The first index of `range`, outside brackets, at which `symbol` stands.
    pub(crate) fn find_symbol_beside(&self, range: Range<usize>, symbol: &str) -> Option<usize> {
        let mut index = range.start;
        while index < range.end && !self.is_symbol(index, symbol) {
            index = self.next_beside(index);
        }
        (index < range.end).then_some(index)
    }

    /// The bracket around `index`, if any.
    pub(crate) fn enclosing(&self, index: usize) -> Option<usize> {
        self.tokens.get(index).and_then(|token| token.enclosing)
    }

    /// The first token of the dotted name that ends at `index`.
    pub(crate) fn name_start(&self, index: usize) -> usize {
        let mut start = index;
        while start >= 2 && self.is_symbol(start - 1, ".") && self.is_name(start - 2) {
            start -= 2;
        }
        start
    }

    /// The index behind the dotted name that starts at `index`.
    pub(crate) fn name_end(&self, index: usize) -> usize {
        let mut end = index + 1;
        while self.is_symbol(end, ".") && end + 1 < self.len() {
            end += 2;
        }
        end.min(self.len())
    }

    pub(crate) fn refuse(&self, index: usize, construct: impl Into<String>, reason: impl Into<String>) -> Refusal {
        let offset = self.tokens.get(index).map_or(self.sql.len(), |token| token.start);
        Refusal::at(self.sql, offset, construct, reason)
    }
}
