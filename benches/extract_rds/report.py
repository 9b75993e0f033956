"""The costs of extract-rds and its peers as Markdown: medians, ratios, targets."""

import results
from contestants import INCONSISTENT_PEER, PEERS
from results import Target

FIRST, SECOND = "extract-rds, first run", "extract-rds, unchanged second run"
FIRST_TLS, SECOND_TLS = f"{FIRST}, TLS", f"{SECOND}, TLS"

# Share of the faster peer's cost that a run may have, by table; those without one are only shown.
FIRST_RUN_TARGETS = {"bookings": 0.70, "apartment_attributes": 0.75, "user_viewing": 0.75}
SECOND_RUN_TARGET = 0.50
PEAK_RSS_TARGET_MIB = 150


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


def targets(measured):
    """What was aimed at, over all tables: pairs of table and median costs."""
    found = []
    for table, costs in measured:
        peer = costs[faster_peer(costs)]
        if first_run_target := FIRST_RUN_TARGETS.get(table.name):
            for run, limit in ((FIRST, first_run_target), (SECOND, SECOND_RUN_TARGET)):
                what, cost = f"{table.name}, {run.removeprefix('extract-rds, ')}", costs[run]
                found.append(Target(f"{what}: wall ÷ faster peer", cost.wall_s / peer.wall_s, limit))
                found.append(Target(f"{what}: CPU ÷ faster peer", cost.cpu_s / peer.cpu_s, limit))
    ours = [cost for _, costs in measured for name, cost in costs.items() if name.startswith("extract-rds")]
    most = max(cost.peak_rss_mib for cost in ours)
    found.append(Target("peak RSS of extract-rds, any table and run", most, PEAK_RSS_TARGET_MIB, " MiB"))
    return found


def conditions_section(scale, round_count, second_run_flags, profile, versions):
    """Where and with what the figures came about."""
    return results.conditions_section(
        {
            "Scale, rounds": f"{scale:g}, {round_count}",
            "Second run": " ".join(["extract-rds run", *second_run_flags]),
            "Build": f"cargo profile `{profile}`",
            "Versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        }
    )
