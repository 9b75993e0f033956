//! Stored procedures. PostgreSQL keeps them (name, parameters, the body as written), so that GRANT, DROP and rollback
//! concern them as Redshift's; running them is done here, statement by statement, because their transactions, handlers,
//! cursors and dynamic SQL are not PostgreSQL's.

mod assignment;
mod blocks;
mod catalog;
mod command;
mod cursors;
mod definition;
mod interpreter;
mod loops;
mod raise;
mod scope;
mod statements;
mod substitute;
mod syntax;
mod transaction;
mod value;

pub(crate) use command::CallCommand;
pub(crate) use cursors::check_none_open;
pub(crate) use definition::rewrite_create_procedure;
pub(crate) use interpreter::call;
pub(crate) use scope::Scope;
pub(crate) use substitute::substitute_variables;
pub(crate) use syntax::check_syntax;
