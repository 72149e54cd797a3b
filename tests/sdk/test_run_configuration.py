"""Run configurations: attributes, files in Azure's shape, and files that are wrong or mean harm."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azureml.core import Environment, RunConfiguration
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import (
    DockerConfiguration,
    EnvironmentDefinition,
    MpiConfiguration,
    ParallelTaskConfiguration,
    PyTorchConfiguration,
    TensorflowConfiguration,
)
from azureml.exceptions import UserErrorException

pytestmark = pytest.mark.usefixtures("home")

# A file as the SDK's first versions wrote them, comments and all.
OLD_FILE = """\
# The script to run.
script: fit.py
# The arguments to the script file.
arguments:
- --depth
- 3
# The name of the compute target to use for this run.
target: local
framework: PySpark
communicator: None
autoPrepareEnvironment: true
maxRunDurationSeconds:
nodeCount: 1
environment:
  environmentVariables:
    LEVEL: 7
  python:
    userManagedDependencies: false
    interpreterPath: python
    condaDependenciesFile: aml_config/packages.yml
  docker:
    enabled: true
    baseImage: mcr.example/base:0.1
    sharedVolumes: true
    gpuSupport: false
    arguments: []
    baseImageRegistry:
      address:
      username:
      password:
  spark:
    repositories:
    - https://maven.example
    packages:
    - group: com.example
      artifact: thing_2.11
      version: '0.12'
    precachePackages: true
history:
  outputCollection: true
  snapshotProject: false
spark:
  configuration:
    spark.app.name: An experiment
    spark.yarn.maxAppAttempts: 1
hdi:
  yarnDeployMode: cluster
tensorflow:
  workerCount: 2
  parameterServerCount: 1
mpi:
  processCountPerNode: 3
dataReferences: {}
sourceDirectoryDataStore:
amlcompute:
  vmSize: STANDARD_X
  vmPriority:
  retainCluster: false
  name:
  clusterMaxNodeCount: 2
