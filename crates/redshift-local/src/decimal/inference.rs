//! What DECIMAL the expressions of an analysed statement are, and where in its text Redshift's rules say more than
//! PostgreSQL's: at quotients and averages.

use super::node_tree::{Node, Object};
use super::rules::Decimal;

// Object ids of PostgreSQL's types, operators and functions.
const SMALLINT: i64 = 21;
const INTEGER: i64 = 23;
const BIGINT: i64 = 20;
const NUMERIC: i64 = 1700;
const NEGATION: i64 = 1751;
const SUM: i64 = 1758;
const DIFFERENCE: i64 = 1759;
const PRODUCT: i64 = 1760;
const QUOTIENT: i64 = 1761;
const MODULO: i64 = 1762;
const WITH_MODIFIER: i64 = 1703;
const FROM_INTEGERS: &[i64] = &[1740, 1781, 1782];
const ABS: i64 = 1705;
const MOD: i64 = 1728;
const TO_DIGITS: &[i64] = &[1707, 1709];
const TO_WHOLE: &[i64] = &[1708, 1710, 1711, 1712, 2167];
const SUM_OF: i64 = 2114;
const AVERAGE_OF: i64 = 2103;
/// MIN and MAX.
const ONE_OF: &[i64] = &[2130, 2146];
/// LAG, LEAD, FIRST_VALUE, LAST_VALUE, NTH_VALUE.
const VALUE_OF_ROW: &[i64] = &[3106, 3107, 3108, 3109, 3110, 3111, 3112, 3113, 3114];

const RELATION_SUBQUERY: i64 = 1;
const RELATION_JOIN: i64 = 2;
const RELATION_COMMON_TABLE: i64 = 6;
const SUBLINK_VALUE: i64 = 4;

/// How far a column is followed through subqueries; a recursive one never ends.
const DEPTH_MAX: usize = 100;

/// A quotient or an average.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Computed {
    Quotient,
    Average,
}

/// Where a computed value stands, and what DECIMAL it is in Redshift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Byte offset of the operator, or of the function's name.
    pub(super) offset: usize,
    pub(super) computed: Computed,
    pub(super) decimal: Decimal,
}

/// A query around an expression, and the one around that.
#[derive(Clone, Copy)]
struct Scope<'a> {
    query: &'a Object,
    outer: Option<&'a Scope<'a>>,
}

impl<'a> Scope<'a> {
    fn up(&'a self, levels: i64) -> Option<&'a Scope<'a>> {
        let mut scope = self;
        for _ in 0..levels {
            scope = scope.outer?;
        }
        Some(scope)
    }
}

/// Reads one statement.
pub(super) struct Inference<'a> {
    /// The text that the offsets of the tree are of.
    sql: &'a str,
    places: Vec<Place>,
}

impl<'a> Inference<'a> {
    /// The places in `sql`, whose analysed form is `tree`, in their order.
    pub(super) fn places(sql: &'a str, tree: &Node) -> Vec<Place> {
        let mut inference = Self { sql, places: Vec::new() };
        inference.visit(tree, None);
        inference.places.sort_by_key(|place| place.offset);
        // BETWEEN and IN stand for several comparisons of one text.
        inference.places.dedup_by_key(|place| place.offset);
        inference.places
    }

    fn visit(&mut self, node: &Node, scope: Option<&Scope<'_>>) {
        match node {
            Node::List(nodes) => nodes.iter().for_each(|node| self.visit(node, scope)),
            Node::Object(object) if object.name == "QUERY" => {
                let inner = Scope { query: object, outer: scope };
                object.values().for_each(|node| self.visit(node, Some(&inner)));
            }
            Node::Object(object) => {
                if let Some(scope) = scope {
                    self.places.extend(self.place(object, scope));
                }
                object.values().for_each(|node| self.visit(node, scope));
            }
            Node::Atom(_) => {}
        }
    }

