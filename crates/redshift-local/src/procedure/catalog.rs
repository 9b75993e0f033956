//! Finds the procedure that a CALL means.

use sqlx::postgres::PgConnection;

use super::command::CallCommand;
use super::definition::NONATOMIC_SETTING;
use super::value::Value;
use crate::dialect::plpgsql::Mode;
use crate::engine_error::EngineError;

/// A procedure as the catalog keeps it.
#[derive(Debug)]
pub(super) struct Procedure {
    pub(super) name: String,
    pub(super) body: String,
    pub(super) parameters: Vec<Parameter>,
    pub(super) is_nonatomic: bool,
    /// Names and values of its SET clauses.
    pub(super) settings: Vec<(String, String)>,
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: Option<String>,
    pub(super) mode: Mode,
    pub(super) base: String,
}

/// A value passed, and whether it is a literal of no type of its own.
pub(super) struct Argument {
    pub(super) value: Value,
    pub(super) is_untyped: bool,
}

/// Schema, name, body, settings, and the parameters' names, modes and types.
type CatalogRow = (String, String, String, Vec<String>, Vec<String>, Vec<String>, Vec<String>);

const CANDIDATES: &str = "\
    select n.nspname::text, p.proname::text, p.prosrc, coalesce(p.proconfig, '{}')::text[], \
        coalesce(p.proargnames, '{}')::text[], coalesce(p.proargmodes::text[], '{}'), \
        array(select t.typname::text \
            from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality as a (type, position) \
            join pg_catalog.pg_type as t on t.oid = a.type order by a.position) \
    from pg_catalog.pg_proc as p \
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace \
    where p.prokind = 'p' and p.proname = $1 \
        and (n.nspname = $2 or $2 is null and n.nspname = any(current_schemas(true))) \
    order by array_position(current_schemas(true), n.nspname)";

/// The one procedure that takes `arguments`.
pub(super) async fn resolve(
    session: &mut PgConnection,
    command: &CallCommand,
    arguments: &[Argument],
) -> Result<Procedure, EngineError> {
    let rows: Vec<CatalogRow> = sqlx::query_as(CANDIDATES)
        .persistent(false)
        .bind(&command.name)
        .bind(&command.schema)
        .fetch_all(session)
        .await?;
    let mut fitting: Vec<(usize, String, Procedure)> = rows
        .into_iter()
        .filter_map(|row| {
            let schema = row.0.clone();
            let procedure = Procedure::of(row);
            procedure.fit(arguments).map(|score| (score, schema, procedure))
        })
        .collect();
    // The first schema of the search path that has one, then the one with most parameters of just the right type.
    if let Some(first) = fitting.first().map(|(_, schema, _)| schema.clone()) {
        fitting.retain(|(_, schema, _)| *schema == first);
    }
    let best = fitting.iter().map(|(score, _, _)| *score).max().unwrap_or_default();
    fitting.retain(|(score, _, _)| *score == best);
    let described = || {
        let types: Vec<&str> =
            arguments.iter().map(|it| if it.is_untyped { "unknown" } else { it.value.base.as_str() }).collect();
        format!("{}({})", command.name, types.join(", "))
    };
    match (fitting.len(), fitting.pop()) {
        (1, Some((_, _, procedure))) => Ok(procedure),
        (0, _) => Err(EngineError::new(
            "42883",
            format!(
                "procedure {} does not exist\n  Hint: No procedure matches the given name and argument types. You may need to add explicit type casts.",
                described()
            ),
        )),
        _ => Err(EngineError::new(
            "42725",
            format!("procedure {} is not unique\n  Hint: Cast the arguments.", described()),
        )),
    }
}

impl Procedure {
    fn of((schema, name, body, settings, names, modes, types): CatalogRow) -> Self {
        let parameters = types
            .into_iter()
            .enumerate()
            .map(|(position, base)| Parameter {
                name: names.get(position).filter(|name| !name.is_empty()).cloned(),
                mode: match modes.get(position).map(String::as_str) {
                    Some("o") => Mode::Out,
                    Some("b") => Mode::InOut,
                    _ => Mode::In,
                },
                base,
            })
            .collect();
        let mut settings: Vec<(String, String)> = settings
            .iter()
            .filter_map(|setting| setting.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let is_nonatomic = settings.iter().any(|(name, _)| name == NONATOMIC_SETTING);
        settings.retain(|(name, _)| name != NONATOMIC_SETTING);
        Self { name: format!("{schema}.{name}"), body, parameters, is_nonatomic, settings }
    }

    /// The parameters that take a value.
    pub(super) fn inputs(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|parameter| parameter.mode != Mode::Out)
    }

    /// How many arguments have just the parameter's type; `None` when they do not fit.
    fn fit(&self, arguments: &[Argument]) -> Option<usize> {
        if self.inputs().count() != arguments.len() {
            return None;
        }
        let pairs = || self.inputs().zip(arguments);
        let fits =
            pairs().all(|(parameter, argument)| argument.is_untyped || converts(&argument.value.base, &parameter.base));
        fits.then(|| pairs().filter(|(parameter, argument)| argument.value.base == parameter.base).count())
    }
}

/// Whether a value of one type is taken for a parameter of another without a cast.
fn converts(from: &str, to: &str) -> bool {
    const NUMBERS: &[&str] = &["int2", "int4", "int8", "numeric", "float4", "float8"];
    const TIMES: &[&str] = &["date", "timestamp", "timestamptz"];
    let both_in = |family: &[&str]| family.contains(&from) && family.contains(&to);
    from == to || matches!(to, "varchar" | "bpchar" | "refcursor") || both_in(NUMBERS) || both_in(TIMES)
}
