//! Where a statement reads relations: the names behind FROM, JOIN, USING and the commas between them.

use std::ops::Range;

use super::token_view::TokenView;

/// Functions whose arguments are parted by FROM.
const FROM_IN_CALLS: &[&str] = &["extract", "trim", "substring", "position", "overlay"];

/// Words that end the list behind FROM.
const LIST_ENDS: &[&str] = &[
    "where",
    "group",
    "order",
    "having",
    "qualify",
    "limit",
    "offset",
    "union",
    "except",
    "minus",
    "intersect",
    "window",
    "when",
    "set",
    "select",
    "loop",
];
/// Words behind a name in that list that are no other name for it; so are those that end the list.
const NO_ALIASES: &[&str] = &[
    "for",
    "fetch",
    "on",
    "using",
    "join",
    "inner",
    "cross",
    "left",
    "right",
    "full",
    "natural",
    "with",
    "pivot",
    "unpivot",
    "remove",
    "returning",
];

/// A relation that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relation {
    /// The tokens of its name.
    pub(crate) name: Range<usize>,
    /// Whether another name is given to it.
    pub(crate) has_alias: bool,
}

/// The relations that `view` reads, in its order; subqueries, function calls and common table expressions are none.
pub(crate) fn relations(view: TokenView<'_>) -> Vec<Relation> {
    let common = common_table_expressions(view);
    let mut relations = Vec::new();
    // Of each bracket that is open.
    let mut levels = vec![Level::default()];
    let mut expects_relation = false;
    for index in 0..view.len() {
        match view.text(index) {
            "(" => {
                // `FROM (a JOIN b ON …)`
                expects_relation &= !view.is_any(index + 1, &["select", "with"]);
                let is_call = index > 0 && view.is_any(index - 1, FROM_IN_CALLS);
                levels.push(Level { is_list: expects_relation, is_call });
                continue;
            }
            ")" => {
                levels.pop();
                expects_relation = false;
                continue;
            }
            "," if top(&mut levels).is_list => {
                expects_relation = true;
                continue;
            }
            "from" if !top(&mut levels).is_call => {
                top(&mut levels).is_list = true;
                expects_relation = true;
                continue;
            }
            "join" | "using" if !view.is_symbol(index + 1, "(") || view.is(index, "join") => {
                top(&mut levels).is_list = true;
                expects_relation = true;
                continue;
            }
            word if LIST_ENDS.contains(&word) => top(&mut levels).is_list = false,
            _ => {}
        }
        if expects_relation && view.is_name(index) {
            let name = index..view.name_end(index);
            let is_common = name.len() == 1 && common.contains(&view.tokens[index].text.as_str());
            if !view.is_symbol(name.end, "(") && !is_common {
                let ends = [NO_ALIASES, LIST_ENDS].into_iter().any(|words| view.is_any(name.end, words));
                let is_alias = view.is_name(name.end) && !ends;
                relations.push(Relation { has_alias: is_alias, name });
            }
        }
        expects_relation = false;
    }
    relations
}

/// What is known of a bracket.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Whether a list of relations is open in it.
    is_list: bool,
    /// Whether it holds the arguments of a function that are parted by FROM.
    is_call: bool,
}

/// The innermost bracket; a text with brackets closed too often has a new outermost one.
fn top(levels: &mut Vec<Level>) -> &mut Level {
    if levels.is_empty() {
        levels.push(Level::default());
    }
    let last = levels.len() - 1;
    &mut levels[last]
}

/// The names that WITH gives: `name [(columns)] AS (`.
fn common_table_expressions<'a>(view: TokenView<'a>) -> Vec<&'a str> {
    let names = (1..view.len()).filter(|&index| {
        let follows = view.is_any(index - 1, &["with", "recursive"]) || view.is_symbol(index - 1, ",");
        let behind = if view.is_symbol(index + 1, "(") { view.partner(index + 1) + 1 } else { index + 1 };
        follows && view.is_name(index) && view.are(behind, &["as", "("])
    });
    names.map(|index| view.tokens[index].text.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::relations;
    use crate::dialect::lexer::tokenize;
    use crate::dialect::token_view::TokenView;

    #[test]
    fn names_that_are_read_are_told_from_all_others() {
        for (sql, expected) in [
            ("select a, v from s.v", "s.v"),
            (
                "select * from s.v as x, w y join \"U\" on x.a = y.a, z where a in (select b from q, r)",
                "s.v! w! u z q r",
            ),
            ("select extract(year from d), trim(both 'x' from c) from t", "t"),
            ("with v as (select 1 from s.a), w (n) as (select 2) select * from v join w using (n)", "s.a"),
            ("insert into t (a, b) select a, b from u order by a, b", "u"),
            ("delete from t using u, v where t.a = u.a", "t u v"),
            ("merge into t using s.u as x on t.a = x.a when matched then update set b = x.b", "s.u!"),
            (
                "select * from (a join (b cross join c) on true), f(1), (select 1 from d) as e left join g on true",
                "a b c d g",
            ),
            ("update t set a = u.a, b = 2 from u where t.b = u.b", "u"),
            ("select count(*) over (partition by a, b) from t group by a, b limit 1", "t"),
            ("create view s.v as select * from s.t with no schema binding", "s.t"),
            ("select a from t union all select b, c from u", "t u"),
        ] {
            let tokens = tokenize(sql).expect("tokens");
            let view = TokenView { sql, tokens: &tokens };
            let found: Vec<String> = relations(view)
                .into_iter()
                .map(|it| {
                    let name: String = tokens[it.name].iter().map(|token| token.text.as_str()).collect();
                    if it.has_alias { format!("{name}!") } else { name }
                })
                .collect();
            assert_eq!(found.join(" "), expected, "{sql}");
        }
    }
}
