"""Managed environments, built with the real uv: from wheels of the test's own, and a few from the package index."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from milepost.jobs import conda, environments, own_code
from milepost.jobs.environments import EnvironmentFailed
from tests.jobs.wheels import Place, definition, make_wheel

OWN = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(conda, "find_program", lambda: None)  # as on a machine without one
    folder = tmp_path / "my work"  # a space in every path
    folder.mkdir()
    return Place(tmp_path / "my cache", folder, tmp_path / "my wheels")


def run(python: str, code: str, **variables: str) -> str:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, env=clean | variables, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def links(place: Place, *packages: str) -> dict[str, list[str]]:
    """The wheels' folder as a URL: a path with spaces cannot stand in a requirement."""
    return {"pip": ["--no-index", f"--find-links {place.wheels.as_uri()}", *packages]}


def test_packages_of_the_index_are_installed_and_milepost_works_inside(place: Place) -> None:
    found = place.prepare(definition("python=3.10.18", {"pip": ["six==1.16.0", "azureml-defaults"]}))
    assert found.managed
    assert found.path.startswith(f"{place.cache}{os.sep}{found.digest}")
    assert found.variables["VIRTUAL_ENV"] == str(Path(found.path).parent.parent)
    assert found.variables["PYTHONNOUSERSITE"] == "1"
    assert run(found.path, "import six; print(six.__version__)") == "1.16.0"
    assert "left out, as Milepost provides it: azureml-defaults" in place.text
    assert "python=3.10.18 is the SDK's own default" in place.text
    # The script's own: journal, store and all.
    code = """
import sys
from azureml.core import Workspace, Experiment
run = Experiment(Workspace.create("inside"), "x").start_logging(snapshot_directory=None)
run.log("mse", 0.5)
run.complete()
print(run.get_metrics()["mse"])
"""
    folder = own_code.code_folder(place.cache)
    said = run(found.path, code, PYTHONPATH=str(folder), MILEPOST_HOME=str(place.folder / "home"))
    assert said.splitlines()[-1] == "0.5"


def test_a_built_environment_is_ready_for_all_who_ask_after(place: Place) -> None:
    make_wheel(place.wheels, "alpha")
    wanted = definition(links(place, "alpha"))
    assert place.ready(wanted) is None
    built = place.prepare(wanted)
    assert place.ready(wanted) == built
    assert place.prepare(wanted) == built
    assert "Using the environment built on" in place.text
    assert "+ alpha==1.0" not in place.text
    log = place.cache / str(built.digest) / "build.log"
    assert "+ alpha==1.0" in log.read_text()


def test_what_is_to_be_told_of_an_environment_is_told_to_those_who_find_it_built_too(place: Place) -> None:
    make_wheel(place.wheels, "alpha")
    secret = f"--extra-index-url https://who:s3cr3t-{place.folder.stat().st_ino}@example.invalid/simple"
    wanted = definition(
        "python=3.7.9",
        "nomkl",
        links(place, "alpha", "azureml-defaults", secret),
        docker={"enabled": True, "baseImage": "img:1"},
    )
    built = place.prepare(wanted)
    assert built.notes == []
    kept = [
        line
        for line in place.log
        if line.startswith(f"Python {OWN}")
        or any(each in line for each in ("img:1", "left out", "3.7.9: Milepost", "nomkl", "could not be installed"))
    ]
    assert len(kept) >= 6
    found = place.ready(wanted)
    assert found is not None
    place.prepare(wanted)  # as one that waited for the build does
    for told in (found.notes, place.log):
        assert [line for line in kept if line not in told] == []
        assert any(line.startswith("Using the environment built on") for line in told)
        assert "s3cr3t" not in "\n".join(told)
    # What another definition of the same environment had left out is not this one's.
    other = place.ready(definition(links(place, "alpha", "azureml-defaults", secret)))
    assert other == found
    assert "3.7.9" not in "\n".join(other.notes)


