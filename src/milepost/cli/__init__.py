"""The ``milepost`` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command with the process's arguments and exit with 0 (done), 1 (failed) or 2 (used wrongly)."""
    from milepost.cli.app import run

    sys.exit(run(sys.argv[1:]))
