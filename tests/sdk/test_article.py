"""The article's own code runs as it stands, and what it says of the record is so."""

from __future__ import annotations

import math
import subprocess
import sys
import zipfile
from pathlib import Path

from azureml.core import Environment, Experiment, Run, ScriptRunConfig, Workspace
from milepost.sdk.recording.recorder import close_recorder
from tests.team.servers import TeamServer

ROOT = Path(__file__).resolve().parents[2]


def test_the_first_script_and_a_second_process_that_reads_it(home: Path, team: TeamServer | None) -> None:
    if team is not None:
        close_recorder(Workspace.create("default")._recorder)  # a server makes none by itself
    done = subprocess.run(
        [sys.executable, ROOT / "examples/train_within_notebook.py"], capture_output=True, text=True, check=True
    )
    printed = float(done.stdout.split()[-1])
    workspace = Workspace.from_config()
    run = next(Experiment(workspace, "train-within-notebook").get_runs())
    metrics = run.get_metrics()
    assert metrics["alpha"] == 0.03
    assert math.isclose(metrics["mse"], printed)
    assert run.get_file_names() == ["outputs/model.pkl"]
    assert run.get_status() == "Completed"
    assert run.get_tags() == {}
    run.download_file("outputs/model.pkl", "fetched.pkl")
    assert Path("fetched.pkl").read_bytes() == Path("outputs/model.pkl").read_bytes()
    close_recorder(workspace._recorder)


def test_the_second_script_submitted_followed_registered_and_submitted_again(ws: Workspace, tmp_path: Path) -> None:
    user_managed_env = Environment("user-managed-env")
    user_managed_env.python.user_managed_dependencies = True
    exp = Experiment(workspace=ws, name="train-on-local")
    src = ScriptRunConfig(source_directory=str(ROOT / "examples/train_on_local"), script="train.py")
    src.run_config.environment = user_managed_env
    run = exp.submit(src)
    details = run.wait_for_completion(show_output=True)
    assert details["status"] == "Completed"

    metrics = run.get_metrics()
    assert [round(alpha, 2) for alpha in metrics["alpha"]] == [round(0.05 * index, 2) for index in range(20)]
    assert len(metrics["mse"]) == 20
    models = [name for name in run.get_file_names() if name.startswith("ridge_")]
    assert len(models) == 20

    best = min(range(20), key=lambda index: metrics["mse"][index])
    model = run.register_model("best", model_path=f"ridge_{metrics['alpha'][best]:.2f}.pkl")
    assert (model.version, model.run_id) == (1, run.id)

    with zipfile.ZipFile(run.restore_snapshot(path=str(tmp_path))) as snapshot:
        snapshot.extractall(tmp_path / "restored")
    again = exp.submit(ScriptRunConfig(str(tmp_path / "restored"), "train.py", environment=user_managed_env))
    again.wait_for_completion()
    assert again.get_metrics() == metrics
    assert again.get_snapshot_id() == run.get_snapshot_id()


def test_the_table_of_metric_kinds(run: Run) -> None:
    from matplotlib.figure import Figure

    plot = Figure()
    plot.subplots().plot([0, 1], [0, 1])
    Path("outputs").mkdir()
    Path("pkl").write_bytes(b"model")
    run.log("accuracy", 0.95)
    run.log_list("accuracies", [0.6, 0.7, 0.87])
    run.log_row("Y over X", x=1, y=0.4)
    run.log_table("Y over X table", {"x": [1, 2, 3], "y": [0.6, 0.7, 0.89]})
    run.log_image("ROC", plot=plot)
    run.tag("selected", "yes")
    run.upload_file("best_model.pkl", "./pkl")
    metrics = run.get_metrics()
    assert metrics.pop("ROC").startswith("aml://artifactId/")
    assert metrics == {
        "accuracy": 0.95,
        "accuracies": [0.6, 0.7, 0.87],
        "Y over X": {"x": 1, "y": 0.4},
        "Y over X table": {"x": [1, 2, 3], "y": [0.6, 0.7, 0.89]},
    }
    assert run.get_tags() == {"selected": "yes"}
    assert "best_model.pkl" in run.get_file_names()


def test_the_table_of_charts(run: Run) -> None:
    run.log_list(name="Fibonacci", value=[0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89])
    sines: dict[str, list[float]] = {"angle": [], "sine": []}
    for i in range(-10, 10):
        run.log(name="Sigmoid", value=1 / (1 + math.exp(-i)))
        angle = i / 2.0
        run.log_row(name="Cosine Wave", angle=angle, cos=math.cos(angle))
        sines["angle"].append(angle)
        sines["sine"].append(math.sin(angle))
    run.log_table(name="Sine Wave", value=sines)
    metrics = run.get_metrics()
    assert metrics["Fibonacci"] == [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]
    assert metrics["Sigmoid"] == [1 / (1 + math.exp(-i)) for i in range(-10, 10)]
    assert metrics["Cosine Wave"]["cos"] == [math.cos(i / 2.0) for i in range(-10, 10)]
    assert metrics["Sine Wave"] == sines
