"""``milepost sweep``: what a file may say, and what is said of one that cannot be meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Command

pytestmark = pytest.mark.usefixtures("source")

SCRIPT = """
import sys
from azureml.core import Run
Run.get_context().log("loss", float(sys.argv[-1]))
"""
WHOLE = """
experiment: tuning
script: train.py
source: code
arguments: [--epochs, 2]
sampling: grid
parameters:
  rate: [0.5, 0.25]
metric: {name: loss, goal: minimize}
policy: {median: {evaluation_interval: 1, delay_evaluation: 5}}
limits: {concurrent: 2, minutes: 30}
tags: {team: blue}
name: first try
"""
SMALL = """
script: train.py
parameters: {rate: {uniform: [0, 1]}}
metric: {name: loss}
limits: {total: 3}
"""


def test_a_file_says_all_of_a_sweep(home: Path, milepost: Command) -> None:
    (Path("sweeps") / "code").mkdir(parents=True)
    Path("sweeps/code/train.py").write_text(SCRIPT)
    Path("sweeps/tuning.yaml").write_text(WHOLE)
    found = milepost("sweep", "sweeps/tuning.yaml", "--wait", "--json").json
    assert (found["experiment"], found["status"], found["type"]) == ("tuning", "Completed", "hyperdrive")
    assert found["name"] == "first try"
    assert found["tags"]["team"] == "blue"
    assert json.loads(found["tags"]["policy_config"])["name"] == "MedianStopping"
    listed = milepost("runs", "list", "--children", "--filter", "params.rate = 0.25", "--json").json["runs"]
    assert [each["parent_id"] for each in listed] == [found["id"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("metric: {name: loss}", ""), "metric is missing"),
        (("limits: {total: 3}", ""), "limits: total is missing: say how many trials there are to be"),
        (("limits: {total", "limit: {total"), "'limit' is not known; did you mean 'limits'?"),
        (("total: 3", "total: many"), "max_total_runs is a whole number from 1 to 100,000, not 'many'"),
        (("total: 3", "total: 3, concurent: 1"), "limits: 'concurent' is not known; did you mean 'concurrent'?"),
        (("uniform", "unifrom"), "parameters: rate has no distribution 'unifrom'; there are choice"),
        (("{uniform: [0, 1]}", "{uniform: 3}"), "parameters: rate uniform does not take [3]"),
        (("{uniform: [0, 1]}", "5"), "parameters: rate takes a list of options"),
        (("[0, 1]", "[1, 0]"), "min_value must be less than max_value"),
        (("script: train.py", "script: other.py"), "other.py"),
        (("script: train.py", "scripts: train.py"), "'scripts' is not known; did you mean 'script'?"),
        (("script: train.py", "script: train.py\ncommand: ls"), "give either 'script: train.py' or"),
        (("metric:", "policy: {bandit: {slack: 1}}\nmetric:"), "policy: bandit: 'slack' is not known"),
        (("metric:", "policy: bandit\nmetric:"), "BanditPolicy takes either slack_factor or slack_amount"),
        (("metric:", "policy: greedy\nmetric:"), "policy is one of bandit, median, truncation, none"),
        (("metric:", "sampling: best\nmetric:"), "sampling is one of random, grid, bayesian, not 'best'"),
        (("metric:", "sampling: grid\nmetric:"), "takes choice only"),
        (("metric:", "target: gpu\nmetric:"), "has no pool 'gpu'"),
        (("{name: loss}", "{name: loss, goal: best}"), "The goal is 'maximize' or 'minimize', not 'best'"),
        (("metric:", "metric: ["), "is not valid YAML"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(
    home: Path, milepost: Command, change: tuple[str, str], message: str
) -> None:
    Path("train.py").write_text(SCRIPT)
    Path("sweep.yaml").write_text(SMALL.replace(*change))
    result = milepost("sweep", "sweep.yaml", ok=False)
    assert result.code == 2
    assert message in result.err
    assert "sweep.yaml" in result.err or "pool" in message


def test_a_file_that_is_not_there(home: Path, milepost: Command) -> None:
    assert "is not there" in milepost("sweep", "no.yaml", ok=False).err
