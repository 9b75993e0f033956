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

use std::ops::Range;

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
use rules::Decimal;

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
    let mut computations: Vec<Computation> =
        places.iter().filter_map(|place| Computation::at(rewrite.view(), place)).collect();
    computations.extend(repetitions(rewrite.view(), &computations));
    // Averages first, as they are operands of quotients; of quotients side by side the first is an operand of the next.
    computations.sort_by_key(|it| (it.computed == Computed::Quotient, it.at));
    for Computation { at, extent, computed, decimal } in computations {
        let (precision, scale) = (decimal.precision, decimal.scale);
        match computed {
            Computed::Average => {
                rewrite.before(extent.start, "pg_catalog.trunc(");
                rewrite.after(extent.end - 1, &format!(", {scale})::numeric({precision},{scale})"));
            }
            // DIV cuts a quotient to a whole number, so the dividend is made larger by as many digits as are to be kept.
            Computed::Quotient => {
                rewrite.before(extent.start, "(pg_catalog.div((");
                rewrite.replace(at, format!(") * 1e{scale}, ("));
                rewrite.after(extent.end - 1, &format!(")) * 1e-{scale})::numeric({precision},{scale})"));
            }
        }
    }
    Ok(rewrite.render(rewrite.all()))
}

/// A place in tokens.
#[derive(Clone)]
struct Computation {
    /// The operator, or the function's name.
    at: usize,
    extent: Range<usize>,
    computed: Computed,
    decimal: Decimal,
}

impl Computation {
    fn at(view: TokenView<'_>, place: &Place) -> Option<Self> {
        let at = view.tokens.binary_search_by_key(&place.offset, |token| token.start).ok()?;
        let is_quotient = view.is_symbol(at, "/");
        let extent = operands::extent(view, at).filter(|_| is_quotient == (place.computed == Computed::Quotient))?;
        Some(Self { at, extent, computed: place.computed, decimal: place.decimal })
    }
}

/// A key of GROUP BY or ORDER BY that repeats an item of the SELECT list is that item to PostgreSQL, which then does not tell
/// where it stands.
fn repetitions(view: TokenView<'_>, computations: &[Computation]) -> Vec<Computation> {
    let texts = |extent: &Range<usize>| view.tokens[extent.clone()].iter().map(|token| token.text.as_str());
    let candidates = (0..view.len()).filter(|&at| {
        (view.is_symbol(at, "/") || view.is(at, "avg"))
            && !computations.iter().any(|known| known.at == at)
            && operands::is_in_list_of_keys(view, at)
    });
    let found = candidates.filter_map(|at| {
        let extent = operands::extent(view, at)?;
        let known = computations.iter().find(|known| texts(&known.extent).eq(texts(&extent)))?;
        Some(Computation { at, extent, ..known.clone() })
    });
    found.collect()
}
