//! COPY … FROM 's3://…' FORMAT AS PARQUET MANIFEST.

use sqlx::postgres::PgConnection;

use crate::dialect::Refusal;
use crate::dialect::lexer::Token;

#[derive(Debug)]
pub(crate) struct CopyCommand;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    #[error("ERROR: COPY is not there yet")]
    Missing,
}

#[derive(Debug)]
pub(crate) struct ObjectStore;

impl ObjectStore {
    pub(crate) fn new(_endpoint: Option<String>, _region: String) -> Self {
        Self
    }
    pub(crate) fn as_ref(&self) -> &Self {
        self
    }
}

impl CopyCommand {
    pub(crate) fn parse(sql: &str, _tokens: &[Token]) -> Result<Self, Refusal> {
        Err(Refusal::at(sql, 0, "COPY", "not there yet"))
    }
}

pub(crate) async fn run(
    _command: &CopyCommand,
    _store: &ObjectStore,
    _session: &mut PgConnection,
) -> Result<i64, CopyError> {
    Err(CopyError::Missing)
}
