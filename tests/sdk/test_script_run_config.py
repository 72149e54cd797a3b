"""What is submitted: arguments, scripts and directories are checked, and what they ask for is one plain record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azureml.core import Environment, RunConfiguration, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.compute_target import LocalTarget
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import (
    DockerConfiguration,
    MpiConfiguration,
    ParallelTaskConfiguration,
    PyTorchConfiguration,
    TensorflowConfiguration,
)
from azureml.core.script_run_config import get_run_config_from_script_run
from azureml.exceptions import ComputeTargetException, UserErrorException
from milepost.sdk.exceptions import NotAvailableException
from milepost.sdk.submitting.job_request import JobRequest, job_request


@pytest.fixture
def source(home: Path) -> Path:
    """A folder ``source`` in the current directory, with a script, a module and a script in a subfolder."""
    folder = Path("source").absolute()
    (folder / "steps").mkdir(parents=True)
    for name in ("train.py", "mylib.py", "steps/evaluate.py"):
        (folder / name).write_text("")
    return folder


def asked(ws: Workspace, *args: Any, **kwargs: Any) -> JobRequest:
    """What a ScriptRunConfig asks for."""
    if not args and "source_directory" not in kwargs:
        args = ("source", "train.py") if "command" not in kwargs else ("source",)
    return job_request(ScriptRunConfig(*args, **kwargs), ws)


# -- what is asked for


def test_a_script_runs_here_with_the_python_that_submits(ws: Workspace, source: Path) -> None:
    request = asked(ws)
    assert request.source_directory == source
    assert (request.script, request.arguments, request.command) == ("train.py", [], None)
    assert request.target == "local"
    assert request.environment["python"]["userManagedDependencies"] is True
    assert request.environment["python"]["interpreterPath"] == "python"
    assert (request.framework, request.communicator) == ("Python", "None")
    assert (request.node_count, request.processes_per_node, request.total_processes) == (1, 1, 1)
    assert request.max_run_duration_seconds == 2592000
    assert (request.output_collection, request.snapshot_project) == (True, True)
    assert request.watched == ["outputs", "logs"]
    assert request.environment_variables == {}
    assert request.warnings == []


def test_the_definition_is_json_with_azures_keys(ws: Workspace, source: Path) -> None:
    request = asked(ws, arguments=["--alpha", 0.5], distributed_job_config=MpiConfiguration(2))
    definition = json.loads(json.dumps(request.definition))
    assert definition["script"] == "train.py"
    assert definition["arguments"] == ["--alpha", "0.5"]
    assert definition["command"] == ""
    assert definition["target"] == "local"
    assert (definition["framework"], definition["communicator"], definition["nodeCount"]) == ("Python", "Mpi", 1)
    assert definition["mpi"]["processCountPerNode"] == 2
    assert definition["maxRunDurationSeconds"] == 2592000
    assert definition["environment"] == json.loads(json.dumps(request.environment))
    assert definition["history"]["directoriesToWatch"] == ["logs"]
    assert {"tensorflow", "pyTorch", "docker", "spark", "amlCompute", "useAbsolutePath"} <= set(definition)


def test_numbers_and_paths_become_texts(ws: Workspace, source: Path) -> None:
    import numpy as np

    given = ["--a", 1, 0.5, True, 1e-9, np.float64(0.25), np.int64(3), np.array(7), Path("x/y"), ""]
    assert asked(ws, arguments=given).arguments == [
        "--a", "1", "0.5", "True", "1e-09", "0.25", "3", "7", str(Path("x/y")), ""
    ]  # fmt: skip


def test_a_place_in_a_datastore_becomes_its_path(ws: Workspace, source: Path) -> None:
    place = ws.get_default_datastore().path("diabetes")
    assert asked(ws, arguments=["--data", place]).arguments == ["--data", str(place.local_path)]


def test_a_run_configuration_gives_what_is_not_given_beside_it(ws: Workspace, source: Path) -> None:
    config = RunConfiguration("steps/evaluate.py", ["--x", 1])
    config.max_run_duration_seconds = 60
    request = asked(ws, "source", run_config=config)
    assert (request.script, request.arguments) == ("steps/evaluate.py", ["--x", "1"])
    assert request.max_run_duration_seconds == 60
    request = asked(ws, "source", "train.py", ["--y"], run_config=config, max_run_duration_seconds=5)
    assert (request.script, request.arguments, request.max_run_duration_seconds) == ("train.py", ["--y"], 5)


def test_the_run_configuration_can_be_changed_until_it_is_submitted(ws: Workspace, source: Path) -> None:
    src = ScriptRunConfig("source", "train.py")
    src.run_config.environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["tqdm"])
    src.run_config.environment_variables = {"A": 1}
    src.arguments = ["--late", 2]
    request = job_request(src, ws)
    assert request.environment["python"]["userManagedDependencies"] is False
    assert "tqdm" in json.dumps(request.environment["python"]["condaDependencies"])
    assert (request.environment_variables, request.arguments) == ({"A": "1"}, ["--late", "2"])


def test_what_is_given_beside_a_run_configuration_does_not_change_it(source: Path) -> None:
    config = RunConfiguration()
    src = ScriptRunConfig("source", "train.py", run_config=config, environment=Environment("mine"))
    assert (src.run_config.environment.name, config.environment.name) == ("mine", "default")
    assert ScriptRunConfig("source", "train.py", run_config=config).run_config is config


def test_packages_of_a_named_environment_are_kept(ws: Workspace, source: Path) -> None:
    environment = Environment("mine")
    environment.environment_variables = {"A": "environment", "B": "environment"}
    src = ScriptRunConfig("source", "train.py", environment=environment)
    src.run_config.environment_variables = {"B": "run"}
    request = job_request(src, ws)
    assert request.environment["name"] == "mine"
    assert request.environment["python"]["userManagedDependencies"] is False
    assert request.environment_variables == {"A": "environment", "B": "run"}


def test_a_file_may_name_an_environment_of_the_workspace(ws: Workspace, source: Path) -> None:
    registered = Environment("mine")
    registered.python.conda_dependencies = CondaDependencies.create(pip_packages=["tqdm"])
    registered.register(ws)
    Path("train.runconfig").write_text("script: train.py\nenvironment: {name: mine, version: 1}\n")
    config = RunConfiguration.load("train.runconfig")
    request = asked(ws, "source", run_config=config)
    assert "tqdm" in json.dumps(request.environment["python"])
    assert (request.environment["name"], request.environment["version"]) == ("mine", "1")
    Path("train.runconfig").write_text("environment: {name: other}\n")
    with pytest.raises(UserErrorException, match="other"):
        asked(ws, "source", "train.py", run_config=RunConfiguration.load("train.runconfig"))


def test_no_time_limit_can_be_asked_for(ws: Workspace, source: Path) -> None:
    assert asked(ws, max_run_duration_seconds=None).max_run_duration_seconds is None


def test_the_folders_to_watch_are_relative_names(ws: Workspace, source: Path) -> None:
    src = ScriptRunConfig("source", "train.py")
    src.run_config.history.directories_to_watch = ["./plots/", "logs", "outputs"]
    src.run_config.history.output_collection = False
    request = job_request(src, ws)
    assert (request.watched, request.output_collection) == (["outputs", "plots", "logs"], False)
    for wrong in (["/etc"], ["../x"], ["a/../../b"], "logs", [5]):
        src.run_config.history.directories_to_watch = wrong  # type: ignore[assignment]
        with pytest.raises(UserErrorException):
            job_request(src, ws)


def test_what_has_no_effect_is_said(ws: Workspace, source: Path) -> None:
    src = ScriptRunConfig("source", "train.py", docker_runtime_config=DockerConfiguration(use_docker=True))
    src.run_config.node_count = 4
    src.run_config.source_directory_data_store = "workspaceblobstore"
    request = job_request(src, ws)
    said = " ".join(request.warnings)
    assert "without containers" in said
    assert "node_count=4 has no effect" in said
    assert "source_directory_data_store has no effect" in said
    assert (request.node_count, request.total_processes) == (1, 1)


def test_a_configuration_can_be_saved_with_its_script(source: Path) -> None:
    config = get_run_config_from_script_run(ScriptRunConfig("source", "train.py", ["--a", 1], compute_target="pool"))
    config.save(name="train")
    again = RunConfiguration.load(".", "train")
    assert (again.script, again.arguments, again.target) == ("train.py", ["--a", "1"], "pool")
    assert again.max_run_duration_seconds == 2592000


def test_describing_a_run_loads_neither_numpy_nor_a_database(source: Path, home: Path) -> None:
    code = (
        "import sys\n"
        "from azureml.core import ScriptRunConfig, Workspace\n"
        "from milepost.sdk.submitting.job_request import job_request\n"
        "job_request(ScriptRunConfig('source', 'train.py', ['--a', 1]), Workspace.get('quick'))\n"
        "print({'numpy', 'sqlalchemy', 'yaml', 'psutil', 'asyncio'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"


# -- commands


@pytest.mark.parametrize(
    ("given", "runs"),
    [
        ("python train.py --a 1", "python train.py --a 1"),
        (["python", "train.py", "--a", 1], ["python", "train.py", "--a", "1"]),
        (["python train.py --a 1"], "python train.py --a 1"),
        (["pip", "list", "&&", "python", "train.py", "two words"], "pip list && python train.py 'two words'"),
        (["echo", "$AZUREML_RUN_ID", "a b"], "echo $AZUREML_RUN_ID 'a b'"),
        (["echo", "$(rm -rf x)"], ["echo", "$(rm -rf x)"]),
        (["train.sh"], ["train.sh"]),
    ],
)
def test_a_command_is_a_text_for_the_shell_or_a_list(ws: Workspace, source: Path, given: Any, runs: Any) -> None:
    request = asked(ws, command=given)
    assert (request.script, request.arguments, request.command) == (None, [], runs)
    assert request.definition["script"] is None
    assert request.definition["command"]


@pytest.mark.parametrize("command", ["", "  ", [], 5, {"a": 1}, ["python", None], "a\0b", [["python"]]])
def test_a_command_that_cannot_run_is_an_error(ws: Workspace, source: Path, command: Any) -> None:
    with pytest.raises(UserErrorException):
        asked(ws, "source", command=command)


def test_a_script_and_a_command_are_one_too_many(ws: Workspace, source: Path) -> None:
    for extra in ({"script": "train.py"}, {"arguments": ["--a"]}):
        with pytest.raises(UserErrorException, match="either script and arguments, or command"):
            ScriptRunConfig("source", command="python train.py", **extra)  # type: ignore[arg-type]
    src = ScriptRunConfig("source", "train.py")
    src.command = "python train.py"
    with pytest.raises(UserErrorException, match="both a script and a command"):
        job_request(src, ws)


# -- the script and its directory


@pytest.mark.parametrize("script", ["steps/evaluate.py", "./steps/evaluate.py", "steps/../steps/evaluate.py"])
def test_a_script_may_lie_in_a_subfolder(ws: Workspace, source: Path, script: str) -> None:
    assert asked(ws, "source", script).script == "steps/evaluate.py"
    assert asked(ws, source, source / script).script == "steps/evaluate.py"


def test_a_backslash_of_windows_is_a_slash(ws: Workspace, source: Path) -> None:
    assert asked(ws, "source", "steps\\evaluate.py").script == "steps/evaluate.py"


@pytest.mark.parametrize("folder", [".", "./", None])
def test_the_directory_may_be_the_current_one(
    ws: Workspace, source: Path, folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source)
    assert asked(ws, folder, "train.py").source_directory == source


def test_a_script_that_is_not_there_is_named_with_those_like_it(ws: Workspace, source: Path) -> None:
    for wrong, near in (("trian.py", "'train.py'"), ("evaluate.py", "'steps/evaluate.py'"), ("Train.py", "'train.py'")):
        if (source / wrong).exists():
            continue  # a file system that does not tell cases apart
        with pytest.raises(UserErrorException) as caught:
            asked(ws, "source", wrong)
        assert repr(wrong) in caught.value.message
        assert str(source) in caught.value.message
        assert near in caught.value.message


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("steps", "is a folder"),
        ("../outside.py", "is not in source_directory"),
        ("/etc/passwd", "is not in source_directory"),
        ("link.py", "a link that leads out"),
        ("x" * 5000, "cannot be used|is not there"),
        ("a\\" + "x" * 5000, "cannot be used|is not there"),
        (".", "is a folder"),
        ("~nobody/x.py", "is not there"),
        ("\ud800.py", "cannot be used|is not there"),
    ],
)
def test_a_script_that_cannot_be_kept_with_the_run_is_an_error(
    ws: Workspace, source: Path, script: str, message: str
) -> None:
    Path("outside.py").write_text("")
    (source / "link.py").symlink_to(Path("outside.py").absolute())
    with pytest.raises(UserErrorException, match=message) as caught:
        asked(ws, "source", script)
    assert len(caught.value.message) < 12000


def test_a_directory_reached_by_a_link_is_one_too(ws: Workspace, source: Path) -> None:
    Path("linked").symlink_to(source, target_is_directory=True)
    assert asked(ws, "linked", "train.py").script == "train.py"
    assert asked(ws, "linked", source / "train.py").script == "train.py"


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("nowhere", "is not there"),
        ("source/train.py", "is a file"),
        ("", "must be the path of a folder"),
        (5, "must be the path of a folder"),
        (["source"], "must be the path of a folder"),
        ("a\0b", "must be the path of a folder"),
        (b"source", "must be the path of a folder"),
    ],
)
def test_a_directory_that_is_none_is_an_error(ws: Workspace, source: Path, folder: Any, message: str) -> None:
    with pytest.raises(UserErrorException, match=message):
        asked(ws, folder, "train.py")


@pytest.mark.parametrize("script", ["", " ", 5, ["train.py"], "a\0b"])
def test_a_script_is_a_path(source: Path, script: Any) -> None:
    if not script:
        return
    with pytest.raises(UserErrorException, match="script must be the path"):
        ScriptRunConfig("source", script)


def test_there_must_be_something_to_run(ws: Workspace, source: Path) -> None:
    with pytest.raises(UserErrorException, match="nothing to run"):
        asked(ws, "source")


def test_the_script_need_not_be_there_before_it_is_submitted(ws: Workspace, source: Path) -> None:
    src = ScriptRunConfig("later", "later.py")
    with pytest.raises(UserErrorException, match="source_directory"):
        job_request(src, ws)
    Path("later").mkdir()
    Path("later/later.py").write_text("")
    assert job_request(src, ws).script == "later.py"


# -- arguments that cannot be


class PipelineData:
    """Named as the SDK's own."""


