"""What a whole process costs: time on the clock, time on the processors, memory."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass

# How much of a failed process's output is shown.
OUTPUT_CHARACTERS = 3000


@dataclass(frozen=True)
class Cost:
    wall_s: float
    # User and system time of the process and of those that it started and waited for.
    cpu_s: float
    # The most memory that one process held at a time. Linux starts a child's count at what its parent held, so whoever
    # measures must be small: this program loads the standard library only.
    peak_rss_mib: float


def run(command, environment, folder):
    """Runs a process to its end with this environment and no other; raises when it fails."""
    output_file = folder / "output.log"
    with open(output_file, "wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            env={"PATH": os.environ["PATH"], **environment},
            # Without a `.env` file of the caller.
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        # Waits for this child alone and gets its resource usage, which `Popen.wait` does not give.
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    wall_s = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        output = output_file.read_text(errors="replace")[-OUTPUT_CHARACTERS:]
        raise RuntimeError(f"{os.path.basename(command[0])} ended with {process.returncode}:\n{output}")
    # Linux counts in KiB.
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