    fn place(&self, object: &Object, scope: &Scope<'_>) -> Option<Place> {
        let function = object.number("aggfnoid").or_else(|| object.number("winfnoid"));
        let computed = match object.name.as_str() {
            "OP" if object.number("opno") == Some(QUOTIENT) => Computed::Quotient,
            "AGGREF" | "WINDOWFUNC" if function == Some(AVERAGE_OF) => Computed::Average,
            _ => return None,
        };
        let offset = usize::try_from(object.number("location")?).ok()?;
        Some(Place { offset, computed, decimal: self.decimal_of(object, scope, 0)? })
    }

    /// The DECIMAL that the expression is, or converts to when it is an integer.
    fn decimal_of(&self, object: &Object, scope: &Scope<'_>, depth: usize) -> Option<Decimal> {
        if depth > DEPTH_MAX {
            return None;
        }
        let arguments = object.objects("args");
        let argument = |index: usize| self.decimal_of(arguments.get(index)?, scope, depth + 1);
        let any_of = |expressions: &[&Object]| {
            let known = expressions.iter().filter(|it| !is_null(it));
            known.map(|it| self.decimal_of(it, scope, depth + 1)).reduce(|all, it| Some(all?.or(it?))).flatten()
        };
        match object.name.as_str() {
            "VAR" => of_type(object.number("vartype")?, object.number("vartypmod")?)
                .or_else(|| self.column(object, scope, depth)),
            "CONST" => of_type(object.number("consttype")?, object.number("consttypmod")?)
                .or_else(|| self.literal(object.number("location")?)),
            "RELABELTYPE" => of_type(object.number("resulttype")?, object.number("resulttypmod")?)
                .or_else(|| self.decimal_of(object.object("arg")?, scope, depth + 1)),
            "FUNC" => match object.number("funcid")? {
                WITH_MODIFIER => {
                    let modifier = arguments.get(1)?;
                    Decimal::from_modifier(i32::try_from(constant(modifier)?).ok()?)
                }
                id if FROM_INTEGERS.contains(&id) || id == ABS => argument(0),
                id if TO_DIGITS.contains(&id) => {
                    let (value, digits) = (argument(0)?, i32::try_from(constant(arguments.get(1)?)?).ok()?);
                    let scale = digits.clamp(0, value.scale);
                    Some(Decimal::new(value.precision - value.scale + scale, scale))
                }
                id if TO_WHOLE.contains(&id) => {
                    argument(0).map(|value| Decimal::new((value.precision - value.scale).max(1), 0))
                }
                MOD => Some(argument(0)?.modulo(argument(1)?)),
                _ => of_integer(object.number("funcresulttype")?),
            },
            "OP" => match object.number("opno")? {
                NEGATION => argument(0),
                SUM | DIFFERENCE => Some(argument(0)?.plus(argument(1)?)),
                PRODUCT => Some(argument(0)?.times(argument(1)?)),
                QUOTIENT => Some(argument(0)?.divided_by(argument(1)?)),
                MODULO => Some(argument(0)?.modulo(argument(1)?)),
                _ => of_integer(object.number("opresulttype")?),
            },
            "AGGREF" | "WINDOWFUNC" => {
                let value = || {
                    let entry = arguments.first()?;
                    // An aggregate's arguments are entries of a list of columns.
                    self.decimal_of(entry.object("expr").unwrap_or(entry), scope, depth + 1)
                };
                match object.number("aggfnoid").or_else(|| object.number("winfnoid"))? {
                    SUM_OF => value().map(Decimal::sum),
                    AVERAGE_OF => value().map(Decimal::average),
                    id if ONE_OF.contains(&id) || VALUE_OF_ROW.contains(&id) => value(),
                    _ => of_integer(object.number("aggtype").or_else(|| object.number("wintype"))?),
                }
            }
            "COALESCE" | "MINMAX" => any_of(&arguments),
            "NULLIF" => argument(0),
            "CASE" => {
                let mut results: Vec<&Object> = arguments.iter().filter_map(|when| when.object("result")).collect();
                results.extend(object.object("defresult"));
                any_of(&results)
            }
            "SUBLINK" if object.number("subLinkType")? == SUBLINK_VALUE => {
                let query = object.object("subselect")?;
                self.output(query, 1, &Scope { query, outer: Some(scope) }, depth)
            }
            _ => None,
        }
    }

