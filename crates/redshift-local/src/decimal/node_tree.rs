//! PostgreSQL's text of an analysed statement: `{NAME :field value …}` in brackets and braces.

use std::collections::HashMap;

/// Deeper trees are not read, rather than to run out of stack.
const DEPTH_MAX: usize = 500;

#[derive(Debug)]
pub(super) enum Node {
    Object(Object),
    List(Vec<Node>),
    Atom(String),
}

#[derive(Debug)]
pub(super) struct Object {
    /// Without the ending EXPR, which PostgreSQL's versions write or leave out.
    pub(super) name: String,
    /// A field may have several values in a row.
    fields: HashMap<String, Vec<Node>>,
}

impl Object {
    pub(super) fn node(&self, field: &str) -> Option<&Node> {
        self.fields.get(field)?.first()
    }

    pub(super) fn object(&self, field: &str) -> Option<&Object> {
        self.node(field)?.object()
    }

    /// The objects of a list; nothing when there is none.
    pub(super) fn objects(&self, field: &str) -> Vec<&Object> {
        match self.node(field) {
            Some(Node::List(nodes)) => nodes.iter().filter_map(Node::object).collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn text(&self, field: &str) -> Option<&str> {
        match self.node(field)? {
            Node::Atom(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self, field: &str) -> Option<i64> {
        self.text(field)?.parse().ok()
    }

    /// Of a field with a length and so many bytes, the bytes.
    pub(super) fn bytes(&self, field: &str) -> Option<Vec<u8>> {
        let Some(Node::List(bytes)) = self.fields.get(field)?.get(1) else { return None };
        let byte = |node: &Node| match node {
            Node::Atom(text) => text.parse::<i16>().ok().map(|byte| byte as u8),
            _ => None,
        };
        bytes.iter().map(byte).collect()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Node> {
        self.fields.values().flatten()
    }
}

impl Node {
    pub(super) fn object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Reads one node; `None` for a text of another form.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Reader { rest: text }.node(0)
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn node(&mut self, depth: usize) -> Option<Node> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.rest = self.rest.trim_start();
        match self.rest.chars().next()? {
            '{' => self.object(depth),
            '(' | '[' => {
                self.rest = &self.rest[1..];
                let mut nodes = Vec::new();
                while !self.takes([')', ']']) {
                    nodes.push(self.node(depth + 1)?);
                }
                Some(Node::List(nodes))
            }
            _ => self.atom().map(Node::Atom),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Node> {
        self.rest = &self.rest[1..];
        let name = self.atom()?.trim_end_matches("EXPR").to_owned();
        let mut fields = HashMap::new();
        while !self.takes(['}', '}']) {
            let field = self.atom()?.strip_prefix(':')?.to_owned();
            let mut values = Vec::new();
            while !self.rest.trim_start().starts_with([':', '}']) {
                values.push(self.node(depth + 1)?);
            }
            fields.insert(field, values);
        }
        Some(Node::Object(Object { name, fields }))
    }

    fn takes(&mut self, ends: [char; 2]) -> bool {
        self.rest = self.rest.trim_start();
        let is_end = self.rest.starts_with(ends);
        if is_end {
            self.rest = &self.rest[1..];
        }
        is_end
    }

    /// A backslash takes the next character as it is.
    fn atom(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        let mut atom = String::new();
        let mut characters = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => atom.push(characters.next()?.1),
                '(' | ')' | '{' | '}' | '[' | ']' => {
                    end = at;
                    break;
                }
                _ if character.is_whitespace() => {
                    end = at;
                    break;
                }
                _ => atom.push(character),
            }
        }
        self.rest = &self.rest[end..];
        (!atom.is_empty()).then_some(atom)
    }
}

#[cfg(test)]
mod tests {
    use super::Node;

    #[test]
    fn objects_lists_and_atoms_are_told_apart() {
        let text = r#"({QUERY :alias {ALIAS :aliasname *SELECT*\ 1 :colnames ("a" "b")} :none <> :constvalue 4 [ 3 0 -1 ]
            :rtable ({A :n 1} {BEXPR :n 2})})"#;
        let Some(Node::List(list)) = Node::parse(text) else { panic!("no list") };
        let query = list[0].object().expect("an object");
        assert_eq!(query.object("alias").and_then(|alias| alias.text("aliasname")), Some("*SELECT* 1"));
        assert_eq!(query.number("constvalue"), Some(4));
        let names: Vec<_> = query.objects("rtable").iter().map(|it| (it.name.as_str(), it.number("n"))).collect();
        assert_eq!(names, [("A", Some(1)), ("B", Some(2))]);
    }

    #[test]
    fn what_is_no_tree_is_none() {
        for text in ["", "{A :n 1", "({A n})", ")", "{A :n \\"] {
            assert!(Node::parse(text).is_none(), "{text}");
        }
        assert!(Node::parse(&"(".repeat(100_000)).is_none());
    }
}
