"""The packages of an interpreter are listed exactly, whatever interpreter it is."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.jobs import packages
from milepost.jobs.package_memory import FOLDER, packages_of

POSIX = pytest.mark.skipif(os.name == "nt", reason="the interpreters are shell scripts")


def others() -> list[str]:
    """Other Pythons of this machine; tests of old ones are skipped where there are none."""
    found = [str(path) for path in sorted((Path.home() / ".pyenv" / "versions").glob("*/bin/python"))]
    return [*found, *filter(None, map(shutil.which, ("python2", "python3")))]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty virtual environment."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    return folder


@pytest.fixture
def site(environment: Path) -> Path:
    """The folder of its packages, empty."""
    folder = next(environment.rglob("site-packages"))
    for each in folder.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    shutil.rmtree(environment / "conda-meta", ignore_errors=True)
    return folder


def python_of(environment: Path) -> str:
    return str(environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def install(site: Path, name: str, version: str, **files: str) -> None:
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: not this\n")
    for file, content in files.items():
        (folder / file.replace("direct_url", "direct_url.json")).write_text(content)


def listed(environment: Path, **more: Any) -> list[dict[str, str]]:
    found = packages.of(python_of(environment), **more)
    assert "problem" not in found
    result: list[dict[str, str]] = found["packages"]
    return result


class TestThisInterpreter:
    def test_the_list_is_the_one_that_the_standard_library_makes(self) -> None:
        found = packages.of(sys.executable)
        assert found["python"] == {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "executable": sys.executable,
        }
        told = {packages._normal(each["name"]): each["version"] for each in found["packages"]}
        known = {
            packages._normal(each.metadata["Name"]): each.version
            for each in importlib.metadata.distributions()
            if each.locate_file("").name in ("site-packages", "dist-packages")  # type: ignore[attr-defined]
        }
        assert known.items() <= told.items()
        assert told["pytest"] == importlib.metadata.version("pytest")

    def test_it_is_sorted_by_name_and_fit_for_json(self) -> None:
        found = packages.of(sys.executable)
        assert json.loads(json.dumps(found)) == found
        names = [packages._normal(each["name"]) for each in found["packages"]]
        assert names == sorted(names)
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("interpreter", others() or [sys.executable])
def test_every_python_of_this_machine_tells_its_packages(interpreter: str) -> None:
    version = subprocess.run(
        [interpreter, "-c", "import platform; print(platform.python_version())"],
        capture_output=True,
        text=True,
        check=False,
    )
    if version.returncode:
        pytest.skip("this Python does not start")
    found = packages.of(interpreter)
    assert "problem" not in found
    assert found["python"]["version"] == version.stdout.strip()
    known = subprocess.run(
        [interpreter, "-m", "pip", "--disable-pip-version-check", "list", "--format=json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if known.returncode == 0:
        told = {packages._normal(each["name"]): each["version"] for each in found["packages"]}
        assert {packages._normal(each["name"]): each["version"] for each in json.loads(known.stdout)} == told


class TestSources:
    def test_a_package_of_an_index_has_none(self, environment: Path, site: Path) -> None:
        install(site, "scikit-learn", "1.5.2", INSTALLER="pip\n")
        assert listed(environment) == [{"name": "scikit-learn", "version": "1.5.2"}]

    @pytest.mark.parametrize(
        ("origin", "source"),
        [
            (
                {"url": "https://host/repo.git", "vcs_info": {"vcs": "git", "commit_id": "abc123"}},
                "git+https://host/repo.git@abc123",
            ),
            ({"url": "file:///home/me/lib", "dir_info": {"editable": True}}, "editable file:///home/me/lib"),
            ({"url": "file:///home/me/lib", "dir_info": {}}, "file:///home/me/lib"),
            ({"url": "https://host/a.whl", "archive_info": {}}, "https://host/a.whl"),
            (
                {"url": "https://host/r", "vcs_info": {"vcs": "git"}, "subdirectory": "python"},
                "git+https://host/r#subdirectory=python",
            ),
        ],
    )
    def test_one_that_is_from_elsewhere_tells_it(
        self, environment: Path, site: Path, origin: dict[str, Any], source: str
    ) -> None:
        install(site, "lib", "1", direct_url=json.dumps(origin))
        assert listed(environment) == [{"name": "lib", "version": "1", "source": source}]

    @pytest.mark.parametrize("user", ["me:s3cret@", "s3cret@", "a@b:s3cret@"])
    def test_passwords_in_addresses_are_left_out(self, environment: Path, site: Path, user: str) -> None:
        install(site, "lib", "1", direct_url=json.dumps({"url": f"https://{user}host:8080/a.whl", "archive_info": {}}))
        assert listed(environment) == [{"name": "lib", "version": "1", "source": "https://host:8080/a.whl"}]

    @pytest.mark.parametrize("origin", ["", "{", "[]", "{}", '{"url": 3}', '{"url": "x", "vcs_info": 4}'])
    def test_a_record_that_cannot_be_read_is_passed_over(self, environment: Path, site: Path, origin: str) -> None:
        install(site, "lib", "1", direct_url=origin)
        assert [each["name"] for each in listed(environment)] == ["lib"]

    def test_packages_of_conda_are_told_with_those_that_are_not_for_python(self, environment: Path, site: Path) -> None:
        install(site, "numpy", "1.26.4", INSTALLER="conda")
        install(site, "torch", "2.3.0", INSTALLER="conda")
        install(site, "azureml-core", "1.60", INSTALLER="pip")
        meta = environment / "conda-meta"
        meta.mkdir()
        for name in ("numpy-1.26.4-py310h1_0", "pytorch-2.3.0-cpu_0", "cuda-cudart-dev-12.1.105-0"):
            (meta / f"{name}.json").write_text("{}")
        (meta / "history").write_text("")
        assert listed(environment) == [
            {"name": "azureml-core", "version": "1.60"},
            {"name": "cuda-cudart-dev", "version": "12.1.105", "source": "conda"},
            {"name": "numpy", "version": "1.26.4", "source": "conda"},
            {"name": "pytorch", "version": "2.3.0", "source": "conda"},
            {"name": "torch", "version": "2.3.0", "source": "conda"},
        ]

    def test_packages_that_pythonpath_adds_come_before_installed_ones(
        self, environment: Path, site: Path, tmp_path: Path
    ) -> None:
        install(site, "my_lib", "1")
        install(tmp_path, "my-lib", "2")
        found = listed(environment, variables={"PYTHONPATH": str(tmp_path)})
        assert found == [{"name": "my-lib", "version": "2", "source": f"folder {tmp_path}"}]

    def test_old_kinds_of_records_are_read(self, environment: Path, site: Path) -> None:
        (site / "a-1.egg-info").write_text("Metadata-Version: 1.0\nName: a\nVersion: 1\n")
        (site / "b.egg-info").mkdir()
        (site / "b.egg-info" / "PKG-INFO").write_text("Name: b\nVersion: 2\n")
        egg = site / "c-3-py3.11.egg"
        (egg / "EGG-INFO").mkdir(parents=True)
        (egg / "EGG-INFO" / "PKG-INFO").write_text("Name: c\nVersion: 3\n")
        (site / "easy-install.pth").write_text("./c-3-py3.11.egg\n")
        assert [(each["name"], each["version"]) for each in listed(environment)] == [("a", "1"), ("b", "2"), ("c", "3")]


class TestMemory:
    @pytest.fixture
    def remembered(self, environment: Path, tmp_path: Path) -> Callable[..., list[str]]:
        """Names and versions as they are remembered; whatever is there was put there long ago."""

        def ask(**variables: str) -> list[str]:
            for folder in (environment, tmp_path / "more"):
                for path in [folder, *folder.rglob("*")] if folder.exists() else ():
                    if time.time() - path.stat().st_mtime < 1000:
                        os.utime(path, (self.clock(), self.clock()), follow_symlinks=False)
            found = packages_of(python_of(environment), {**os.environ, **variables}, tmp_path)
            return [f"{each['name']} {each['version']}" for each in found["packages"]]

        return ask

    def clock(self) -> float:
        self.now = getattr(self, "now", time.time() - 100_000) + 1
        return self.now

    def test_the_interpreter_is_asked_once(
        self, remembered: Callable[..., list[str]], site: Path, environment: Path, tmp_path: Path
    ) -> None:
        install(site, "a", "1")
        (site / "told.pth").write_text(
            f"import pathlib; pathlib.Path({str(tmp_path / 'asked')!r}).open('a').write('.')"
        )
        assert remembered() == ["a 1"]
        asked = (tmp_path / "asked").read_text()
        assert [remembered(), remembered(AZUREML_RUN_ID="another")] == [["a 1"]] * 2
        assert (tmp_path / "asked").read_text() == asked

    @pytest.mark.parametrize(
        "change",
        [
            lambda site, more: install(site, "b", "2"),
            lambda site, more: (site / "a-1.dist-info" / "METADATA").write_text("Name: b\nVersion: 2\n"),
            lambda site, more: (site / "more.pth").write_text(f"{more}\n"),
            lambda site, more: (site / "there.pth").write_text(f"{more}\n"),
        ],
    )
    def test_what_has_changed_is_seen(
        self, remembered: Callable[..., list[str]], site: Path, tmp_path: Path, change: Callable[[Path, Path], Any]
    ) -> None:
        install(site, "a", "1")
        (site / "there.pth").write_text("")
        (tmp_path / "more").mkdir()
        install(tmp_path / "more", "b", "2")
        assert remembered() == ["a 1"]
        change(site, tmp_path / "more")
        assert "b 2" in remembered()

    def test_what_the_variables_add_is_seen(
        self, remembered: Callable[..., list[str]], site: Path, tmp_path: Path
    ) -> None:
        install(site, "a", "1")
        assert remembered(PYTHONPATH=str(tmp_path / "more")) == ["a 1"]
        (tmp_path / "more").mkdir()
        install(tmp_path / "more", "b", "2")
        assert remembered() == ["a 1"]
        assert remembered(PYTHONPATH=str(tmp_path / "more")) == ["a 1", "b 2"]

    def test_what_was_changed_a_moment_ago_is_not_relied_on(
        self, environment: Path, site: Path, tmp_path: Path
    ) -> None:
        install(site, "a", "1")
        packages_of(python_of(environment), os.environ, tmp_path)
        assert not (tmp_path / FOLDER).exists()


class TestTrouble:
    def test_records_that_say_nothing_are_passed_over(self, environment: Path, site: Path) -> None:
        (site / "empty-1.dist-info").mkdir()
        (site / "binary-1.dist-info").mkdir()
        (site / "binary-1.dist-info" / "METADATA").write_bytes(os.urandom(5000))
        (site / "~umpy-1.dist-info").mkdir()
        (site / "~umpy-1.dist-info" / "METADATA").write_text("Name: numpy\nVersion: 1\n")
        install(site, "good", "1")
        assert {"name": "good", "version": "1"} in listed(environment)
        assert "numpy" not in [each["name"] for each in listed(environment)]

    def test_names_are_printable_and_bounded(self, environment: Path, site: Path) -> None:
        install(site, "bad", "1", METADATA="Name: \x1b[31mred\x07" + "x" * 5000 + "\nVersion: \u202e1\n")
        (package,) = listed(environment)
        assert package["name"].isprintable()
        assert len(package["name"]) <= 200
        assert package["version"] == "?1"

    def test_what_a_package_prints_when_python_starts_is_no_trouble(self, environment: Path, site: Path) -> None:
        install(site, "good", "1")
        (site / "noise.pth").write_text("import sys; sys.stdout.write('milepost')\n")
        assert listed(environment) == [{"name": "good", "version": "1"}]

    def test_nothing_is_imported_from_the_current_folder(
        self, environment: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        install(site, "good", "1")
        (tmp_path / "json.py").write_text("raise SystemExit(9)\n")
        monkeypatch.chdir(tmp_path)
        assert listed(environment) == [{"name": "good", "version": "1"}]

    def test_an_interpreter_that_is_not_there_is_told(self) -> None:
        found = packages.of("/nowhere/python")
        assert found["packages"] == []
        assert found["python"]["executable"] == "/nowhere/python"
        assert "/nowhere/python" in found["problem"]

    @POSIX
    @pytest.mark.parametrize(
        ("script", "problem"),
        [
            ("exit 3", "exit code 3"),
            ("echo milepost-packages:nonsense", "could not be read"),
            ("echo 'milepost-packages:[]'", "could not be read"),
            ('echo \'milepost-packages:{"packages": [1], "conda": []}\'', "could not be read"),
            ("exec sleep 20", "did not answer within 0.5 s"),
            ("sleep 20 & exec sleep 20", "did not answer within 0.5 s"),
            ("exec cat /dev/zero", "printed without end|did not answer"),
        ],
    )
    def test_an_interpreter_that_is_none_is_told(self, tmp_path: Path, script: str, problem: str) -> None:
        import re

        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        found = packages.of(str(program), timeout_s=0.5)
        assert found["packages"] == []
        assert re.search(problem, found["problem"])

    @POSIX
    def test_a_path_from_the_current_folder_is_understood(
        self, environment: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(environment)
        assert "problem" not in packages.of("bin/python")


@given(st.text(max_size=80))
def test_any_name_of_a_conda_record_gives_a_name_and_a_version(stem: str) -> None:
    name, version = packages._conda_package(stem)
    assert stem.startswith(f"{name}-{version}-" if stem.count("-") >= 2 else name)


@given(st.text(max_size=300), st.one_of(st.text(max_size=100), st.just('{"url": "https://u:p@h/x"}')), st.text())
def test_any_record_gives_a_source_or_none(installer: str, origin: str, place: str) -> None:
    source = packages._source(installer, origin, place)
    assert source is None or isinstance(source, str)
