//! Python environments of lock files, made by `scripts/python-environment`: that of LocalStack, boto3 and the AWS CLI, and
//! that of awswrangler.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Names an environment to use instead of LocalStack's, as for `rental-local`.
const PYTHON_VARIABLE: &str = "RENTAL_ANALYTICS_PYTHON";

/// A program of LocalStack's environment, for example `python` or `aws`.
pub(crate) fn program(name: &str) -> PathBuf {
    static ENVIRONMENT: OnceLock<PathBuf> = OnceLock::new();
    let environment =
        ENVIRONMENT.get_or_init(|| std::env::var_os(PYTHON_VARIABLE).map_or_else(|| make(&[]), PathBuf::from));
    environment.join("bin").join(name)
}

/// The Python that has awswrangler.
pub(crate) fn python_with_awswrangler() -> PathBuf {
    let lock_file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/awswrangler.lock");
    make(&[lock_file, "awswrangler"]).join("bin/python")
}

/// Makes an environment when it is missing; the script's arguments say which.
fn make(arguments: &[&str]) -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/python-environment");
    let made = Command::new(script).args(arguments).output().expect("run scripts/python-environment");
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "a Python environment is missing; `make setup` makes it:\n{said}");
    String::from_utf8_lossy(&made.stdout).trim().into()
}
