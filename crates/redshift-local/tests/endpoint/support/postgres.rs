//! A throw-away PostgreSQL. It ends, and its files go, when the test process ends, however it ends.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

const OLDEST_VERSION: u32 = 15;
const SUPERUSER: &str = "warehouse";
const PASSWORD: &str = "warehouse-password";

struct Server {
    url: String,
    /// Its standard input is what keeps the server alive.
    _keeper: Child,
}

/// URL of a superuser of the server, without a database.
pub(crate) fn url() -> &'static str {
    static SERVER: OnceLock<Server> = OnceLock::new();
    &SERVER.get_or_init(start).url
}

/// PostgreSQL refuses to run as root; then all of it runs as `nobody`. The shell waits for the end of its input, which comes
/// when this process is gone.
const SCRIPT: &str = r#"
set -eu
trap '' INT HUP
if [ "$(id -u)" = 0 ]; then
    chown nobody "$FOLDER"
    run() { exec setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups "$@"; }
else
    run() { exec "$@"; }
fi
cd "$FOLDER"
(run "$PROGRAMS/initdb" -D "$FOLDER/data" --username="$SUPERUSER" --pwfile="$PASSWORD_FILE" \
    --auth=password --encoding=UTF8 --locale=C.UTF-8 --no-sync) >"$FOLDER/initdb.log" 2>&1 \
    || { cat "$FOLDER/initdb.log" >&2; exit 1; }
(run "$PROGRAMS/postgres" -D "$FOLDER/data" -p "$PORT" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c max_connections=200 -c timezone=UTC -c fsync=off -c synchronous_commit=off) >"$FOLDER/server.log" 2>&1 &
server=$!
trap 'kill -INT $server 2>/dev/null || true; wait $server || true; rm -rf "$FOLDER"' EXIT
while ! "$PROGRAMS/pg_isready" -q -h 127.0.0.1 -p "$PORT"; do
    kill -0 $server 2>/dev/null || { cat "$FOLDER/server.log" >&2; exit 1; }
done
echo ready
cat >/dev/null
"#;

fn start() -> Server {
    let programs = newest_programs();
    let folder = std::env::temp_dir().join(format!("redshift-local-tests-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("create the server's folder");
    let password_file = folder.join("password");
    fs::write(&password_file, PASSWORD).expect("write the password");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("find a free port").port();
    let mut keeper = Command::new("sh")
        .args(["-c", SCRIPT])
        .env("FOLDER", &folder)
        .env("PROGRAMS", programs)
        .env("SUPERUSER", SUPERUSER)
        .env("PASSWORD_FILE", password_file)
        .env("PORT", port.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("run sh");
    let mut answer = String::new();
    let output = keeper.stdout.take().expect("the output is piped");
    BufReader::new(output).read_line(&mut answer).expect("read what the server says");
    assert_eq!(answer.trim(), "ready", "PostgreSQL did not start; what it said is above");
    Server { url: format!("postgres://{SUPERUSER}:{PASSWORD}@127.0.0.1:{port}"), _keeper: keeper }
}

/// The folder of the newest installed server.
fn newest_programs() -> PathBuf {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    installed
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(version, programs)| *version >= OLDEST_VERSION && programs.join("postgres").exists())
        .max()
        .map(|(_, programs)| programs)
        .unwrap_or_else(|| {
            panic!("PostgreSQL {OLDEST_VERSION} or newer is missing; install it: sudo apt-get install postgresql")
        })
}
