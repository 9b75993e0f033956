//! The programs that the local cloud starts, found all at once, so that everything missing is said in one message.

use sha2::{Digest as _, Sha256};
use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
};

/// Oldest PostgreSQL on which the Redshift stand-in works.
const OLDEST_POSTGRES: u32 = 15;
/// Where Debian keeps one folder per installed PostgreSQL.
const DEBIAN_POSTGRES: &str = "/usr/lib/postgresql";
/// Folders with servers that are not in every user's PATH.
const SYSTEM_FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];
/// Names another Python environment (its root folder) than the one that set-up makes.
const PYTHON_VARIABLE: &str = "RENTAL_ANALYTICS_PYTHON";
/// The Python packages of LocalStack and the AWS CLI, every version fixed.
const LOCK_FILE: &str = include_str!("../localstack.lock");

/// Where the programs are.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) mariadbd: PathBuf,
    pub(crate) mariadb_install_db: PathBuf,
    /// Folder that holds `postgres` and `initdb`.
    pub(crate) postgres_folder: PathBuf,
    /// Folder that holds `python` and `aws` of the environment made from the lock file.
    pub(crate) python_folder: PathBuf,
}

/// Everything that is missing, each with the way to get it.
#[derive(Debug, thiserror::Error)]
pub(crate) struct MissingPrograms(Vec<String>);

impl fmt::Display for MissingPrograms {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "programs are missing")?;
        self.0.iter().try_for_each(|line| write!(formatter, "\n  {line}"))?;
        write!(formatter, "\nhint: `make setup` installs all of them")
    }
}

impl Programs {
    /// # Errors
    /// When any program is missing, naming all of them.
    pub(crate) fn find() -> Result<Self, MissingPrograms> {
        let mut missing = Vec::new();
        let mut require = |found: Option<PathBuf>, what: &str, remedy: &str| {
            found.unwrap_or_else(|| {
                missing.push(format!("{what}: {remedy}"));
                PathBuf::new()
            })
        };
        let mariadb = "apt-get install mariadb-server-core mariadb-client-core";
        let postgres = format!("PostgreSQL {OLDEST_POSTGRES} or newer");
        let python = PythonEnvironment::find();
        let programs = Self {
            mariadbd: require(find_program("mariadbd"), "mariadbd", mariadb),
            mariadb_install_db: require(find_program("mariadb-install-db"), "mariadb-install-db", mariadb),
            postgres_folder: require(newest_postgres(), &postgres, "apt-get install postgresql"),
            python_folder: require(
                python.is_complete().then(|| python.root.join("bin")),
                &format!("Python environment {}", python.root.display()),
                "run `make setup`, which needs Python 3.13 or newer",
            ),
        };
        if missing.is_empty() { Ok(programs) } else { Err(MissingPrograms(missing)) }
    }

    pub(crate) fn python(&self) -> PathBuf {
        self.python_folder.join("python")
    }
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(SYSTEM_FOLDERS.map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|program| program.is_file())
}

fn newest_postgres() -> Option<PathBuf> {
    let installed = fs::read_dir(DEBIAN_POSTGRES).into_iter().flatten().flatten();
    let newest = installed
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))))
        .filter(|(version, folder)| *version >= OLDEST_POSTGRES && is_postgres_folder(folder))
        .max();
    newest.map(|(_, folder)| folder).or_else(|| {
        let elsewhere = find_program("postgres")?.parent()?.to_owned();
        is_postgres_folder(&elsewhere).then_some(elsewhere)
    })
}

fn is_postgres_folder(folder: &Path) -> bool {
    folder.join("postgres").is_file() && folder.join("initdb").is_file()
}

/// Folder in the user's cache that set-up shares with us.
fn cache_folder() -> PathBuf {
    let cache = env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || env::home_dir().unwrap_or_else(|| PathBuf::from("/")).join(".cache");
    cache.unwrap_or_else(home).join("rental-analytics")
}

/// The Python environment with LocalStack and the AWS CLI.
struct PythonEnvironment {
    root: PathBuf,
    is_given: bool,
}

impl PythonEnvironment {
    /// The user's choice, or the one that `scripts/python-environment` makes; its name holds the lock file's hash, so that
    /// a changed lock file makes a new one.
    fn find() -> Self {
        if let Some(root) = env::var_os(PYTHON_VARIABLE).filter(|value| !value.is_empty()) {
            return Self { root: root.into(), is_given: true };
        }
        let hash = Sha256::digest(LOCK_FILE).iter().take(6).map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { root: cache_folder().join(format!("python-{hash}")), is_given: false }
    }

    /// The script's last act is the file `complete`: a killed installation has none.
    fn is_complete(&self) -> bool {
        self.root.join("bin/python").is_file() && (self.is_given || self.root.join("complete").is_file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_missing_is_said_at_once_with_its_remedy() {
        let error = MissingPrograms(vec!["mariadbd: apt-get install a".into(), "python: make setup".into()]);
        assert_eq!(
            error.to_string(),
            "programs are missing\n  mariadbd: apt-get install a\n  python: make setup\nhint: `make setup` installs all of them"
        );
    }

    #[test]
    fn every_python_package_has_one_fixed_version() {
        for line in LOCK_FILE.lines() {
            assert!(
                line.split_once("==").is_some_and(|(name, version)| !name.is_empty() && !version.is_empty()),
                "{line}"
            );
        }
    }
}
