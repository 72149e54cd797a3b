"""Conda specifications: what they hold, how they are read and written, and what is no specification."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from azureml.core.conda_dependencies import CondaDependencies
from azureml.exceptions import UserErrorException

NAMES = st.from_regex(r"[a-z][a-z0-9_.-]{0,8}[a-z0-9]", fullmatch=True).filter(lambda name: name != "python")
VERSIONS = st.sampled_from(["", "==1.0", ">=2,<3", "=1.2", "~=4.1", "[extra]>=1", "=1.2=h123_0"])
PACKAGES = st.builds(lambda name, version: name + version, NAMES, VERSIONS)
OPTIONS = st.sampled_from(["--pre", "--index-url https://a.example/simple", "--extra-index-url 'https://b.example'"])


def names(*given: str) -> list[str]:
    """What CondaDependencies.create has of conda's packages besides Python."""
    return [each for each in given if not each.startswith("python=")]


# -- made in a script


def test_the_default_is_the_sdks_own_python_channels_and_package() -> None:
    assert CondaDependencies().as_dict() == {
        "name": "project_environment",
        "dependencies": ["python=3.10.18", {"pip": ["azureml-defaults"]}],
        "channels": ["anaconda", "conda-forge"],
    }


def test_create_takes_packages_of_both_kinds_and_a_version_of_python() -> None:
    made = CondaDependencies.create(
        pip_indexurl="https://pypi.example/simple",
        pip_packages=["joblib==1.3", "azureml-sdk[notebooks]"],
        conda_packages=["scikit-learn", "pip"],
        python_version="3.11",
    )
    assert made.as_dict()["dependencies"] == [
        "python=3.11",
        {"pip": ["--index-url https://pypi.example/simple", "joblib==1.3", "azureml-sdk[notebooks]~=1.61.0"]},
        "scikit-learn",
        "pip",
    ]
    assert list(made.pip_packages) == ["joblib==1.3", "azureml-sdk[notebooks]~=1.61.0"]
    assert list(made.pip_options) == ["--index-url https://pypi.example/simple"]
    assert names(*made.conda_packages) == ["scikit-learn", "pip"]
    assert list(made.conda_channels) == ["anaconda", "conda-forge"]


def test_packages_of_the_sdk_are_pinned_only_where_they_have_no_version_and_it_is_wished() -> None:
    packages = ["azureml-core==1.2", "azureml-defaults", "azureml-dataprep[pandas]", "numpy"]
    assert list(CondaDependencies.create(pip_packages=packages).pip_packages) == [
        "azureml-core==1.2",
        "azureml-defaults~=1.61.0",
        "azureml-dataprep[pandas]",
        "numpy",
    ]
    assert list(CondaDependencies.create(pip_packages=packages, pin_sdk_version=False).pip_packages) == packages
    assert list(CondaDependencies.create().pip_packages) == ["azureml-defaults~=1.61.0"]


def test_a_package_that_is_there_already_is_replaced_by_the_new_one_at_the_end() -> None:
    made = CondaDependencies.create(pip_packages=["Scikit_Learn==1.0", "numpy"], conda_packages=["pandas=1", "scipy"])
    made.add_pip_package("scikit-learn>=1.5")
    made.add_conda_package("conda-forge::pandas>=2")
    assert list(made.pip_packages) == ["numpy", "scikit-learn>=1.5"]
    assert names(*made.conda_packages) == ["scipy", "conda-forge::pandas>=2"]


def test_packages_are_removed_by_name_whatever_their_version() -> None:
    made = CondaDependencies.create(pip_packages=["numpy==1.0", "python-dateutil"], conda_packages=["scipy=1.2"])
    made.remove_pip_package("NumPy")
    made.remove_conda_package("scipy")
    made.remove_conda_package("never-there")
    assert list(made.pip_packages) == ["python-dateutil"]
    assert names(*made.conda_packages) == []
    made.remove_pip_package("python-dateutil")
    assert made.as_dict()["dependencies"] == ["python=3.10.18"]


def test_the_version_of_python_stays_in_its_place_when_it_is_changed() -> None:
    made = CondaDependencies.create(conda_packages=["scipy"], python_version="3.8.13")
    made.set_python_version("3.12")
    made.add_conda_package("python=3.11.2")
    assert made.as_dict()["dependencies"][0] == "python=3.11.2"
    assert made.get_python_version() == "3.11.2"


