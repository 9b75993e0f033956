//! The users of this machine that servers run as.

use anyhow::Context as _;
use std::{fs, os::unix::fs::MetadataExt as _};

const ROOT: u32 = 0;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SystemUser {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The user this process runs as.
pub(crate) fn current() -> anyhow::Result<SystemUser> {
    let uid = fs::metadata("/proc/self").context("read the owner of this process")?.uid();
    find(&read_passwd()?, |user| user.uid == uid).with_context(|| format!("user {uid} is not in /etc/passwd"))
}

/// The unprivileged user that servers which refuse root shall run as; none when this process is not root's.
pub(crate) fn unprivileged_instead_of_root() -> anyhow::Result<Option<SystemUser>> {
    if current()?.uid != ROOT {
        return Ok(None);
    }
    let passwd = read_passwd()?;
    let candidate = ["postgres", "nobody"].iter().find_map(|name| find(&passwd, |user| user.name == *name));
    candidate.map(Some).context("running as root, and there is no user `postgres` or `nobody` to run PostgreSQL as")
}

fn read_passwd() -> anyhow::Result<String> {
    fs::read_to_string("/etc/passwd").context("read /etc/passwd")
}

fn find(passwd: &str, wanted: impl Fn(&SystemUser) -> bool) -> Option<SystemUser> {
    passwd.lines().filter_map(parse_line).find(wanted)
}

fn parse_line(line: &str) -> Option<SystemUser> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(SystemUser { name, uid, gid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_read_from_their_lines() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nbroken\nnobody:x:65534:65533:nobody:/:/usr/sbin/nologin\n";
        let nobody = find(passwd, |user| user.name == "nobody");
        assert_eq!(nobody, Some(SystemUser { name: "nobody".into(), uid: 65534, gid: 65533 }));
        assert_eq!(find(passwd, |user| user.uid == 7), None);
    }
}
