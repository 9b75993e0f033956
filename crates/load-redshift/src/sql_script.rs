//! A script to its statements: the Data API takes one statement at a time.

/// The statements of a script in their order, without the semicolons that end them. Semicolons in quotes, in `$$` bodies and
/// in comments end nothing; comments stay with the statement that follows them.
pub(crate) fn split_statements(script: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut start = 0;
    let mut position = 0;
    let mut holds_code = false;
    while let Some(next) = script[position..].chars().next() {
        if script[position..].starts_with("--") || script[position..].starts_with("/*") {
            position = comment_end(script, position);
            continue;
        }
        if next == ';' {
            if holds_code {
                statements.push(script[start..position].trim().to_owned());
            }
            position += 1;
            start = position;
            holds_code = false;
            continue;
        }
        holds_code |= !next.is_whitespace();
        position = match next {
            '\'' | '"' => quote_end(script, position, next),
            '$' => dollar_body_end(script, position),
            other => position + other.len_utf8(),
        };
    }
    if holds_code {
        statements.push(script[start..].trim().to_owned());
    }
    statements
}

fn comment_end(script: &str, start: usize) -> usize {
    if script[start..].starts_with("--") {
        return script[start..].find('\n').map_or(script.len(), |length| start + length);
    }
    let mut depth = 0;
    let mut position = start;
    while position < script.len() {
        let rest = &script[position..];
        if rest.starts_with("/*") {
            depth += 1;
            position += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            position += 2;
            if depth == 0 {
                return position;
            }
        } else {
            position += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    script.len()
}

/// A doubled quote closes and opens again, which comes to the same.
fn quote_end(script: &str, start: usize, quote: char) -> usize {
    script[start + 1..].find(quote).map_or(script.len(), |length| start + 1 + length + 1)
}

/// The end of a body between `$$` or `$tag$`, or of the dollar itself where it opens none, as in `$1`.
fn dollar_body_end(script: &str, start: usize) -> usize {
    let rest = &script[start..];
    let tag_end = rest[1..].find(|letter: char| !letter.is_alphanumeric() && letter != '_').map(|length| 1 + length);
    let Some(tag_end) = tag_end.filter(|end| rest[*end..].starts_with('$')) else { return start + 1 };
    let tag = &rest[..=tag_end];
    rest[tag.len()..].find(tag).map_or(script.len(), |length| start + tag.len() + length + tag.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_semicolon_between_statements_splits() {
        let cases: [(&str, &[&str]); 11] = [
            ("select 1; select 2;", &["select 1", "select 2"]),
            ("select 1", &["select 1"]),
            ("select ';'; select \"a;b\"", &["select ';'", "select \"a;b\""]),
            ("select 'it''s;'; x", &["select 'it''s;'", "x"]),
            ("-- a; b\nselect 1; -- c; d\n", &["-- a; b\nselect 1"]),
            ("/* a; /* b; */ c; */ select 1;", &["/* a; /* b; */ c; */ select 1"]),
            ("as $$ begin; end; $$ language plpgsql; y", &["as $$ begin; end; $$ language plpgsql", "y"]),
            ("as $body$ a; $$ b; $body$; y", &["as $body$ a; $$ b; $body$", "y"]),
            ("select $1; select $2", &["select $1", "select $2"]),
            ("select 'größer;'; ü", &["select 'größer;'", "ü"]),
            (" ;; \n-- nothing\n; ", &[]),
        ];
        for (script, expected) in cases {
            assert_eq!(split_statements(script), expected, "{script}");
        }
    }
}
