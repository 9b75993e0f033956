//! CREATE PROCEDURE: what PostgreSQL is asked to keep.

use crate::dialect::Refusal;
use crate::dialect::lexer::body_text;
use crate::dialect::plpgsql::{self, Header, Mode, Role};
use crate::translate::{Rewrite, Values, qualify_new_name, rewrite_type, translate};

/// Where PostgreSQL keeps that a procedure is NONATOMIC: among its settings, which ROLLBACK and REPLACE treat right.
pub(super) const NONATOMIC_SETTING: &str = "redshift_local.nonatomic";

/// Settings that a procedure may carry here.
const SETTINGS: &[&str] = &["search_path", "timezone", "datestyle", "statement_timeout"];

/// Put in front of an expression to make it a statement.
pub(super) const SELECT: &str = "select ";

/// Rewrites `CREATE [OR REPLACE] PROCEDURE …`; its body stays as written.
pub(crate) fn rewrite_create_procedure(rewrite: &mut Rewrite<'_>) -> Result<(), Refusal> {
    let header = Header::read(rewrite.view())?;
    check_offered(rewrite, &header)?;
    qualify_new_name(rewrite, header.name, false)?;
    for parameter in &header.parameters {
        rewrite_type(rewrite, parameter.type_at)?;
        let Some(mode_at) = parameter.mode_at else { continue };
        // PostgreSQL wants the mode in front.
        let mode = rewrite.tokens[mode_at].text.clone();
        rewrite.remove(mode_at..mode_at + 1);
        rewrite.before(parameter.tokens.start, &format!("{mode} "));
    }
    if let Some(nonatomic) = header.nonatomic {
        rewrite.remove(nonatomic..nonatomic + 1);
        let last = rewrite.tokens.len() - 1;
        rewrite.after(last, &format!(" set {NONATOMIC_SETTING} to 'on'"));
    }
    for index in header.name..rewrite.tokens.len() {
        if rewrite.is(index, "set") && rewrite.is(index + 1, "search_path") {
            rewrite.after(index + 2, " redshift_local, pg_catalog,");
        }
    }
    Ok(())
}

/// Translates every piece of SQL in the body once: what the stand-in does not offer fails here, not in the first CALL.
fn check_offered(rewrite: &Rewrite<'_>, header: &Header) -> Result<(), Refusal> {
    for index in header.name..rewrite.tokens.len() {
        if rewrite.is(index, "set") && !SETTINGS.iter().any(|setting| rewrite.is(index + 1, setting)) {
            let reason = format!("a procedure's settings are {} here", SETTINGS.join(", "));
            return Err(rewrite.not_offered(index, "SET in CREATE PROCEDURE", reason));
        }
    }
    let (text, offset) = body_text(rewrite.sql, &rewrite.tokens[header.body]);
    let names: Vec<_> = header.parameters.iter().map(|parameter| parameter.name.clone()).collect();
    let body = plpgsql::parse(text, &names).map_err(|refusal| refusal.within(rewrite.sql, offset))?;
    for (role, fragment) in body.fragments() {
        let checked = match role {
            Role::Statement => translate(&fragment.text, Values::NONE).map(|_| ()),
            Role::Expression => {
                let select = format!("{SELECT}{}", fragment.text);
                translate(&select, Values::NONE).map(|_| ()).map_err(|refusal| refusal.without_prefix(SELECT))
            }
        };
        checked.map_err(|refusal| refusal.within(text, fragment.offset).within(rewrite.sql, offset))?;
    }
    Ok(())
}

/// Whether a value goes into a procedure, and whether one comes out.
pub(super) fn directions(mode: Mode) -> (bool, bool) {
    match mode {
        Mode::In => (true, false),
        Mode::Out => (false, true),
        Mode::InOut => (true, true),
    }
}
