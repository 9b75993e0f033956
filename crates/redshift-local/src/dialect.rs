//! What Redshift's SQL is, independent of any server: tokens, statement kinds, types, functions, and the rules that
//! refuse what Redshift refuses.

pub(crate) mod functions;
pub(crate) mod lexer;
pub(crate) mod refusal;
pub(crate) mod rules;
pub(crate) mod statement_kind;
pub(crate) mod types;

pub use refusal::Refusal;
