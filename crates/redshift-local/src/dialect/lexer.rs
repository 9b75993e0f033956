//! Redshift SQL text as tokens. White space and comments carry no token: a rewriter that keeps the text between tokens
//! keeps them. Strings know backslash escapes, block comments do not nest, `$$` bodies are one token.

use super::Refusal;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Keyword or unquoted name.
    Word,
    /// `"name"`.
    QuotedName,
    /// `#name`, a temporary table.
    TempName,
    /// `'text'`.
    Text,
    /// `$$ body $$`, with or without a tag.
    Body,
    Number,
    /// `:name`, a parameter of the Data API.
    Parameter,
    /// `$1`.
    Positional,
    /// Operator or punctuation.
    Symbol,
}

/// One token of a statement.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    /// Byte range in the text.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Folded to lower case for words and names (without quotes), as written for all else.
    pub(crate) text: String,
    /// For a bracket, the index of its partner.
    pub(crate) partner: Option<usize>,
    /// The index of the bracket that it stands in.
    pub(crate) enclosing: Option<usize>,
}

impl Token {
    /// Whether this is the unquoted word `word` (given in lower case).
    pub(crate) fn is(&self, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text == word
    }

    pub(crate) fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == TokenKind::Symbol && self.text == symbol
    }

    /// Whether it can stand for an identifier.
    pub(crate) fn is_name(&self) -> bool {
        matches!(self.kind, TokenKind::Word | TokenKind::QuotedName | TokenKind::TempName)
    }
}

/// Longest first, so that `->>` is not read as `->`.
const SYMBOLS: &[&str] = &[
    "!~~*", "->>", "#>>", "!~~", "!~*", "~~*", "<->", "::", ":=", "<=", ">=", "<>", "!=", "||", "->", "=>", "#>", "@>",
    "<@", "&&", "@@", "!~", "~~", "~*", "..", "<<", ">>",
];

/// Cuts `sql` into tokens and pairs its brackets.
///
/// # Errors
/// An unterminated string, name, comment or body, a nested block comment, or brackets that do not pair.
pub(crate) fn tokenize(sql: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut position = 0;
    while let Some(next) = next_token(sql, position)? {
        position = next.end;
        tokens.push(next);
    }
    pair_brackets(sql, &mut tokens)?;
    Ok(tokens)
}

/// The ranges of `tokens` between top-level semicolons; empty statements are left out.
pub(crate) fn split_statements(tokens: &[Token]) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for (index, token) in tokens.iter().enumerate() {
        if token.is_symbol(";") {
            ranges.push(start..index);
            start = index + 1;
        }
    }
    ranges.push(start..tokens.len());
    ranges.retain(|range| !range.is_empty());
    ranges
}

/// The text of a body token without its `$tag$` marks, and where it starts in the statement.
pub(crate) fn body_text<'a>(sql: &'a str, token: &Token) -> (&'a str, usize) {
    let whole = &sql[token.start..token.end];
    let mark = whole[1..].find('$').map_or(0, |end| end + 2);
    (&whole[mark..whole.len() - mark], token.start + mark)
}

/// The value of a string literal as it stands in the text, with its quotes.
pub(crate) fn text_value(literal: &str) -> String {
    text_characters(literal).into_iter().map(|(_, character)| character).collect()
}

/// The characters that a string literal stands for, each with the place in the literal where it is written.
pub(super) fn text_characters(literal: &str) -> Vec<(usize, char)> {
    let (inner, start) = match literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(inner) => (inner, 1),
        None => (literal, 0),
    };
    let mut value = Vec::with_capacity(inner.len());
    let mut characters = inner.char_indices();
    while let Some((offset, c)) = characters.next() {
        let character = match c {
            '\\' => match characters.next() {
                Some((_, 'n')) => '\n',
                Some((_, 't')) => '\t',
                Some((_, 'r')) => '\r',
                Some((_, other)) => other,
                None => '\\',
            },
            '\'' => {
                characters.next();
                '\''
            }
            other => other,
        };
        value.push((start + offset, character));
    }
    value
}

fn next_token(sql: &str, from: usize) -> Result<Option<Token>, Refusal> {
    let start = skip_trivia(sql, from)?;
    let rest = &sql[start..];
    let Some(first) = rest.chars().next() else { return Ok(None) };
    let second = rest[first.len_utf8()..].chars().next();
    let (kind, length) = match first {
        '\'' => (TokenKind::Text, text_length(rest).ok_or_else(|| unterminated(sql, start, "string"))?),
        '"' => (TokenKind::QuotedName, quoted_length(rest).ok_or_else(|| unterminated(sql, start, "quoted name"))?),
        '$' if second.is_some_and(|c| c.is_ascii_digit()) => (TokenKind::Positional, 1 + word_length(&rest[1..])),
        '$' => (TokenKind::Body, body_length(rest).ok_or_else(|| unterminated(sql, start, "dollar-quoted body"))?),
        '#' if second.is_some_and(is_word_start) => (TokenKind::TempName, 1 + word_length(&rest[1..])),
        ':' if second.is_some_and(is_word_part) => (TokenKind::Parameter, 1 + parameter_length(&rest[1..])),
        c if is_word_start(c) => (TokenKind::Word, word_length(rest)),
        c if c.is_ascii_digit() || (c == '.' && second.is_some_and(|d| d.is_ascii_digit())) => {
            (TokenKind::Number, number_length(rest))
        }
        c => {
            let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
            (TokenKind::Symbol, symbol.map_or(c.len_utf8(), |symbol| symbol.len()))
        }
    };
    let raw = &rest[..length];
    let text = match kind {
        TokenKind::Word | TokenKind::TempName => raw.to_lowercase(),
        TokenKind::QuotedName => raw[1..length - 1].replace("\"\"", "\"").to_lowercase(),
        TokenKind::Text
        | TokenKind::Body
        | TokenKind::Number
        | TokenKind::Parameter
        | TokenKind::Positional
        | TokenKind::Symbol => raw.to_owned(),
    };
    Ok(Some(Token { kind, start, end: start + length, text, partner: None, enclosing: None }))
}

