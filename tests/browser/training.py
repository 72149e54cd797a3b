"""A submitted run that goes on when it is told to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

TRAINING = """
import os, time
from azureml.core import Run

run = Run.get_context()
here = os.environ["HERE"]

def wait_for(name):
    while not os.path.exists(os.path.join(here, name)):
        time.sleep(0.05)

print("the first line", flush=True)
run.log("loss", 1.0)
for line in ("second", "third"):
    wait_for(line)
    print(f"the {line} line", flush=True)
    run.log("loss", 2.0)
    run.tag("told", line)
wait_for("last")
"""
SUBMITTING = """
import json, sys
from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace

environment = Environment("tabs")
environment.python.user_managed_dependencies = True
environment.environment_variables = {"HERE": sys.argv[1]}
config = ScriptRunConfig(sys.argv[1], "train.py", compute_target="local", environment=environment)
print(json.dumps(Experiment(Workspace.get("portal"), "tabs").submit(config).id))
"""


class Training:
    """A run of the workspace named portal."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.folder = folder
        (folder / "train.py").write_text(TRAINING)
        environment = {**os.environ, "MILEPOST_HOME": str(home), "MILEPOST_PORTAL": "0"}
        done = subprocess.run(
            [sys.executable, "-c", SUBMITTING, str(folder)],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        self.run_id = str(json.loads(done.stdout.splitlines()[-1]))

    def go_on(self, word: str) -> None:
        """Have it go on: second, third, last."""
        (self.folder / word).touch()

    def page(self, tab: str) -> str:
        """The address of a tab of its page."""
        return f"/experiments/tabs/runs/{self.run_id}?tab={tab}"
