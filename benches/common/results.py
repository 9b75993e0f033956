"""Measured costs as Markdown: what they have in common in all benchmarks."""

import datetime
import os
import platform
import re
import statistics
from dataclasses import dataclass
from pathlib import Path

from measure import Cost

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


def targets_section(found):
    head = ["### Targets", "", "| | found | at most | |", "|---|--:|--:|---|"]
    return "\n".join([*head, *(target.row() for target in found)])


def conditions_section(facts):
    """Where and with what the figures came about."""
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    memory_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    facts = {
        "Date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "Machine": f"{os.cpu_count()} cores of {model[1] if model else platform.machine()}, {memory_gib:.0f} GiB of memory",
        **facts,
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