    /// A column of a subquery, a common table expression or a join.
    fn column(&self, variable: &Object, scope: &Scope<'_>, depth: usize) -> Option<Decimal> {
        let scope = scope.up(variable.number("varlevelsup")?)?;
        let number = variable.number("varattno")?;
        let relations = scope.query.objects("rtable");
        let relation = relations.get(usize::try_from(variable.number("varno")? - 1).ok()?)?;
        match relation.number("rtekind")? {
            RELATION_SUBQUERY => {
                let query = relation.object("subquery")?;
                self.output(query, number, &Scope { query, outer: Some(scope) }, depth)
            }
            RELATION_JOIN => {
                let columns = relation.objects("joinaliasvars");
                self.decimal_of(columns.get(usize::try_from(number - 1).ok()?)?, scope, depth + 1)
            }
            RELATION_COMMON_TABLE => {
                let scope = scope.up(relation.number("ctelevelsup")?)?;
                let name = relation.text("ctename")?;
                let expressions = scope.query.objects("cteList");
                let expression = expressions.into_iter().find(|it| it.text("ctename") == Some(name))?;
                let query = expression.object("ctequery")?;
                self.output(query, number, &Scope { query, outer: Some(scope) }, depth)
            }
            _ => None,
        }
    }

    /// Column `number` of what a query gives; of a UNION the room for the columns of all its parts.
    fn output(&self, query: &Object, number: i64, scope: &Scope<'_>, depth: usize) -> Option<Decimal> {
        if depth > DEPTH_MAX {
            return None;
        }
        if query.object("setOperations").is_some() {
            let relations = query.objects("rtable");
            let parts = relations.iter().filter_map(|relation| relation.object("subquery"));
            let parts =
                parts.map(|part| self.output(part, number, &Scope { query: part, outer: Some(scope) }, depth + 1));
            return parts.reduce(|all, part| Some(all?.or(part?))).flatten();
        }
        let columns = query.objects("targetList");
        let column = columns.into_iter().find(|column| column.number("resno") == Some(number))?;
        self.decimal_of(column.object("expr")?, scope, depth + 1)
    }

    /// The digits of the number that stands at `location`.
    fn literal(&self, location: i64) -> Option<Decimal> {
        let text = self.sql.get(usize::try_from(location).ok()?..)?;
        let text = text.trim_start_matches(|c: char| c == '-' || c == '+' || c.is_whitespace());
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(text.len());
        Decimal::of_literal(&text[..end])
    }
}

fn of_type(type_id: i64, modifier: i64) -> Option<Decimal> {
    match type_id {
        NUMERIC => Decimal::from_modifier(i32::try_from(modifier).ok()?),
        _ => of_integer(type_id),
    }
}

fn of_integer(type_id: i64) -> Option<Decimal> {
    match type_id {
        SMALLINT => Some(Decimal::SMALLINT),
        INTEGER => Some(Decimal::INTEGER),
        BIGINT => Some(Decimal::BIGINT),
        _ => None,
    }
}

fn is_null(object: &Object) -> bool {
    object.name == "CONST" && object.text("constisnull") == Some("true")
}

/// The value of an integer constant, which the tree has as bytes, the least first.
fn constant(object: &Object) -> Option<i64> {
    if object.name != "CONST" || object.number("consttype") != Some(INTEGER) {
        return None;
    }
    let bytes = object.bytes("constvalue")?;
    Some(i64::from(i32::from_le_bytes(bytes.get(..4)?.try_into().ok()?)))
}