class DatasetConsumptionConfig:
    """Named as the SDK's own."""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--alpha 0.5 'two words'", r"write arguments=\['--alpha', '0.5', 'two words'\]"),
        ("it's", "is a list, not one text"),
        (b"--a", "is a list, not one text"),
        ({"--a": 1}, "not dict"),
        (5, "not int"),
        (["--a", None], r"arguments\[1\] must be a text or a number, not NoneType"),
        (["--a", ["b"]], r"arguments\[1\].*not list"),
        ([{"a": 1}], r"arguments\[0\].*not dict"),
        (["a\0b"], "NUL"),
        (["\ud800"], "surrogate"),
        ([object()], r"arguments\[0\].*not object"),
        ([Decimal("0.1")], "not Decimal"),
    ],
)
def test_arguments_that_a_script_cannot_be_given_are_named(source: Path, arguments: Any, message: str) -> None:
    with pytest.raises(UserErrorException, match=message):
        ScriptRunConfig("source", "train.py", arguments=arguments)


@pytest.mark.parametrize("value", [PipelineData(), DatasetConsumptionConfig()])
def test_data_as_argument_comes_later(source: Path, value: Any) -> None:
    with pytest.raises(NotAvailableException, match=r"arguments\[1\]: a .* as argument is not in this version"):
        ScriptRunConfig("source", "train.py", arguments=["--data", value])


