"""Measures what a run of load-redshift costs as the warehouse grows.

`make bench-load` does it. docs/load-benchmarks.md explains what is measured and holds the results.
"""

import collections
import contextlib
import pathlib
import tempfile

import program
import results
from marketplace import FIRST_LOAD, SIZES, Marketplace
from program import say
from results import Target

# Of a run that follows a small change, in the largest warehouse against the smallest.
CHANGE_RATIO_TARGET = 1.5
INITIAL_TARGET_S = 600
PEAK_RSS_TARGET_MIB = 200


def main():
    options = arguments()
    if options.report:
        # Now, and not after half an hour.
        results.around_results(options.report)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-load-redshift-")))
        first = FIRST_LOAD.scaled(options.scale)
        with started(options, folder, first) as marketplace:
            initial = {first: marketplace.run_initially(say)}
            steps = {first: marketplace.slowest_statements()}
        marketplaces = []
        for size in SIZES:
            marketplace = stack.enter_context(started(options, folder, size.scaled(options.scale)))
            marketplaces.append(marketplace)
            initial[marketplace.size] = marketplace.run_initially(say)
        rounds = collections.defaultdict(list)
        for number in range(1, options.rounds + 1):
            say(f"round {number} of {options.rounds}")
            for marketplace in marketplaces:
                for name, cost in marketplace.follow_change(number, say):
                    rounds[marketplace.size, name].append(cost)
        steps |= {marketplace.size: marketplace.slowest_statements() for marketplace in marketplaces}
    text = report_text(options, first, initial, results.medians(rounds), steps)
    print(text)
    if options.report:
        results.replace_results(options.report, text)
    return 0


@contextlib.contextmanager
def started(options, folder, size):
    say(f"{size.name}: making the source and starting its local cloud")
    marketplace = Marketplace(options.binaries, folder, size)
    try:
        yield marketplace
    finally:
        marketplace.stop()


def arguments():
    parser = program.parser(__doc__.splitlines()[0])
    parser.add_argument("--binaries", type=pathlib.Path, required=True, help="folder of the built binaries")
    options = parser.parse_args()
    options.binaries = options.binaries.resolve()
    return options


def report_text(options, first, initial, changes, steps):
    grown = [size for size in initial if size != first]
    smallest, largest = min(grown, key=lambda size: size.bookings), max(grown, key=lambda size: size.bookings)
    load = "load-redshift run"
    ratio = changes[largest, load].wall_s / changes[smallest, load].wall_s
    most = max(cost.peak_rss_mib for costs in initial.values() for cost in costs.values())
    targets = [
        Target(f"run after a small change: {largest.name} ÷ {smallest.name} of bookings", ratio, CHANGE_RATIO_TARGET),
        Target(f"initial load and full transform of {first.name}", initial[first][load].wall_s, INITIAL_TARGET_S, " s"),
        Target("peak RSS of our binaries, any run", most, PEAK_RSS_TARGET_MIB, " MiB"),
    ]
    conditions = {
        "Scale, rounds": f"{options.scale:g}, {options.rounds}",
        "Build": f"cargo profile `{options.profile}`",
    }
    sections = [
        results.conditions_section(conditions),
        results.targets_section(targets),
        costs_section("First run, of everything", [(size, initial[size]) for size in initial]),
        costs_section(
            "Run after a change of 0.1 % of the newest month's bookings",
            [(size, {name: cost for (of, name), cost in changes.items() if of == size}) for size in grown],
        ),
        *(steps_section(size, statements) for size, statements in steps.items()),
    ]
    return "\n\n".join(sections)


def costs_section(title, measured):
    lines = [f"### {title}", "", "| bookings | listings | months | | wall s | CPU s | peak RSS MiB |", "|--:|--:|--:|---|--:|--:|--:|"]
    for size, costs in measured:
        for name, cost in costs.items():
            what = f"{size.bookings:,} | {size.apartments:,} | {size.months} | {name}"
            lines.append(f"| {what} | {cost.wall_s:.1f} | {cost.cpu_s:.1f} | {cost.peak_rss_mib:.0f} |")
    return "\n".join(lines)


def steps_section(size, statements):
    lines = [f"### What the last run waited for, {size.name} of bookings", "", "| statement | s |", "|---|--:|"]
    lines += [f"| {name} | {seconds:.2f} |" for name, seconds in statements]
    return "\n".join(lines)


if __name__ == "__main__":
    program.run(main)
