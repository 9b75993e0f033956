//! Why a COPY failed, in Redshift's words and with its codes, by which clients tell the cases apart.

use crate::engine_error::EngineError;
use crate::object_store::StorageError;

const MANIFEST_CODE: u32 = 15003;
const NULL_VALUE_CODE: u32 = 8007;

/// The `Display` is the statement's error text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    #[error("ERROR: Cannot COPY into nonexistent table {0}")]
    UnknownTable(String),
    #[error("ERROR: column \"{column}\" of relation \"{table}\" does not exist")]
    UnknownColumn { table: String, column: String },
    #[error(
        "ERROR: IDENTITY column \"{column}\" is loaded with EXPLICIT_IDS, which wants it in the column list; without, its \
         values are generated and it is left out of the list"
    )]
    IdentityColumn { column: String },
    #[error("ERROR: COPY into column \"{column}\" of type {type_name} is not offered by the stand-in")]
    UnknownType { column: String, type_name: String },
    #[error(transparent)]
    Storage(StorageError),
    #[error("{}", block("Invalid manifest file", MANIFEST_CODE, &format!("{problem}\n  manifest:  {url}")))]
    Manifest { url: String, problem: String },
    #[error("{}", block("Spectrum Scan Error", *.code, .context))]
    Scan { code: u32, context: String },
    #[error("{}", block(&format!("Cannot insert a NULL value into column {column}"), NULL_VALUE_CODE, ""))]
    NullValue { column: String },
    #[error("{}", EngineError::from(.0))]
    Engine(#[from] sqlx::Error),
}

impl CopyError {
    /// A file that does not fit the table.
    pub(super) fn mismatch(context: String) -> Self {
        Self::Scan { code: 15007, context }
    }

    /// Redshift's code, or 0 where it has none.
    pub(super) fn code(&self) -> i32 {
        let code = match self {
            Self::Manifest { .. } => MANIFEST_CODE,
            Self::Scan { code, .. } => *code,
            Self::NullValue { .. } => NULL_VALUE_CODE,
            _ => 0,
        };
        i32::try_from(code).unwrap_or(0)
    }

    /// A file that cannot be read.
    pub(super) fn unreadable(context: String) -> Self {
        Self::Scan { code: 15001, context }
    }
}

impl From<StorageError> for CopyError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Service { .. } => Self::Storage(error),
            StorageError::Interrupted { .. } | StorageError::NoObjectUrl(_) => Self::unreadable(error.to_string()),
        }
    }
}

/// The shape of errors from the engine's storage layer.
fn block(error: &str, code: u32, context: &str) -> String {
    let line = "-".repeat(47);
    format!(
        "ERROR: {error}\n  Detail: \n  {line}\n  error:  {error}\n  code:      {code}\n  context:   {context}\n  {line}"
    )
}