def test_arguments_that_are_changed_later_are_checked_when_submitted(ws: Workspace, source: Path) -> None:
    src = ScriptRunConfig("source", "train.py")
    src.arguments = ["--a", None]
    with pytest.raises(UserErrorException, match=r"arguments\[1\]"):
        job_request(src, ws)


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(arguments=st.lists(TEXTS, max_size=6))
def test_texts_reach_the_script_as_they_are(ws: Workspace, source: Path, arguments: list[str]) -> None:
    assert asked(ws, arguments=arguments).arguments == arguments


NASTY = st.text(st.sampled_from("ab `'\"\\|&;<>()*?[]#~!%{}=\n\t-é"), max_size=12).filter(
    lambda word: word not in {"&&", "||", "|", ";", "&", ">", ">>", "<", "&>", "(", ")"}
)


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(words=st.lists(NASTY, min_size=1, max_size=5))
def test_in_a_list_that_becomes_a_line_words_stay_words(ws: Workspace, source: Path, words: list[str]) -> None:
    line = asked(ws, command=["printf", "%s\\0", *words, "&&", "true"]).command
    assert isinstance(line, str)
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=True, timeout=60)
    assert done.stdout.decode() == "".join(f"{word}\0" for word in words)


# -- targets


def test_a_pool_is_found_by_name_or_object_in_any_case(ws: Workspace, source: Path) -> None:
    pool = ComputeTarget.create(ws, "cpu-cluster", AmlCompute.provisioning_configuration())
    for target in (pool, "cpu-cluster", "CPU-Cluster"):
        assert asked(ws, compute_target=target).target == "cpu-cluster"
    for target in (LocalTarget(), "local", "Local", None):
        assert asked(ws, compute_target=target).target == "local"


