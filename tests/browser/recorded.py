"""What the browser tests look at: recorded by real scripts of the SDK, in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import math, os, sys, time
import numpy as np
from matplotlib.figure import Figure
from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget

ROOT = sys.argv[1]
ws = Workspace.create("portal")

# The four rows of the article's table of charts.
charts = Experiment(ws, "charts").start_logging(snapshot_directory=None, display_name="the article's table")
charts.log_list(name="Fibonacci", value=[0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89])
sines = {"angle": [], "sine": []}
for i in range(-10, 10):
    charts.log(name="Sigmoid", value=1 / (1 + np.exp(-i)))
    angle = i / 2.0
    charts.log_row(name="Cosine Wave", angle=angle, cos=np.cos(angle))
    sines["angle"].append(angle)
    sines["sine"].append(np.sin(angle))
charts.log_table(name="Sine Wave", value=sines)
charts.log("accuracy", 0.95)
charts.log("verdict", "good enough")
charts.log_table("scores", {"name": ["ann", "bob"], "score": [1, 2.5], "note": ["=1+1", "<b>bold</b>"]})
for step in range(3):
    plot = Figure()
    plot.subplots().plot([0, 1, 2], [0, step, 1])
    charts.log_image("curve", plot=plot) if step == 0 else charts.log_image(f"curve {step}", plot=plot)
charts.log_confusion_matrix("confusion", {
    "schema_type": "confusion_matrix", "schema_version": "v1",
    "data": {"class_labels": ["cat", "dog"], "matrix": [[8, 2], [1, 9]]},
})
with charts.child_run("first child") as child:
    child.log("loss", 0.5)
with charts.child_run("second child") as child:
    child.log("loss", 0.25)
os.makedirs("outputs", exist_ok=True)
with open("outputs/notes.txt", "w") as file:
    file.write("plain text\\n" * 3)
with open("outputs/data.csv", "w") as file:
    file.write("a,b\\n1,2\\n3,4\\n")
with open("outputs/facts.json", "w") as file:
    file.write('{"answer": 42}')
charts.tag("stage", "prod")
charts.complete()

# A long one with a spike and a gap.
long = Experiment(ws, "charts").start_logging(snapshot_directory=None, display_name="a long line")
for number in range(200_000):
    long.log("loss", 100.0 if number == 123_456 else math.exp(-number / 50_000))
long.log("loss", float("nan"))
long.complete()

# Runs to compare.
sweep = Experiment(ws, "sweep")
for number in range(30):
    facts = {"display_name": f"trial {number}", "tags": {"size": str(number % 3)}}
    with sweep.start_logging(snapshot_directory=None, **facts) as run:
        run.log("alpha", number / 10)
        for step in range(20):
            run.log("mse", (number - 12) ** 2 + 20 - step)
failing = sweep.start_logging(snapshot_directory=None, display_name="one that failed")
failing.set_progress(3, 10)
failing.fail("the data was wrong")

# Runs that tests change, and an experiment that grows while it is looked at.
for number in range(5):
    with Experiment(ws, "bulk").start_logging(snapshot_directory=None, display_name=f"victim {number}") as run:
        run.log("loss", number)
for number in range(40):
    Experiment(ws, "growing").start_logging(snapshot_directory=None, display_name=f"early {number}").complete()

# The article's second script, submitted.
pool = ComputeTarget.create(ws, "cpu-cluster", AmlCompute.provisioning_configuration(vm_size="any", max_nodes=2))
environment = Environment("user-managed-env")
environment.python.user_managed_dependencies = True
run = Experiment(ws, "train-on-local").submit(
    ScriptRunConfig(os.path.join(ROOT, "examples", "train_on_local"), "train.py", environment=environment,
                    compute_target="cpu-cluster")
)
run.wait_for_completion()
run.register_model("best-ridge", model_path="ridge_0.40.pkl")
environment.register(ws)
"""

HOSTILE = """
from azureml.core import Experiment, Workspace
ws = Workspace.get("portal")
evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
run = Experiment(ws, "hostile").start_logging(snapshot_directory=None, display_name=evil)
run.tag(evil, evil)
run.tag("link", "javascript:alert(3)")
run.add_properties({evil: evil})
run.log(evil, 1.0)
run.log(evil, 2.0)
run.log("text", evil)
run.log_table("table", {evil: [evil, evil], "x": [1, 2]})
run.log_confusion_matrix("matrix", {"schema_type": "confusion_matrix", "schema_version": "v1",
                                    "data": {"class_labels": [evil, "b"], "matrix": [[1, 2], [3, 4]]}})
import io, json
texts = {
    "evil.csv": f"{evil},x\\n{evil},1\\n",
    "evil.json": json.dumps({evil: [evil]}),
    "evil.md": f"[link](javascript:alert(6)) {evil}",
    "evil.ipynb": json.dumps({"metadata": {}, "nbformat": 4, "cells": [
        {"cell_type": "markdown", "source": [f"[link](javascript:alert(7)) {evil}"]},
        {"cell_type": "code", "execution_count": 1, "source": evil, "outputs": [
            {"output_type": "display_data", "data": {"text/html": evil, "application/javascript": "alert(8)"}},
            {"output_type": "display_data", "data": {
                "image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(9)'/>"}},
            {"output_type": "error", "ename": evil, "evalue": evil, "traceback": [evil]}]}]}),
}
for name, text in texts.items():
    run.upload_file(f"outputs/{name}", io.BytesIO(text.encode()))
model = run.register_model("hostile-model", model_path="outputs/evil.json", tags={evil: evil}, description=evil)
with run.child_run(evil) as child:
    child.log(evil, 3.0)
run.upload_file("outputs/evil.html", io.BytesIO(f"<html><body>{evil}</body></html>".encode()))
run.upload_file("outputs/evil.svg", io.BytesIO(
    b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(4)"><script>alert(5)</script></svg>'))
run.upload_file("logs/evil.log", io.BytesIO(f"{evil}\\n\\x1b]0;title\\x07\\x1b[31mred\\x1b[0m\\n".encode()))
run.fail(evil)
"""


def record(folder: Path, source: str, environment: dict[str, str]) -> None:
    """Run a recording script in ``folder``."""
    subprocess.run([sys.executable, "-c", source, str(ROOT)], cwd=folder, env=environment, check=True, timeout=300)
