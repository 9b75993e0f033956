//! PL/pgSQL, the language between `$$` in CREATE PROCEDURE: header and body as a tree. What a body may not contain is in
//! `procedure_rules`; running it is the work of [`crate::procedure`].

mod ast;
mod block;
mod header;
mod statements;
mod walk;

pub(crate) use ast::{Block, Body, BodyStatement, CursorSource, Declared, Fragment, Handler, Operation, RaiseLevel};
pub(crate) use block::parse;
pub(crate) use header::{Header, Mode};
pub(crate) use walk::Role;
