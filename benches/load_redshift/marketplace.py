"""One marketplace of a given size: its source, its local cloud, and the runs that are measured."""

import dataclasses
import json
import os
import subprocess
import time

import measure

LAST_DAY = "2025-12-31"
NEWEST_MONTH = "2025-12-01"
# One booking in so many of the newest month changes between two runs.
CHANGED_SHARE = 1000
SHOWN_STATEMENTS = 8
ANSWER_TIMEOUT_S = 60


@dataclasses.dataclass(frozen=True)
class Size:
    name: str
    apartments: int
    viewings: int
    bookings: int
    since: str
    months: int

    def scaled(self, share):
        counts = {name: max(int(getattr(self, name) * share), 100) for name in ("apartments", "viewings", "bookings")}
        return dataclasses.replace(self, **counts)


# A listing has about four bookings a month, which is some 17 nights of 30.
# Histories of three lengths, of months of one size: 40,000 bookings of 10,000 listings.
SIZES = [
    Size("0.2 M", 10_000, 120_000, 200_000, "2025-08-01", 5),
    Size("1 M", 10_000, 600_000, 1_000_000, "2023-12-01", 25),
    Size("5 M", 10_000, 3_000_000, 5_000_000, "2015-08-01", 125),
]
# As many bookings in half a year, of twenty times as many listings.
FIRST_LOAD = Size("5 M of half a year", 200_000, 3_000_000, 5_000_000, "2025-07-01", 6)


def first_line(text):
    """What names a statement: a check opens with a comment that says what it holds."""
    return text.removeprefix("-- ").partition("\n")[0].strip()


class Marketplace:
    def __init__(self, binaries, folder, size):
        self.binaries, self.size = binaries, size
        self.folder = folder / f"{size.bookings}-in-{size.months}-months"
        self.folder.mkdir()
        self._variables = None
        sample = self.folder / "sample"
        counts = [f"--{name}={getattr(size, name)}" for name in ("apartments", "viewings", "bookings")]
        self._rental_local("generate", str(sample), *counts, f"--since={size.since}")
        self._rental_local("up")
        try:
            self._rental_local("seed", f"--csv={sample}")
            self._variables = self._read_variables()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        self._rental_local("down")

    def run_initially(self, say):
        """The first run, of everything; costs by binary."""
        costs = {}
        for name, cost in self._run("initial"):
            costs[name] = cost
            say(f"  {self.size.name}: {name}: {cost.wall_s:.1f} s, {cost.peak_rss_mib:.0f} MiB")
        return costs

    def follow_change(self, number, say):
        """Changes other bookings in each round, then runs; yields name and cost."""
        changed = f"booking_date >= '{NEWEST_MONTH}' and booking_id % {CHANGED_SHARE} = {number % CHANGED_SHARE}"
        self._rental_local("sql", f"update bookings set total_price = total_price + 1 where {changed}")
        for name, cost in self._run(f"round-{number}"):
            say(f"  {self.size.name}: {name}: {cost.wall_s:.2f} s, {cost.peak_rss_mib:.0f} MiB")
            yield name, cost

    def slowest_statements(self):
        """The statements of the last run that took longest: pairs of text and seconds."""
        sql = (
            "select split_part(query_text, '(', 1), elapsed_time / 1000000.0 from sys_query_history"
            " where query_id >= (select max(query_id) from sys_query_history where query_text like 'call etl.begin_load%')"
            f" order by elapsed_time desc limit {SHOWN_STATEMENTS}"
        )
        submitted = self._data_api("execute-statement", "--sql", sql, *self._database())["Id"]
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while (status := self._data_api("describe-statement", "--id", submitted)["Status"]) != "FINISHED":
            if status in ("FAILED", "ABORTED") or time.monotonic() > deadline:
                raise RuntimeError(f"reading sys_query_history ended as {status}")
        records = self._data_api("get-statement-result", "--id", submitted)["Records"]
        return [(first_line(text["stringValue"]), float(seconds["stringValue"])) for text, seconds in records]

    def _run(self, run_id):
        extract = [self.binaries / "extract-rds", "run", "--run-id", run_id, "--as-of", LAST_DAY]
        yield "extract-rds run", measure.run(extract, self._variables, self.folder)
        load = [self.binaries / "load-redshift", "run", "--run-id", run_id]
        yield "load-redshift run", measure.run(load, self._variables, self.folder)

    def _database(self):
        chosen = {
            "--workgroup-name": self._variables.get("REDSHIFT_WORKGROUP"),
            "--cluster-identifier": self._variables.get("REDSHIFT_CLUSTER_IDENTIFIER"),
            "--secret-arn": self._variables.get("REDSHIFT_SECRET_ARN"),
            "--database": self._variables["REDSHIFT_DATABASE"],
        }
        return [part for option, value in chosen.items() if value for part in (option, value)]

    def _data_api(self, *arguments):
        command = ["aws", "redshift-data", *arguments, "--output", "json"]
        environment = {**os.environ, **self._variables}
        return json.loads(subprocess.run(command, env=environment, text=True, capture_output=True, check=True).stdout)

    def _rental_local(self, *arguments):
        command = [self.binaries / "rental-local", "--state-dir", self.folder / "cloud", *arguments]
        ended = subprocess.run(command, text=True, capture_output=True)
        if ended.returncode != 0:
            raise RuntimeError(f"rental-local {arguments[0]} ended with {ended.returncode}:\n{ended.stderr[-3000:]}")
        return ended.stdout

    def _read_variables(self):
        """The environment that `rental-local env` makes, and nothing of the caller's."""
        script = f"{self._rental_local('env')}\nexec env -0"
        shell = subprocess.run(
            ["/bin/sh", "-c", script], env={"PATH": os.environ["PATH"]}, text=True, capture_output=True, check=True
        )
        pairs = (line.partition("=") for line in shell.stdout.split("\0") if line)
        return {name: value for name, _, value in pairs}
