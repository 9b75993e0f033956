"""Processes that answer requests: started, awaited, and ended with this process, however it ends."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

START_DEADLINE_S = 120
STOP_DEADLINE_S = 60
POLL_INTERVAL_S = 0.1


class Server:
    """A process that answers once `is_ready`."""

    def __init__(self, name, command, log, is_ready, **options):
        self.name = name
        self.log = log
        # The kernel ends it when this process is gone. A session of its own: Ctrl-C is ours to handle, and ends it below.
        command = ["setpriv", "--pdeathsig", "KILL", *command]
        with open(log, "wb") as output:
            streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
            self.process = subprocess.Popen(command, **streams, start_new_session=True, **options)
        try:
            self.wait_until(is_ready)
        except BaseException:
            self.stop()
            raise

    def wait_until(self, is_ready):
        """Returns when it answers; raises when it ends first or takes too long."""
        deadline = time.monotonic() + START_DEADLINE_S
        while not is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(POLL_INTERVAL_S)

    def stop(self):
        """Ends it, by force if it does not end by itself."""
        self.process.terminate()
        try:
            self.process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def quietly(command, **options):
    """Runs a program whose output is of interest only when it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} failed ({done.returncode}):\n{done.stdout}{done.stderr}")


def program(name):
    """Servers lie outside the PATH of an ordinary user."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if not found:
        raise RuntimeError(f"`{name}` is missing; `make prepare` installs it")
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
