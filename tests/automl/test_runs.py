"""Automated ML runs: a process of its own, a child run an iteration, the best one's model."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import psutil
import pytest
from sklearn.datasets import load_breast_cancer

from azureml.core import Experiment, Run, Workspace
from azureml.exceptions import ActivityFailedException
from azureml.train.automl import AutoMLConfig
from azureml.train.automl.exceptions import ConfigException, NotFoundException
from azureml.train.automl.run import AutoMLRun
from tests.conftest import only_thorough
from tests.sdk.submitted import folder_of, processes_left, supervisor_of, until

KINDS = ("accuracy_table", "confusion_matrix")


@pytest.fixture(scope="module")
def cancer() -> Any:
    return load_breast_cancer(as_frame=True).frame


def submitted(experiment: Experiment, frame: Any, **given: Any) -> AutoMLRun:
    config = AutoMLConfig(
        **{
            "task": "classification",
            "training_data": frame,
            "label_column_name": "target",
            "primary_metric": "AUC_weighted",
            "n_cross_validations": 2,
            "allowed_models": ["LightGBM", "LogisticRegression"],
        }
        | given
    )
    run = experiment.submit(config, tags={"data": "cancer"})
    assert isinstance(run, AutoMLRun)
    return run


def test_a_run_from_its_data_to_its_best_model(
    ws: Workspace, experiment: Experiment, cancer: Any, submit: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    held = cancer.sample(100, random_state=1)
    run = submitted(experiment, cancer.drop(held.index), iterations=3, debug_log="automl_errors.log")
    details = run.wait_for_completion(show_output=True)
    assert details["status"] == "Completed"

    printed = capsys.readouterr().out
    assert " ITERATION   PIPELINE" in printed
    assert "         0   StandardScaler " in printed
    assert "debug_log: no such file is written" in printed

    children = sorted(run.get_children(), key=lambda each: int(each.properties["iteration"]))
    assert [each.id for each in children] == [f"{run.id}_{at}" for at in range(len(children))]
    assert {each.status for each in children} == {"Completed"}
    pipelines = children[:3]
    for child in pipelines:
        assert child.properties["run_preprocessor"] == "StandardScaler"
        assert child.properties["run_algorithm"] in ("LightGBM", "LogisticRegression")
        assert child.display_name == f"StandardScaler {child.properties['run_algorithm']}"
        metrics = child.get_metrics(populate=True)
        assert float(child.properties["score"]) == metrics["AUC_weighted"]
        assert {metrics[kind]["schema_type"] for kind in KINDS} == set(KINDS)
    assert children[-1].properties["run_algorithm"] == "StackEnsemble"
    assert len(children) >= 4

    best, model = run.get_output()
    scores = {child.id: child.get_metrics("AUC_weighted")["AUC_weighted"] for child in children}
    assert scores[best.id] == max(scores.values())
    assert run.get_best_child().id == best.id == run.tags["automl_best_child_run_id"]
    assert run.get_metrics("AUC_weighted") == {"AUC_weighted": scores[best.id]}
    right = (model.predict(held.drop(columns="target")) == held["target"]).mean()
    assert right > 0.93, "rows that it has never seen"

    assert run.get_output(iteration=1)[0].id == children[1].id
    losses = {child.id: child.get_metrics("log_loss")["log_loss"] for child in children}
    by_loss, _ = run.get_output(metric="log_loss")
    assert losses[by_loss.id] == min(losses.values())
    assert run.get_run_sdk_dependencies().keys() >= {"flaml", "scikit-learn", "lightgbm"}
    assert run.summary()[0][0] == best.properties["run_algorithm"]
    assert run.register_model("cancer").get_model_path("cancer", _workspace=ws)
    told = json.loads(run.properties["primary_metric_config"])
    assert (told, run.type, run.tags["data"]) == ({"name": "AUC_weighted", "goal": "maximize"}, "automl", "cancer")

    again = Run.get(ws, run.id)
    assert isinstance(again, AutoMLRun)
    for refused in (
        lambda: run.get_output(iteration=99),
        lambda: run.get_output(metric="no_such_metric"),
    ):
        with pytest.raises(NotFoundException):
            refused()
    with pytest.raises(ConfigException, match="ONNX"):
        run.get_output(return_onnx_model=True)


def test_a_run_that_is_cancelled_leaves_nothing_running(experiment: Experiment, cancer: Any, submit: Any) -> None:
    run = submitted(experiment, cancer, iterations=5000, enable_early_stopping=False, enable_stack_ensemble=False)
    until(lambda: next(run.get_children(), None) is not None)
    assert run.cancel()
    assert run.wait_for_completion()["status"] == "Canceled"
    assert processes_left(run.id) == []
    statuses = [each.status for each in run.get_children()]
    assert set(statuses) <= {"Canceled", "Completed"}
    assert statuses.count("Canceled") <= 1


@only_thorough
def test_a_run_whose_processes_are_killed_is_failed_and_says_so(
    experiment: Experiment, cancer: Any, submit: Any
) -> None:
    run = submitted(experiment, cancer, iterations=5000, enable_early_stopping=False, enable_stack_ensemble=False)
    until(lambda: next(run.get_children(), None) is not None)
    supervisor = psutil.Process(supervisor_of(run))
    for each in supervisor.children(recursive=True):
        os.kill(each.pid, signal.SIGKILL)
    with pytest.raises(ActivityFailedException):
        run.wait_for_completion()
    assert run.status == "Failed"
    until(lambda: {each.status for each in run.get_children()} <= {"Failed", "Completed"})
    assert not folder_of(run).exists()


@only_thorough
def test_data_that_cannot_be_learned_from_ends_the_run_with_the_reason(
    experiment: Experiment, cancer: Any, submit: Any
) -> None:
    run = submitted(experiment, cancer.assign(target=1), iterations=2)
    with pytest.raises(ActivityFailedException, match="there is one class only"):
        run.wait_for_completion()
