"""What a run's environment may be: an interpreter that is there, and what of a definition is refused."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.jobs.environments import EnvironmentFailed, notes
from tests.jobs.wheels import Place, definition, user_managed


@pytest.fixture
def place(tmp_path: Path) -> Place:
    folder = tmp_path / "work"
    folder.mkdir()
    return Place(tmp_path / "cache", folder, tmp_path / "wheels")


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("path", ["python", None, ""])
def test_no_path_and_the_name_python_mean_the_interpreter_that_submitted(place: Place, path: str | None) -> None:
    found = place.ready(user_managed(path))
    assert found is not None
    assert found.path == sys.executable
    assert not found.managed
    assert found.digest is None
    assert place.prepare(user_managed(path)) == found


def test_the_submitting_interpreter_is_ready_without_a_cache_being_made(place: Place) -> None:
    assert place.ready(user_managed()) is not None
    assert not place.cache.exists()


def test_an_interpreter_in_a_virtual_environment_is_told_as_such(place: Place, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "own"], check=True)
    python = tmp_path / "own" / "bin" / "python"
    found = place.prepare(user_managed(str(python)))
    assert found.path == str(python)  # and not what it is a link to
    assert found.variables["VIRTUAL_ENV"] == str(tmp_path / "own")


def test_another_interpreter_is_asked_once_and_then_ready(place: Place, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    python = executable(tmp_path / "py", f'#!/bin/sh\necho >> {calls}\nexec {sys.executable} "$@"\n')
    wanted = user_managed(str(python))
    assert place.ready(wanted) is None
    place.prepare(wanted)
    assert place.ready(wanted) is not None
    place.prepare(wanted)
    assert len(calls.read_text().splitlines()) == 1


def test_a_changed_interpreter_is_asked_again(place: Place, tmp_path: Path) -> None:
    python = executable(tmp_path / "py", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    wanted = user_managed(str(python))
    place.prepare(wanted)
    executable(python, "#!/bin/sh\nexit 3\n")
    assert place.ready(wanted) is None
    with pytest.raises(EnvironmentFailed, match="no Python"):
        place.prepare(wanted)


def test_a_relative_path_leads_from_the_working_directory_of_the_job(place: Place) -> None:
    (place.folder / "tools").mkdir()
    (place.folder / "tools" / "py").symlink_to(sys.executable)
    assert place.prepare(user_managed("tools/py")).path == str(place.folder / "tools" / "py")


def test_a_name_is_looked_up_on_path(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "my-python").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    assert place.prepare(user_managed("my-python")).path == str(tmp_path / "bin" / "my-python")


def test_a_tilde_is_the_home_folder(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "py").symlink_to(sys.executable)
    assert place.prepare(user_managed("~/py")).path == str(tmp_path / "py")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/nowhere/bin/python", "'/nowhere/bin/python' is not there"),
        ("no-such-python", "'no-such-python' is not on PATH"),
        ("gone/python", "'gone/python' is not there"),
        ("data.txt", "'data.txt' is not on PATH"),
        ("./data.txt", "not executable"),
        ("./folder", "is a folder"),
        ("./venv", "Did you mean .*venv/bin/python"),
        ("./link", "a link that leads nowhere"),
        ("./false", "is no Python: .* code 1"),
        ("./garbage", "cannot be started"),
        ("./liar", "is no Python"),
        ("a\0b", "NUL byte"),
        ("~nobody-of-this-name/python", "cannot be found"),
    ],
)
def test_an_interpreter_that_cannot_be_used_is_named(place: Place, path: str, message: str) -> None:
    (place.folder / "data.txt").write_text("")
    (place.folder / "folder").mkdir()
    (place.folder / "link").symlink_to("nothing")
    executable(place.folder / "venv" / "bin" / "python", "")
    executable(place.folder / "false", "#!/bin/sh\nexit 1\n")
    executable(place.folder / "garbage", "\0\1\2 no program")
    executable(place.folder / "liar", "#!/bin/sh\necho milepost-facts:[1]\n")
    with pytest.raises(EnvironmentFailed, match=message):
        place.prepare(user_managed(path))


def test_a_submitting_interpreter_that_has_gone_is_named(place: Place) -> None:
    place.submitter = "/gone/venv/bin/python"
    with pytest.raises(EnvironmentFailed, match="submitted the run, '/gone/venv/bin/python', is not there"):
        place.ready(user_managed())


def test_before_the_working_directory_is_there_a_missing_file_is_no_error_yet(place: Place) -> None:
    (place.folder).rmdir()
    assert place.ready(user_managed("tools/py")) is None
    assert place.ready(definition({"pip": ["-r requirements.txt"]})) is None
    with pytest.raises(EnvironmentFailed, match=r"requirements\.txt cannot be read"):
        place.prepare(definition({"pip": ["-r requirements.txt"]}))


def test_a_container_image_is_told_to_be_unused(place: Place) -> None:
    docker = {"enabled": True, "baseImage": "registry.example/image:1"}
    place.prepare(user_managed(docker=docker))
    assert "registry.example/image:1 is not used" in place.text


def test_azures_default_image_is_passed_over_in_silence() -> None:
    assert notes(definition(docker={"enabled": False, "baseImage": "mcr.microsoft.com/azureml/x:1"})) == []


@pytest.mark.parametrize("key", ["baseDockerfile", "buildContext"])
def test_a_dockerfile_is_refused_with_what_to_do(place: Place, key: str) -> None:
    wanted = definition(docker={key: "FROM ubuntu"})
    with pytest.raises(EnvironmentFailed, match=f"docker.{key}.*from_pip_requirements"):
        place.ready(wanted)
    with pytest.raises(EnvironmentFailed, match=f"docker.{key}"):
        place.prepare(wanted)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ([], "is a mapping, not list"),
        ({"python": []}, "'python' as list"),
        ({"docker": "x"}, "'docker' as str"),
        ({"python": {"userManagedDependencies": True, "interpreterPath": 3}}, "interpreterPath is int"),
        ({"python": {"condaDependencies": ["numpy"]}}, "condaDependencies as list"),
        (definition(3), "conda package 3 of the type int"),
        (definition({"pip": [1.5]}), "pip requirement 1.5 of the type float"),
        (definition({"pip": {"a": 1}}), "'pip' as dict"),
        (definition({"npm": ["x"]}), "'npm'"),
        (definition("numpy", channels=("--yes",)), "channel '--yes'"),
        (definition("python=three"), "python=three"),
        (definition(r={"rVersion": "3"}), "one for R"),
    ],
)
def test_a_definition_of_the_wrong_shape_is_refused_by_its_part(place: Place, wanted: Any, message: str) -> None:
    with pytest.raises(EnvironmentFailed, match=message):
        place.ready(wanted)
    with pytest.raises(EnvironmentFailed, match=message):
        place.prepare(wanted)


TEXTS = st.sampled_from(["", "python", "numpy", "python=3", "-r x", "/", "~", "mine", "\0", "a\nb", "é", "channel::x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("pip") | TEXTS, inner, max_size=3),
    max_leaves=8,
)
KEYS = ["interpreterPath", "userManagedDependencies", "condaDependencies", "condaDependenciesFile"]
PYTHON = st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, VALUES))
CONDA = st.fixed_dictionaries({}, optional={"channels": VALUES, "dependencies": VALUES, "name": VALUES})


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "name": VALUES,
            "python": VALUES | PYTHON | st.fixed_dictionaries({"condaDependencies": CONDA}),
            "docker": VALUES | st.fixed_dictionaries({}, optional={"baseImage": VALUES, "enabled": VALUES}),
            "spark": VALUES,
            "r": VALUES,
        },
    )
    | VALUES
)
def test_whatever_a_definition_is_it_is_understood_or_refused(wanted: Any) -> None:
    with tempfile.TemporaryDirectory() as name, contextlib.suppress(EnvironmentFailed):
        Place(Path(name, "cache"), Path(name), Path(name)).ready(wanted)


def test_a_conda_file_whose_aliases_grow_without_end_is_refused_at_once(place: Place) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    (place.folder / "conda.yml").write_text("\n".join([*lines, "dependencies: [*a29]", ""]))
    wanted = definition()
    wanted["python"] |= {"condaDependencies": None, "condaDependenciesFile": "conda.yml"}
    with pytest.raises(EnvironmentFailed, match="of the type list"):
        place.prepare(wanted)


def test_a_conda_file_is_read_from_the_working_directory(place: Place) -> None:
    (place.folder / "conda.yml").write_text("dependencies: [r-base, gcc]\n")
    wanted = definition()
    wanted["python"] |= {"condaDependencies": None, "condaDependenciesFile": "conda.yml"}
    with pytest.raises(EnvironmentFailed, match="r-base, gcc"):
        place.prepare(wanted)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("dependencies: [", "not the YAML"),
        ("!!python/object/apply:os.system ['touch hacked']", "not the YAML"),
        ("- a", "condaDependencies as list"),
        (None, "cannot be read"),
    ],
)
def test_a_conda_file_that_is_none_is_refused(
    place: Place, content: str | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.folder)
    if content is not None:
        (place.folder / "conda.yml").write_text(content)
    wanted = definition()
    wanted["python"] |= {"condaDependencies": None, "condaDependenciesFile": "conda.yml"}
    with pytest.raises(EnvironmentFailed, match=message):
        place.prepare(wanted)
    assert not (place.folder / "hacked").exists()


def test_a_cache_that_cannot_be_written_is_told(place: Place) -> None:
    place.cache.write_text("a file")
    with pytest.raises(EnvironmentFailed, match="could not be prepared"):
        place.prepare(definition())