fn skip_trivia(sql: &str, from: usize) -> Result<usize, Refusal> {
    let mut position = from;
    loop {
        let rest = &sql[position..];
        let trimmed = rest.trim_start();
        position += rest.len() - trimmed.len();
        if trimmed.starts_with("--") {
            position += trimmed.find('\n').unwrap_or(trimmed.len());
        } else if let Some(comment) = trimmed.strip_prefix("/*") {
            let length = comment.find("*/").ok_or_else(|| unterminated(sql, position, "comment"))?;
            if let Some(inner) = comment[..length].find("/*") {
                let reason = "Redshift ends a block comment at the first `*/`; write flat comments";
                return Err(Refusal::at(sql, position + 2 + inner, "nested comment", reason));
            }
            position += length + 4;
        } else {
            return Ok(position);
        }
    }
}

fn unterminated(sql: &str, offset: usize, what: &str) -> Refusal {
    Refusal::at(sql, offset, format!("unterminated {what}"), "it starts here and never ends")
}

fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_word_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word_length(rest: &str) -> usize {
    rest.find(|c: char| !is_word_part(c) && c != '$').unwrap_or(rest.len())
}

fn parameter_length(rest: &str) -> usize {
    rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())
}

fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut end = digits(0);
    // `1..2` is a range of a FOR loop, not a fraction.
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1) != Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
            end = digits(end + 1 + sign);
        }
    }
    end
}

fn text_length(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut index = 1;
    loop {
        match bytes.get(index)? {
            b'\\' => index += 2,
            b'\'' if bytes.get(index + 1) == Some(&b'\'') => index += 2,
            b'\'' => return Some(index + 1),
            _ => index += 1,
        }
    }
}

fn quoted_length(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut index = 1;
    loop {
        match bytes.get(index)? {
            b'"' if bytes.get(index + 1) == Some(&b'"') => index += 2,
            b'"' => return Some(index + 1),
            _ => index += 1,
        }
    }
}

fn body_length(rest: &str) -> Option<usize> {
    let mark_length = rest[1..].find('$')? + 2;
    let mark = &rest[..mark_length];
    rest[mark_length..].find(mark).map(|end| end + 2 * mark_length)
}

fn pair_brackets(sql: &str, tokens: &mut [Token]) -> Result<(), Refusal> {
    let mut open: Vec<usize> = Vec::new();
    for index in 0..tokens.len() {
        tokens[index].enclosing = open.last().copied();
        if tokens[index].kind != TokenKind::Symbol {
            continue;
        }
        match tokens[index].text.as_str() {
            "(" | "[" => open.push(index),
            ")" | "]" => {
                let partner = open
                    .pop()
                    .filter(|&partner| (tokens[partner].text == "(") == (tokens[index].text == ")"))
                    .ok_or_else(|| {
                        Refusal::at(sql, tokens[index].start, tokens[index].text.clone(), "it closes nothing")
                    })?;
                tokens[index].enclosing = open.last().copied();
                tokens[partner].partner = Some(index);
                tokens[index].partner = Some(partner);
            }
            _ => {}
        }
    }
    match open.pop() {
        Some(index) => Err(Refusal::at(sql, tokens[index].start, tokens[index].text.clone(), "it is never closed")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{TokenKind, body_text, split_statements, tokenize};

    fn texts(sql: &str) -> Vec<String> {
        tokenize(sql).expect("tokens").into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn tokens_are_cut_as_redshift_reads_them() {
        let cases: &[(&str, &[&str])] = &[
            ("SELECT a::int, :p", &["select", "a", "::", "int", ",", ":p"]),
            (r"'it''s' 'a\'b' x", &["'it''s'", r"'a\'b'", "x"]),
            ("\"Mixed Name\".c", &["mixed name", ".", "c"]),
            ("a -- b\n/* c */ d", &["a", "d"]),
            ("1..3 1.5e-3 .5", &["1", "..", "3", "1.5e-3", ".5"]),
            ("v := a<>b", &["v", ":=", "a", "<>", "b"]),
            ("#stage $1", &["#stage", "$1"]),
        ];
        for (sql, expected) in cases {
            assert_eq!(texts(sql), *expected, "{sql}");
        }
    }

    #[test]
    fn a_body_is_one_token_and_does_not_split_the_script() {
        let sql = "create procedure p() as $b$ begin x; end $b$ language plpgsql; select ';'";
        let tokens = tokenize(sql).expect("tokens");
        assert_eq!(split_statements(&tokens).len(), 2);
        let body = tokens.iter().find(|token| token.kind == TokenKind::Body).expect("body");
        assert_eq!(body_text(sql, body).0, " begin x; end ");
    }

    #[test]
    fn faults_are_placed() {
        for (sql, column) in [("a (b", 3), ("a) b", 2), ("x 'abc", 3), ("/* a /* b */ c */", 6), ("/*/ b", 1)] {
            let refusal = tokenize(sql).expect_err(sql);
            assert_eq!((refusal.line, refusal.column), (1, column), "{sql}");
        }
    }
}
