//! The tree of a procedure's body. Pieces of SQL stay text, which goes through gate and translation when it runs.

/// SQL as it stands in the body from byte `offset` on. What is not part of it (an INTO clause) is blank, so that places
/// stay true.
#[derive(Debug, Clone)]
pub(crate) struct Fragment {
    pub(crate) text: String,
    pub(crate) offset: usize,
}

/// A whole body.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) block: Block,
}

/// `[<<label>>] [DECLARE …] BEGIN … [EXCEPTION …] END`.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) label: Option<String>,
    pub(crate) declarations: Vec<Declaration>,
    pub(crate) statements: Vec<BodyStatement>,
    pub(crate) handler: Option<Handler>,
}

#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) name: String,
    pub(crate) declared: Declared,
}

#[derive(Debug)]
pub(crate) enum Declared {
    /// `type` is PostgreSQL's spelling.
    Variable {
        type_name: String,
        is_constant: bool,
        is_not_null: bool,
        value: Option<Fragment>,
    },
    Record,
    /// `c CURSOR [(name type, …)] FOR query`.
    Cursor {
        parameters: Vec<(String, String)>,
        query: Fragment,
    },
    /// `name ALIAS FOR $1`, or for another variable.
    Alias {
        of: String,
    },
}

/// `EXCEPTION WHEN OTHERS THEN …`.
#[derive(Debug)]
pub(crate) struct Handler {
    /// CONTINUE_HANDLER: what follows the failed statement still runs.
    pub(crate) is_continue: bool,
    pub(crate) statements: Vec<BodyStatement>,
}

#[derive(Debug)]
pub(crate) struct BodyStatement {
    /// Where it starts in the body, in bytes.
    pub(crate) offset: usize,
    pub(crate) operation: Operation,
}

/// What a statement does. Names are folded; a target is `variable` or `record.field`.
#[derive(Debug)]
pub(crate) enum Operation {
    Block(Block),
    Nothing,
    Assign {
        target: String,
        value: Fragment,
    },
    /// IF and searched CASE; `is_case` wants one branch to hold.
    Branch {
        branches: Vec<(Fragment, Vec<BodyStatement>)>,
        otherwise: Option<Vec<BodyStatement>>,
        is_case: bool,
    },
    /// CASE with an operand, which is compared with each value of a branch.
    Match {
        operand: Fragment,
        branches: Vec<(Vec<Fragment>, Vec<BodyStatement>)>,
        otherwise: Option<Vec<BodyStatement>>,
    },
    Loop {
        label: Option<String>,
        body: Vec<BodyStatement>,
    },
    While {
        label: Option<String>,
        condition: Fragment,
        body: Vec<BodyStatement>,
    },
    ForInteger {
        label: Option<String>,
        variable: String,
        is_reverse: bool,
        from: Fragment,
        to: Fragment,
        body: Vec<BodyStatement>,
    },
    /// FOR over the rows of a query, or of the text that an expression gives.
    ForQuery {
        label: Option<String>,
        targets: Vec<String>,
        query: Fragment,
        is_dynamic: bool,
        body: Vec<BodyStatement>,
    },
    Exit {
        label: Option<String>,
        condition: Option<Fragment>,
    },
    Continue {
        label: Option<String>,
        condition: Option<Fragment>,
    },
    Return,
    Raise {
        level: RaiseLevel,
        format: String,
        variables: Vec<String>,
    },
    /// `RAISE;` in a handler.
    RaiseAgain,
    Execute {
        statement: Fragment,
        targets: Vec<String>,
    },
    SelectInto {
        query: Fragment,
        targets: Vec<String>,
    },
    Call(Fragment),
    Sql(Fragment),
    Open {
        cursor: String,
        source: CursorSource,
    },
    Fetch {
        cursor: String,
        targets: Vec<String>,
    },
    Close {
        cursor: String,
    },
    GetDiagnostics {
        target: String,
    },
    Commit,
    Rollback,
    StartTransaction,
}

#[derive(Debug)]
pub(crate) enum CursorSource {
    Query(Fragment),
    /// The text that an expression gives.
    Dynamic(Fragment),
    /// The query of the cursor's declaration, with these arguments.
    Declared(Vec<Fragment>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RaiseLevel {
    Log,
    Info,
    Notice,
    Warning,
    Exception,
}