def test_the_same_packages_in_another_order_and_under_another_name_are_the_same_environment(place: Place) -> None:
    make_wheel(place.wheels, "alpha")
    make_wheel(place.wheels, "beta")
    one = place.prepare(definition(links(place, "alpha", "beta"), name="one"))
    two = place.ready(definition("python", links(place, "beta", "alpha # a word"), name="two", version="7"))
    assert two == one


def test_another_version_is_another_environment(place: Place) -> None:
    make_wheel(place.wheels, "alpha", "1.0")
    make_wheel(place.wheels, "alpha", "2.0")
    for version in ("1.0", "2.0"):
        found = place.prepare(definition(links(place, f"alpha=={version}")))
        assert run(found.path, "import alpha; print(alpha.VERSION)") == version


def test_what_milepost_needs_never_changes_what_was_asked_for(place: Place) -> None:
    make_wheel(place.wheels, "sqlalchemy", "0.1")
    found = place.prepare(definition({"pip": [f"--find-links {place.wheels.as_uri()}", "sqlalchemy==0.1"]}))
    assert run(found.path, "import sqlalchemy; print(sqlalchemy.VERSION)") == "0.1"
    assert "What Milepost needs could not be installed" in place.text


@pytest.mark.parametrize("wish", [f"python={OWN}", f"python={OWN}.*", f"python>={OWN},<4", f"python=={OWN}.99"])
def test_a_python_that_the_submitting_one_satisfies_is_that_one(place: Place, wish: str) -> None:
    found = place.prepare(definition(wish, {"pip": ["--no-index"]}))
    assert run(found.path, "import sys; print('%d.%d' % sys.version_info[:2])") == OWN
    assert "which submitted the run, will do" in place.text


def test_another_python_of_this_machine_is_taken_when_it_is_asked_for(place: Place) -> None:
    from milepost.jobs import interpreters, uv_program

    others = [
        version
        for version, _ in interpreters.installed(uv_program.find_uv())
        if version >= (3, 8, 0) and version[:2] != sys.version_info[:2]
    ]
    if not others:
        pytest.skip("there is no other Python on this machine")
    major, minor, _ = others[0]
    found = place.prepare(definition(f"python={major}.{minor}.98", {"pip": ["--no-index"]}))
    assert run(found.path, "import sys; print('%d.%d' % sys.version_info[:2])") == f"{major}.{minor}"
    assert "another patch release of the one asked for" in place.text


def test_a_python_that_is_nowhere_is_named_with_those_that_are_there(place: Place) -> None:
    with pytest.raises(EnvironmentFailed, match=rf"asks for 'python=3\.99'.*There are: .*{OWN}"):
        place.prepare(definition("python=3.99"))


def test_all_packages_that_do_not_exist_are_named_and_the_log_is_kept(place: Place) -> None:
    make_wheel(place.wheels, "alpha")
    wanted = definition(links(place, "no-such-one", "alpha", "no-such-two"), name="wrong")
    with pytest.raises(EnvironmentFailed, match=r"'wrong'.*not on the package index: no-such-one, no-such-two"):
        place.prepare(wanted)
    assert "no-such-one" in place.text
    assert any("no-such-one" in log.read_text() for log in place.cache.glob("*/build.log"))


def test_a_version_that_does_not_exist_is_named(place: Place) -> None:
    make_wheel(place.wheels, "alpha", "1.0")
    with pytest.raises(EnvironmentFailed, match=r"no such version: alpha==7"):
        place.prepare(definition(links(place, "alpha==7")))


def test_a_package_that_the_real_index_does_not_have_is_named(place: Place) -> None:
    with pytest.raises(EnvironmentFailed, match="not on the package index: no-such-package-of-milepost"):
        place.prepare(definition({"pip": ["no-such-package-of-milepost"]}))


