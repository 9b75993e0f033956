//! The Python environment of the lock file: LocalStack, boto3 and the AWS CLI.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Names an environment to use instead, as for `rental-local`.
const PYTHON_VARIABLE: &str = "RENTAL_ANALYTICS_PYTHON";

/// Makes the environment when it is missing, and says where it is.
const SCRIPT: &str = r#"
set -eu
"$PROJECT/scripts/python-environment" >&2
lock=$(sha256sum "$PROJECT/crates/local-cloud/localstack.lock" | cut -c1-12)
printf %s "${XDG_CACHE_HOME:-$HOME/.cache}/rental-analytics/python-$lock"
"#;

/// A program of the environment, for example `python` or `aws`.
pub(crate) fn program(name: &str) -> PathBuf {
    environment().join("bin").join(name)
}

fn environment() -> &'static PathBuf {
    static ENVIRONMENT: OnceLock<PathBuf> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        if let Some(given) = std::env::var_os(PYTHON_VARIABLE) {
            return given.into();
        }
        let script = ["-c", SCRIPT];
        let made =
            Command::new("sh").args(script).env("PROJECT", concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).output();
        let made = made.expect("run sh");
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "the Python environment is missing; `make setup` makes it:\n{said}");
        String::from_utf8(made.stdout).expect("a path").into()
    })
}