@pytest.mark.parametrize(
    ("written", "version"),
    [
        ("python=3.8", "3.8"),
        ("python==3.8.1", "3.8.1"),
        ("python 3.9", "3.9"),
        ("python=3.6.2=h02fb82a_12", "3.6.2"),
        ("conda-forge::python=3.10", "3.10"),
        ("python>=3.8,<3.11", ">=3.8,<3.11"),
        ("python", None),
        ("python-dateutil=2.8", None),
    ],
)
def test_the_version_of_python_is_read_off_conda_packages(written: str, version: str | None) -> None:
    made = CondaDependencies(_underlying_structure={"dependencies": [written]})
    assert made.get_python_version() == version


@pytest.mark.parametrize("version", [3.1, 3, None, "three", "3.10; rm", "", ">=3.8"])
def test_a_version_of_python_is_text_with_numbers(version: Any) -> None:
    with pytest.raises(UserErrorException, match="A version of Python is text"):
        CondaDependencies().set_python_version(version)


def test_there_is_one_index_url_and_any_number_of_other_options() -> None:
    made = CondaDependencies.create(pip_packages=["numpy", "-e ./mine"])
    made.set_pip_option("--extra-index-url https://one.example")
    made.set_pip_option("-i https://first.example")
    made.set_pip_option("--extra-index-url https://two.example")
    made.set_pip_option("--pre")
    made.set_pip_option("--pre")
    made.set_pip_index_url("https://second.example")
    assert list(made.pip_options) == [
        "--extra-index-url https://one.example",
        "--extra-index-url https://two.example",
        "--pre",
        "--index-url https://second.example",
    ]
    assert list(made.pip_packages) == ["numpy", "-e ./mine"]
    made.remove_pip_option("--pre")
    made.remove_pip_option("--extra-index-url https://one.example")
    made.remove_pip_option("--index-url")
    assert list(made.pip_options) == ["--extra-index-url https://two.example"]
    with pytest.raises(UserErrorException, match="begins with '-'"):
        made.set_pip_option("numpy")


def test_channels_are_added_once_and_removed() -> None:
    made = CondaDependencies()
    made.add_channel("pytorch")
    made.add_channel("pytorch")
    made.remove_channel("anaconda")
    made.remove_channel("never-there")
    assert list(made.conda_channels) == ["conda-forge", "pytorch"]


def test_frameworks_are_added_for_the_kind_of_processor() -> None:
    made = CondaDependencies.create(pip_packages=[])
    made.add_tensorflow_pip_package()
    made.add_cntk_package(core_type="gpu")
    made.add_tensorflow_conda_package(core_type="gpu", version="2.4")
    assert list(made.pip_packages) == ["tensorflow", "cntk-gpu"]
    assert names(*made.conda_packages) == ["tensorflow-gpu=2.4"]
    with pytest.raises(UserErrorException, match="core_type must be 'cpu' or 'gpu', not 'tpu'"):
        made.add_tensorflow_pip_package(core_type="tpu")


def test_requirements_of_one_package_are_merged() -> None:
    merged = CondaDependencies.merge_requirements(
        ["numpy>=1.20", "pandas", "NumPy <2", "a[x]==1", "numpy>=1.20", "b @ https://x.example/b.whl", "a[y]==2"]
    )
    assert merged == ["numpy>=1.20,<2", "pandas", "a[x]==1", "b @ https://x.example/b.whl", "a[y]==2"]


def test_numbers_and_addresses_of_the_sdk() -> None:
    assert CondaDependencies().get_default_number_of_packages() == 0
    assert CondaDependencies.sdk_origin_url() == "https://pypi.org/simple"


@pytest.mark.parametrize(
    "wrong", ["numpy\n--index-url https://evil.example", "a\rb", "a\0b", "", "  ", 5, None, b"x", "a\u2028b", "\ud800"]
)
def test_a_package_is_one_line_of_text(wrong: Any) -> None:
    made = CondaDependencies()
    before = made.as_dict()
    uses = [
        made.add_pip_package,
        made.add_conda_package,
        made.add_channel,
        made.set_pip_index_url,
        made.set_pip_option,
        lambda value: CondaDependencies.create(pip_packages=[value]),
        lambda value: CondaDependencies.create(conda_packages=["numpy", value]),
    ]
    for use in uses:
        with pytest.raises(UserErrorException):
            use(wrong)
    assert made.as_dict() == before


