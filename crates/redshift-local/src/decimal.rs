//! Quotients and averages of DECIMAL values, which in Redshift have a precision and scale by rule where PostgreSQL keeps as
//! many digits as it likes. The rule asks for the declared sizes of the operands, so PostgreSQL itself is asked what the
//! names in a statement are: the statement is made a rule of a view for the time of the question, and the rule's analysed
//! form is read.
//!
//! The guide does not say whether the last digit is cut or rounded; here it is cut.

mod inference;
mod node_tree;
mod operands;
mod rules;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use crate::dialect::Refusal;
use crate::dialect::statement_kind::StatementKind;
use crate::dialect::token_view::TokenView;
use crate::engine::Transaction;
use crate::engine_error::EngineError;
use crate::translate::Rewrite;
use inference::{Computed, Inference, Place};
use node_tree::Node;

/// Comes in front of the statement that is asked about.
const QUESTION: &str = "create temporary view redshift_local_question as select 1; \
    create rule statement as on insert to redshift_local_question do instead ";
const ANSWER: &str = "; select ev_action::text from pg_catalog.pg_rewrite \
    where ev_class = 'redshift_local_question'::regclass and rulename = 'statement'";

/// `sql`, in PostgreSQL's words, with each quotient and average of DECIMAL values sized as Redshift does. What PostgreSQL
/// itself cannot analyse stays as it is, to fail where it runs.
///
/// # Errors
/// Faults of the session.
pub(crate) async fn size(
    session: &mut PgConnection,
    transaction: Transaction,
    sql: String,
) -> Result<String, EngineError> {
    let Some(start) = start_of_question(&sql)? else { return Ok(sql) };
    let (head, statement) = sql.split_at(start);
    let Some(tree) = analyse(session, transaction, statement).await? else { return Ok(sql) };
    let question = format!("{QUESTION}{statement}");
    let places = Inference::places(&question, &tree).into_iter();
    let places: Vec<Place> =
        places.filter_map(|place| Some(Place { offset: place.offset.checked_sub(QUESTION.len())?, ..place })).collect();
    if places.is_empty() {
        return Ok(sql);
    }
    Ok(format!("{head}{}", resize(statement, &places)?))
}

/// Where the part starts that a rule can hold; `None` where no quotient or average stands, or no rule can be made.
fn start_of_question(sql: &str) -> Result<Option<usize>, Refusal> {
    let rewrite = Rewrite::new(sql)?;
    let view = rewrite.view();
    let is_computed =
        |index: usize| view.is_symbol(index, "/") || view.is(index, "avg") && view.is_symbol(index + 1, "(");
    if !(0..view.len()).any(is_computed) {
        return Ok(None);
    }
    let start = match StatementKind::of(sql, view.tokens) {
        Ok(StatementKind::Select | StatementKind::Insert | StatementKind::Update | StatementKind::Delete) => Some(0),
        Ok(
            StatementKind::CreateTable
            | StatementKind::CreateView
            | StatementKind::CreateMaterializedView
            | StatementKind::Explain
            | StatementKind::DeclareCursor,
        ) => view.find_beside(0..view.len(), &["select", "with"]),
        _ => None,
    };
    Ok(start.map(|index| view.tokens[index].start))
}

/// The analysed statement; `None` when PostgreSQL refuses it.
async fn analyse(
    session: &mut PgConnection,
    transaction: Transaction,
    statement: &str,
) -> Result<Option<Node>, EngineError> {
    let (begin, end) = match transaction {
        Transaction::Own => ("begin", "rollback"),
        Transaction::Callers => ("savepoint question", "rollback to savepoint question; release savepoint question"),
    };
    sqlx::raw_sql(begin).execute(&mut *session).await?;
    let question = format!("{QUESTION}{statement}{ANSWER}");
    let answer = sqlx::raw_sql(AssertSqlSafe(question)).fetch_one(&mut *session).await;
    sqlx::raw_sql(end).execute(session).await?;
    match answer {
        Ok(row) => Ok(Node::parse(row.try_get::<&str, _>(0)?)),
        Err(sqlx::Error::Database(refusal)) => {
            tracing::debug!(%refusal, "statement without sized quotients");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn resize(statement: &str, places: &[Place]) -> Result<String, Refusal> {
    let mut rewrite = Rewrite::new(statement)?;
    // Averages first, as they are operands of quotients; of quotients side by side the first is an operand of the next.
    for computed in [Computed::Average, Computed::Quotient] {
        for place in places.iter().filter(|place| place.computed == computed) {
            let Ok(index) = rewrite.tokens.binary_search_by_key(&place.offset, |token| token.start) else { continue };
            match computed {
                Computed::Average => resize_average(&mut rewrite, index, place),
                Computed::Quotient => resize_quotient(&mut rewrite, index, place),
            };
        }
    }
    Ok(rewrite.render(rewrite.all()))
}

fn resize_average(rewrite: &mut Rewrite<'_>, name: usize, place: &Place) -> Option<()> {
    let end = operands::call_end(rewrite.view(), name)?;
    let (precision, scale) = (place.decimal.precision, place.decimal.scale);
    rewrite.before(name, "pg_catalog.trunc(");
    rewrite.after(end - 1, &format!(", {scale})::numeric({precision},{scale})"));
    Some(())
}

/// DIV cuts a quotient to a whole number, so the dividend is made larger by as many digits as are to be kept.
fn resize_quotient(rewrite: &mut Rewrite<'_>, operator: usize, place: &Place) -> Option<()> {
    let view: TokenView<'_> = rewrite.view();
    if !view.is_symbol(operator, "/") {
        return None;
    }
    let (start, end) = (operands::start_before(view, operator)?, operands::end_behind(view, operator)?);
    let (precision, scale) = (place.decimal.precision, place.decimal.scale);
    rewrite.before(start, "(pg_catalog.div((");
    rewrite.replace(operator, format!(") * 1e{scale}, ("));
    rewrite.after(end - 1, &format!(")) * 1e-{scale})::numeric({precision},{scale})"));
    Some(())
}