def test_a_pool_that_is_not_there_is_named_with_those_like_it(ws: Workspace, source: Path) -> None:
    ComputeTarget.create(ws, "cpu-cluster", AmlCompute.provisioning_configuration())
    with pytest.raises(ComputeTargetException, match=r"'cpu-clster'.*did you mean 'cpu-cluster'\?"):
        asked(ws, compute_target="cpu-clster")
    with pytest.raises(UserErrorException, match="compute target is given as a name"):
        ScriptRunConfig("source", "train.py", compute_target=5)


def test_a_cluster_for_one_run_is_this_machine(ws: Workspace, source: Path) -> None:
    src = ScriptRunConfig("source", "train.py", compute_target="amlcompute")
    src.run_config.amlcompute.vm_size = "STANDARD_D2_V2"
    request = job_request(src, ws)
    assert request.target == "local"
    assert "runs on this machine at once" in request.warnings[0]
    ComputeTarget.create(ws, "mine", AmlCompute.provisioning_configuration())
    src.run_config.amlcompute.name = "Mine"
    assert job_request(src, ws).target == "mine"


# -- several processes


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (MpiConfiguration(), ("Python", "Mpi", 1, 1, 1, 0)),
        (MpiConfiguration(process_count_per_node=3, node_count=2), ("Python", "Mpi", 2, 3, 6, 0)),
        (PyTorchConfiguration(), ("PyTorch", "Nccl", 1, 1, 1, 0)),
        (PyTorchConfiguration(node_count=4), ("PyTorch", "Nccl", 4, 1, 4, 0)),
        (PyTorchConfiguration("gloo", process_count=6, node_count=2), ("PyTorch", "Gloo", 2, 3, 6, 0)),
        (TensorflowConfiguration(), ("TensorFlow", "ParameterServer", 2, 1, 2, 1)),
        (TensorflowConfiguration(3, 0), ("TensorFlow", "ParameterServer", 3, 1, 3, 0)),
        (TensorflowConfiguration(2, parameter_server_count=2), ("TensorFlow", "ParameterServer", 4, 1, 4, 2)),
    ],
)
def test_the_processes_of_a_distributed_run_are_counted(ws: Workspace, source: Path, how: Any, expected: Any) -> None:
    found = asked(ws, distributed_job_config=how)
    assert expected == (
        found.framework,
        found.communicator,
        found.node_count,
        found.processes_per_node,
        found.total_processes,
        found.parameter_servers,
    )


