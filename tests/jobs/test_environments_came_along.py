"""What environments that were written for Azure's packages rely on: what those brought along, and an older Python."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from milepost.jobs import environment_plan
from milepost.jobs.interpreters import PythonFacts, facts
from tests.jobs.wheels import definition


@pytest.fixture
def submitter() -> PythonFacts:
    return facts(Path(sys.executable), None)


def test_what_azures_packages_depended_on_comes_along(tmp_path: Path, submitter: PythonFacts) -> None:
    plan = environment_plan.make(definition({"pip": ["scikit-learn", "azureml-defaults"]}), submitter, tmp_path)
    assert {"numpy", "pandas"} <= set(plan.came_along)
    assert plan.packages == ("scikit-learn",)


def test_what_was_asked_for_is_not_named_again(tmp_path: Path, submitter: PythonFacts) -> None:
    plan = environment_plan.make(definition({"pip": ["Pandas==2.0", "azureml-defaults"]}), submitter, tmp_path)
    assert "pandas" not in plan.came_along
    assert plan.packages == ("Pandas==2.0",)


def test_nothing_comes_along_where_none_of_azures_packages_is_wanted(tmp_path: Path, submitter: PythonFacts) -> None:
    assert environment_plan.make(definition({"pip": ["six"]}), submitter, tmp_path).came_along == ()


@pytest.mark.parametrize("wish", ["python=3.6", "python=3.8.5", "python>=3.6,<3.9", "python<=3.7"])
def test_a_python_too_old_for_milepost_gives_way_where_scripts_need_milepost(
    wish: str, tmp_path: Path, submitter: PythonFacts
) -> None:
    plan = environment_plan.make(definition(wish, {"pip": ["azureml-defaults"]}), submitter, tmp_path)
    assert plan.wish is None
    assert any(wish in note and "3.10 or later" in note for note in plan.notes)


@pytest.mark.parametrize(("wish", "packages"), [("python=3.8", []), ("python=3.39", ["azureml-defaults"])])
def test_any_other_wish_stays(wish: str, packages: list[str], tmp_path: Path, submitter: PythonFacts) -> None:
    plan = environment_plan.make(definition(wish, {"pip": packages}), submitter, tmp_path)
    assert plan.wish is not None
    assert plan.wish.text == wish
