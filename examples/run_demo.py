"""What `make demo` does: run the article's two scripts, unchanged, and read the first one's record elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

READ = """
from azureml.core import Experiment, Workspace

ws = Workspace.from_config()
run = next(Experiment(ws, "train-within-notebook").get_runs())
print(f"run {run.number} of {run.experiment.name}: {run.status}")
for name, value in run.get_metrics().items():
    print(f"  {name} = {value}")
print("files:", ", ".join(run.get_file_names()))
print("portal:", run.get_portal_url())
"""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="milepost-demo-") as folder:
        print(f"$ python examples/{(HERE / 'train_within_notebook.py').name}", flush=True)
        subprocess.run([sys.executable, HERE / "train_within_notebook.py"], cwd=folder, check=True)
        print("\nRead back by a second process:", flush=True)
        subprocess.run([sys.executable, "-c", READ], cwd=folder, check=True)
        print(f"\n$ python examples/{(HERE / 'submit_train_on_local.py').name}", flush=True)
        subprocess.run([sys.executable, HERE / "submit_train_on_local.py"], cwd=folder, check=True)
    command = os.path.relpath(Path(sys.executable).with_name("milepost"))
    print(f"\nSee all runs with: {command} runs list", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
