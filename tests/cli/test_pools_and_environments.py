"""``milepost compute`` and ``milepost environments``."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import Command, Record, one_line


class TestPools:
    def test_one_is_made_where_there_is_not_even_a_workspace(self, home: Path, milepost: Command) -> None:
        said = milepost(
            "compute", "create", "cluster", "--max-nodes", "2", "--description", "for tests", "--tag", "a=b"
        )
        assert said.out == "The pool cluster is made: 2 runs at a time.\n"
        (row,) = milepost("compute", "list", "--json").json["computes"]
        assert (row["name"], row["type"], row["max_nodes"], row["description"], row["tags"]) == (
            "cluster",
            "AmlCompute",
            2,
            "for tests",
            {"a": "b"},
        )
        assert milepost("compute", "list").out.splitlines()[1].split()[:5] == ["cluster", "AmlCompute", "2", "0", "0"]

    def test_it_is_changed_and_deleted(self, home: Path, milepost: Command) -> None:
        milepost("compute", "create", "cluster")
        assert milepost("compute", "update", "CLUSTER", "--max-nodes", "1").out == (
            "The pool cluster is changed: 1 run at a time.\n"
        )
        assert milepost("compute", "delete", "cluster", "--json").json["deleted"] == "cluster"
        assert "has no pools" in milepost("compute", "list").err

    @pytest.mark.parametrize(
        ("args", "said"),
        [
            (["create", "cluster"], "There is a pool 'cluster' already"),
            (["create", "Cluster"], "There is a pool 'cluster' already"),
            (["create", "no name"], "cannot name a compute target"),
            (["create", "local"], "this machine itself"),
            (["update", "absent", "--max-nodes", "1"], "has no pool 'absent'"),
            (["delete", "absent"], "has no pool 'absent'"),
            (["delete", " "], "has no pool ' '"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_wrong_names(self, home: Path, milepost: Command, args: list[str], said: str) -> None:
        milepost("compute", "create", "cluster")
        result = milepost("compute", *args, ok=False)
        assert result.code == 2
        assert said in result.err


class TestEnvironments:
    def register(self, workspace: Any) -> None:
        from azureml.core import Environment
        from azureml.core.conda_dependencies import CondaDependencies

        own = Environment("own")
        own.python.user_managed_dependencies = True
        own.register(workspace)
        built = Environment("built")
        for packages in (["joblib"], ["joblib", "numpy"]):
            built.python.conda_dependencies = CondaDependencies.create(pip_packages=packages, pin_sdk_version=False)
            built.environment_variables = {"A": "1"}
            built.register(workspace)

    def test_listed_and_shown(self, home: Path, record: Record, milepost: Command) -> None:
        record(self.register)
        found = milepost("environments", "list", "--json").json["environments"]
        assert {(each["name"], each["version"]) for each in found} == {("own", 1), ("built", 2)}
        both = milepost("environments", "list", "built", "--json").json["environments"]
        assert {each["version"] for each in both} == {1, 2}
        assert "built: " in milepost("environments", "list").out
        assert "numpy" in milepost("environments", "show", "built").out
        first = milepost("environments", "show", "built:1")
        assert "numpy" not in first.out
        assert "A  1" in first.out
        assert milepost("environments", "show", "built:1", "--json").json["definition"]["version"] == "1"

    @pytest.mark.parametrize("name", ["absent", "built:9", "built:label", ""])
    def test_one_that_is_not_there(self, home: Path, record: Record, milepost: Command, name: str) -> None:
        record(self.register)
        result = milepost("environments", "show", name, ok=False)
        assert result.code == 2
        one_line(result)

    def built(self, home: Path, digit: str, age_days: float) -> Path:
        """A built environment as it lies in the cache, last used so long ago."""
        folder = home / "environments" / (digit * 32)
        (folder / "one" / "bin").mkdir(parents=True)
        (folder / "one" / "bin" / "python").write_text("x" * 1000)
        marker = folder / "ready.json"
        marker.write_text(json.dumps({"format": 1, "folder": "one", "made": 1.0}))
        then = time.time() - age_days * 86_400
        os.utime(marker, (then, then))
        return folder

    def test_those_that_nobody_uses_are_removed(self, home: Path, milepost: Command) -> None:
        old, new = self.built(home, "a", 40), self.built(home, "b", 20)
        result = milepost("environments", "prune", "--json").json
        assert result["removed"] == ["a" * 32]
        assert result["kept"] == 1
        assert result["freed_bytes"] > 1000
        assert (old.exists(), new.exists()) == (False, True)
        assert milepost("environments", "prune", "--older-than", "10d").out.startswith("Removed 1 environment (")

    def test_those_of_runs_on_their_way_stay(self, home: Path, milepost: Command, record: Record) -> None:
        from milepost.jobs.job import Job, write_job, write_json

        record(lambda workspace: None)
        kept = self.built(home, "a", 40)
        (workspace,) = (home / "workspaces").iterdir()
        job = Job("r1", "e", "default", "", "local", 1, "x.py", [], None, {}, {}, "python", "0" * 64)
        write_json(write_job(workspace, job, {}) / "prepared.json", {"digest": "a" * 32})
        assert milepost("environments", "prune", "--json").json["removed"] == []
        assert kept.exists()

    def test_nothing_to_remove(self, home: Path, milepost: Command) -> None:
        assert milepost("environments", "prune").out.startswith("Removed 0 environments; 0 environments kept")
        assert not home.exists()
