"""Environments: described in a script, kept in a workspace, written to files, found again by a run."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zipfile import ZipFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azureml.core import Environment, Experiment, Run, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.environment import (
    DEFAULT_CPU_IMAGE,
    ContainerRegistry,
    DockerBuildContext,
    DockerSection,
    PythonEnvironment,
    PythonSection,
    RSection,
)
from azureml.core.runconfig import EnvironmentDefinition
from azureml.exceptions import ServiceException, UserErrorException
from milepost.jobs.environments import notes

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)


@st.composite
def environments(draw: st.DrawFn) -> Environment:
    made = Environment(draw(TEXT))
    made.version = draw(st.none() | st.sampled_from(["1", "23"]))
    made.environment_variables = draw(st.dictionaries(TEXT.filter(lambda name: "=" not in name), TEXT))
    made.python.interpreter_path = draw(TEXT)
    made.python.user_managed_dependencies = draw(st.booleans())
    made.python.base_conda_environment = draw(st.none() | TEXT)
    packages = st.lists(st.sampled_from(["numpy", "torch>=1", "scipy=1.2", "-e .", "--pre"]), unique=True)
    made.python.conda_dependencies = draw(
        st.none() | st.builds(CondaDependencies.create, pip_packages=packages, conda_packages=packages)
    )
    made.docker.enabled = draw(st.booleans())
    made.docker.base_image = draw(st.none() | TEXT)
    made.docker.base_dockerfile = draw(st.none() | st.just("FROM a\nRUN b\n"))
    made.docker.build_context = draw(st.none() | st.builds(DockerBuildContext, TEXT, TEXT, TEXT))
    made.docker.shm_size = draw(st.none() | TEXT)
    made.docker.arguments = draw(st.lists(TEXT))
    made.docker.base_image_registry.address = draw(st.none() | TEXT)
    made.docker.platform.architecture = draw(TEXT)
    made.spark.packages = draw(st.lists(st.dictionaries(TEXT, TEXT)))
    made.databricks.pypi_libraries = draw(st.lists(st.dictionaries(TEXT, st.none() | TEXT | st.integers())))
    made.r = draw(st.none() | st.builds(RSection, r_version=TEXT, cran_packages=st.lists(TEXT)))
    made.inferencing_stack_version = draw(st.none() | TEXT)
    return made


def packages(environment: Environment) -> CondaDependencies:
    found = environment.python.conda_dependencies
    assert found is not None
    return found


# -- described in a script


def test_an_environment_begins_as_the_sdks() -> None:
    made = Environment(name="mine")
    assert (made.name, made.version, made.environment_variables) == ("mine", None, {})
    assert (made.python.user_managed_dependencies, made.python.interpreter_path) == (False, "python")
    assert packages(made).as_dict() == CondaDependencies().as_dict()
    assert (made.docker.enabled, made.docker.base_image, made.docker.shm_size) == (False, DEFAULT_CPU_IMAGE, "2g")
    assert (made.docker.shared_volumes, made.docker.gpu_support, made.docker.arguments) == (True, False, [])
    assert (made.inferencing_stack_version, made.r) == (None, None)
    assert made.spark.precache_packages is True
    assert made.databricks.maven_libraries == []


def test_it_is_shown_as_json_in_azures_shape() -> None:
    made = Environment("mine")
    shown = json.loads(repr(made))
    assert repr(made).startswith('{\n    "databricks": {')
    assert shown == made._to_definition()
    assert sorted(shown) == [
        "databricks",
        "docker",
        "environmentVariables",
        "inferencingStackVersion",
        "name",
        "python",
        "r",
        "spark",
        "version",
    ]
    assert sorted(shown["python"]) == [
        "baseCondaEnvironment",
        "condaDependencies",
        "condaDependenciesFile",
        "interpreterPath",
        "userManagedDependencies",
    ]
    assert sorted(shown["docker"]) == [
        "arguments",
        "baseDockerfile",
        "baseImage",
        "baseImageRegistry",
        "buildContext",
        "enabled",
        "platform",
        "sharedVolumes",
        "shmSize",
    ]
    assert not hasattr(made, "_repr_html_")


def test_what_scripts_set_is_in_the_definition() -> None:
    made = Environment("mine")
    made.python.user_managed_dependencies = True
    made.python.interpreter_path = Path("/opt/python")  # type: ignore[assignment]
    made.environment_variables = {"A": "1"}
    made.environment_variables["B"] = 2  # type: ignore[assignment]
    made.docker.enabled = True
    made.docker.base_image = None
    made.docker.base_image_registry.address = "registry.example"
    made.inferencing_stack_version = "latest"
    definition = made._to_definition()
    assert definition["python"]["userManagedDependencies"] is True
    assert definition["python"]["interpreterPath"] == "/opt/python"
    assert definition["environmentVariables"] == {"A": "1", "B": "2"}
    assert definition["docker"]["enabled"] is True
    assert definition["docker"]["baseImage"] is None
    assert definition["docker"]["baseImageRegistry"]["address"] == "registry.example"
    assert definition["inferencingStackVersion"] == "latest"


@given(environments())
def test_a_definition_gives_the_same_environment_again(made: Environment) -> None:
    definition = made._to_definition()
    again = Environment._from_definition(json.loads(json.dumps(definition)))
    assert again._to_definition() == definition
    assert again.name == made.name
    for copied in (deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert copied._to_definition() == definition


def test_a_short_definition_keeps_the_defaults_and_unknown_keys_are_passed_over() -> None:
    made = Environment._from_definition(
        {"name": "old", "version": 3, "python": {"userManagedDependencies": True}, "docker": None, "assetId": "x"}
    )
    assert (made.name, made.version, made.python.user_managed_dependencies) == ("old", "3", True)
    assert made.docker.base_image == DEFAULT_CPU_IMAGE
    assert Environment._from_definition({"python": {"condaDependencies": None}}).python.conda_dependencies is None
    assert Environment._from_definition({"docker": {"baseImage": None}}).docker.base_image is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=2)
)
SECTIONS = st.dictionaries(
    st.sampled_from(
        [
            "interpreterPath",
            "userManagedDependencies",
            "condaDependencies",
            "condaDependenciesFile",
            "baseCondaEnvironment",
            "enabled",
            "baseImage",
            "baseDockerfile",
            "buildContext",
            "sharedVolumes",
            "shmSize",
            "arguments",
            "baseImageRegistry",
            "platform",
        ]
    ),
    JSON | st.dictionaries(st.sampled_from(["dependencies", "address", "os", "location"]), JSON),
)


@given(
    st.dictionaries(
        st.sampled_from(["name", "version", "environmentVariables", "python", "docker", "spark", "databricks", "r"]),
        JSON | SECTIONS,
    )
)
def test_any_definition_is_an_environment_or_an_error_of_the_sdk(definition: dict[str, Any]) -> None:
    try:
        made = Environment._from_definition(definition)
    except UserErrorException:
        return
    again = Environment._from_definition(made._to_definition())
    assert again._to_definition() == made._to_definition()


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ([], "must be a dict"),
        ({"python": "x"}, "python must be a dict"),
        ({"python": {"userManagedDependencies": "yes"}}, "python.userManagedDependencies must be True or False"),
        ({"python": {"condaDependencies": {"dependencies": "numpy"}}}, "condaDependencies.dependencies must be a list"),
        ({"python": {"condaDependencies": {"dependencies": [{"npm": []}]}}}, "only 'pip' has a list of its own"),
        ({"python": {"condaDependenciesFile": "env.yml"}}, "names the conda file 'env.yml' without its content"),
        ({"environmentVariables": {"A=B": "1"}}, "cannot name an environment variable"),
        ({"environmentVariables": {"A": [1]}}, r"environmentVariables\['A'\] must be text"),
        ({"docker": {"arguments": "--gpus all"}}, "docker.arguments must be a list"),
        ({"name": "a\0b"}, "NUL"),
    ],
)
def test_a_bad_definition_is_told_by_the_place_that_is_wrong(definition: Any, message: str) -> None:
    with pytest.raises(UserErrorException, match=message):
        Environment._from_definition(definition)


def test_a_dockerfile_in_a_definition_is_never_taken_for_a_path(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    made = Environment._from_definition({"docker": {"baseDockerfile": str(secret)}})
    assert made.docker.base_dockerfile == str(secret)
    assert deepcopy(made).docker.base_dockerfile == str(secret)


def test_a_misspelt_setting_is_refused_and_the_right_one_named() -> None:
    made = Environment("mine")
    with pytest.raises(AttributeError, match="did you mean 'user_managed_dependencies'"):
        made.python.user_managed_dependancies = True
    with pytest.raises(AttributeError, match="Environment has no setting 'pyhton'"):
        made.pyhton = PythonSection()
    with pytest.raises(AttributeError, match="did you mean 'base_image'"):
        DockerSection(base_images="x")


def test_values_of_the_wrong_kind_are_told_when_the_environment_is_used() -> None:
    for change, message in [
        (
            lambda made: setattr(made.python, "user_managed_dependencies", "no"),
            "user_managed_dependencies must be True",
        ),
        (lambda made: setattr(made.python, "interpreter_path", None), "python.interpreter_path must be text, not None"),
        (lambda made: setattr(made, "docker", "image"), "docker must be a DockerSection"),
        (lambda made: setattr(made.docker, "arguments", [1]), r"docker.arguments\[0\] must be text"),
        (lambda made: setattr(made.spark, "packages", [{1, 2}]), "spark.packages must hold text, numbers"),
        (
            lambda made: made.environment_variables.update(A=None),
            r"environment_variables\['A'\] must be text, not None",
        ),
    ]:
        made = Environment("mine")
        change(made)
        with pytest.raises(UserErrorException, match=message) as caught:
            made._to_definition()
        assert caught.value.message.startswith("Environment 'mine': ")
        assert "<Environment: Environment 'mine': " in repr(made)
    with pytest.raises(UserErrorException, match=r"conda_dependencies must be a CondaDependencies.*reads a conda file"):
        Environment("mine").python.conda_dependencies = "env.yml"  # type: ignore[assignment]
    with pytest.raises(UserErrorException, match="environment_variables must be a dict"):
        Environment("mine").environment_variables = "A=1"  # type: ignore[assignment]


@pytest.mark.parametrize("name", [None, 5, "", "a\0b", "\ud800"])
def test_an_environments_name_is_text(name: Any) -> None:
    with pytest.raises(UserErrorException, match="An environment's name"):
        Environment(name)


def test_a_registrys_password_is_in_no_definition() -> None:
    registry = ContainerRegistry(address="r.example", username="me", password="s3cret")
    made = Environment.from_docker_image("mine", "image", container_registry=registry)
    assert made.docker.base_image_registry.password == "s3cret"
    assert "me" in repr(made)
    assert "s3cret" not in repr(made) + repr(registry) + json.dumps(made._to_definition())


def test_older_names_of_the_classes_work() -> None:
    assert isinstance(PythonEnvironment(), PythonSection)
    nameless = EnvironmentDefinition()
    assert nameless.name is None
    assert isinstance(nameless, Environment)
    assert EnvironmentDefinition("mine")._to_definition() == Environment("mine")._to_definition()


def test_the_conda_file_of_a_python_section_is_read_when_it_is_set(home: Path) -> None:
    Path("env.yml").write_text("dependencies: [scipy]")
    section = PythonSection()
    section.conda_dependencies_file = "env.yml"
    assert section.conda_dependencies_file == "env.yml"
    assert section._to_definition()["condaDependencies"] == {"dependencies": ["scipy"], "channels": []}
    assert section._to_definition()["condaDependenciesFile"] is None
    with pytest.raises(UserErrorException, match="missing.yml"):
        section.conda_dependencies_file = "missing.yml"


# -- made from files


def test_from_pip_requirements_takes_the_files_packages(home: Path) -> None:
    Path("requirements.txt").write_text("joblib>=1.3\n-r more.txt\n")
    Path("more.txt").write_text("--pre\nnumpy  # fast\n")
    made = Environment.from_pip_requirements("mine", "requirements.txt", pip_version="24.0")
    assert made.python.user_managed_dependencies is False
    assert list(packages(made).pip_packages) == ["joblib>=1.3", "numpy"]
    assert list(packages(made).pip_options) == ["--pre"]
    assert list(packages(made).conda_packages) == ["python=3.10.18", "pip=24.0"]
    with pytest.raises(UserErrorException, match=r"'nowhere.txt' is not there \(from "):
        Environment.from_pip_requirements(name="mine", file_path="nowhere.txt")


def test_from_conda_specification_takes_the_files_packages_and_variables(home: Path) -> None:
    Path("env.yml").write_text("name: x\ndependencies:\n- python=3.9\n- pip: [torch]\nvariables: {DEBUG: 1}\n")
    made = Environment.from_conda_specification(name="mine", file_path=Path("env.yml"))
    assert (made.name, packages(made).get_python_version()) == ("mine", "3.9")
    assert list(packages(made).pip_packages) == ["torch"]
    assert made.environment_variables == {"DEBUG": "1"}
    Path("env.yml").write_text("dependencies:\n- !!python/object/apply:os.system [true]\n")
    with pytest.raises(UserErrorException, match=r"'env.yml', line 2:"):
        Environment.from_conda_specification("mine", "env.yml")


def test_images_and_dockerfiles_are_kept(home: Path) -> None:
    Path("requirements.txt").write_text("numpy\n")
    Path("env.yml").write_text("dependencies: [scipy]\n")
    Path("Dockerfile").write_text("FROM debian\n")
    image = Environment.from_docker_image("a", "debian:12")
    assert (image.docker.base_image, image.python.user_managed_dependencies) == ("debian:12", True)
    with_pip = Environment.from_docker_image("a", "debian:12", pip_requirements="requirements.txt")
    assert (list(packages(with_pip).pip_packages), with_pip.python.user_managed_dependencies) == (["numpy"], False)
    for dockerfile in ("Dockerfile", "FROM debian\n", Path("Dockerfile").absolute()):
        made = Environment.from_dockerfile("a", dockerfile, conda_specification="env.yml")
        assert (made.docker.base_dockerfile, made.docker.base_image) == ("FROM debian\n", None)
        assert list(packages(made).conda_packages) == ["scipy"]
    context = DockerBuildContext.from_local_directory(None, ".")  # type: ignore[arg-type]
    assert Environment.from_docker_build_context("a", context)._to_definition()["docker"]["buildContext"] == {
        "locationType": "local",
        "location": str(Path.cwd()),
        "dockerfilePath": "Dockerfile",
    }
    with pytest.raises(UserErrorException, match="not both"):
        Environment.from_docker_image("a", "b", conda_specification="env.yml", pip_requirements="requirements.txt")
    with pytest.raises(UserErrorException, match=r"'Dockerfil' cannot be read.* Give its path or its text"):
        Environment.from_dockerfile("a", "Dockerfil")
    with pytest.raises(UserErrorException, match="There is no 'Dockerfil' in"):
        DockerBuildContext.from_local_directory(None, ".", dockerfile_path="Dockerfil")  # type: ignore[arg-type]
    with pytest.raises(UserErrorException, match="must be a DockerBuildContext, not 'x'"):
        Environment.from_docker_build_context("a", "x")  # type: ignore[arg-type]


def test_an_existing_conda_environment_is_named() -> None:
    made = Environment.from_existing_conda_environment("mine", "base")
    assert (made.python.base_conda_environment, made.python.user_managed_dependencies) == ("base", True)


def test_a_clone_is_on_its_own(ws: Workspace) -> None:
    first = Environment("first").register(ws)
    first.environment_variables["A"] = "1"
    second = first.clone("second")
    second.environment_variables["B"] = "2"
    packages(second).add_pip_package("numpy")
    assert (second.name, second.version, first.version) == ("second", None, "1")
    assert first.environment_variables == {"A": "1"}
    assert list(packages(first).pip_packages) == ["azureml-defaults"]


def test_a_folder_has_the_files_of_azures_command_line(tmp_path: Path) -> None:
    made = Environment("mine")
    made.environment_variables = {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
    made.docker.base_dockerfile = "FROM a\r\nRUN b"
    folder = tmp_path / "a" / "b"
    made.save_to_directory(folder)
    assert sorted(each.name for each in folder.iterdir()) == [
        "BaseDockerfile",
        "azureml_environment.json",
        "conda_dependencies.yml",
    ]
    written = json.loads((folder / "azureml_environment.json").read_text())
    assert "condaDependencies" not in written["python"]
    assert written["docker"]["baseDockerfile"] is None
    assert Environment.load_from_directory(folder)._to_definition() == made._to_definition()


def test_a_folder_is_overwritten_only_on_demand_and_then_whole(tmp_path: Path) -> None:
    first = Environment("first")
    first.docker.base_dockerfile = "FROM a\n"
    first.save_to_directory(tmp_path)
    second = Environment("second")
    second.python.conda_dependencies = None
    with pytest.raises(UserErrorException, match=r"has azureml_environment.json, .* already. Give overwrite=True"):
        second.save_to_directory(tmp_path)
    second.save_to_directory(path=str(tmp_path), overwrite=True)
    assert [each.name for each in tmp_path.iterdir()] == ["azureml_environment.json"]
    assert Environment.load_from_directory(tmp_path)._to_definition() == second._to_definition()


def test_a_folder_that_azures_command_line_made_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "azureml_environment.json").write_text(
        json.dumps(
            {
                "name": "forest",
                "version": None,
                "environmentVariables": {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"},
                "python": {
                    "userManagedDependencies": False,
                    "interpreterPath": "python",
                    "condaDependenciesFile": None,
                },
                "docker": {"enabled": True, "baseImage": "an/image", "shmSize": None, "baseImageRegistry": {}},
                "spark": {"repositories": [], "packages": [], "precachePackages": True},
                "r": None,
                "inferencingStackVersion": None,
                "assetId": "azureml://somewhere",
            }
        )
    )
    (tmp_path / "conda_dependencies.yml").write_text("dependencies:\n- python=3.8\n- pip: [xgboost]\n")
    made = Environment.load_from_directory(tmp_path)
    assert (made.name, made.docker.base_image, made.docker.shm_size) == ("forest", "an/image", None)
    assert packages(made).as_dict()["dependencies"] == ["python=3.8", {"pip": ["xgboost"]}]


def test_a_folders_json_may_name_another_conda_file_or_hold_the_packages(tmp_path: Path) -> None:
    file = tmp_path / "azureml_environment.json"
    (tmp_path / "conda_dependencies.yml").write_text("dependencies: [wrong]\n")
    (tmp_path / "other.yml").write_text("dependencies: [right]\n")
    file.write_text('{"name": "a", "python": {"condaDependenciesFile": "other.yml"}}')
    assert list(packages(Environment.load_from_directory(tmp_path)).conda_packages) == ["right"]
    file.write_text('{"name": "a", "python": {"condaDependencies": {"dependencies": ["inside"]}}}')
    assert list(packages(Environment.load_from_directory(tmp_path)).conda_packages) == ["inside"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{\n"name": "a",\n}', r"azureml_environment.json', line [23]: this is no JSON"),
        ("[1]", "must hold a JSON object"),
        ('{"python": []}', "'python' must be a JSON object"),
        ('{"python": {"interpreterPath": 5}}', "python.interpreterPath must be text, not 5"),
        ("[" * 100_000, "nested too deeply|must hold"),
        (None, "azureml_environment.json' is not there"),
    ],
)
def test_a_folder_that_cannot_be_loaded_is_told_with_file_and_line(
    tmp_path: Path, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "azureml_environment.json").write_text(content)
    with pytest.raises(UserErrorException, match=message):
        Environment.load_from_directory(tmp_path)


# -- in a workspace


def test_a_new_version_is_made_only_when_the_content_changes(ws: Workspace) -> None:
    made = Environment("mine")
    assert made.register(ws).version == "1"
    assert made.register(workspace=ws).version == "1"
    packages(made).add_pip_package("numpy")
    second = made.register(ws)
    assert (second.name, second.version) == ("mine", "2")
    assert list(packages(second).pip_packages) == ["azureml-defaults", "numpy"]
    assert second.register(ws).version == "2"  # the version that it has is no content
    assert Environment.get(ws, "mine", version=1).register(ws).version == "3"


def test_environments_are_found_by_name_version_and_label(ws: Workspace) -> None:
    made = Environment("mine")
    made.register(ws)
    made.environment_variables = {"A": "1"}
    made.register(ws)
    Environment("other").register(ws)
    assert Environment.get(workspace=ws, name="mine").version == "2"
    for version in (1, "1"):
        assert Environment.get(ws, "mine", version=version).environment_variables == {}
    Environment.label(ws, "mine", 1, ["prod", "old"])
    Environment.label(ws, "mine", "2", ["prod"])
    assert Environment.get(ws, "mine", label="prod").version == "2"
    assert Environment.get(ws, "mine", label="old").version == "1"
    assert {name: each.version for name, each in Environment.list(ws).items()} == {"mine": "2", "other": "1"}
    assert sorted(ws.environments) == ["mine", "other"]
    assert ws.environments["mine"].environment_variables == {"A": "1"}
    with pytest.raises(KeyError, match="curated environments are images of its cloud"):
        ws.environments["AzureML-VowpalWabbit-8.8.0"]
    with pytest.raises(KeyError, match="^'none'$"):
        ws.environments["none"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(environments())
def test_what_is_registered_comes_back_whole(ws: Workspace, made: Environment) -> None:
    made.name = "any"
    found = Environment.get(ws, "any", made.register(ws).version)
    assert found._to_definition() | {"version": None} == made._to_definition() | {"version": None}


def test_what_is_not_there_is_told_with_what_is_near(ws: Workspace) -> None:
    Environment("forest").register(ws)
    for name, kwargs, message in [
        ("forrest", {}, "did you mean 'forest'"),
        ("forest", {"version": 7}, "has no version 7"),
        ("forest", {"label": "prod"}, "has no label 'prod'"),
    ]:
        with pytest.raises(ServiceException, match=message) as caught:
            Environment.get(ws, name, **kwargs)  # type: ignore[arg-type]
        assert caught.value.status_code == 404
    with pytest.raises(ServiceException, match="has no version 9"):
        Environment.label(ws, "forest", 9, ["prod"])
    with pytest.raises(UserErrorException, match="not both"):
        Environment.get(ws, "forest", version=1, label="prod")


def test_a_curated_environment_of_azure_says_how_to_make_one_of_its_name(ws: Workspace) -> None:
    name = "AzureML-Scikit-learn-PySpark-3"
    with pytest.raises(ServiceException) as caught:
        Environment.get(ws, name)
    assert caught.value.status_code == 404
    advice = caught.value.message
    assert "Azure's curated environments are images of its cloud" in advice
    lines = advice[advice.index("env = ") :].split("; ")
    scope: dict[str, Any] = {"workspace": ws, "Environment": Environment, "CondaDependencies": CondaDependencies}
    for line in lines:  # what the message says works as it stands
        exec(line, scope)
    assert list(packages(Environment.get(ws, name)).pip_packages) == ["pyspark", "scikit-learn"]
    with pytest.raises(ServiceException, match="has no version 2"):
        Environment.get(ws, name, version="2")


CURATED = {
    "AzureML-Minimal": "azureml-defaults",
    "AzureML-minimal-ubuntu18.04-py37-cpu-inference": "azureml-defaults",
    "AzureML-Tutorial": "scikit-learn",
    "AzureML-sklearn-0.24-ubuntu18.04-py37-cpu": "scikit-learn",
    "AzureML-Scikit-learn-0.20.3": "scikit-learn",
    "AzureML-PyTorch-1.x-CPU": "torch",
    "AzureML-pytorch-1.10-ubuntu18.04-py38-cuda11-gpu": "torchvision",
    "AzureML-acpt-pytorch-1.13-py38-cuda11.7-gpu": "torch",
    "AzureML-ACPT-pytorch-1.11-py38-cuda11.3-gpu": "torchvision",
    "AzureML-TensorFlow-2.3-GPU": "tensorflow",
    "AzureML-tensorflow-2.7-ubuntu20.04-py38-cuda11-gpu": "tensorflow",
    "AzureML-lightgbm-3.2-ubuntu18.04-py37-cpu": "lightgbm",
    "AzureML-xgboost-0.9-ubuntu18.04-py37-cpu-inference": "xgboost",
    "AzureML-onnxruntime-1.6-ubuntu18.04-py37-cpu-inference": "onnxruntime",
    "AzureML-Designer": "pandas",
    "AzureML-Designer-Score": "scikit-learn",
}


@pytest.mark.parametrize(("name", "package"), CURATED.items())
def test_environments_of_azure_that_are_packages_of_pypi_have_one_in_their_place(
    ws: Workspace, name: str, package: str
) -> None:
    found = Environment.get(workspace=ws, name=name)
    assert (found.name, found.version) == (name, None)
    assert not found.python.user_managed_dependencies
    assert package in list(packages(found).pip_packages)
    assert repr(ws.environments[name]) == repr(found) == repr(Environment.list(ws).get(name))
    assert name in ws.environments
    assert list(ws.environments) == []  # looked up, not listed
    # What of its name is not so is told by each run, also of one that was made from it.
    ours = found.clone("ours")
    packages(ours).add_pip_package("joblib==1.4")
    for each in (found, ours, ours.register(ws)):
        (said,) = notes(each._to_definition())
        assert said.startswith(f"{name} is an image of Azure's, which is not used.")
    ours.python.conda_dependencies = CondaDependencies.create(pip_packages=["joblib"])
    assert notes(ours._to_definition()) == []
    # The registered one of that name goes first.
    Environment(name).register(ws)
    assert Environment.get(ws, name).version == ws.environments[name].version == "1"


def test_the_versions_in_the_name_of_one_of_azures_are_told_to_be_unused(ws: Workspace) -> None:
    (said,) = notes(Environment.get(ws, "AzureML-sklearn-0.24-ubuntu18.04-py37-cpu")._to_definition())
    assert "the versions in its name (0.24, ubuntu18.04, py37) are not used" in said
    (said,) = notes(Environment.get(ws, "AzureML-PyTorch-1.x-CPU")._to_definition())
    assert "(1.x)" in said
    (said,) = notes(Environment.get(ws, "AzureML-Designer-Score")._to_definition())
    assert "versions in its name" not in said
    assert "azureml-designer-*" in said
    with pytest.warns(RuntimeWarning, match="'44' of it is not here"):
        assert Environment.get(ws, "AzureML-Tutorial", version="44").version is None


@pytest.mark.parametrize(
    "name",
    [
        "AzureML-VowpalWabbit-8.8.0",
        "AzureML-PySpark-MmlSpark-0.15",
        "AzureML-PyTorch-Horovod",
        "AzureML-Designer-CV",
        "AzureML-sklearnish",
        "AzureML-",
        "AzureML-Chainer-5.1.0-GPU",
        "AzureML-responsibleai-0.20-ubuntu20.04-py38-cpu",
    ],
)
def test_those_of_azure_that_nothing_stands_for_are_said_to_be_missing(ws: Workspace, name: str) -> None:
    with pytest.raises(ServiceException, match="Milepost has nothing in place of this one") as caught:
        Environment.get(ws, name)
    assert caught.value.status_code == 404
    assert name not in ws.environments
    assert ws.environments.get(name) is None


@pytest.mark.parametrize("name", ["", "a b", "a/b", "ü", "x" * 256, "a\n", "../a", None, 5])
def test_names_that_cannot_be_registered_are_refused(ws: Workspace, name: Any) -> None:
    with pytest.raises(UserErrorException, match="cannot name an environment"):
        Environment.get(ws, name)
    made = Environment("fine")
    made.name = name
    with pytest.raises(UserErrorException):
        made.register(ws)
    assert Environment.list(ws) == {}


@pytest.mark.parametrize("version", ["x", "", 0, -1, 1.0, True, "1.0", "9" * 30, "\u0661"])
def test_a_version_is_a_number_from_one(ws: Workspace, version: Any) -> None:
    Environment("mine").register(ws)
    with pytest.raises(UserErrorException, match="An environment's version is a number from 1"):
        Environment.get(ws, "mine", version=version)
    with pytest.raises(UserErrorException, match="An environment's version is a number from 1"):
        Environment.label(ws, "mine", version, ["prod"])


def test_a_private_wheel_is_copied_into_the_workspace(ws: Workspace) -> None:
    wheel = Path("dist/mine-1.0-py3-none-any.whl")
    wheel.parent.mkdir()
    wheel.write_bytes(b"first")
    address = Environment.add_private_pip_wheel(workspace=ws, file_path=str(wheel))
    assert address.startswith("file:///")
    assert address.endswith("/mine-1.0-py3-none-any.whl")
    assert ws.get_default_datastore().folder.as_uri() in address
    wheel.write_bytes(b"second")
    with pytest.raises(UserErrorException, match="has a wheel .* already"):
        Environment.add_private_pip_wheel(ws, wheel)
    second = Environment.add_private_pip_wheel(ws, wheel, exist_ok=True)
    assert second != address  # who has the first is not given the second
    assert [Path(unquote(urlsplit(each).path)).read_bytes() for each in (address, second)] == [b"first", b"second"]
    assert Environment.add_private_pip_wheel(ws, wheel, exist_ok=True) == second
    made = CondaDependencies()
    made.add_pip_package(address)
    assert address in list(made.pip_packages)
    for missing in ("dist/none.whl", "dist", "requirements.txt"):
        with pytest.raises(UserErrorException, match="There is no wheel"):
            Environment.add_private_pip_wheel(ws, missing)


# -- built


def test_a_build_makes_the_packages_ready_and_tells_how_it_went(
    ws: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = Path("tinything-1.0-py3-none-any.whl")
    with ZipFile(wheel, "w") as archive:
        archive.writestr("tinything.py", "FIVE = 5\n")
        archive.writestr("tinything-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tinything\nVersion: 1.0\n")
        archive.writestr(
            "tinything-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tinything-1.0.dist-info/RECORD", "")
    made = Environment("tiny")
    made.python.conda_dependencies = CondaDependencies.create(
        pip_packages=[Environment.add_private_pip_wheel(ws, wheel)]
    )
    build = made.build(ws)
    build.wait_for_completion(show_output=True)
    assert build.status == "Succeeded"
    assert capsys.readouterr().out == build.log
    assert "tinything" in build.log
    interpreter = build.log.strip().rpartition(": ")[2]
    script = [interpreter, "-c", "import tinything; print(tinything.FIVE)"]
    assert subprocess.run(script, capture_output=True, text=True, check=True).stdout == "5\n"


def test_a_build_of_an_interpreter_that_is_there_says_which(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    made = Environment("mine")
    made.python.user_managed_dependencies = True
    assert sys.executable in made.build_local(ws, useDocker=False)
    assert sys.executable in capsys.readouterr().out


def test_a_build_that_fails_says_why(ws: Workspace) -> None:
    made = Environment("mine")
    made.python.user_managed_dependencies = True
    made.python.interpreter_path = "/no/such/python"
    build = made.build(ws)
    with pytest.raises(UserErrorException, match="/no/such/python"):
        build.wait_for_completion(show_output=False)
    assert build.status == "Failed"
    with pytest.raises(UserErrorException, match="Dockerfile"):
        Environment.from_dockerfile("mine", "FROM a\n").build_local(ws)


# -- of a run


def test_a_submitted_run_knows_its_environment(run: Run) -> None:
    made = Environment("mine")
    made.environment_variables = {"A": "1"}
    run._say("document", {"name": "environment", "content": made._to_definition()})
    found = run.get_environment()
    assert isinstance(found, Environment)
    assert found._to_definition() == made._to_definition()


def test_an_interactive_run_has_no_environment(run: Run, experiment: Experiment) -> None:
    with pytest.raises(UserErrorException, match=r"has no environment: it was not submitted"):
        run.get_environment()
