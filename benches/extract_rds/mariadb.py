"""The source database: a MariaDB of our own whose data fits into its memory.

It is not that of `rental-local`, which is small and takes no connection without TLS.
"""

import getpass
import os
import secrets
import subprocess
import time

from server import POLL_INTERVAL_S, Server, free_port, program, quietly

DATABASE = "marketplace"
READER = "extract"
# Certificates are made anew by every start.
CERTIFICATE_DAYS = "30"
# Gigabytes may have to be written, on a disk that others use as well.
SETTLE_DEADLINE_S = 900


class MariaDb:
    """A server without a configuration file, with TLS offered and not demanded."""

    def __init__(self, folder, buffer_pool_mib):
        folder.mkdir()
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self.admin_password = secrets.token_hex(16)
        self.socket = folder / "mariadb.sock"
        self.authority = make_certificates(folder)
        data = folder / "data"
        user = getpass.getuser()
        install = [program("mariadb-install-db"), "--no-defaults", "--auth-root-authentication-method=normal"]
        # A server that starts removes temporary tables, those of others too where they share a folder.
        temporary = folder / "temporary"
        temporary.mkdir()
        quietly([*install, f"--tmpdir={temporary}", "--skip-test-db", f"--user={user}", f"--datadir={data}"])
        accounts = folder / "accounts.sql"
        accounts.write_text(
            f"create or replace user admin@localhost identified by '{self.admin_password}';\n"
            "grant all privileges on *.* to admin@localhost with grant option;\n"
            f"create or replace user {READER}@'%' identified by '{self.password}';\n"
            f"create database {DATABASE} character set utf8mb4;\n"
            f"grant select, lock tables on {DATABASE}.* to {READER}@'%';\n"
            f"delete from mysql.global_priv where User not in ('admin', '{READER}', 'mariadb.sys');\n"
            "flush privileges;\n"
        )
        options = [
            "--no-defaults",
            f"--user={user}",
            f"--datadir={data}",
            f"--tmpdir={temporary}",
            f"--socket={self.socket}",
            f"--pid-file={folder / 'mariadb.pid'}",
            f"--init-file={accounts}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            f"--ssl-ca={self.authority}",
            f"--ssl-cert={folder / 'server.pem'}",
            f"--ssl-key={folder / 'server.key'}",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_general_ci",
            "--default-time-zone=+00:00",
            "--max-allowed-packet=64M",
            "--skip-log-bin",
            f"--innodb-buffer-pool-size={buffer_pool_mib}M",
            # The data is made anew by every start, so durability buys nothing, and nothing else shall write to the disk.
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-doublewrite=0",
            "--innodb-log-file-size=1G",
            "--innodb-fast-shutdown=2",
            "--innodb-stats-auto-recalc=0",
        ]
        self.server = Server("MariaDB", [program("mariadbd"), *options], folder / "mariadb.log", self.is_ready)

    def is_ready(self):
        # init-file runs before connections are taken, so the account is there as soon as it lets us in.
        return self.client("select 1").returncode == 0

    def client(self, sql):
        command = ["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=admin", "--default-character-set=utf8mb4"]
        environment = {**os.environ, "MYSQL_PWD": self.admin_password}
        form = ["--batch", "--skip-column-names"]
        return subprocess.run([*command, *form], input=sql, text=True, capture_output=True, env=environment)

    def query(self, sql):
        """Runs statements as the administrator; returns the rows of answers as lists of texts."""
        done = self.client(sql)
        if done.returncode != 0:
            raise RuntimeError(f"MariaDB refused: {done.stderr.strip()}")
        return [line.split("\t") for line in done.stdout.splitlines()]

    def url(self):
        """For the peers, which use no TLS: extract-rds is measured against them without it."""
        return f"mysql://{READER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    def environment(self, ssl_mode):
        """For extract-rds."""
        return {
            "RDS_HOST": "127.0.0.1",
            "RDS_PORT": str(self.port),
            "RDS_DATABASE": DATABASE,
            "RDS_USER": READER,
            "RDS_PASSWORD": self.password,
            "RDS_SSL_MODE": ssl_mode,
            "RDS_SSL_CA": str(self.authority),
            "SOURCE_TIMEZONE": "UTC",
        }

    def settle(self):
        """Waits until all pages are written, so that no measurement shares the disk with the rest of the load."""
        for setting in ("max_dirty_pages_pct = 0", "max_dirty_pages_pct_lwm = 0", "io_capacity = 20000"):
            self.query(f"set global innodb_{setting}")
        deadline = time.monotonic() + SETTLE_DEADLINE_S
        while int(self.query("show global status like 'Innodb_buffer_pool_pages_dirty'")[0][1]) > 100:
            if time.monotonic() > deadline:
                raise RuntimeError("MariaDB did not write its pages in time")
            time.sleep(POLL_INTERVAL_S)

    def stop(self):
        self.server.stop()


def make_certificates(folder):
    """An authority, and by it a certificate for 127.0.0.1; returns the authority's file."""
    authority, request = folder / "authority.pem", folder / "server.csr"
    extensions = folder / "server.extensions"
    extensions.write_text("subjectAltName = DNS:localhost, IP:127.0.0.1\nextendedKeyUsage = serverAuth\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout"]
    authority_key = folder / "authority.key"
    itself = ["-x509", "-days", CERTIFICATE_DAYS, "-subj", "/CN=benchmark authority"]
    quietly(["openssl", "req", *itself, *new_key, authority_key, "-out", authority])
    quietly(["openssl", "req", *new_key, folder / "server.key", "-out", request, "-subj", "/CN=localhost"])
    signer = ["-CA", authority, "-CAkey", authority_key, "-CAcreateserial", "-days", CERTIFICATE_DAYS]
    quietly(["openssl", "x509", "-req", "-in", request, *signer, "-extfile", extensions, "-out", folder / "server.pem"])
    return authority
