//! What Redshift's SQL is, independent of any server: tokens, statement kinds, types, functions, and the rules that
//! refuse what Redshift refuses.

mod constructs;
mod cursor_rules;
mod dynamic_sql;
pub(crate) mod function_rules;
mod functions;
pub(crate) mod lexer;
mod merge_rules;
mod named_objects;
pub(crate) mod plpgsql;
mod procedure_rules;
mod query_rules;
pub(crate) mod quoted_query;
mod refusal;
pub(crate) mod relations;
mod reserved_words;
pub(crate) mod rules;
mod session_rules;
mod sorted_aggregates;
pub(crate) mod statement_kind;
mod statement_rules;
pub(crate) mod token_view;
mod typed_literals;
pub(crate) mod types;
mod unload_rules;
pub(crate) mod view_rules;
mod window_rules;

pub use refusal::{Refusal, Verdict};