def test_a_text_in_place_of_a_list_of_packages_is_refused() -> None:
    with pytest.raises(UserErrorException, match=r"pip_packages takes a list of texts, .* not 'numpy'"):
        CondaDependencies.create(pip_packages="numpy")
    with pytest.raises(UserErrorException, match="conda_packages takes a list"):
        CondaDependencies.create(conda_packages=5)  # type: ignore[arg-type]


def test_what_as_dict_gives_is_a_copy() -> None:
    made = CondaDependencies()
    made.as_dict()["dependencies"][1]["pip"].append("numpy")
    made.as_dict()["channels"].clear()
    assert made.as_dict() == CondaDependencies().as_dict()


# -- files


def test_what_is_saved_is_read_back_the_same(tmp_path: Path) -> None:
    made = CondaDependencies.create(pip_packages=["numpy>=1", "--pre", "-e ."], conda_packages=["scipy=1.2=h1_0"])
    path = tmp_path / "env.yml"
    assert made.save(path) == str(path)
    assert CondaDependencies(path).as_dict() == made.as_dict()
    assert CondaDependencies(conda_dependencies_file_path=str(path)).serialize_to_string() == path.read_text()


def test_a_file_is_saved_in_a_folder_or_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = CondaDependencies()
    assert made.save() == "conda_dependencies.yml"
    (tmp_path / "sub").mkdir()
    assert made.save_to_file("sub", "mine.yml") == str(Path("sub", "mine.yml"))
    assert made.save(path="sub") == str(Path("sub", "conda_dependencies.yml"))
    assert len(list(tmp_path.rglob("*.yml"))) == 3
    with pytest.raises(UserErrorException, match=r"'.*nowhere.*' cannot be written"):
        made.save("nowhere/at/all.yml")


@given(
    conda=st.lists(PACKAGES, unique=True),
    pip=st.lists(PACKAGES | OPTIONS, unique=True),
    channels=st.lists(NAMES, unique=True),
    name=st.none() | st.sampled_from(["on", "3.10", "a: b", "ünïcode", "'", "null", "!!x", "- a", "#", "a #b"]),
)
def test_any_specification_survives_being_written_and_read(
    conda: list[str], pip: list[str], channels: list[str], name: str | None
) -> None:
    from milepost.sdk.environments.conda_file import parse

    dependencies: list[Any] = [*conda, *([{"pip": pip}] if pip else [])]
    made = CondaDependencies(_underlying_structure={"name": name, "dependencies": dependencies, "channels": channels})
    text = made.serialize_to_string()
    assert CondaDependencies(_underlying_structure=parse(text, "text")).as_dict() == made.as_dict()
    assert yaml.safe_load(text) == made.as_dict()


def test_a_file_written_by_hand_is_read(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("flask  # the web\n-r more.txt\n")
    (tmp_path / "more.txt").write_text("jinja2\n")
    path = tmp_path / "env.yml"
    path.write_text(
        """\
# comment
name: 2024
prefix: /somewhere/else
channels: [pytorch]
variables:
  DEBUG: 1
  MODE: "on"
dependencies:
  - python=3.7   # old
  - pip=20.0
  - pip:
    - -r requirements.txt
    - -r not-beside-this-file.txt
    - torch>=1
  - pip: [extra]
"""
    )
    assert CondaDependencies(path).as_dict() == {
        "name": "2024",
        "dependencies": [
            "python=3.7",
            "pip=20.0",
            {"pip": ["flask", "jinja2", "-r not-beside-this-file.txt", "torch>=1", "extra"]},
        ],
        "channels": ["pytorch"],
        "variables": {"DEBUG": "1", "MODE": "on"},
    }


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("", None, "is empty"),
        ("just text", 1, "must be a mapping"),
        ("- a\n- b\n", 1, "must be a mapping"),
        ("name: x\ndependancies:\n- a\n", 1, "no 'dependencies:', only 'name', 'dependancies'"),
        ("dependencies: numpy\n", 1, "'dependencies' must be a list"),
        ("dependencies:\n- numpy\n- 3.10\n", 3, "put it in quotes"),
        ("dependencies:\n- numpy\n- {conda: [a]}\n", 3, "only 'pip:' has a list of its own, not 'conda'"),
        ("dependencies:\n- pip: numpy\n", 2, "'pip' must be a list"),
        ("dependencies:\n- pip:\n  - [a]\n", 3, "must be text, not a list"),
        ("dependencies:\n- a\n- \n", 3, "must be text, not nothing"),
        ("dependencies:\n- a\n- ''\n", 3, "is empty"),
        ("dependencies:\n- 'a\n\n  --index-url x'\n", 2, "one line"),
        ("dependencies: [a]\nchannels: {a: b}\n", 2, "'channels' must be a list"),
        ("dependencies: [a]\nvariables: [a]\n", 2, "'variables' must be a mapping"),
        ("dependencies:\n\t- a\n", 2, "no YAML"),
        ("dependencies: [a\n", 2, "no YAML"),
        ("a: *b\n", 1, "undefined alias"),
        ("dependencies: []\n---\ndependencies: []\n", 2, "no YAML"),
        ("[" * 5000, None, "no YAML"),
        ("dependencies: &a [*a]\n", 1, "must be text, not a list"),
        ("dependencies: &a {pip: *a}\n", 1, "must be a list"),
        ("? [a, b]\n: c\n", 1, "must be text"),
        ("\x07", None, "no YAML"),
    ],
)
def test_what_is_no_specification_is_told_with_file_and_line(
    tmp_path: Path, content: str, line: int | None, message: str
) -> None:
    path = tmp_path / "env.yml"
    path.write_text(content)
    with pytest.raises(UserErrorException) as caught:
        CondaDependencies(path)
    assert str(path) in caught.value.message
    assert message in caught.value.message
    if line is not None:
        assert f"line {line}:" in caught.value.message


