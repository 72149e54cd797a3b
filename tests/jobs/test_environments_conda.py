"""Conda's specifications, what they are on PyPI, and how the conda of this machine is called.

The program here is a stand-in that writes down its arguments and makes a plain virtual environment: which packages a
real conda would find is its own affair.
"""

from __future__ import annotations

import json
import shutil
import string
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.jobs import conda_packages
from milepost.jobs.conda_packages import CondaPackage, on_pypi
from milepost.jobs.environments import EnvironmentFailed
from milepost.jobs.python_versions import read_wish
from tests.jobs.wheels import Place, definition, make_wheel, user_managed

OWN = f"{sys.version_info[0]}.{sys.version_info[1]}"

STAND_IN = """#!{python}
import json, sys
from pathlib import Path
here = Path(__file__).parent
arguments = sys.argv[1:]
if arguments[:2] == ["env", "list"]:
    print(json.dumps({{"envs": json.loads((here / "envs.json").read_text())}}))
    sys.exit()
options = dict(each.split("=", 1) for each in arguments if each.startswith("--") and "=" in each)
(here / "called.json").write_text(json.dumps([arguments, Path(options["--file"]).read_text().splitlines()]))
if (here / "fail.txt").exists():
    print((here / "fail.txt").read_text())
    sys.exit(1)
import venv
venv.create(options["--prefix"], with_pip=False)
Path(options["--prefix"], "conda-meta").mkdir()
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    folder = tmp_path / "work"
    folder.mkdir()
    return Place(tmp_path / "cache", folder, tmp_path / "wheels")


@pytest.fixture
def conda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the stand-in."""
    folder = tmp_path / "conda"
    folder.mkdir()
    (folder / "conda").write_text(STAND_IN.format(python=sys.executable))
    (folder / "conda").chmod(0o755)
    (folder / "envs.json").write_text("[]")
    monkeypatch.setenv("CONDA_EXE", str(folder / "conda"))
    return folder


def called(conda: Path) -> tuple[list[str], list[str]]:
    arguments, packages = json.loads((conda / "called.json").read_text())
    return arguments, packages


def test_conda_gets_the_packages_in_a_file_and_the_channels_in_order(place: Place, conda: Path) -> None:
    make_wheel(place.wheels, "alpha")
    found = place.prepare(
        definition(
            "python=3.8",
            "numpy>=1.16,<2",
            "conda-forge::gcc",
            "blas=*=openblas",
            "scipy 1.2 py38_0",
            "pip=20",
            place.pip("alpha"),
            channels=("conda-forge", "https://user:secret-word@conda.example/x"),
        )
    )
    arguments, packages = called(conda)
    assert arguments[:3] == ["create", "--yes", "--quiet"]
    assert arguments[5:] == ["--channel=conda-forge", "--channel=https://user:secret-word@conda.example/x"]
    assert packages == [
        "numpy>=1.16,<2",
        "conda-forge::gcc",
        "blas=*=openblas",
        "scipy=1.2=py38_0",
        "pip=20",
        "python=3.8",
    ]
    assert "secret-word" not in place.text
    assert "+ alpha==1.0" in place.text  # the pip part, with uv, in the same environment
    assert place.ready(definition()) is None
    assert found.managed


def test_no_channel_but_those_named_is_used_where_nodefaults_stands_among_them(place: Place, conda: Path) -> None:
    place.prepare(definition("numpy", {"pip": ["--no-index"]}, channels=("conda-forge", "nodefaults")))
    assert called(conda)[0][5:] == ["--channel=conda-forge", "--override-channels"]


def test_without_a_wish_conda_makes_the_python_that_submitted(place: Place, conda: Path) -> None:
    place.prepare(definition("python=3.10.18", "numpy", {"pip": ["--no-index"]}))
    assert called(conda)[1] == ["numpy", f"python={OWN}"]


def test_a_python_that_uv_cannot_have_is_asked_of_conda(place: Place, conda: Path) -> None:
    place.prepare(definition("python=3.99", {"pip": ["--no-index"]}))
    assert called(conda)[1] == ["python=3.99"]