@pytest.mark.parametrize("communicator", ["OpenMpi", "IntelMpi", "Mpi", "mpi"])
def test_the_older_way_to_say_it_is_understood(ws: Workspace, source: Path, communicator: str) -> None:
    config = RunConfiguration(framework="python", communicator=communicator)
    config.node_count = 2
    config.mpi.process_count_per_node = 2
    request = asked(ws, "source", "train.py", run_config=config)
    assert (request.framework, request.communicator, request.total_processes) == ("Python", "Mpi", 4)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (PyTorchConfiguration(process_count=3, node_count=2), "cannot be shared evenly"),
        (PyTorchConfiguration(process_count=5000), "from 1 to 1,024"),
        (MpiConfiguration(1000, 1000), "1,000,000 processes"),
        (TensorflowConfiguration(1000, 1000), "from 1 to 1,024|2,000 processes"),
        (ParallelTaskConfiguration(), "steps of pipelines"),
        ("mpi", "distributed_job_config must be"),
        (object(), "distributed_job_config must be"),
    ],
)
def test_processes_that_cannot_be_are_an_error(ws: Workspace, source: Path, how: Any, message: str) -> None:
    with pytest.raises(UserErrorException, match=message):
        asked(ws, distributed_job_config=how)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("framework", "PySpark"),
        ("framework", "CNTK"),
        ("framework", 5),
        ("communicator", "Smoke"),
        ("node_count", 0),
        ("node_count", "two"),
        ("node_count", 10**9),
        ("history", None),
        ("history", {}),
        ("mpi", None),
        ("environment", "mine"),
        ("environment", None),
        ("max_run_duration_seconds", -1),
        ("docker", {"use_docker": True}),
        ("data", {"x": 1}),
        ("data_references", {"x": object()}),
        ("arguments", "--a"),
    ],
)
def test_whatever_is_wrong_in_the_run_configuration_is_said(ws: Workspace, source: Path, name: str, value: Any) -> None:
    src = ScriptRunConfig("source", "train.py")
    setattr(src.run_config, name, value)
    with pytest.raises(UserErrorException) as caught:
        job_request(src, ws)
    assert len(caught.value.message) < 600


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("run_config", {}),
        ("environment", "mine"),
        ("docker_runtime_config", {"use_docker": True}),
        ("max_run_duration_seconds", 0),
        ("max_run_duration_seconds", "60"),
        ("max_run_duration_seconds", True),
    ],
)
def test_a_setting_of_a_wrong_kind_is_an_error(source: Path, name: str, value: Any) -> None:
    with pytest.raises(UserErrorException):
        ScriptRunConfig("source", "train.py", **{name: value})