@pytest.mark.parametrize(
    "evil",
    [
        "!!python/object/apply:os.system ['touch {mark}']",
        "!!python/object/new:os.system ['touch {mark}']",
        "!!python/name:os.system",
        "!!python/module:os",
        "!!python/object/apply:subprocess.check_output [['touch', '{mark}']]",
        "!!python/tuple [a]",
        "!!python/str a",
        "!custom a",
        "!!binary aGVsbG8=",
        "!!set {{a}}",
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        "{evil}",
        "dependencies: {evil}",
        "dependencies: [{evil}]",
        "dependencies: [{{pip: {evil}}}]",
        "dependencies: [{{pip: [{evil}]}}]",
        "dependencies: []\nchannels: [{evil}]",
        "dependencies: []\nvariables: {{A: {evil}}}",
        "dependencies: []\n? {evil}\n: a",
    ],
)
def test_a_tag_never_runs_code(tmp_path: Path, evil: str, place: str) -> None:
    mark, path = tmp_path / "mark", tmp_path / "env.yml"
    path.write_text(place.format(evil=evil.format(mark=mark)))
    if "binary" in evil and ("variables" in place or "? " in place):
        CondaDependencies(path)  # plain text of a kind that is not asked for: never decoded
    else:
        with pytest.raises(UserErrorException, match="env.yml"):
            CondaDependencies(path)
    assert not mark.exists()


def test_aliases_cannot_blow_a_file_up(tmp_path: Path) -> None:
    path = tmp_path / "env.yml"
    path.write_text(f"name: &a {'x' * 100_000}\ndependencies:\n- pip: [{', '.join(['*a'] * 1000)}]\n")
    with pytest.raises(UserErrorException, match="line 1: aliases make this file too long"):
        CondaDependencies(path)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "latin.yml").write_bytes(b"dependencies:\n- caf\xe9\n")
    (tmp_path / "long.yml").write_bytes(b"#" * (2 << 20))
    for name, message in [
        ("missing.yml", "is not there"),
        ("latin.yml", "is no UTF-8 text: line 2"),
        ("long.yml", "longer than"),
        ("", "cannot be read"),
        ("a\0b", "cannot be read"),
    ]:
        with pytest.raises(UserErrorException, match=message) as caught:
            CondaDependencies(tmp_path / name)
        assert repr(name)[1:-1] in caught.value.message


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_a_specification_or_an_error_of_the_sdk(content: str) -> None:
    from milepost.sdk.environments.conda_file import parse

    try:
        parse(content, "text")
    except UserErrorException as error:
        assert error.message.startswith("text")  # noqa: PT017


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["dependencies", "channels", "pip", "name", "variables"]), inner)
    ),
)


@given(JSON)
def test_any_value_is_a_structure_or_an_error_of_the_sdk(value: Any) -> None:
    try:
        made = CondaDependencies(_underlying_structure={"x": 1} if value is None else value)
    except UserErrorException:
        return
    assert CondaDependencies(_underlying_structure=made.as_dict()).as_dict() == made.as_dict()