def test_a_package_that_is_made_for_other_pythons_is_named_with_what_to_do(place: Place) -> None:
    make_wheel(place.wheels, "alpha").rename(place.wheels / "alpha-1.0-cp27-cp27mu-manylinux1_x86_64.whl")
    with pytest.raises(EnvironmentFailed, match=r"ask for another one, python=3\.x\): alpha"):
        place.prepare(definition(links(place, "alpha==1.0")))


def test_packages_that_contradict_each_other_are_told(place: Place) -> None:
    make_wheel(place.wheels, "alpha", "1.0")
    make_wheel(place.wheels, "beta", "1.0", needs=("alpha>=2",))
    with pytest.raises(EnvironmentFailed, match=r"alpha.*beta|beta.*alpha"):
        place.prepare(definition(links(place, "alpha==1.0", "beta")))


def test_a_failed_build_can_be_tried_again(place: Place) -> None:
    wanted = definition(links(place, "alpha"))
    place.wheels.mkdir()
    with pytest.raises(EnvironmentFailed, match="alpha"):
        place.prepare(wanted)
    make_wheel(place.wheels, "alpha")
    assert run(place.prepare(wanted).path, "import alpha; print(alpha.VERSION)") == "1.0"


def test_a_requirements_file_and_the_files_that_it_includes_are_read(place: Place) -> None:
    for name in ("alpha", "beta", "gamma"):
        make_wheel(place.wheels, name)
    make_wheel(place.wheels, "gamma", "2.0")
    (place.folder / "more").mkdir()
    (place.folder / "requirements.txt").write_bytes(b"\xef\xbb\xbfalpha\r\n# a word\r\n-r more/base.txt\n-c pins.txt\n")
    (place.folder / "more" / "base.txt").write_text("beta \\\n  ==1.0\ngamma\n-r ../requirements.txt\n")
    (place.folder / "pins.txt").write_text("gamma<2\n")
    found = place.prepare(definition(links(place, "-r requirements.txt")))
    assert run(found.path, "import alpha, beta, gamma; print(gamma.VERSION)") == "1.0"


def test_a_requirements_file_with_another_content_is_another_environment(place: Place) -> None:
    for name in ("alpha", "beta"):
        make_wheel(place.wheels, name)
    wanted = definition(links(place, "-r requirements.txt"))
    (place.folder / "requirements.txt").write_text("alpha\n")
    place.prepare(wanted)
    (place.folder / "requirements.txt").write_text("beta\n")
    assert place.ready(wanted) is None


def test_a_package_in_the_source_directory_outlives_the_runs_folder(place: Place) -> None:
    source = place.folder / "lib"
    source.mkdir()
    make_wheel(place.folder / "dist", "alpha")
    (source / "backend.py").write_text("")
    (source / "setup.py").write_text(
        "from setuptools import setup\nsetup(name='mylib', version='1', py_modules=['mylib'])\n"
    )
    (source / "mylib.py").write_text("WHERE = __file__\n")
    wanted = definition({"pip": ["-e lib", "dist/alpha-1.0-py3-none-any.whl"]})
    found = place.prepare(wanted)
    assert place.ready(wanted) == found
    source.rename(place.folder / "gone")
    where = run(found.path, "import alpha, mylib; print(mylib.WHERE)")
    assert where.startswith(str(place.cache))


def test_a_changed_package_in_the_source_directory_is_another_environment(place: Place) -> None:
    make_wheel(place.folder, "alpha", code="X = 1\n")
    wanted = definition({"pip": ["--no-index", "./alpha-1.0-py3-none-any.whl"]})
    place.prepare(wanted)
    make_wheel(place.folder, "alpha", code="X = 2\n")
    assert place.ready(wanted) is None
    assert run(place.prepare(wanted).path, "import alpha; print(alpha.X)") == "2"


def test_the_same_package_in_another_runs_folder_is_the_same_environment(place: Place, tmp_path: Path) -> None:
    wanted = definition({"pip": ["--no-index", "./alpha-1.0-py3-none-any.whl"]})
    data = make_wheel(place.folder, "alpha").read_bytes()
    first = place.prepare(wanted)
    place.folder = tmp_path / "another run"
    place.folder.mkdir()
    (place.folder / "alpha-1.0-py3-none-any.whl").write_bytes(data)
    assert place.ready(wanted) == first


