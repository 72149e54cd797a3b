"""Estimators make the same run as a ScriptRunConfig does."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from azureml.core import Environment, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.runconfig import MpiConfiguration, PyTorchConfiguration, TensorflowConfiguration
from azureml.exceptions import UserErrorException
from azureml.train.dnn import Gloo, Mpi, Nccl, ParameterServer, PyTorch, TensorFlow
from azureml.train.estimator import Estimator
from azureml.train.sklearn import SKLearn
from milepost.sdk.exceptions import NotAvailableException
from milepost.sdk.submitting import estimator as estimators
from milepost.sdk.submitting.job_request import JobRequest, job_request

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def source(home: Path) -> Path:
    folder = Path("source").absolute()
    folder.mkdir()
    (folder / "train.py").write_text("")
    (folder / "packages.yml").write_text("dependencies:\n- python=3.11\n- pandas\n- pip:\n  - tqdm\n")
    (folder / "requirements.txt").write_text("joblib>=1.3  # a comment\nrich\n")
    return folder


def asked(ws: Workspace, kind: Any = Estimator, **kwargs: Any) -> JobRequest:
    return job_request(kind("source", entry_script="train.py", **kwargs), ws)


def packages(request: JobRequest) -> list[str]:
    """The packages of conda, then those of pip."""
    dependencies = request.environment["python"]["condaDependencies"]["dependencies"]
    plain = [each for each in dependencies if isinstance(each, str)]
    return plain + [each for group in dependencies if isinstance(group, dict) for each in group["pip"]]


@pytest.mark.parametrize("kind", [Estimator, SKLearn, PyTorch, TensorFlow])
def test_a_plain_one_runs_with_the_python_that_submits(ws: Workspace, source: Path, kind: Any) -> None:
    request = asked(ws, kind)
    assert (request.source_directory, request.script, request.target) == (source, "train.py", "local")
    assert request.environment["python"]["userManagedDependencies"] is True
    assert (request.framework, request.communicator, request.total_processes) == ("Python", "None", 1)


def test_options_become_arguments(ws: Workspace, source: Path) -> None:
    place = ws.get_default_datastore().path("data")
    given = {"--alpha": 0.5, "--flag": "", "--other": None, "--name": "a b", "--data": place, "--zero": 0}
    assert asked(ws, script_params=given).arguments == [
        "--alpha", "0.5", "--flag", "--other", "--name", "a b", "--data", str(place.local_path), "--zero", "0"
    ]  # fmt: skip


@pytest.mark.parametrize("given", [["--a", 1], "--a 1", {5: 1}, {"--a": object()}, {"--a": [1]}])
def test_options_are_a_dict_of_texts(source: Path, given: Any) -> None:
    with pytest.raises(UserErrorException, match="script_params"):
        Estimator("source", entry_script="train.py", script_params=given)


def test_packages_make_an_environment(ws: Workspace, source: Path) -> None:
    request = asked(
        ws,
        conda_packages=["numpy=1.26"],
        pip_packages=["rich"],
        conda_dependencies_file="packages.yml",
        pip_requirements_file="requirements.txt",
    )
    assert request.environment["python"]["userManagedDependencies"] is False
    assert {"python=3.11", "pandas", "numpy=1.26", "tqdm", "joblib>=1.3", "rich"} <= set(packages(request))


@pytest.mark.parametrize(
    ("kind", "version", "expected"),
    [
        (SKLearn, None, {"scikit-learn", "joblib", "x"}),
        (SKLearn, "1.5.0", {"scikit-learn==1.5.0", "x"}),
        (PyTorch, "2.4", {"torch==2.4", "torchvision"}),
        (TensorFlow, None, {"tensorflow"}),
        (TensorFlow, "2.17", {"tensorflow==2.17"}),
    ],
)
def test_a_framework_brings_its_packages(
    ws: Workspace, source: Path, kind: Any, version: str | None, expected: set[str]
) -> None:
    assert expected <= set(packages(asked(ws, kind, pip_packages=["x"], framework_version=version)))
    assert kind("source", framework_version=version).framework_version == (version or kind.DEFAULT_VERSION)
    assert kind.DEFAULT_VERSION in kind.get_supported_versions()


def test_files_are_looked_for_beside_the_script_and_then_here(ws: Workspace, source: Path) -> None:
    Path("here.txt").write_text("rich\n")
    assert "rich" in packages(asked(ws, pip_requirements_file_path="here.txt"))
    assert "pandas" in packages(asked(ws, conda_dependencies_file_path="packages.yml"))
    with pytest.raises(UserErrorException, match=r"nowhere\.txt"):
        asked(ws, pip_requirements_file="nowhere.txt")


def test_an_environment_of_ones_own_is_taken_and_not_changed(ws: Workspace, source: Path) -> None:
    mine = Environment("mine")
    request = asked(ws, environment_definition=mine, environment_variables={"A": "1"})
    assert (request.environment["name"], request.environment_variables) == ("mine", {"A": "1"})
    assert mine.environment_variables == {}
    with pytest.raises(UserErrorException, match="not both"):
        asked(ws, environment_definition=mine, pip_packages=["x"])
    with pytest.raises(UserErrorException, match="must be an Environment"):
        asked(ws, environment_definition="mine")


def test_an_environment_that_is_managed_by_its_user_is_left_alone(ws: Workspace, source: Path) -> None:
    python = asked(ws, user_managed=True, pip_packages=["x"]).environment["python"]
    assert python["userManagedDependencies"] is True


def test_it_can_go_to_a_pool(ws: Workspace, source: Path) -> None:
    pool = ComputeTarget.create(ws, "pool", AmlCompute.provisioning_configuration())
    assert asked(ws, compute_target=pool).target == "pool"
    request = asked(ws, vm_size="STANDARD_NC6", vm_priority="lowpriority")
    assert request.target == "local"
    assert "this machine" in request.warnings[0]


@pytest.mark.parametrize(
    ("kind", "how", "expected"),
    [
        (Estimator, {"distributed_training": MpiConfiguration(2), "node_count": 2}, ("Mpi", 2, 4, 0)),
        (Estimator, {"distributed_training": Mpi(3)}, ("Mpi", 1, 3, 0)),
        (Estimator, {"distributed_backend": "mpi", "node_count": 2, "process_count_per_node": 2}, ("Mpi", 2, 4, 0)),
        (PyTorch, {"distributed_training": Nccl(), "node_count": 2}, ("Nccl", 2, 2, 0)),
        (PyTorch, {"distributed_training": Gloo(4), "node_count": 2}, ("Gloo", 2, 4, 0)),
        (PyTorch, {"distributed_training": PyTorchConfiguration("Gloo", 2)}, ("Gloo", 1, 2, 0)),
        (PyTorch, {"distributed_backend": "nccl", "node_count": 2}, ("Nccl", 2, 2, 0)),
        (TensorFlow, {"distributed_training": TensorflowConfiguration(2, 1)}, ("ParameterServer", 3, 3, 1)),
        (TensorFlow, {"distributed_training": ParameterServer(2, 2)}, ("ParameterServer", 4, 4, 2)),
        (TensorFlow, {"distributed_backend": "ps", "worker_count": 2}, ("ParameterServer", 3, 3, 1)),
    ],
)
def test_it_can_have_several_processes(
    ws: Workspace, source: Path, kind: Any, how: dict[str, Any], expected: Any
) -> None:
    request = asked(ws, kind, **how)
    found = (request.communicator, request.node_count, request.total_processes, request.parameter_servers)
    assert found == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"node_count": 2},
        {"process_count_per_node": 2},
        {"node_count": 0},
        {"distributed_backend": "smoke"},
        {"distributed_backend": "mpi", "distributed_training": Mpi()},
        {"distributed_training": "mpi"},
        {"max_run_duration_seconds": "long"},
        {"compute_target": 5},
        {"conda_packages": "numpy"},
        {"pip_packages": [5]},
        {"environment_variables": ["A"]},
        {"pip_requirements_file": 5},
    ],
)
def test_arguments_that_cannot_be_are_an_error(source: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(UserErrorException):
        Estimator("source", entry_script="train.py", **wrong)


@pytest.mark.parametrize("later", [{"inputs": [object()]}, {"resume_from": object()}])
def test_what_comes_later_says_so(source: Path, later: dict[str, Any]) -> None:
    with pytest.raises(NotAvailableException, match="not in this version"):
        Estimator("source", entry_script="train.py", **later)


def test_its_run_configuration_can_be_changed(ws: Workspace, source: Path) -> None:
    made = Estimator("source", entry_script="train.py", max_run_duration_seconds=60)
    assert made.source_directory == "source"
    made.run_config.environment_variables = {"A": "1"}
    made.conda_dependencies.add_pip_package("tqdm")  # type: ignore[union-attr]
    request = job_request(made, ws)
    assert (request.environment_variables, request.max_run_duration_seconds) == ({"A": "1"}, 60)
    assert "tqdm" in packages(request)


def test_images_are_kept_and_have_no_effect(ws: Workspace, source: Path) -> None:
    request = asked(ws, use_docker=True, custom_docker_image="an/image", shm_size="4g", use_gpu=True)
    assert request.environment["docker"]["baseImage"] == "an/image"
    assert request.environment["docker"]["shmSize"] == "4g"
    assert request.environment["python"]["userManagedDependencies"] is True


def test_it_says_once_that_it_is_deprecated(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimators, "_told", set())
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(2):
            Estimator("source", entry_script="train.py")
    (only,) = [each for each in said if each.category is DeprecationWarning]
    assert "ScriptRunConfig" in str(only.message)
    assert only.filename == __file__
