//! What COPY and UNLOAD have in common as texts: options in any order, behind a URL and a role. The grammar of each is an
//! `impl` of its own beside the command.

use crate::dialect::Refusal;
use crate::dialect::lexer::{Token, TokenKind, text_value};

/// Reads a command from its first option to its last.
pub(crate) struct CommandParser<'a> {
    pub(crate) sql: &'a str,
    pub(crate) tokens: &'a [Token],
    /// The token that is read next.
    pub(crate) at: usize,
}

impl CommandParser<'_> {
    /// What follows IAM_ROLE: DEFAULT or ARNs.
    pub(crate) fn role(&mut self) -> Result<(), Refusal> {
        if self.takes("default") {
            return Ok(());
        }
        let at = self.at;
        let arn = self.text("IAM_ROLE")?;
        let is_role = |arn: &str| {
            let parts: Vec<&str> = arn.splitn(6, ':').collect();
            matches!(parts.as_slice(), ["arn", partition, "iam", "", account, resource]
                if partition.starts_with("aws")
                    // The developer guide's own examples have one digit more.
                    && matches!(account.len(), 12 | 13)
                    && account.bytes().all(|digit| digit.is_ascii_digit())
                    && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty()))
        };
        // Roles that take on further roles stand behind commas.
        if arn.split(',').all(is_role) {
            return Ok(());
        }
        self.at = at;
        Err(self.refuse("IAM_ROLE", "Invalid IAM role: expected 'arn:aws:iam::<12 digits>:role/<name>'"))
    }

    pub(crate) fn text(&mut self, option: &str) -> Result<String, Refusal> {
        match self.tokens.get(self.at).filter(|token| token.kind == TokenKind::Text) {
            Some(token) => {
                self.at += 1;
                Ok(text_value(&token.text))
            }
            None => Err(self.refuse(option, "a literal between single quotes is expected here")),
        }
    }

    pub(crate) fn takes(&mut self, word: &str) -> bool {
        let is_next = self.tokens.get(self.at).is_some_and(|token| token.is(word));
        self.at += usize::from(is_next);
        is_next
    }

    pub(crate) fn takes_symbol(&mut self, symbol: &str) -> bool {
        let is_next = self.tokens.get(self.at).is_some_and(|token| token.is_symbol(symbol));
        self.at += usize::from(is_next);
        is_next
    }

    pub(crate) fn not_offered(&self, construct: &str, reason: &str) -> Refusal {
        self.refuse(construct, reason).into_not_offered()
    }

    pub(crate) fn refuse(&self, construct: &str, reason: &str) -> Refusal {
        let offset = self.tokens.get(self.at).map_or(self.sql.len(), |token| token.start);
        Refusal::at(self.sql, offset, construct, reason)
    }
}
