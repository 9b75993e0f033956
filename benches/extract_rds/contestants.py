"""The programs that are measured, each as the command that a user would give."""

import itertools
import json
import shutil
import sys
from pathlib import Path

import measure
from server import quietly

PEER_PROGRAM = Path(__file__).parent / "peer.py"
COMPARE_PROGRAM = Path(__file__).parent / "compare.py"

# One statement over one connection, as extract-rds' snapshot is, and one file.
PEERS = ["connectorx-arrow", "connectorx-stream", "polars"]
# Several statements over several connections, which see the table at different moments. Shown, but no target.
INCONSISTENT_PEER = "connectorx-partitioned"

# The day of every run, so that nothing depends on the clock. It is after all dates of the data.
RUN_DATE = "2026-06-30"
FIRST_RUN, SECOND_RUN = "first", "second"


class ExtractRds:
    """extract-rds into a bucket of its own: a first run, and one that finds everything unchanged."""

    bucket_numbers = itertools.count(1)

    def __init__(self, binary, mariadb, localstack, ssl_mode, folder):
        self.binary = binary
        self.localstack = localstack
        self.folder = folder
        self.bucket = f"bench-{next(self.bucket_numbers)}"
        localstack.s3("mb", f"s3://{self.bucket}")
        self.environment = {
            **mariadb.environment(ssl_mode),
            **localstack.environment(),
            "S3_BUCKET": self.bucket,
            "AS_OF": RUN_DATE,
            "LOG_FORMAT": "text",
        }

    def first_run(self, table):
        cost = self._run(table, FIRST_RUN, [])
        self._expect(table, FIRST_RUN, "written")
        return cost

    def second_run(self, table, flags):
        cost = self._run(table, SECOND_RUN, flags)
        self._expect(table, SECOND_RUN, "unchanged")
        return cost

    def download_files(self, table, folder):
        """The data files of the first run, as its manifest lists them."""
        folder.mkdir()
        listed = [file["key"] for file in self._manifest(table, FIRST_RUN)["files"]]
        self.localstack.s3("cp", "--recursive", f"s3://{self.bucket}/raw/{table.name}/run={FIRST_RUN}/", str(folder))
        return [folder / Path(key).name for key in listed]

    def remove_bucket(self):
        self.localstack.s3("rb", "--force", f"s3://{self.bucket}")

    def _run(self, table, run_id, flags):
        command = [self.binary, "run", "--tables", table.name, "--run-id", run_id, *flags]
        return measure.run(command, self.environment, self.folder)

    def _manifest(self, table, run_id):
        path = self.folder / "manifest.json"
        self.localstack.s3("cp", f"s3://{self.bucket}/raw/{table.name}/run={run_id}/manifest.json", str(path))
        return json.loads(path.read_text())

    def _expect(self, table, run_id, fate):
        """Every row read, and of one fate: none is in quarantine."""
        rows = self._manifest(table, run_id)["rows"]
        if not rows["read"] == rows[fate] == table.row_count:
            raise RuntimeError(f"{run_id} run of `{table.name}`: expected {table.row_count} rows {fate}, found {rows}")


def run_peer(method, mariadb, table, path, folder):
    """One peer from a fresh interpreter; `path` is the file that it writes."""
    command = [sys.executable, str(PEER_PROGRAM), method, table.name, table.key, str(path)]
    return measure.run(command, {"SOURCE_URL": mariadb.url()}, folder)


def compare_rows(ours, theirs, table):
    """Raises unless both hold the same rows. In a process of its own, as it needs memory."""
    quietly([sys.executable, str(COMPARE_PROGRAM), str(theirs), table.key, str(table.row_count), *map(str, ours)])


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
