"""Sweeps that run: each trial a run of its own, the worse ones stopped, none lost and none done twice."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import psutil
import pytest

from azureml.core import Experiment, Run, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.exceptions import ActivityFailedException, UserErrorException
from azureml.train.estimator import Estimator
from azureml.train.hyperdrive import (
    BanditPolicy,
    BayesianParameterSampling,
    GridParameterSampling,
    HyperDriveConfig,
    HyperDriveRun,
    PrimaryMetricGoal,
    RandomParameterSampling,
    choice,
    search,
    uniform,
)
from milepost.jobs.job import job_folder
from tests.conftest import THOROUGH, only_thorough
from tests.sdk.conftest import Script, Submit, script  # noqa: F401
from tests.sdk.submitted import folder_of, supervisor_of, until

IRIS = Path(__file__).with_name("iris")


@pytest.fixture
def trial(source: Path, submit: Submit) -> Any:
    """A configuration of trials that run this source, which has ``run`` and its parameters in ``args``."""

    def make(text: str, *names: str, **settings: Any) -> ScriptRunConfig:
        options = "".join(f'parser.add_argument("--{name}", type=float)\n' for name in names)
        head = f"import argparse, os, time\nfrom azureml.core import Run\nparser = argparse.ArgumentParser()\n{options}"
        head += "args, rest = parser.parse_known_args()\nrun = Run.get_context()\n"
        (source / "train.py").write_text(head + textwrap.dedent(text))
        return ScriptRunConfig(str(source), "train.py", **settings)

    return make


def configured(script_config: ScriptRunConfig, space: dict[str, Any], **settings: Any) -> HyperDriveConfig:
    settings.setdefault("hyperparameter_sampling", GridParameterSampling(space) if space else None)
    return HyperDriveConfig(
        **{
            "primary_metric_name": "score",
            "primary_metric_goal": PrimaryMetricGoal.MAXIMIZE,
            "max_total_runs": 100,
            "max_concurrent_runs": 4,
            "run_config": script_config,
        }
        | settings
    )


def submitted(experiment: Experiment, config: HyperDriveConfig) -> HyperDriveRun:
    run = experiment.submit(config)
    assert isinstance(run, HyperDriveRun)
    return run


def test_a_public_sweep_of_iris(ws: Workspace, experiment: Experiment, submit: Submit) -> None:
    count = 12 if THOROUGH else 6
    ComputeTarget.create(ws, "cpu-cluster", AmlCompute.provisioning_configuration("any", max_nodes=4))
    estimator = Estimator(str(IRIS), entry_script="train_iris.py", compute_target="cpu-cluster")
    config = HyperDriveConfig(
        estimator=estimator,
        hyperparameter_sampling=RandomParameterSampling(
            {"--kernel": choice("linear", "rbf", "poly", "sigmoid"), "--penalty": choice(0.5, 1, 1.5)}, {"seed": 1}
        ),
        policy=BanditPolicy(evaluation_interval=1, slack_factor=0.1),
        primary_metric_name="Accuracy",
        primary_metric_goal=PrimaryMetricGoal.MAXIMIZE,
        max_total_runs=count,
        max_concurrent_runs=4,
    )
    sweep = submitted(experiment, config)
    assert sweep.wait_for_completion()["status"] == "Completed"

    trials = list(sweep.get_children())
    assert len(trials) == count
    assert {each.type for each in trials} == {"azureml.scriptrun"}
    # The best is the best by its metrics.
    accuracies = {
        run_id: metrics["Accuracy"] for run_id, metrics in sweep.get_metrics().items() if "Accuracy" in metrics
    }
    ranked = sweep.get_children_sorted_by_primary_metric()
    values = [each["best_primary_metric"] for each in ranked]
    assert values == sorted(accuracies.values(), reverse=True) + [None] * (count - len(accuracies))
    best = sweep.get_best_run_by_primary_metric()
    assert best is not None
    assert best.get_metrics()["Accuracy"] == max(accuracies.values())
    assert "outputs/model.joblib" in best.get_file_names()
    assert sweep.properties["best_child_run_id"] == ranked[0]["run_id"]
    # Each trial was given what it says, and those that were stopped say why.
    given = {run_id: json.loads(text or "") for run_id, text in sweep.get_hyperparameters().items()}
    assert len({(each["--kernel"], each["--penalty"]) for each in given.values()}) == count
    for each in trials:
        parameters = given[each.id]
        arguments = ["--kernel", parameters["--kernel"], "--penalty", str(parameters["--penalty"])]
        assert each.get_details()["runDefinition"]["arguments"] == arguments
        assert each.get_status() in ("Completed", "Canceled")
        if each.get_status() == "Canceled":
            assert each.get_details()["error"]["error"]["message"].startswith("Bandit: after 1 report its best")


@pytest.mark.parametrize("team", ["here", "sqlite"], indirect=True)  # and of a workspace on a server
def test_a_trial_that_falls_behind_is_stopped_and_says_why(trial: Any, experiment: Experiment) -> None:
    # The worse ones wait until they are stopped: without the policy the sweep would not end.
    script_config = trial(
        """
        for epoch in range(4):
            run.log("score", args.a)
        while args.a < 2:
            time.sleep(0.05)
        """,
        "a",
    )
    policy = BanditPolicy(evaluation_interval=2, slack_factor=0.2, delay_evaluation=4)
    sweep = submitted(experiment, configured(script_config, {"a": choice(1, 2)}, policy=policy))
    assert sweep.wait_for_completion()["status"] == "Completed"
    by_rank = sweep.get_children_sorted_by_primary_metric()
    assert [(each["best_primary_metric"], each["status"]) for each in by_rank] == [(2, "Completed"), (1, "Canceled")]
    reason = "Bandit: after 4 reports its best, 1, is not within slack_factor 0.2 of the best of all, 2"
    worse = Run.get(experiment.workspace, by_rank[1]["run_id"])
    assert worse.get_details()["error"]["error"] == {"code": "EarlyTermination", "message": reason, "details": ""}
    assert worse.tags["early_termination"] == reason
    assert reason in sweep.get_details_with_logs()["logFiles"]["azureml-logs/hyperdrive.txt"]


@only_thorough
def test_what_a_sweep_says_of_itself(trial: Any, ws: Workspace, experiment: Experiment) -> None:
    script_config = trial('run.log("score", (args.a - 2) ** 2)\nrun.log("score", 9.0)', "a", arguments=["--own", 1])
    config = configured(script_config, {"a": choice(1, 2, 4)}, primary_metric_goal=PrimaryMetricGoal.MINIMIZE)
    sweep = submitted(experiment, config)
    sweep.wait_for_completion()
    found = Run.get(ws, sweep.id)
    assert isinstance(found, HyperDriveRun)
    assert [each.id for each in experiment.get_runs(type="hyperdrive")] == [sweep.id]
    assert json.loads(found.properties["primary_metric_config"]) == {"name": "score", "goal": "minimize"}
    assert found.hyperdrive_config._primary_metric_config == {"name": "score", "goal": "minimize"}
    assert found.hyperdrive_config.source_directory == str(script_config.source_directory)
    assert json.loads(found.tags["policy_config"] or "") == {"name": "Default"}
    ranked = found.get_children_sorted_by_primary_metric()
    assert [each["best_primary_metric"] for each in ranked] == [0, 1, 4]
    assert [json.loads(each["hyperparameters"])["a"] for each in ranked] == [2, 1, 4]
    assert found.get_children_sorted_by_primary_metric(top=1, reverse=True) == ranked[2:]
    best = Run.get(ws, ranked[0]["run_id"])
    assert best.get_details()["runDefinition"]["arguments"] == ["--own", "1", "--a", "2"]
    table = Run.get_metrics(found)["best_child_by_primary_metric"]
    assert (table["run_id"][-1], table["metric_value"][-1], table["final"][-1]) == (best.id, 0, True)
    assert best.get_snapshot_id() == found.get_snapshot_id()
    with pytest.raises(UserErrorException, match="There is a run .* already"):
        experiment.submit(configured(script_config, {"a": choice(1)}, custom_run_id=sweep.id))
    with pytest.raises(UserErrorException, match="up to 100 letters"):
        configured(script_config, {"a": choice(1)}, custom_run_id="a/b")


def test_a_controller_that_is_killed_is_replaced_and_no_trial_is_lost_or_done_twice(
    trial: Any,
    ws: Workspace,
    experiment: Experiment,
    tmp_path: Path,
    script: Script,  # noqa: F811
) -> None:
    begun = tmp_path / "begun"
    begun.mkdir()
    # Trials end only when the gate is open, so that the kill comes in the middle.
    gate = tmp_path / "gate"
    script_config = trial(
        f"""
        open({str(begun)!r} + "/" + run.id + "." + str(os.getpid()), "w").close()
        while not os.path.exists({str(gate)!r}):
            time.sleep(0.05)
        run.log("score", args.a)
        """,
        "a",
    )
    sampling = RandomParameterSampling({"a": uniform(0, 1)}, {"seed": 4})
    config = configured(script_config, {}, hyperparameter_sampling=sampling, max_total_runs=6, max_concurrent_runs=2)
    sweep = submitted(experiment, config)
    until(lambda: len(list(begun.iterdir())) == 2)
    agents = [each for each in psutil.process_iter() if _is_own(each, "agent", ws._recorder.folder)]
    for each in agents:
        each.kill()
    psutil.Process(supervisor_of(sweep)).kill()
    gate.touch()
    until(lambda: not any(job_folder(ws._recorder.folder, f"{sweep.id}_{number}").exists() for number in range(2)))
    # Another process of Milepost that opens the workspace is enough.
    script(
        "from azureml.core import Workspace; [print(each.id) for each in Workspace.get('test').experiments.values()]"
    )
    until(lambda: not folder_of(sweep).exists())

    assert sweep.get_status() == "Completed"
    trials = {each.id: each for each in sweep.get_children()}
    assert set(trials) == {f"{sweep.id}_{number}" for number in range(6)}
    assert {each.get_status() for each in trials.values()} == {"Completed"}
    assert sorted(each.name.rpartition(".")[0] for each in begun.iterdir()) == sorted(trials)
    assert len(set(sweep.get_hyperparameters().values())) == 6


def test_supervisors_come_from_one_process_whose_death_costs_no_trial(
    trial: Any, ws: Workspace, experiment: Experiment
) -> None:
    script_config = trial("run.log('score', args.a)\ntime.sleep(0.5)", "a")
    sweep = submitted(experiment, configured(script_config, {"a": choice(*range(6))}, max_concurrent_runs=2))
    workspace = ws._recorder.folder
    until(lambda: any((job_folder(workspace, f"{sweep.id}_{number}") / "started.json").exists() for number in (0, 1)))
    (server,) = [each for each in psutil.process_iter() if _is_own(each, "fork", workspace)]
    assert [each.cmdline()[1] for each in server.children()] == ["supervise"] * len(server.children())
    server.kill()
    assert sweep.wait_for_completion()["status"] == "Completed"
    assert [each.get_status() for each in sweep.get_children()] == ["Completed"] * 6
    assert not psutil.pid_exists(server.pid)


def _is_own(process: psutil.Process, kind: str, workspace: Path) -> bool:
    try:
        arguments = process.cmdline()
    except psutil.Error:
        return False
    return kind in arguments and str(workspace) in arguments


def test_a_sweep_that_is_cancelled_takes_all_its_trials_along(trial: Any, experiment: Experiment) -> None:
    script_config = trial("run.log('score', 1)\ntime.sleep(600)")
    sweep = submitted(experiment, configured(script_config, {"a": choice(1, 2, 3)}, max_concurrent_runs=2))
    until(lambda: sum("score" in each.get_metrics() for each in sweep.get_children(status="Running")) == 2)
    assert sweep.cancel() is True
    sweep.wait_for_completion()
    assert sweep.get_status() == "Canceled"
    trials = list(sweep.get_children())
    assert [each.get_status() for each in trials] == ["Canceled", "Canceled"]
    assert trials[0].get_details()["error"]["error"]["code"] == "ParentCanceled"
    assert sweep.get_best_run_by_primary_metric(include_canceled=False) is None
    assert sweep.get_best_run_by_primary_metric() is not None


def test_a_sweep_that_takes_too_long_ends_with_what_there_is(
    trial: Any, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("milepost.sdk.sweeps.sweep_submission.MINUTE_S", 0.02)
    script_config = trial("time.sleep(600)")
    sweep = submitted(experiment, configured(script_config, {"a": choice(1, 2)}, max_duration_minutes=1))
    assert sweep.wait_for_completion()["status"] == "Canceled"
    assert sweep.get_details()["error"]["error"]["code"] == "MaxDurationExceeded"


@only_thorough
def test_a_sweep_whose_trials_all_fail_fails_and_says_why(trial: Any, experiment: Experiment) -> None:
    sweep = submitted(experiment, configured(trial("raise ValueError('no data')"), {"a": choice(1, 2)}))
    with pytest.raises(ActivityFailedException, match=r"All 2 trials failed\. The first one.*ValueError: no data"):
        sweep.wait_for_completion()
    assert [each["best_primary_metric"] for each in sweep.get_children_sorted_by_primary_metric()] == [None, None]
    assert sweep.get_children_sorted_by_primary_metric(discard_no_metric=True) == []


def test_a_sweep_goes_on_from_an_earlier_one(trial: Any, ws: Workspace, experiment: Experiment) -> None:
    script_config = trial('run.log("score", args.a)\nprint(os.environ.get("MILEPOST_RESUME_FROM"))', "a")
    first = submitted(experiment, configured(script_config, {"a": choice(5, 7)}))
    first.wait_for_completion()
    best = first.get_best_run_by_primary_metric()
    assert best is not None
    config = configured(
        script_config,
        {},
        hyperparameter_sampling=BayesianParameterSampling({"a": uniform(0, 1)}, {"seed": 1}),
        max_total_runs=2,
        max_concurrent_runs=1,
        resume_from=first,
        resume_child_runs=[best],
    )
    second = search(config, ws, experiment.name)
    second.wait_for_completion()
    parameters = [json.loads(second.get_hyperparameters()[f"{second.id}_{number}"] or "") for number in (0, 1)]
    assert parameters[0] == {"a": 7}
    assert 0 <= parameters[1]["a"] <= 1
    again = Run.get(ws, f"{second.id}_0")
    assert again.tags["resumed_from"] == best.id
    assert best.id in again.get_details_with_logs()["logFiles"]["azureml-logs/70_driver_log.txt"]
    assert json.loads(second.properties["resume_from"]) == [first.id]
    assert second.get_best_run_by_primary_metric(include_resume_from_runs=False) == again
    with pytest.raises(UserErrorException, match="is no trial of a sweep"):
        experiment.submit(configured(script_config, {"a": choice(1)}, resume_child_runs=[first]))
    with pytest.raises(UserErrorException, match="resume_from is a HyperDriveRun"):
        configured(script_config, {"a": choice(1)}, resume_from=best)