"""

# A file as the extension for an editor writes them: JSON.
JSON_FILE = """\
{
    "script": "fit.py",
    "framework": "Python",
    "communicator": "None",
    "target": "some-pool",
    "environment": {
        "name": "mine",
        "python": {
            "userManagedDependencies": false,
            "condaDependencies": {
                "dependencies": ["python=3.8.5", "numpy", {"pip": ["azureml-defaults", "tqdm==4.1"]}]
            }
        },
        "docker": {"baseImage": "mcr.example/base:0.1", "enabled": true,
                   "baseImageRegistry": {"address": null, "username": null, "password": null}}
    },
    "nodeCount": 1,
    "history": {"outputCollection": true, "snapshotProject": false, "directoriesToWatch": ["plots"]},
    "someLaterKey": {"a": [1, 2]}
}
"""


def names(folder: str) -> list[str]:
    return sorted(each.name for each in Path(folder).iterdir())


def write(path: str, text: str) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


# -- attributes


def test_a_new_one_runs_python_here() -> None:
    config = RunConfiguration()
    assert (config.script, config.arguments, config.command) == (None, [], None)
    assert (config.framework, config.communicator, config.target, config.node_count) == ("Python", "None", "local", 1)
    assert config.environment_variables == {}
    assert config.max_run_duration_seconds is None
    assert config.auto_prepare_environment
    assert (config.history.output_collection, config.history.snapshot_project) == (True, True)
    assert config.history.directories_to_watch == ["logs"]
    assert (config.mpi.process_count_per_node, config.pytorch.process_count) == (1, None)
    assert (config.tensorflow.worker_count, config.tensorflow.parameter_server_count) == (1, 1)
    assert (config.docker.use_docker, config.docker.shm_size, config.docker.arguments) == (False, "2g", [])
    assert config.amlcompute.vm_size is None
    assert isinstance(config.environment, Environment)


def test_what_old_scripts_set_can_be_set() -> None:
    config = RunConfiguration(framework="python")
    config.target = "pool"
    config.auto_prepare_environment = False
    config.node_count = 2
    config.amlcompute.vm_size = "STANDARD_D2_V2"
    config.environment.docker.enabled = True
    config.environment.docker.base_image = "an/image"
    config.environment.python.user_managed_dependencies = True
    config.environment.python.conda_dependencies = CondaDependencies.create(conda_packages=["numpy"])
    config.environment_variables = {"A": "1"}
    config.history.output_collection = False
    config.data_references = {}
    assert (config.framework, config.target) == ("python", "pool")


def test_two_configurations_share_nothing() -> None:
    one, other = RunConfiguration(), RunConfiguration()
    one.history.directories_to_watch.append("x")
    one.environment_variables["A"] = "1"
    one.arguments.append("--a")
    one.docker.arguments.append("-v")
    one.environment.python.conda_dependencies.add_pip_package("x")
    assert (other.history.directories_to_watch, other.environment_variables, other.arguments) == (["logs"], {}, [])
    assert other.docker.arguments == []
    assert "x" not in list(other.environment.python.conda_dependencies.pip_packages)


def test_packages_can_be_given_at_once() -> None:
    config = RunConfiguration(conda_dependencies=CondaDependencies.create(pip_packages=["tqdm"]))
    assert "tqdm" in list(config.environment.python.conda_dependencies.pip_packages)


def test_the_target_is_a_name_whatever_it_is_set_to() -> None:
    class Target:
        name = "some-pool"

    config = RunConfiguration()
    config.target = Target()
    assert config.target == "some-pool"
    config.target = "LOCAL"
    assert config.target == "local"
    config.target = None
    assert config.target == "local"
    for wrong in (5, "", "  ", object(), ["x"]):
        with pytest.raises(UserErrorException, match="compute target"):
            config.target = wrong


def test_a_setting_that_does_not_exist_is_told_and_breaks_nothing() -> None:
    config = RunConfiguration()
    with pytest.warns(RuntimeWarning, match="no setting 'max_run_duration_second'.*max_run_duration_seconds"):
        config.max_run_duration_second = 5


@pytest.mark.parametrize(
    "make",
    [
        lambda: RunConfiguration(script="a.py", command="x"),
        lambda: RunConfiguration(arguments="--a 5"),
        lambda: RunConfiguration(script=5),
        lambda: RunConfiguration(conda_dependencies=["numpy"]),
        lambda: setattr(RunConfiguration(), "environment_variables", ["A=1"]),
        lambda: MpiConfiguration(process_count_per_node=0),
        lambda: MpiConfiguration(node_count="two"),
        lambda: MpiConfiguration(True),
        lambda: PyTorchConfiguration("Smoke"),
        lambda: PyTorchConfiguration(process_count=-1),
        lambda: TensorflowConfiguration(worker_count=0),
        lambda: TensorflowConfiguration(1, -1),
        lambda: DockerConfiguration(use_docker="yes"),
        lambda: DockerConfiguration(arguments="-v x"),
    ],
)
def test_a_setting_that_cannot_be_is_an_error(make: Any) -> None:
    with pytest.raises(UserErrorException):
        make()


def test_numbers_of_numpy_are_numbers() -> None:
    import numpy as np

    assert MpiConfiguration(np.int64(2), np.int32(3)).process_count_per_node == 2
    assert PyTorchConfiguration("gloo", 4.0).process_count == 4


def test_the_parts_hold_what_they_are_given() -> None:
    torch = PyTorchConfiguration(communication_backend="gloo", process_count=4, node_count=2)
    assert (torch.communication_backend, torch.process_count, torch.node_count) == ("Gloo", 4, 2)
    docker = DockerConfiguration(use_docker=True, shared_volumes=False, arguments=["--gpus", "all"], shm_size="8g")
    assert (docker.use_docker, docker.arguments, docker.shm_size) == (True, ["--gpus", "all"], "8g")
    task = ParallelTaskConfiguration()
    task.max_retries_per_worker = 3
    assert task.worker_count_per_node == 1


# -- files


def everything() -> RunConfiguration:
    config = RunConfiguration(script="train.py", arguments=["--alpha", 0.5, "--name", "größe: #1"])
    config.target = "some-pool"
    config.framework, config.communicator = "PyTorch", "Gloo"
    config.pytorch = PyTorchConfiguration("Gloo", 4, 2)
    config.node_count = 2
    config.mpi = MpiConfiguration(3)
    config.tensorflow = TensorflowConfiguration(2, 0)
    config.docker = DockerConfiguration(True, arguments=["-v", "/a:/a"])
    config.history.directories_to_watch = ["plots", "logs"]
    config.history.snapshot_project = False
    config.max_run_duration_seconds = 3600
    config.environment_variables = {"A": "1", "B": "on"}
    config.amlcompute.vm_size = "STANDARD_X"
    config.parallel_task.terminal_exit_codes = [1, 2]
    config.priority = -5
    config.environment = Environment("mine")
    config.environment.python.conda_dependencies = CondaDependencies.create(
        conda_packages=["numpy=1.26"], pip_packages=["tqdm"], python_version="3.11"
    )
    config.environment.environment_variables = {"C": "3"}
    return config


@pytest.mark.parametrize("separate", [False, True])
def test_what_is_saved_is_read_again(separate: bool) -> None:
    config = everything()
    config.save("project", "train", separate_environment_yaml=separate)
    assert Path("project/.azureml/train.runconfig").is_file()
    assert Path("project/.azureml/environment.yml").is_file() is separate
    again = RunConfiguration.load("project", "train")
    assert again._to_definition() == config._to_definition()
    assert again.arguments == ["--alpha", "0.5", "--name", "größe: #1"]
    assert names("project") == [".azureml"]


def test_a_file_has_the_keys_of_azures_own() -> None:
    everything().save(name="train")
    written = yaml.safe_load(Path(".azureml/train.runconfig").read_text())
    assert written["script"] == "train.py"
    assert written["nodeCount"] == 2
    assert written["mpi"]["processCountPerNode"] == 3
    assert written["pytorch"]["communicationBackend"] == "Gloo"
    assert written["tensorflow"] == {"workerCount": 2, "parameterServerCount": 0}
    assert written["history"]["outputCollection"] is True
    assert written["docker"]["useDocker"] is True
    assert written["amlcompute"]["vmSize"] == "STANDARD_X"
    assert written["environment"]["python"]["condaDependencies"]["dependencies"][0] == "python=3.11"
    assert written["maxRunDurationSeconds"] == 3600


def test_packages_can_lie_in_a_file_of_their_own() -> None:
    everything().save(name="train", separate_environment_yaml=True)
    packages = yaml.safe_load(Path(".azureml/environment.yml").read_text())
    assert "numpy=1.26" in packages["dependencies"]
    python = yaml.safe_load(Path(".azureml/train.runconfig").read_text())["environment"]["python"]
    assert (python["condaDependencies"], python["condaDependenciesFile"]) == (None, "environment.yml")


def test_an_untouched_configuration_stays_one_that_nothing_was_asked_of() -> None:
    RunConfiguration().save(name="plain")
    again = RunConfiguration.load(".", "plain")
    assert again._to_definition() == RunConfiguration()._to_definition()
    again.environment.python.conda_dependencies.add_pip_package("tqdm")
    assert "tqdm" in str(again._to_definition()["environment"])


@pytest.mark.parametrize("name", ["train", "train.runconfig"])
def test_a_name_may_have_its_ending(name: str) -> None:
    everything().save(name=name)
    assert RunConfiguration.load(".", name).script == "train.py"
    assert names(".azureml") == ["train.runconfig"]


@pytest.mark.parametrize("path", ["conf/my.yml", "conf/my.runconfig", ".azureml/other.runconfig"])
def test_the_path_may_be_the_file(path: str) -> None:
    everything().save(path)
    assert RunConfiguration.load(path).script == "train.py"
    assert RunConfiguration.load(Path(path)).target == "some-pool"


def test_a_file_of_the_first_versions_can_be_read() -> None:
    write("aml_config/old.runconfig", OLD_FILE)
    write("aml_config/packages.yml", "name: p\ndependencies:\n- python=3.6.2\n- pip:\n  - tqdm\n")
    config = RunConfiguration.load(".", "old")
    assert (config.script, config.arguments) == ("fit.py", ["--depth", "3"])
    assert config.framework == "PySpark"
    assert config.environment.environment_variables == {"LEVEL": "7"}
    assert list(config.environment.python.conda_dependencies.pip_packages) == ["tqdm"]
    assert config.environment.docker.base_image == "mcr.example/base:0.1"
    assert config.tensorflow.worker_count == 2
    assert config.mpi.process_count_per_node == 3
    assert (config.amlcompute.vm_size, config.amlcompute.cluster_max_node_count) == ("STANDARD_X", 2)
    assert config.history.snapshot_project is False


def test_a_json_file_can_be_read() -> None:
    write(".azureml/editor.runconfig", JSON_FILE)
    config = RunConfiguration.load(".", "editor")
    assert (config.target, config.environment.name) == ("some-pool", "mine")
    assert config.history.directories_to_watch == ["plots"]
    assert list(config.environment.python.conda_dependencies.pip_packages) == ["azureml-defaults", "tqdm==4.1"]


def test_packages_of_an_environment_that_needs_none_are_not_looked_for() -> None:
    file = OLD_FILE.replace("userManagedDependencies: false", "userManagedDependencies: true")
    write("aml_config/old.runconfig", file)
    assert RunConfiguration.load(".", "old").environment.python.user_managed_dependencies


def test_a_configuration_can_be_deleted() -> None:
    everything().save(name="train")
    RunConfiguration.delete(".", "train")
    assert names(".azureml") == []
    with pytest.raises(UserErrorException, match="no run configuration"):
        RunConfiguration.delete(".", "train")


def test_a_copy_is_one_of_its_own() -> None:
    config = everything()
    other = copy.deepcopy(config)
    other.history.directories_to_watch.append("x")
    other.environment.environment_variables["D"] = "4"
    assert config.history.directories_to_watch == ["plots", "logs"]
    assert config._to_definition()["environment"]["environmentVariables"] == {"C": "3"}


def test_an_environment_definition_is_an_environment() -> None:
    config = RunConfiguration()
    config.environment = EnvironmentDefinition()
    config.save(name="e")
    assert RunConfiguration.load(".", "e").environment.name == "default"


# -- files that are wrong


def test_a_file_that_is_not_there_is_named_with_those_that_are() -> None:
    everything().save(name="train")
    with pytest.raises(UserErrorException) as caught:
        RunConfiguration.load(".", "trian")
    assert "trian.runconfig" in caught.value.message
    assert "There are: train" in caught.value.message
    with pytest.raises(UserErrorException, match="give name= too"):
        RunConfiguration.load(".")


@pytest.mark.parametrize("name", ["../out", "a/b", "", ".", "..", "a\\b", "a\0b", 5])
def test_no_name_leads_out_of_the_folder(name: Any) -> None:
    with pytest.raises(UserErrorException, match="cannot name a run configuration"):
        everything().save(name=name)
    with pytest.raises(UserErrorException, match="cannot name a run configuration"):
        RunConfiguration.load(".", name)
    assert names(".") == []


def test_saving_needs_a_name_and_a_place() -> None:
    with pytest.raises(UserErrorException, match="needs a name"):
        everything().save()
    write("file", "")
    with pytest.raises(UserErrorException, match="cannot be written"):
        everything().save("file", "train")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("script: [unclosed", "line 1 is not valid YAML"),
        ("script: a\n\tb: c", "line 2 is not valid YAML"),
        ("- a\n- b", "holds no run configuration"),
        ("just text", "holds no run configuration"),
        ("", "holds no run configuration"),
        ("nodeCount: many", "nodeCount must be a whole number"),
        ("nodeCount: 0", "nodeCount must be a whole number"),
        ("arguments: --a 5", "arguments.* is a list"),
        ("arguments: [[1]]", r"arguments\[0\] must be a text or a number"),
        ("mpi: 5", "mpi must be a dict"),
        ("mpi: {processCountPerNode: [1]}", "mpi.processCountPerNode must be a whole number"),
        ("history: {outputCollection: sometimes}", "outputCollection must be True or False"),
        ("docker: {arguments: -v}", "docker.arguments must be a list"),
        ("environment: some-name", "environment must hold keys and values"),
        ("environment: {python: 3}", "python"),
        ("environment: {python: {condaDependenciesFile: nowhere.yml}}", "'nowhere.yml', which is neither in"),
        ("environmentVariables: [A]", "environmentVariables"),
        ("framework: 5", "framework must be text"),
        ("? {a: 1}\n: b", "not valid YAML|no text"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(text: str, message: str) -> None:
    file = write("wrong.runconfig", text)
    with pytest.raises(UserErrorException, match=message) as caught:
        RunConfiguration.load(file)
    assert "wrong.runconfig" in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "script: !!python/object/apply:os.system ['touch hacked']",
        "!!python/object/new:subprocess.Popen [['touch', 'hacked']]",
        "script: !!python/name:os.system",
        "environment: {python: {condaDependencies: !!python/object/apply:os.mkdir [hacked]}}",
    ],
)
def test_a_tag_that_would_run_code_is_refused(text: str) -> None:
    file = write("wrong.runconfig", text)
    with pytest.raises(UserErrorException, match="not valid YAML"):
        RunConfiguration.load(file)
    assert not Path("hacked").exists()


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "\n".join(f"{c}: &{c} [{', '.join([f'*{b}'] * 10)}]" for b, c in zip("abcdefgh", "bcdefghi", strict=True)),
        "a: &a [*a]",
        "a: &a {b: *a}",
        "[" * 5000,
        "{a: " * 5000,
        "- " * 5000,
        "x" * (2 << 20),
    ],
)
def test_a_file_that_would_take_all_memory_is_refused(text: str) -> None:
    file = write("wrong.runconfig", text)
    with pytest.raises(UserErrorException) as caught:
        RunConfiguration.load(file)
    assert len(caught.value.message) < 1000


def test_a_folder_and_a_pipe_are_no_files() -> None:
    Path("a.runconfig").mkdir()
    with pytest.raises(UserErrorException):
        RunConfiguration.load("a.runconfig")
    if hasattr(os, "mkfifo"):
        os.mkfifo("b.runconfig")
        with pytest.raises(UserErrorException):
            RunConfiguration.load("b.runconfig")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = [*RunConfiguration()._to_definition(), "pytorch", "amlcompute", "other"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5))
def test_whatever_a_file_holds_it_is_read_or_refused(home: Path, content: dict[str, Any]) -> None:
    file = Path("any.runconfig")
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    try:
        config = RunConfiguration.load(file)
    except UserErrorException:
        return
    try:
        config.save("again.runconfig")
    except UserErrorException:
        return
    assert RunConfiguration.load("again.runconfig")._to_definition() == config._to_definition()


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    arguments=st.lists(TEXTS | st.integers() | st.floats(allow_nan=False), max_size=5),
    variables=st.dictionaries(TEXTS.filter(lambda name: "=" not in name), TEXTS, max_size=3),
    nodes=st.integers(1, 100),
    watched=st.lists(TEXTS, max_size=3),
)
def test_whatever_the_settings_what_is_saved_is_read_again(
    home: Path, arguments: list[Any], variables: dict[str, str], nodes: int, watched: list[str]
) -> None:
    config = RunConfiguration("x.py", arguments)
    config.environment_variables = variables
    config.node_count = nodes
    config.history.directories_to_watch = watched
    config.save(name="any")
    assert RunConfiguration.load(".", "any")._to_definition() == config._to_definition()