def test_an_environment_of_pip_packages_alone_needs_no_conda(place: Place, conda: Path) -> None:
    make_wheel(place.wheels, "alpha")
    make_wheel(place.wheels, "pip", "99")
    place.prepare(definition("python", "pip", place.pip("alpha")))
    assert not (conda / "called.json").exists()


@pytest.mark.parametrize(
    ("said", "named"),
    [
        (
            "PackagesNotFoundError: The following packages are not available:\n\n  - nonesuch=1.0\n  - other\n\nok",
            "nonesuch=1.0, other",
        ),
        ("error    libmamba Could not solve\n - nothing provides requested nonesuch 1.0.*\n", "nonesuch 1.0"),
        ("The following package could not be installed\n└─ nonesuch =1.0 * does not exist (perhaps a typo", "nonesuch"),
    ],
)
def test_packages_that_conda_does_not_find_are_named(place: Place, conda: Path, said: str, named: str) -> None:
    (conda / "fail.txt").write_text(said)
    with pytest.raises(EnvironmentFailed, match=f"conda could not make .* not found on its channels: {named}"):
        place.prepare(definition("nonesuch=1.0"))
    assert "nonesuch" in place.text


def test_an_environment_of_conda_is_used_as_it_is(place: Place, conda: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "envs" / "mine"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "conda-meta").mkdir()
    (prefix / "bin" / "python").symlink_to(sys.executable)
    (conda / "envs.json").write_text(json.dumps([str(conda), str(prefix)]))
    wanted: dict[str, Any] = user_managed()
    for name in ("mine", str(prefix)):
        wanted["python"]["baseCondaEnvironment"] = name
        assert place.ready(wanted) is None
        found = place.prepare(wanted)
        assert found.path == str(prefix / "bin" / "python")
        assert found.variables == {"CONDA_PREFIX": str(prefix)}
        assert not found.managed


def test_an_environment_that_conda_does_not_know_is_named_beside_near_ones(place: Place, conda: Path) -> None:
    (conda / "envs.json").write_text(json.dumps(["/opt/conda", "/opt/conda/envs/training"]))
    wanted: dict[str, Any] = user_managed()
    wanted["python"]["baseCondaEnvironment"] = "trainig"
    with pytest.raises(EnvironmentFailed, match=r"'trainig'\. There are: training"):
        place.prepare(wanted)