def test_a_wheel_with_another_hash_than_asked_for_is_not_installed(place: Place) -> None:
    make_wheel(place.wheels, "alpha")
    with pytest.raises(EnvironmentFailed, match=r"(?i)hash"):
        place.prepare(definition(links(place, "alpha==1.0 --hash=sha256:" + "0" * 64)))


def test_conda_packages_are_taken_from_pypi_where_there_is_no_conda(place: Place) -> None:
    for name in ("alpha", "torch", "pyyaml"):
        make_wheel(place.wheels, name, "1.4")
    found = place.prepare(
        definition("conda-forge::alpha=1.4=py38_0", "pytorch>=1,<2", "pyyaml", "cudatoolkit=10.1", links(place))
    )
    assert run(found.path, "import alpha, torch, pyyaml; print(torch.VERSION)") == "1.4"
    assert "pytorch is torch on PyPI" in place.text
    assert "cudatoolkit=10.1: left out" in place.text
    assert "alpha==1.4.*" in place.text


def test_all_conda_packages_that_pypi_lacks_are_named_before_anything_is_built(place: Place) -> None:
    with pytest.raises(EnvironmentFailed, match=r"cudatoolkit=10\.1, gcc_linux-64, r-base.*micromamba"):
        place.ready(definition("cudatoolkit=10.1", "gcc_linux-64", "numpy", "r-base"))
    assert not place.cache.exists()


def test_passwords_of_an_index_are_in_no_log_and_no_error(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    url = "http://somebody:p%40ssword-1@127.0.0.1:9/simple?token=tokenvalue"
    other = "nothing @ http://a:secret-two@127.0.0.1:9/nothing-1.0.tar.gz"
    with pytest.raises(EnvironmentFailed) as caught:
        place.prepare(definition({"pip": [f"--index-url {url}", other]}))
    kept = "".join(
        each.read_text(errors="replace") for each in place.cache.rglob("*") if each.is_file() and each.suffix != ".lock"
    )
    for secret in ("p%40ssword-1", "p@ssword-1", "secret-two", "tokenvalue"):
        assert secret not in place.text + str(caught.value) + kept
    assert "127.0.0.1:9" in str(caught.value)


def test_variables_of_another_environment_do_not_lead_uv_astray(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(place.wheels, "alpha")
    other = tmp_path / "other"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", other], check=True)
    for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "CONDA_PREFIX", "UV_TARGET", "PYTHONPATH"):
        monkeypatch.setenv(name, str(other))
    (tmp_path / "bad.txt").write_text("alpha==9\n")
    monkeypatch.setenv("UV_CONSTRAINT", str(tmp_path / "bad.txt"))
    found = place.prepare(definition(links(place, "alpha")))
    assert run(found.path, "import alpha; print(alpha.VERSION)") == "1.0"
    assert not list(other.rglob("alpha*"))


def test_a_uv_configuration_in_the_source_directory_has_no_say(place: Place) -> None:
    make_wheel(place.wheels, "alpha")
    (place.folder / "uv.toml").write_text("[pip]\nno-binary = ['alpha']\n")
    (place.folder / "pyproject.toml").write_text("[tool.uv.pip]\nno-binary = ['alpha']\n")
    place.prepare(definition(links(place, "alpha")))


def test_lines_of_the_log_have_no_control_sequences(place: Place) -> None:
    place.prepare(definition({"pip": ["--no-index"]}))
    assert not [line for line in place.log if "\x1b" in line or "\n" in line or "\r" in line]


def test_an_environment_is_written_so_that_json_can_carry_it(place: Place) -> None:
    from dataclasses import asdict

    found = place.prepare(definition({"pip": ["--no-index"]}))
    assert environments.Interpreter(**json.loads(json.dumps(asdict(found)))) == found
