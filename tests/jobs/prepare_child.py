"""Prepares an environment in a process of its own: CACHE FOLDER DEFINITION (JSON); prints its log and the result."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from milepost.jobs import environments


def main() -> None:
    cache, folder, definition = sys.argv[1:]
    try:
        found = environments.prepare(
            json.loads(definition),
            cache=Path(cache),
            submitter=sys.executable,
            folder=Path(folder),
            log=lambda line: print("LOG " + line, flush=True),
        )
        print("FOUND " + json.dumps(asdict(found)), flush=True)
    except environments.EnvironmentFailed as error:
        print(f"FAILED {error}", flush=True)


if __name__ == "__main__":
    main()
