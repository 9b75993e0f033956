//! The gate without a server: which statements of a script Redshift would refuse.

use crate::dialect::Refusal;
use crate::dialect::lexer::{self, Token};
use crate::statement::Parameter;
use crate::translate::{Values, parameter_names, translate};

/// Checks every statement of `script`; at most one refusal each, placed in the script. A refusal with
/// [`Verdict::NotOffered`](crate::Verdict) says that Redshift has the construct and this stand-in does not; what follows
/// it in that statement was not looked at.
///
/// Behind a string, name, comment or bracket that never ends nothing can be told apart: the check stops there.
pub fn check(script: &str) -> Vec<Refusal> {
    match lexer::tokenize(script) {
        Ok(tokens) => check_statements(script, &tokens),
        Err(fault) => {
            let before = fault.offset_in(script);
            // What stands in front is whole up to the last semicolon outside strings.
            let whole = script[..before].rmatch_indices(';').find_map(|(end, _)| {
                lexer::tokenize(&script[..end]).ok().map(|tokens| check_statements(&script[..end], &tokens))
            });
            let mut refusals = whole.unwrap_or_default();
            refusals.push(fault);
            refusals
        }
    }
}

fn check_statements(script: &str, tokens: &[Token]) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    // Places are counted on from statement to statement: a script may hold thousands.
    let (mut counted, mut line, mut column) = (0, 1, 1);
    for range in lexer::split_statements(tokens) {
        let start = tokens[range.start].start;
        let between = &script[counted..start];
        line += between.matches('\n').count();
        column = match between.rfind('\n') {
            Some(newline) => between[newline..].chars().count(),
            None => column + between.chars().count(),
        };
        counted = start;
        let statement = &script[start..tokens[range.end - 1].end];
        refusals.extend(check_statement(statement).err().map(|refusal| refusal.behind(line, column)));
    }
    refusals
}

/// A parameter's value is unknown here; what it stands for is only known to be a value.
fn check_statement(statement: &str) -> Result<(), Refusal> {
    let parameters: Vec<Parameter> =
        parameter_names(statement).into_iter().map(|name| Parameter { name, value: "0".to_owned() }).collect();
    translate(statement, Values::Parameters(&parameters)).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn each_statement_has_its_own_verdict_and_place() {
        let script = "select 1;\nselect now();\n\ninsert into s.t values (:p);\nselect a\n  from s.t for update;";
        let places: Vec<_> = check(script).into_iter().map(|refusal| (refusal.line, refusal.column)).collect();
        assert_eq!(places, [(2, 8), (6, 12)]);
    }

    #[test]
    fn a_text_that_never_ends_does_not_hide_what_stands_before_it() {
        let places: Vec<_> =
            check("select now();\nselect 1;\nselect 'a; b").iter().map(|it| (it.line, it.column)).collect();
        assert_eq!(places, [(1, 8), (3, 8)]);
    }
}
