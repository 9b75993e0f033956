//! The grammar of the SQL in a body, which is checked when the procedure is created.

use sqlx::AssertSqlSafe;

use super::definition::SELECT;
use crate::dialect::lexer::{self, body_text};
use crate::dialect::plpgsql::{self, Header, Role};
use crate::dialect::token_view::TokenView;
use crate::engine::Engine;
use crate::engine_error::EngineError;
use crate::translate::{Action, Values, translate};

/// Fails outside a transaction. PostgreSQL reads a text of several statements before it runs the first, so what follows
/// this is read, and does not run.
const FAILS: &str = "rollback to savepoint none;\n";
const SYNTAX_ERROR: &str = "42601";

/// Lets PostgreSQL read each piece of SQL in the body of `create`; the tables may be missing still.
pub(crate) async fn check_syntax(engine: &mut Engine<'_>, create: &str) -> Result<(), EngineError> {
    let tokens = lexer::tokenize(create)?;
    let header = Header::read(TokenView { sql: create, tokens: &tokens })?;
    let (text, _) = body_text(create, &tokens[header.body]);
    let names: Vec<_> = header.parameters.iter().map(|parameter| parameter.name.clone()).collect();
    let body = plpgsql::parse(text, &names)?;
    let session = engine.session_outside().await?;
    for (role, fragment) in body.fragments() {
        let prefix = if role == Role::Expression { SELECT } else { "" };
        let (Action::Sql(sql) | Action::SortedTable { sql, .. }) =
            translate(&format!("{prefix}{}", fragment.text), Values::NONE)?.action
        else {
            continue;
        };
        let read = sqlx::raw_sql(AssertSqlSafe(format!("{FAILS}{sql}"))).execute(&mut *session).await;
        if let Err(error) = read.map_err(EngineError::from)
            && error.sqlstate() == SYNTAX_ERROR
        {
            let line = text[..fragment.offset].matches('\n').count() + 1;
            return Err(error.at(|| format!("compilation of PL/pgSQL function near line {line}")));
        }
    }
    Ok(())
}