@pytest.mark.parametrize("variables", [{"": "x"}, {"A=B": "x"}, {"A": "x\0"}, {5: "x"}, {"A": object()}, ["A"]])
def test_environment_variables_are_names_and_texts(ws: Workspace, source: Path, variables: Any) -> None:
    src, environment = ScriptRunConfig("source", "train.py"), Environment("e")
    with pytest.raises(UserErrorException):
        src.run_config.environment_variables = variables
    with pytest.raises(UserErrorException):
        environment.environment_variables = variables
    src.run_config._environment_variables = variables  # a dict that was changed after it was given
    with pytest.raises(UserErrorException):
        job_request(src, ws)


# -- what else people submit


def test_a_run_configuration_is_run_in_the_current_directory(
    ws: Workspace, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source)
    request = job_request(RunConfiguration("train.py", ["--a", 1]), ws)
    assert (request.source_directory, request.script, request.arguments) == (source, "train.py", ["--a", "1"])


class Pipeline:
    """Named as the SDK's own."""


class PythonScriptStep:
    """Named as the SDK's own."""


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Pipeline(), "runs no pipelines"),
        (PythonScriptStep(), "runs no pipelines"),
    ],
)
def test_what_comes_later_says_so(ws: Workspace, config: Any, message: str) -> None:
    with pytest.raises(NotAvailableException, match=message):
        job_request(config, ws)


@pytest.mark.parametrize("config", ["train.py", None, 5, {"script": "train.py"}, ScriptRunConfig])
def test_what_cannot_be_submitted_says_what_can(ws: Workspace, config: Any) -> None:
    with pytest.raises(UserErrorException, match="submit takes a ScriptRunConfig"):
        job_request(config, ws)


def test_going_on_from_an_earlier_run_comes_later(ws: Workspace, source: Path) -> None:
    with pytest.raises(NotAvailableException, match="resume_from"):
        asked(ws, resume_from=object())
