//! The parts of the tree, for those who look at every one of them.

use super::ast::{Block, Body, BodyStatement, CursorSource, Declared, Fragment, Operation};

/// What a piece of SQL is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A value, which `SELECT` in front makes a statement.
    Expression,
    Statement,
}

impl Body {
    /// Every statement, those of inner blocks behind the one that holds them.
    pub(crate) fn statements(&self) -> Vec<&BodyStatement> {
        let mut found = Vec::new();
        for list in self.block.lists() {
            collect(list, &mut found);
        }
        found
    }

    /// The expressions whose text is run as a statement.
    pub(crate) fn dynamic_fragments(&self) -> Vec<&Fragment> {
        let statements = self.statements().into_iter();
        statements
            .filter_map(|statement| match &statement.operation {
                Operation::Execute { statement, .. } => Some(statement),
                Operation::ForQuery { query, is_dynamic: true, .. } => Some(query),
                Operation::Open { source: CursorSource::Dynamic(text), .. } => Some(text),
                _ => None,
            })
            .collect()
    }

    /// Every piece of SQL.
    pub(crate) fn fragments(&self) -> Vec<(Role, &Fragment)> {
        let mut found = self.block.declared_fragments();
        for statement in self.statements() {
            found.extend(statement.operation.fragments());
        }
        found
    }
}

fn collect<'a>(list: &'a [BodyStatement], found: &mut Vec<&'a BodyStatement>) {
    for statement in list {
        found.push(statement);
        for inner in statement.operation.lists() {
            collect(inner, found);
        }
    }
}

impl Block {
    /// Its statements, and those of its handler.
    pub(crate) fn lists(&self) -> Vec<&[BodyStatement]> {
        let mut lists = vec![self.statements.as_slice()];
        lists.extend(self.handler.iter().map(|handler| handler.statements.as_slice()));
        lists
    }

    fn declared_fragments(&self) -> Vec<(Role, &Fragment)> {
        self.declarations
            .iter()
            .filter_map(|declaration| match &declaration.declared {
                Declared::Variable { value: Some(value), .. } => Some((Role::Expression, value)),
                Declared::Cursor { query, .. } => Some((Role::Statement, query)),
                Declared::Variable { value: None, .. } | Declared::Record | Declared::Alias { .. } => None,
            })
            .collect()
    }
}

impl Operation {
    /// The lists of statements in it.
    pub(crate) fn lists(&self) -> Vec<&[BodyStatement]> {
        match self {
            Self::Block(block) => block.lists(),
            Self::Branch { branches, otherwise, .. } => {
                branches.iter().map(|(_, list)| list).chain(otherwise).map(Vec::as_slice).collect()
            }
            Self::Match { branches, otherwise, .. } => {
                branches.iter().map(|(_, list)| list).chain(otherwise).map(Vec::as_slice).collect()
            }
            Self::Loop { body, .. }
            | Self::While { body, .. }
            | Self::ForInteger { body, .. }
            | Self::ForQuery { body, .. } => vec![body],
            Self::Nothing
            | Self::Assign { .. }
            | Self::Exit { .. }
            | Self::Continue { .. }
            | Self::Return
            | Self::Raise { .. }
            | Self::RaiseAgain
            | Self::Execute { .. }
            | Self::SelectInto { .. }
            | Self::Call(_)
            | Self::Sql(_)
            | Self::Open { .. }
            | Self::Fetch { .. }
            | Self::Close { .. }
            | Self::GetDiagnostics { .. }
            | Self::Commit
            | Self::Rollback
            | Self::StartTransaction => Vec::new(),
        }
    }

    /// The SQL of this statement itself.
    fn fragments(&self) -> Vec<(Role, &Fragment)> {
        match self {
            Self::Block(block) => block.declared_fragments(),
            Self::Assign { value, .. } => vec![(Role::Expression, value)],
            Self::Branch { branches, .. } => {
                branches.iter().map(|(condition, _)| (Role::Expression, condition)).collect()
            }
            Self::Match { operand, branches, .. } => {
                let values = branches.iter().flat_map(|(values, _)| values);
                std::iter::once(operand).chain(values).map(|it| (Role::Expression, it)).collect()
            }
            Self::While { condition, .. } => vec![(Role::Expression, condition)],
            Self::ForInteger { from, to, .. } => vec![(Role::Expression, from), (Role::Expression, to)],
            Self::ForQuery { query, is_dynamic, .. } => {
                vec![(if *is_dynamic { Role::Expression } else { Role::Statement }, query)]
            }
            Self::Exit { condition, .. } | Self::Continue { condition, .. } => {
                condition.iter().map(|it| (Role::Expression, it)).collect()
            }
            Self::Execute { statement, .. } => vec![(Role::Expression, statement)],
            Self::SelectInto { query, .. } => vec![(Role::Statement, query)],
            Self::Call(statement) | Self::Sql(statement) => vec![(Role::Statement, statement)],
            Self::Open { source, .. } => match source {
                CursorSource::Query(query) => vec![(Role::Statement, query)],
                CursorSource::Dynamic(text) => vec![(Role::Expression, text)],
                CursorSource::Declared(arguments) => arguments.iter().map(|it| (Role::Expression, it)).collect(),
            },
            Self::Nothing
            | Self::Loop { .. }
            | Self::Return
            | Self::Raise { .. }
            | Self::RaiseAgain
            | Self::Fetch { .. }
            | Self::Close { .. }
            | Self::GetDiagnostics { .. }
            | Self::Commit
            | Self::Rollback
            | Self::StartTransaction => Vec::new(),
        }
    }
}
