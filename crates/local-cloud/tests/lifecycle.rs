//! The program from outside: `up`, `down` and a crash between them. Nothing may be left running.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

const DEADLINE: Duration = Duration::from_secs(30);

/// A local cloud in a folder of its own, ended when the test ends, however it ends.
struct StateFolder(tempfile::TempDir);

impl StateFolder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("state")
    }

    fn rental_local(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rental-local"));
        command.arg("--state-dir").arg(self.path()).args(arguments).output().unwrap()
    }

    fn supervisor(&self) -> u32 {
        fs::read_to_string(self.path().join("lock")).unwrap().parse().unwrap()
    }
}

impl Drop for StateFolder {
    fn drop(&mut self) {
        self.rental_local(&["down"]);
    }
}

fn succeeded(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr));
    text
}

/// The process and everything below it. A child belongs to the thread that started it.
fn process_tree(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let children = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<u32> = children.collect::<String>().split_whitespace().filter_map(|id| id.parse().ok()).collect();
    [process].into_iter().chain(children.into_iter().flat_map(process_tree)).collect()
}

/// Neither gone nor a zombie that waits for whoever adopted it.
fn is_running(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn wait_until_gone(processes: &[u32]) {
    let started = Instant::now();
    while processes.iter().any(|process| is_running(*process)) {
        assert!(started.elapsed() < DEADLINE, "still running: {processes:?}");
        std::thread::yield_now();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort_unstable();
    names
}

#[test]
fn a_crashed_cloud_leaves_nothing_running_and_can_be_started_again() {
    let state = StateFolder::new();
    succeeded(&state.rental_local(&["up"]));
    let processes = process_tree(state.supervisor());
    assert!(processes.len() > 3, "{processes:?}");
    succeeded(&Command::new("kill").args(["-9", &processes[0].to_string()]).output().unwrap());
    wait_until_gone(&processes);
    assert!(succeeded(&state.rental_local(&["status"])).contains("no local cloud runs"));
    let refused = state.rental_local(&["run"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("rental-local up"));

    succeeded(&state.rental_local(&["up"]));
    let running = state.supervisor();
    succeeded(&state.rental_local(&["up"]));
    assert_eq!(state.supervisor(), running, "`up` leaves a running cloud alone");

    // The variables are all that a shell needs.
    let variables = succeeded(&state.rental_local(&["env"]));
    let script = format!("{variables}\naws stepfunctions list-executions --state-machine-arn \"$STATE_MACHINE_ARN\"");
    assert!(succeeded(&Command::new("/bin/sh").args(["-c", &script]).output().unwrap()).contains("executions"));

    let key = fs::metadata(state.path().join("mariadb/server.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600, "only the server reads its key");
    let status = succeeded(&state.rental_local(&["status"]));
    assert!(status.lines().all(|line| line == line.trim_end()), "{status:?}");

    // A source that an application could have, changed as it would change it.
    let statements = "create table bookings (booking_id int); insert into bookings values (1), (2)";
    succeeded(&state.rental_local(&["sql", statements]));
    let changed = state.rental_local(&["sql", "update bookings set booking_id = 3 where booking_id = 2"]);
    assert!(String::from_utf8_lossy(&changed.stderr).contains("rows changed: 1"), "{changed:?}");
    let rows =
        succeeded(&state.rental_local(&["sql", "select max(booking_id) as highest, null as nothing from bookings"]));
    assert!(["highest", "3", "NULL"].iter().all(|part| rows.contains(part)), "{rows}");
    let refused = state.rental_local(&["sql", "select nonsense"]);
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("nonsense"), "{refused:?}");

    let processes = process_tree(running);
    succeeded(&state.rental_local(&["down"]));
    // On a busy machine the kernel takes a moment for each.
    wait_until_gone(&processes);
    assert_eq!(names(&state.path()), ["lock", "logs", "supervisor.log"]);
    succeeded(&state.rental_local(&["down"]));
}

/// Tables without a log are emptied when PostgreSQL starts again after a crash, so it must not.
#[test]
fn a_crash_in_postgresql_ends_postgresql() {
    let state = StateFolder::new();
    succeeded(&state.rental_local(&["up"]));
    let is_of_postgresql = |process: &u32| {
        fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name.trim_end() == "postgres")
    };
    let processes: Vec<u32> = process_tree(state.supervisor()).into_iter().filter(is_of_postgresql).collect();
    // The first one below PostgreSQL itself is there as long as it is.
    let [_, checkpointer, ..] = processes[..] else { panic!("PostgreSQL is one process: {processes:?}") };
    succeeded(&Command::new("kill").args(["-9", &checkpointer.to_string()]).output().unwrap());
    wait_until_gone(&processes);
}
