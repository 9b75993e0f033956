//! The gate without a server: which statements of a script Redshift would refuse.

use crate::dialect::{Refusal, lexer};
use crate::statement::Parameter;
use crate::translate::{Values, parameter_names, translate};

/// Checks every statement of `script`; at most one refusal each, placed in the script. A refusal with
/// [`Verdict::NotOffered`](crate::Verdict) says that Redshift has the construct and this stand-in does not; what follows
/// it in that statement was not looked at.
pub fn check(script: &str) -> Vec<Refusal> {
    let tokens = match lexer::tokenize(script) {
        Ok(tokens) => tokens,
        Err(refusal) => return vec![refusal],
    };
    let statements = lexer::split_statements(&tokens).into_iter().filter_map(|range| {
        let start = tokens[range.start].start;
        let statement = &script[start..tokens[range.end - 1].end];
        check_statement(statement).err().map(|refusal| refusal.within(script, start))
    });
    statements.collect()
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
}
