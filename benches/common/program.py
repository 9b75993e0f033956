"""What is the same for every benchmark as a program: its common options, how it ends, and where it talks."""

import argparse
import pathlib
import signal
import sys


def parser(description):
    """Knows the options of all benchmarks; the caller adds its own."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--profile", required=True, help="cargo profile of the binaries, for the report")
    options.add_argument("--scale", type=float, default=1.0, help="share of the published number of rows")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument(
        "--report", type=report_file, help="Markdown file whose results are replaced; default: none, results are only printed"
    )
    return options


def report_file(text):
    """None where it is empty, as `make bench REPORT=` gives it."""
    return pathlib.Path(text) if text else None


def run(main):
    """Ends the process with what `main` returns; what it raises on purpose is one line."""
    # As Ctrl-C: what was started is ended and the folder removed on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except RuntimeError as error:
        sys.exit(f"bench: {error}")


def say(text):
    """Progress is no result."""
    print(text, file=sys.stderr, flush=True)
