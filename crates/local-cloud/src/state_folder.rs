//! The folder that holds everything of one local cloud. Whoever runs the cloud holds a lock on a file in it, so that a second
//! one cannot start in the same folder and `down` knows whom to end.

use crate::postgres;
use anyhow::{Context as _, bail};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    env,
    fs::{self, File, OpenOptions, TryLockError},
    io::{ErrorKind, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};
use uuid::Uuid;

const LOCK_FILE: &str = "lock";
const TEMPORARY_PREFIX: &str = "rental-local-cloud-";

/// Output of the process that runs the cloud; whoever starts that process opens it.
pub(crate) const SUPERVISOR_LOG: &str = "supervisor.log";

/// What is kept of a cloud that has ended.
const KEPT: [&str; 4] = [LOCK_FILE, SUPERVISOR_LOG, "logs", "tasks"];

/// A state folder that this process holds.
pub(crate) struct StateFolder {
    path: PathBuf,
    is_temporary: bool,
    _lock: File,
}

impl StateFolder {
    /// Takes the folder `path` and empties it.
    ///
    /// # Errors
    /// When another process holds it.
    pub(crate) fn take(path: &Path) -> anyhow::Result<Self> {
        make_private_folder(path)?;
        let path = path.canonicalize()?;
        let mut lock = open_lock(&path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "a local cloud already runs in {} (process {}); end it with `rental-local down`, or choose another folder with --state-dir",
                path.display(),
                holder(&path).map_or_else(|| "unknown".into(), |id| id.to_string())
            ),
            Err(TryLockError::Error(error)) => return Err(error).context("lock the state folder"),
        }
        lock.set_len(0)?;
        write!(lock, "{}", std::process::id())?;
        let folder = Self { path, is_temporary: false, _lock: lock };
        folder.remove_all_but(&[LOCK_FILE, SUPERVISOR_LOG])?;
        make_private_folder(&folder.logs())?;
        Ok(folder)
    }

    /// A new folder in the system's temporary one, which goes with the cloud. Folders that killed processes left behind are
    /// removed as well.
    pub(crate) fn temporary() -> anyhow::Result<Self> {
        remove_abandoned(&env::temp_dir());
        let name = format!("{TEMPORARY_PREFIX}{}", Uuid::new_v4().simple());
        Ok(Self { is_temporary: true, ..Self::take(&env::temp_dir().join(name))? })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// Removes the data of an ended cloud; its logs stay, unless the folder is a temporary one.
    pub(crate) fn clear(&self) -> anyhow::Result<()> {
        self.remove_all_but(&KEPT)?;
        if self.is_temporary {
            fs::remove_dir_all(&self.path).with_context(|| format!("remove {}", self.path.display()))?;
        }
        Ok(())
    }

    fn remove_all_but(&self, kept: &[&str]) -> anyhow::Result<()> {
        remove(&postgres::data_home(&postgres_folder(&self.path))?)?;
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if !kept.iter().any(|name| entry.file_name() == *name) {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }
}

pub(crate) fn postgres_folder(state_folder: &Path) -> PathBuf {
    state_folder.join("postgres")
}

pub(crate) fn tasks_folder(state_folder: &Path) -> PathBuf {
    state_folder.join("tasks")
}

/// The process that holds a state folder, if any does.
pub(crate) fn holder(path: &Path) -> Option<u32> {
    let lock = File::open(path.join(LOCK_FILE)).ok()?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => fs::read_to_string(path.join(LOCK_FILE)).ok()?.parse().ok(),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    let draft = path.with_extension("draft");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    serde_json::to_writer_pretty(&mut file, value)?;
    fs::rename(&draft, path).with_context(|| format!("write {}", path.display()))
}

/// Reads what [`write_json`] wrote; none when there is no such file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).with_context(|| format!("read {}", path.display()))?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

fn open_lock(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join(LOCK_FILE);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(&path).with_context(|| format!("open {}", path.display()))
}

pub(crate) fn make_private_folder(path: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(path).with_context(|| format!("create {}", path.display()))?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o700))?)
}

fn remove(path: &Path) -> anyhow::Result<()> {
    let outcome = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match outcome {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Best effort: what another user left, or what is just being made, stays.
fn remove_abandoned(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(TEMPORARY_PREFIX));
        let path = entry.path();
        if is_ours && path.join(LOCK_FILE).is_file() && holder(&path).is_none() {
            if let Ok(home) = postgres::data_home(&postgres_folder(&path)) {
                let _ = remove(&home);
            }
            let _ = remove(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_holder_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("state");
        let held = StateFolder::take(&path).unwrap();
        assert_eq!(holder(&path), Some(std::process::id()));
        let refusal = StateFolder::take(&path).err().unwrap().to_string();
        assert!(refusal.contains("rental-local down"), "{refusal}");
        drop(held);
        assert_eq!(holder(&path), None);
        StateFolder::take(&path).unwrap();
    }

    #[test]
    fn logs_outlive_the_data() {
        let parent = tempfile::tempdir().unwrap();
        let folder = StateFolder::take(parent.path()).unwrap();
        fs::write(folder.logs().join("mariadb.log"), "").unwrap();
        write_json(&folder.path().join("connection.json"), &1).unwrap();
        folder.clear().unwrap();
        assert!(folder.logs().join("mariadb.log").exists());
        assert_eq!(read_json::<u8>(&folder.path().join("connection.json")).unwrap(), None);
    }
}
