//! A statement under rewriting: its tokens, and what replaces or surrounds each of them. The text between tokens
//! (white space, comments) stays, so lines keep their numbers.

use std::ops::Range;

use crate::dialect::Refusal;
use crate::dialect::lexer::{self, Token};
use crate::dialect::token_view::TokenView;

pub(crate) struct Rewrite<'a> {
    pub(crate) sql: &'a str,
    pub(crate) tokens: Vec<Token>,
    edits: Vec<Edit>,
}

#[derive(Clone, Default)]
struct Edit {
    before: String,
    replacement: Option<String>,
    after: String,
}

impl<'a> Rewrite<'a> {
    pub(crate) fn new(sql: &'a str) -> Result<Self, Refusal> {
        let tokens = lexer::tokenize(sql)?;
        let edits = vec![Edit::default(); tokens.len()];
        Ok(Self { sql, tokens, edits })
    }

    pub(crate) fn all(&self) -> Range<usize> {
        0..self.tokens.len()
    }

    /// The tokens as rules see them.
    pub(crate) fn view(&self) -> TokenView<'_> {
        TokenView { sql: self.sql, tokens: &self.tokens }
    }

    pub(crate) fn is(&self, index: usize, word: &str) -> bool {
        self.tokens.get(index).is_some_and(|token| token.is(word))
    }

    pub(crate) fn is_symbol(&self, index: usize, symbol: &str) -> bool {
        self.tokens.get(index).is_some_and(|token| token.is_symbol(symbol))
    }

    /// Whether `words` stand from `index` on.
    pub(crate) fn are(&self, index: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(offset, word)| self.is(index + offset, word))
    }

    pub(crate) fn replace(&mut self, index: usize, text: impl Into<String>) {
        self.edits[index].replacement = Some(text.into());
    }

    /// What lies behind the last token is nothing to remove.
    pub(crate) fn remove(&mut self, range: Range<usize>) {
        for index in range.start..range.end.min(self.tokens.len()) {
            self.edits[index] = Edit { replacement: Some(String::new()), ..Edit::default() };
        }
    }

    /// Replaces all of `range` by `text`; what was put in front of it and behind it stays.
    pub(crate) fn replace_range(&mut self, range: Range<usize>, text: String) {
        let before = std::mem::take(&mut self.edits[range.start].before);
        let after = std::mem::take(&mut self.edits[range.end - 1].after);
        self.remove(range.clone());
        self.edits[range.start].before = before;
        self.edits[range.start].replacement = Some(text);
        self.edits[range.end - 1].after = after;
    }

    /// Puts `text` in front of what already stands in front of the token.
    pub(crate) fn before(&mut self, index: usize, text: &str) {
        self.edits[index].before.insert_str(0, text);
    }

    /// Puts `text` behind what already stands behind the token.
    pub(crate) fn after(&mut self, index: usize, text: &str) {
        self.edits[index].after.push_str(text);
    }

    /// The bracket that pairs with the one at `index`.
    pub(crate) fn partner(&self, index: usize) -> usize {
        self.tokens[index].partner.unwrap_or(index)
    }

    /// The parts of `range` between commas that stand in no bracket.
    pub(crate) fn split_at_commas(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let mut start = range.start;
        let mut index = range.start;
        while index < range.end {
            if self.is_symbol(index, ",") {
                parts.push(start..index);
                start = index + 1;
            }
            index = self.next_beside(index);
        }
        if start < range.end {
            parts.push(start..range.end);
        }
        parts
    }

    /// The next index at the same bracket depth.
    pub(crate) fn next_beside(&self, index: usize) -> usize {
        self.tokens[index].partner.filter(|&partner| partner > index).unwrap_or(index) + 1
    }

    /// The text of `range` with all edits made.
    pub(crate) fn render(&self, range: Range<usize>) -> String {
        let mut text = String::new();
        let mut end_of_last = None;
        for index in range {
            let token = &self.tokens[index];
            let edit = &self.edits[index];
            if let Some(end) = end_of_last {
                text.push_str(&self.sql[end..token.start]);
            }
            text.push_str(&edit.before);
            text.push_str(edit.replacement.as_deref().unwrap_or(&self.sql[token.start..token.end]));
            text.push_str(&edit.after);
            end_of_last = Some(token.end);
        }
        text
    }

    pub(crate) fn refuse(&self, index: usize, construct: impl Into<String>, reason: impl Into<String>) -> Refusal {
        let offset = self.tokens.get(index).map_or(self.sql.len(), |token| token.start);
        Refusal::at(self.sql, offset, construct, reason)
    }

    /// A refusal of what Redshift accepts.
    pub(crate) fn not_offered(&self, index: usize, construct: impl Into<String>, reason: impl Into<String>) -> Refusal {
        self.refuse(index, construct, reason).into_not_offered()
    }
}