def test_without_conda_a_conda_environment_cannot_be_found(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("CONDA_EXE", "MAMBA_EXE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    wanted: dict[str, Any] = user_managed()
    wanted["python"]["baseCondaEnvironment"] = "mine"
    with pytest.raises(EnvironmentFailed, match="there is no conda, mamba or micromamba here"):
        place.prepare(wanted)


@pytest.mark.skipif(shutil.which("micromamba") is None, reason="micromamba is not installed")
def test_the_real_micromamba_makes_an_environment(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDA_EXE", str(shutil.which("micromamba")))
    found = place.prepare(definition(f"python={OWN}", "six", channels=("conda-forge",)))
    assert "CONDA_PREFIX" in found.variables


@pytest.mark.parametrize(
    ("text", "version", "pip"),
    [
        ("numpy", "", "numpy"),
        ("NumPy=1.2", "=1.2", "numpy==1.2.*"),
        ("numpy==1.2.3", "==1.2.3", "numpy==1.2.3"),
        ("numpy >=1.2, <2", ">=1.2,<2", "numpy>=1.2,<2"),
        ("numpy=1.2=py38_0", "=1.2", "numpy==1.2.*"),
        ("numpy 1.2 py38_0", "==1.2", "numpy==1.2"),
        ("numpy 1.2.*", "=1.2", "numpy==1.2.*"),
        ("numpy=1.2.*", "=1.2", "numpy==1.2.*"),
        ("numpy!=1.2.*", "!=1.2.*", "numpy!=1.2.*"),
        ("numpy~=1.2", "~=1.2", "numpy~=1.2"),
        ("numpy=*", "", "numpy"),
        ("numpy[version='>=1,<2', build=x]", ">=1,<2", "numpy>=1,<2"),
        ("conda-forge::numpy", "", "numpy"),
        ("conda-forge/linux-64::numpy=1", "=1", "numpy==1.*"),
        ("opencv=4.5", "=4.5", "opencv-python-headless==4.5.*"),
        ("librosa", "", "librosa"),
        ("numpy  # why", "", "numpy"),
    ],
)
def test_specifications_are_read_and_translated(text: str, version: str, pip: str) -> None:
    package = conda_packages.read(text)
    assert package.version == version
    assert on_pypi([package]).requirements == [pip]


@pytest.mark.parametrize(
    "text",
    ["", "--yes", "-c evil", "numpy --yes", "numpy=1 -c evil", "numpy;x", "numpy&x", "numpy $(x)", "a\nb", "a=1\0",
     "::a", "-x::a", "a b c d", "a=1=b=c", "numpy>=", "é", "numpy=1.2=b;c", "a[build='x y']"],
)  # fmt: skip
def test_what_is_no_specification_is_refused(text: str) -> None:
    with pytest.raises(EnvironmentFailed, match="conda package"):
        conda_packages.read(text)


@given(st.text(max_size=30) | st.text(string.ascii_lowercase + string.digits + "=<>!~*|,.:[]'-_ \t", max_size=30))
def test_whatever_is_read_is_plain_in_conda_and_in_pip(text: str) -> None:
    try:
        package = conda_packages.read(text)
    except EnvironmentFailed:
        return
    assert isinstance(package, CondaPackage)
    shown = [package.name + package.version, *on_pypi([package]).requirements]
    for line in shown:
        assert line[0] in string.ascii_letters + string.digits + "_"
        assert not set(line) - set(string.ascii_letters + string.digits + "_.+!-*,|=<>~")
    assert not package.channel.startswith("-")


def test_an_alternative_of_versions_is_told_as_missing() -> None:
    assert on_pypi([conda_packages.read("numpy 1.2|1.3")]).missing == ["numpy 1.2|1.3 (pip has no 'or' of versions)"]


def test_the_libraries_of_an_exported_environment_are_left_out_with_one_note() -> None:
    names = ["_libgcc_mutex=0.1=main", "openssl=1.1.1", "xz=5.2", "six=1.16=py38_0"]
    found = on_pypi([conda_packages.read(each) for each in names])
    assert found.requirements == ["six==1.16.*"]
    assert not found.missing
    assert any("_libgcc_mutex, openssl, xz" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        ("=3.8", [(3, 8, 1)], [(3, 9, 0), (3, 80, 0)]),
        ("==3.8.13", [(3, 8, 13), (3, 8, 1)], [(3, 9, 13)]),
        ("3.8.*", [(3, 8, 0)], [(3, 7, 9)]),
        (">=3.8,<3.11", [(3, 8, 0), (3, 10, 99)], [(3, 11, 0), (3, 7, 17)]),
        (">3.8", [(3, 9, 0)], [(3, 8, 9)]),
        ("<=3.9", [(3, 9, 18), (3, 8, 0)], [(3, 10, 0)]),
        ("~=3.8", [(3, 8, 0), (3, 12, 0)], [(3, 7, 0), (4, 0, 0)]),
        ("!=3.9", [(3, 8, 0)], [(3, 9, 1)]),
        ("=3", [(3, 8, 0)], [(2, 7, 18)]),
    ],
)
def test_a_wish_for_a_python_is_met_by_these(text: str, yes: list[Any], no: list[Any]) -> None:
    wish = read_wish(text, "python" + text)
    assert wish is not None
    assert all(wish.satisfied_by(each) for each in yes)
    assert not any(wish.satisfied_by(each) for each in no)


@pytest.mark.parametrize("text", ["", "*", "=*"])
def test_any_python_is_no_wish(text: str) -> None:
    assert read_wish(text, "python") is None
