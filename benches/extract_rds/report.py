"""The measured costs as Markdown: medians, ratios, targets."""

import datetime
import os
import platform
import re
import statistics
from dataclasses import dataclass
from pathlib import Path

from contestants import INCONSISTENT_PEER, PEERS
from measure import Cost

FIRST, SECOND = "extract-rds, first run", "extract-rds, unchanged second run"
FIRST_TLS, SECOND_TLS = f"{FIRST}, TLS", f"{SECOND}, TLS"

# Share of the faster peer's cost that a run may have, by table; those without one are only shown.
FIRST_RUN_TARGETS = {"bookings": 0.70, "apartment_attributes": 0.75, "user_viewing": 0.75}
SECOND_RUN_TARGET = 0.50
PEAK_RSS_TARGET_MIB = 150

# The results stand between these lines; what is around them is written by hand and stays.
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


@dataclass(frozen=True)
class Target:
    what: str
    found: float
    limit: float
    unit: str = ""

    @property
    def is_reached(self):
        return self.found <= self.limit

    def row(self):
        digits = 0 if self.unit else 2
        state = "reached" if self.is_reached else "**missed**"
        return f"| {self.what} | {self.found:.{digits}f}{self.unit} | {self.limit:.{digits}f}{self.unit} | {state} |"


def medians(rounds):
    """The middle cost of each contestant, figure by figure; memory is the most that any round needed."""
    middle = statistics.median
    return {
        name: Cost(middle(c.wall_s for c in costs), middle(c.cpu_s for c in costs), max(c.peak_rss_mib for c in costs))
        for name, costs in rounds.items()
    }


def faster_peer(costs):
    return min((name for name in PEERS if name in costs), key=lambda name: costs[name].wall_s)


def table_section(table, costs):
    """One table's figures, each beside its share of the faster peer's."""
    peer = faster_peer(costs)
    lines = [
        f"### {table.name}: {table.row_count:,} rows",
        "",
        f"| | wall s | CPU s | peak RSS MiB | wall ÷ {peer} | CPU ÷ {peer} |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, cost in costs.items():
        label = f"{name} (several snapshots)" if name == INCONSISTENT_PEER else name
        wall, cpu = cost.wall_s / costs[peer].wall_s, cost.cpu_s / costs[peer].cpu_s
        figures = [f"{cost.wall_s:.2f}", f"{cost.cpu_s:.2f}", f"{cost.peak_rss_mib:.0f}", f"{wall:.2f}", f"{cpu:.2f}"]
        lines.append(f"| {' | '.join([label, *figures])} |")
    return "\n".join(lines)


def targets(results):
    """What was aimed at, over all tables: pairs of table and median costs."""
    found = []
    for table, costs in results:
        peer = costs[faster_peer(costs)]
        if first_run_target := FIRST_RUN_TARGETS.get(table.name):
            for run, limit in ((FIRST, first_run_target), (SECOND, SECOND_RUN_TARGET)):
                what, cost = f"{table.name}, {run.removeprefix('extract-rds, ')}", costs[run]
                found.append(Target(f"{what}: wall ÷ faster peer", cost.wall_s / peer.wall_s, limit))
                found.append(Target(f"{what}: CPU ÷ faster peer", cost.cpu_s / peer.cpu_s, limit))
    ours = [cost for _, costs in results for name, cost in costs.items() if name.startswith("extract-rds")]
    most = max(cost.peak_rss_mib for cost in ours)
    found.append(Target("peak RSS of extract-rds, any table and run", most, PEAK_RSS_TARGET_MIB, " MiB"))
    return found


def targets_section(found):
    head = ["### Targets", "", "| | found | at most | |", "|---|--:|--:|---|"]
    return "\n".join([*head, *(target.row() for target in found)])


def conditions_section(scale, round_count, second_run_flags, profile, versions):
    """Where and with what the figures came about."""
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    memory_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    facts = {
        "Date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "Machine": f"{os.cpu_count()} cores of {model[1] if model else platform.machine()}, {memory_gib:.0f} GiB of memory",
        "Scale, rounds": f"{scale:g}, {round_count}",
        "Second run": " ".join(["extract-rds run", *second_run_flags]),
        "Build": f"cargo profile `{profile}`",
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts.items())])


def replace_results(path: Path, results):
    """Puts results in place of the former ones."""
    before, after = around_results(path)
    path.write_text(f"{before}{BEGIN}\n{results}\n{END}{after}")


def around_results(path):
    """What stands before and after the results; raises when the file has no place for them."""
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise RuntimeError(f"{path} has no lines `{BEGIN}` and `{END}`")
    return before, after
