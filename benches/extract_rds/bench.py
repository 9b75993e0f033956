"""Compares extract-rds with connectorx and polars on the same tables, or measures its memory on a large one.

Runs in the Python environment of peers.lock; `make bench` and `make bench-memory` do it. docs/benchmarks.md explains what is
measured and holds the results.
"""

import collections
import contextlib
import importlib.metadata
import pathlib
import subprocess
import tempfile

import contestants
import program
import report
import results
import source_data
from contestants import INCONSISTENT_PEER, PEERS, ExtractRds
from localstack import LocalStack
from mariadb import MariaDb
from program import say

PLAIN, TLS = "DISABLED", "VERIFY_IDENTITY"
MEMORY_BOOKINGS = 20_000_000


def main():
    options = arguments()
    return measure_memory(options) if options.memory else measure_all(options)


def arguments():
    parser = program.parser(__doc__.splitlines()[0])
    parser.add_argument("--binary", type=pathlib.Path, required=True, help="extract-rds, as built with --profile")
    parser.add_argument("--localstack", type=pathlib.Path, required=True, help="Python environment with LocalStack")
    parser.add_argument("--tables", default="", help="comma-separated; default: all")
    parser.add_argument("--second-run-flags", default="", help="flags of the unchanged second run")
    parser.add_argument("--memory", action="store_true", help="only the peak memory of extract-rds, on many bookings")
    options = parser.parse_args()
    options.binary = options.binary.resolve()
    return options


def measure_all(options):
    tables = source_data.tables(options.scale)
    if options.tables:
        wanted = options.tables.split(",")
        if unknown := set(wanted) - {table.name for table in tables}:
            raise RuntimeError(f"no such tables: {', '.join(sorted(unknown))}")
        tables = [table for table in tables if table.name in wanted]
    if options.report:
        # Now, and not after half an hour.
        results.around_results(options.report)
    with servers(options, tables) as (mariadb, localstack, folder):
        measured = []
        for table in tables:
            rounds = collections.defaultdict(list)
            for number in range(1, options.rounds + 1):
                say(f"{table.name}: round {number} of {options.rounds}")
                for name, cost in measure_round(options, mariadb, localstack, table, folder):
                    rounds[name].append(cost)
                    say(f"  {name}: {cost.wall_s:.2f} s, CPU {cost.cpu_s:.2f} s, {cost.peak_rss_mib:.0f} MiB")
            measured.append((table, results.medians(rounds)))
        versions = program_versions(options, mariadb)

    targets = report.targets(measured)
    flags = options.second_run_flags.split()
    sections = [
        report.conditions_section(options.scale, options.rounds, flags, options.profile, versions),
        results.targets_section(targets),
        *(report.table_section(table, costs) for table, costs in measured),
    ]
    text = "\n\n".join(sections)
    print(text)
    if options.report:
        results.replace_results(options.report, text)
    return 0


def measure_round(options, mariadb, localstack, table, folder):
    """Runs every contestant once, in turn, so that a slow minute of the machine is none's alone; yields names and costs."""
    extract = ExtractRds(options.binary, mariadb, localstack, PLAIN, folder)
    yield report.FIRST, extract.first_run(table)
    yield report.SECOND, extract.second_run(table, options.second_run_flags.split())
    our_folder = folder / "ours"
    our_files = extract.download_files(table, our_folder)
    extract.remove_bucket()

    for method in [*PEERS, INCONSISTENT_PEER]:
        their_file = folder / "theirs.parquet"
        yield method, contestants.run_peer(method, mariadb, table, their_file, folder)
        contestants.compare_rows(our_files, their_file, table)
        contestants.remove(their_file)
    contestants.remove(our_folder)

    extract = ExtractRds(options.binary, mariadb, localstack, TLS, folder)
    yield report.FIRST_TLS, extract.first_run(table)
    yield report.SECOND_TLS, extract.second_run(table, options.second_run_flags.split())
    extract.remove_bucket()


def measure_memory(options):
    """One first and one second run over TLS, as in production; fails when either takes more memory than it may."""
    table = source_data.Table("bookings", max(int(MEMORY_BOOKINGS * options.scale), 1), "booking_id")
    with servers(options, [table]) as (mariadb, localstack, folder):
        extract = ExtractRds(options.binary, mariadb, localstack, TLS, folder)
        costs = {"first run": extract.first_run(table)}
        costs["unchanged second run"] = extract.second_run(table, options.second_run_flags.split())
    found = []
    for name, cost in costs.items():
        say(f"{name}: {cost.wall_s:.2f} s, CPU {cost.cpu_s:.2f} s, {cost.peak_rss_mib:.0f} MiB")
        what = f"peak RSS, {name} of {table.row_count:,} bookings"
        found.append(results.Target(what, cost.peak_rss_mib, report.PEAK_RSS_TARGET_MIB, " MiB"))
    print(results.targets_section(found))
    return 0 if all(target.is_reached for target in found) else 1


@contextlib.contextmanager
def servers(options, tables):
    """MariaDB with these tables, LocalStack, and a folder, all gone at the end."""
    with tempfile.TemporaryDirectory(prefix="bench-extract-rds-") as path, contextlib.ExitStack() as stack:
        folder = pathlib.Path(path)
        say("starting MariaDB and LocalStack")
        mariadb = MariaDb(folder / "mariadb", source_data.buffer_pool_mib(tables))
        stack.callback(mariadb.stop)
        localstack = LocalStack(folder / "localstack", options.localstack)
        stack.callback(localstack.stop)
        for table in tables:
            say(f"making {table.row_count:,} rows of {table.name}")
            source_data.create(mariadb, table)
        mariadb.settle()
        yield mariadb, localstack, folder


def program_versions(options, mariadb):
    answer = subprocess.run([options.binary, "--version"], text=True, capture_output=True, check=True)
    extract_rds = answer.stdout.split()[-1]
    python = {name: importlib.metadata.version(name) for name in ("connectorx", "polars", "pyarrow")}
    return {"extract-rds": extract_rds, **python, "MariaDB": mariadb.query("select version()")[0][0]}


if __name__ == "__main__":
    program.run(main)
