//! The variables of one running procedure, block in block.

use std::collections::HashMap;

use super::value::{Value, ValueType};
use crate::dialect::plpgsql::Fragment;

#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// The innermost last.
    frames: Vec<Frame>,
    /// Whether the last statement touched a row.
    pub(super) found: bool,
}

#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) label: Option<String>,
    variables: HashMap<String, Variable>,
}

#[derive(Debug)]
pub(super) enum Variable {
    Scalar(Scalar),
    /// A row, once one was assigned.
    Record(Option<Vec<(String, Value)>>),
    Alias(String),
}

#[derive(Debug)]
pub(super) struct Scalar {
    pub(super) value: Value,
    pub(super) value_type: ValueType,
    pub(super) is_constant: bool,
    pub(super) is_not_null: bool,
    /// The query of a cursor that was declared with one, and its parameters.
    pub(super) query: Option<(Vec<(String, String)>, Fragment)>,
}

impl Scalar {
    pub(super) fn new(value_type: ValueType) -> Self {
        let value = Value::null(&value_type.base);
        Self { value, value_type, is_constant: false, is_not_null: false, query: None }
    }
}

impl Frame {
    pub(super) fn new(label: Option<String>) -> Self {
        Self { label, variables: HashMap::new() }
    }

    pub(super) fn declare(&mut self, name: &str, variable: Variable) {
        self.variables.insert(name.to_owned(), variable);
    }
}

impl Scope {
    pub(super) fn push(&mut self, frame: Frame) {
        self.frames.push(frame);
    }

    pub(super) fn pop(&mut self) {
        self.frames.pop();
    }

    pub(super) fn depth(&self) -> usize {
        self.frames.len()
    }

    /// Leaves the blocks that an error or EXIT left.
    pub(super) fn truncate(&mut self, depth: usize) {
        self.frames.truncate(depth);
    }

    pub(super) fn declare(&mut self, name: &str, variable: Variable) {
        if let Some(frame) = self.frames.last_mut() {
            frame.declare(name, variable);
        }
    }

    pub(super) fn variable(&self, name: &str) -> Option<&Variable> {
        let found = self.frames.iter().rev().find_map(|frame| frame.variables.get(name))?;
        match found {
            Variable::Alias(of) => self.variable(of),
            Variable::Scalar(_) | Variable::Record(_) => Some(found),
        }
    }

    pub(super) fn variable_mut(&mut self, name: &str) -> Option<&mut Variable> {
        let mut wanted = name.to_owned();
        loop {
            let depth = self.frames.iter().rposition(|frame| frame.variables.contains_key(&wanted))?;
            match self.frames[depth].variables.get(&wanted) {
                Some(Variable::Alias(of)) => wanted = of.clone(),
                _ => return self.frames[depth].variables.get_mut(&wanted),
            }
        }
    }

    /// The value of `variable` or `record.field`; `None` when there is no such variable.
    pub(super) fn value(&self, target: &str) -> Option<Value> {
        let (name, field) = match target.split_once('.') {
            Some((name, field)) => (name, Some(field)),
            None => (target, None),
        };
        match (self.variable(name), field) {
            (Some(Variable::Scalar(scalar)), None) => Some(scalar.value.clone()),
            (Some(Variable::Record(Some(fields))), Some(field)) => {
                fields.iter().find(|(name, _)| name == field).map(|(_, value)| value.clone())
            }
            (None, Some(field)) => self.labelled(name, field),
            (None, None) if name == "found" => Some(Value::new("bool", self.found.to_string())),
            _ => None,
        }
    }

    /// `label.variable`.
    fn labelled(&self, label: &str, name: &str) -> Option<Value> {
        let frame = self.frames.iter().rev().find(|frame| frame.label.as_deref() == Some(label))?;
        match frame.variables.get(name) {
            Some(Variable::Scalar(scalar)) => Some(scalar.value.clone()),
            _ => None,
        }
    }

    /// Whether `name` is a record variable, whose fields may be read.
    pub(super) fn is_record(&self, name: &str) -> bool {
        matches!(self.variable(name), Some(Variable::Record(_)))
    }

    /// The names in scope, as substitution asks for them: is it a variable with a value of its own?
    pub(super) fn literal(&self, target: &str) -> Option<String> {
        self.value(target).map(|value| value.literal())
    }
}
