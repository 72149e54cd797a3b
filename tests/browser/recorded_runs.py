"""What the tests of the run's page and of the compare page look at: recorded by a real script of the SDK."""

from __future__ import annotations

RICH = r"""
import base64, io, json, math, os
import numpy as np
from matplotlib.figure import Figure
from azureml.core import Experiment, Workspace

ws = Workspace.get("portal")
looks = Experiment(ws, "looks")

# A million points with one spike, NaN and infinities.
with looks.start_logging(snapshot_directory=None, display_name="one spike") as run:
    steps = np.arange(1_000_000)
    loss = np.exp(-steps / 200_000)
    loss[654_321] = 25.0
    run.log_list("loss", loss.tolist())
    run.log_list("odd", [1.0, math.nan, 3.0, math.inf, -math.inf, 2.0])

# Very many metrics in groups, and one of each other kind.
with looks.start_logging(snapshot_directory=None, display_name="many metrics") as run:
    for number in range(1000):
        group = ("train", "val", "layer")[number % 3]
        run.log_list(f"{group}/metric_{number:03d}", [float(number), number + 1.0, number + 0.5])
    run.log("best", 0.913)

with looks.start_logging(snapshot_directory=None, display_name="every kind") as run:
    run.log_list("noisy", (np.sin(np.arange(200) / 20) + np.random.default_rng(1).normal(0, 0.2, 200)).tolist())
    run.log_list("steady", list(range(200)))
    run.log("description", "word " * 200)
    angle = np.linspace(0, 12, 60)
    run.log_table("spiral", {"x": (angle * np.cos(angle)).tolist(), "y": (angle * np.sin(angle)).tolist()})
    run.log_table("falling", {"recall": [1.0, 0.5, 0.0], "precision": [0.2, 0.6, 1.0]})
    counts = {"class_labels": ["cat", "dog"], "matrix": [[8, 2], [1, 9]]}
    run.log_confusion_matrix("confusion", {"schema_type": "confusion_matrix", "schema_version": "v1", "data": counts})
    tables = [[[10 - k, k, 10 - k, k] for k in range(11)] for _ in range(2)]
    run.log_accuracy_table("accuracy", {"schema_type": "accuracy_table", "schema_version": "v1", "data": {
        "probability_tables": tables, "percentile_tables": tables, "probability_thresholds": list(range(11)),
        "percentile_thresholds": list(range(11)), "class_labels": ["cat", "dog"]}})
    run.log_residuals("residuals", {"schema_type": "residuals", "schema_version": "v1", "data": {
        "bin_edges": [-1, 0, 1, 2], "bin_counts": [1, 5, 2]}})
    run.log_predictions("predictions", {"schema_type": "predictions", "schema_version": "v1", "data": {
        "bin_averages": [0.2, 0.8], "bin_errors": [0.1, 0.1], "bin_counts": [3, 4], "bin_edges": [0, 0.5, 1]}})

# Files of every kind, and logs of two ranks.
with looks.start_logging(snapshot_directory=None, display_name="every file") as run:
    figure = Figure()
    figure.subplots().plot([1, 3, 2])
    for ending in ("png", "pdf"):
        content = io.BytesIO()
        figure.savefig(content, format=ending)
        run.upload_file(f"outputs/plot.{ending}", io.BytesIO(content.getvalue()))
    parquet = base64.b64decode(
        "UEFSMRUAFTwVRiwVBhUAFQYVBhwAAAAotS/9IB7VAACQAgAAAAYBAQACAAMAAAAAAAAAAgBg4AFwARUAFSgVOiwVBhUAFQYVBhwAAAAotS/9"
        "IBShAAACAAAAAwMDAAAAYW5uAwAAAGJvYhUAFTwVSCwVBhUAFQYVBhwAAAAotS/9IB7dAACgAgAAAAYBAOA/APg/AAAAAAAA+H8CAEDGBYwV"
        "ABUkFTYsFQYVABUGFQYcAAAAKLUv/SASkQAAAgAAAAYBKU0AAClNAAApTQAAFQQZXDUAGAZzY2hlbWEVCAAVBCUCGAJpZAAVDCUCGARuYW1l"
        "JQBMHAAAABUKJQIYBXNjb3JlABUCJQIYA2RheSUMTGwAAAAWBhkcGUwmABwVBBklBgAZGAJpZBUMFgYWYhZsJghJHBUAFQAVAgA8KQYZJgAG"
        "AAAAJgAcFQwZJQYAGRgEbmFtZRUMFgYWThZgJnRJHBUAFQAVAgA8FgwZBhkmAgQAAAAmABwVChklBgAZGAVzY29yZRUMFgYWYhZuJtQBSRwV"
        "ABUAFQIAPCkGGSYABgAAACYAHBUCGSUGABkYA2RheRUMFgYWShZcJsICSRwVABUAFQIAPCkGGSYABgAAABbcAhYGJggWlgMAKCBwYXJxdWV0"
        "LWNwcC1hcnJvdyB2ZXJzaW9uIDI2LjAuMRlMHAAAHAAAHAAAHAAAAD8BAABQQVIx")
    notebook = {"metadata": {}, "nbformat": 4, "cells": [
        {"cell_type": "markdown", "source": ["# A title"]},
        {"cell_type": "code", "execution_count": 1, "source": "1 + 1", "outputs": [
            {"output_type": "execute_result", "data": {"text/plain": "2", "text/html": "<script>alert(1)</script>"}}]}]}
    texts = {
        "outputs/people.csv": "name,age,joined\n" + "".join(f"p{n},{20 + n},2024-01-31\n" for n in range(300)),
        "outputs/facts.json": json.dumps({"answer": [42, None]}),
        "outputs/work.ipynb": json.dumps(notebook),
        "outputs/big.txt": "".join(f"line number {n} of a big text\n" for n in range(20_000)),
        "azureml-logs/70_driver_log_0.txt": "\x1b[31mred words\x1b[0m\n  0%|\r100%|done\n" + "y" * 500 + "\n",
        "azureml-logs/70_driver_log_1.txt": "".join(f"rank 1 line {n}\n" for n in range(1, 30_001)),
    }
    for name, text in texts.items():
        run.upload_file(name, io.BytesIO(text.encode()))
    run.upload_file("outputs/table.parquet", io.BytesIO(parquet))
    run.upload_file("outputs/weights.bin", io.BytesIO(bytes(range(256)) * 10))

# Images at several steps, of two runs.
for painter in range(2):
    with looks.start_logging(snapshot_directory=None, display_name=f"painter {painter}") as run:
        for step in range(4):
            figure = Figure(figsize=(2, 1.5), dpi=60)
            figure.subplots().plot([painter, step, 1])
            run.log_image("samples", plot=figure)

# Two sources.
for alpha in (1, 2):
    os.makedirs(f"source {alpha}", exist_ok=True)
    with open(f"source {alpha}/train.py", "w") as file:
        file.write(f"ALPHA = {alpha}\nprint(ALPHA)\n")
    if alpha == 2:
        with open("source 2/extra.py", "w") as file:
            file.write("# only here\n")
    run = looks.start_logging(snapshot_directory=f"source {alpha}", display_name=f"source {alpha}")
    with run:
        run.log("alpha", alpha)
        run.log_list("loss", [1 / (step * alpha + 1) for step in range(50)])
        run.tag("kind", f"of {alpha}")

# One that raised.
try:
    with looks.start_logging(snapshot_directory=None, display_name="one that raised"):
        {}["age"]
except KeyError:
    pass
"""
