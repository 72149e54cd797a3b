"""Every public name of azureml-core 1.61 (azureml-v1.json) is here with its signature, or on a list with the reason."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from milepost.sdk import exceptions, later
from milepost.sdk.later import LaterType

API: dict[str, dict[str, dict[str, Any]]] = json.loads(Path(__file__).with_name("azureml-v1.json").read_text())

PROJECTS = "folders are not tied to experiments"
DATA = "registered datasets and other storage come in a later version"
MLFLOW = "MLflow's protocol comes in a later version"
REMOTE = "other machines come in a later version"
CLOUD = "belongs to Azure's cloud"

LATER_NAMES = {
    "azureml.core": {
        "Keyvault": CLOUD,
        "Webservice": CLOUD,
    },
    "azureml.core.model": {"InferenceConfig": CLOUD},
}
"""Names that can be imported and raise NotAvailableException when used."""

LATER_MEMBERS: dict[str, dict[str, str]] = {
    "Workspace": {
        "add_private_endpoint": CLOUD,
        "datasets": DATA,
        "delete_connection": CLOUD,
        "delete_private_endpoint_connection": CLOUD,
        "diagnose_workspace": CLOUD,
        "discovery_url": CLOUD,
        "get_connection": CLOUD,
        "get_default_keyvault": CLOUD,
        "get_mlflow_tracking_uri": MLFLOW,
        "images": CLOUD,
        "linked_services": CLOUD,
        "list_connections": CLOUD,
        "list_keys": CLOUD,
        "private_endpoints": CLOUD,
        "service_context": CLOUD,
        "set_connection": CLOUD,
        "set_default_datastore": DATA,
        "setup": CLOUD,
        "sync_keys": CLOUD,
        "update": CLOUD,
        "update_dependencies": CLOUD,
        "webservices": CLOUD,
    },
    "Experiment": {"from_directory": PROJECTS},
    "Run": {
        "get_secret": CLOUD,
        "get_secrets": CLOUD,
    },
    "Environment": {"get_image_details": CLOUD},
    "EnvironmentDefinition": {"get_image_details": CLOUD},
    "AmlCompute": dict.fromkeys(
        ["add_identity", "list_quotas", "list_usages", "remove_identity", "update_quotas"], CLOUD
    ),
    "ComputeInstance": dict.fromkeys(["restart", "stop", "update_sso_settings"], CLOUD),
    "RemoteCompute": dict.fromkeys(["attach", "attach_configuration", "get_credentials"], REMOTE),
    "KubernetesCompute": dict.fromkeys(["attach_configuration", "get"], REMOTE),
    "ScriptRun": {"get_secret": CLOUD, "get_secrets": CLOUD},
    "HyperDriveRun": {"get_secret": CLOUD, "get_secrets": CLOUD},
    "Model": {
        "add_dataset_references": DATA,
        "deploy": CLOUD,
        "get_sas_urls": CLOUD,
        "package": CLOUD,
        "print_configuration": CLOUD,
        "profile": CLOUD,
    },
    "Datastore": {
        "register_azure_blob_container": DATA,
        "register_azure_data_lake": DATA,
        "register_azure_data_lake_gen2": DATA,
        "register_azure_file_share": DATA,
        "register_azure_my_sql": DATA,
        "register_azure_postgre_sql": DATA,
        "register_azure_sql_database": DATA,
        "register_dbfs": DATA,
        "register_hdfs": DATA,
        "set_as_default": DATA,
        "unregister": DATA,
    },
    **{
        name: dict.fromkeys(["get_authentication_header", "get_token", "signed_session"], CLOUD)
        for name in API["azureml.core.authentication"]
    },
}
"""Members that raise NotAvailableException whatever they are given."""

MISSING: dict[str, dict[str, str]] = {
    "Dataset": {name: DATA for name in API["azureml.core"]["Dataset"]["members"] if name not in {"get_all", "list"}},
}
"""Members that are not there at all."""

OTHER_WAY = {
    "Workspace.DEFAULT_CPU_CLUSTER_CONFIGURATION": "the JSON shows an address in memory",
    "Workspace.DEFAULT_GPU_CLUSTER_CONFIGURATION": "the JSON shows an address in memory",
    "Dataset.__init__": "raises whatever it is given",
    "Dataset.get_all": "the JSON shows what Azure's decorator makes of a static method",
    **{f"Datastore.{name}": "raises whatever it is given" for name in LATER_MEMBERS["Datastore"]},
}
"""Where the signature differs on purpose."""


ALL_NAMES = [(module, name) for module, names in API.items() for name in names]
CLASSES = [
    (module, name)
    for module, name in ALL_NAMES
    if "members" in API[module][name] and name not in LATER_NAMES.get(module, {})
]
MEMBERS = [(module, name, member) for module, name in CLASSES for member in API[module][name]["members"]]


def _get(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize(("module", "name"), ALL_NAMES)
def test_every_public_name_can_be_imported(module: str, name: str) -> None:
    found = _get(module, name)
    original = API[module][name].get("alias_of")
    if original:
        assert found is _get(*original.rpartition(".")[::2])
    if "value" in API[module][name]:
        assert found == ast.literal_eval(API[module][name]["value"])


@pytest.mark.parametrize(("module", "name"), ALL_NAMES)
def test_what_comes_later_is_on_the_list(module: str, name: str) -> None:
    found = _get(module, name)
    is_later = isinstance(found, LaterType) and name != "Dataset"
    assert is_later == (name in LATER_NAMES.get(module, {})), (
        "has arrived: take it off LATER_NAMES" if not is_later else "is not there yet: put it on LATER_NAMES"
    )


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_a_class_is_made_with_the_same_arguments(module: str, name: str) -> None:
    if f"{name}.__init__" in OTHER_WAY:
        return
    _compare(_parameters(_get(module, name).__init__, bound=True), API[module][name]["init"])


@pytest.mark.parametrize(("module", "name", "member"), MEMBERS)
def test_a_member_is_of_the_same_kind_with_the_same_parameters(module: str, name: str, member: str) -> None:
    owner, facts = _get(module, name), API[module][name]["members"][member]
    if member in MISSING.get(name, {}):
        assert inspect.getattr_static(owner, member, None) is None, "has arrived: take it off MISSING"
        return
    found = inspect.getattr_static(owner, member)
    if f"{name}.{member}" in OTHER_WAY:
        return
    if facts["kind"] == "property":
        assert isinstance(found, property)
        assert (found.fset is not None) or not facts.get("settable")
    elif facts["kind"] == "attribute":
        assert repr(found) == facts["value"]
    elif isinstance(found, type):
        assert facts["params"] == []  # a class within a class, as Model.Framework
    else:
        kind = {staticmethod: "staticmethod", classmethod: "classmethod"}.get(type(found), "method")
        assert kind == facts["kind"]
        _compare(_parameters(getattr(found, "__func__", found), bound=kind != "staticmethod"), facts["params"])


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_members_that_come_later_are_on_the_list(module: str, name: str) -> None:
    owner = _get(module, name)
    raising = {}
    for member in API[module][name]["members"]:
        found = inspect.getattr_static(owner, member, None)
        found = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
        if inspect.isfunction(found) and (refusal := _refusal(found)):
            raising[member] = refusal
    listed = LATER_MEMBERS.get(name, {})
    assert raising == {member: "cloud_only" if reason == CLOUD else "deferred" for member, reason in listed.items()}


@pytest.mark.parametrize("name", sorted(API["azureml.exceptions"]))
def test_an_exception_is_caught_by_the_same_base_classes(name: str) -> None:
    facts = API["azureml.exceptions"][name]
    if "alias_of" in facts:
        facts = API["azureml.core.compute_target"][name]
    # Bases of other packages (msrest) do not exist here.
    known = [base for base in facts["bases"] if hasattr(exceptions, base) or base in {"Exception", "BaseException"}]
    ours = [base.__name__ for base in _get("azureml.exceptions", name).__mro__[1:]]
    assert [base for base in ours if not base.startswith("_") and base != "object"] == known


def test_the_names_that_come_later_are_those_of_the_module() -> None:
    listed = {name for names in LATER_NAMES.values() for name in names}
    assert listed == set(later.NAMES)


def test_azureml_core_says_the_same_names_to_everybody() -> None:
    import azureml.core

    typed = _names_for_type_checkers(Path(inspect.getfile(azureml.core)))
    assert set(azureml.core.__all__) == set(API["azureml.core"]) == typed | {"VERSION"}
    assert set(azureml.core.__all__) <= set(dir(azureml.core))
    with pytest.raises(AttributeError, match="no attribute 'Wrkspace'"):
        azureml.core.Wrkspace  # noqa: B018
    with pytest.raises(ImportError):
        importlib.import_module("azureml.core.no_such_module")


@pytest.mark.parametrize(
    "line",
    [
        "from azureml.core import *",
        "from azureml.core.workspace import Workspace",
        "from azureml.core.experiment import Experiment",
        "from azureml.core.compute_target import ComputeTargetException",
        "from azureml.core.script_run_config import ScriptRunConfig",
        "from azureml.core.script_run import ScriptRun",
        "from azureml.core.run import Run, _OfflineRun",
        "from azureml.core.environment import Environment, CondaDependencies",
        "from azureml.core.runconfig import RunConfiguration, CondaDependencies, DEFAULT_CPU_IMAGE",
        "from azureml.core.model import Model, InferenceConfig",
        "from azureml.core.datastore import Datastore",
        "from azureml.core.dataset import Dataset",
        "from azureml.core.keyvault import Keyvault",
        "from azureml.core.webservice import Webservice",
        "from azureml.core.authentication import InteractiveLoginAuthentication, ServicePrincipalAuthentication",
        "from azureml.telemetry import set_diagnostics_collection",
        "from azureml.train.hyperdrive import *",
        "from azureml.train.automl import AutoMLConfig",
        "from azureml.widgets import RunDetails",
        "from azureml.exceptions import *",
        "import azureml.core; azureml.core.VERSION; azureml.core.__version__",
    ],
)
def test_import_lines_of_public_scripts_work(line: str) -> None:
    exec(line, {})


def test_what_comes_later_says_so_when_it_is_used() -> None:
    from azureml.core import Keyvault
    from azureml.core.compute import RemoteCompute

    uses: list[tuple[Callable[[], Any], str]] = [
        (lambda: RemoteCompute.attach_configuration("me"), "RemoteCompute.attach_configuration is not in this version"),
        (lambda: Keyvault(None), "azureml.core.Keyvault belongs to Azure's cloud"),
    ]
    for use, message in uses:
        with pytest.raises(exceptions.NotAvailableException) as caught:
            use()
        assert message in caught.value.message


def test_a_class_that_comes_later_can_be_looked_at_and_derived_from() -> None:
    from azureml.core import Keyvault

    assert not isinstance(object(), Keyvault)
    assert Keyvault.__name__ == "Keyvault"
    assert "Keyvault" in repr(Keyvault)
    assert not hasattr(Keyvault, "_repr_html_")
    mine = type(Keyvault)("Mine", (Keyvault,), {})
    with pytest.raises(exceptions.NotAvailableException, match=r"azureml\.core\.Keyvault"):
        mine()


def test_there_are_no_datasets_yet() -> None:
    from azureml.core import Dataset

    assert Dataset.list(None) == []
    assert Dataset.get_all(None) == {}
    for use in (lambda: Dataset.Tabular.from_delimited_files("x"), lambda: Dataset.get_by_name(None, "x"), Dataset):
        with pytest.raises(exceptions.NotAvailableException, match=r"azureml\.core\.Dataset"):
            use()


def test_resource_configuration_keeps_what_it_is_given() -> None:
    from azureml.core.resource_configuration import ResourceConfiguration

    wish = ResourceConfiguration(cpu=1, memory_in_gb=0.5)
    assert (wish.cpu, wish.memory_in_gb, wish.gpu) == (1, 0.5, None)
    again = ResourceConfiguration.deserialize(wish.serialize())
    assert again is not None
    assert again.serialize() == wish.serialize()
    assert ResourceConfiguration.deserialize(None) is None


def test_diagnostics_are_never_collected(capsys: pytest.CaptureFixture[str]) -> None:
    from azureml.telemetry import set_diagnostics_collection

    set_diagnostics_collection()
    set_diagnostics_collection(send_diagnostics=True, verbosity=10)
    assert capsys.readouterr() == ("", "")


def _parameters(function: Callable[..., Any], *, bound: bool) -> list[inspect.Parameter]:
    found = list(inspect.signature(function).parameters.values())[1 if bound else 0 :]
    return [each for each in found if not each.name.startswith("_")]


def _compare(ours: list[inspect.Parameter], theirs: list[str]) -> None:
    """Same names, order and defaults.  Where the original takes any keywords, ours may name some of them."""
    takes_any = any(each.startswith("**") for each in theirs)
    shown = [each for each in ours if not (takes_any and each.kind is each.KEYWORD_ONLY)]
    assert [_stars(each) + each.name for each in shown] == [each.split("=")[0].split(" ")[0] for each in theirs]
    for mine, each in zip(shown, theirs, strict=True):
        _, has_default, text = each.removesuffix(" (kw-only)").partition("=")
        assert (mine.default is not mine.empty) == bool(has_default), each
        try:
            default = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            continue  # an object that JSON cannot show
        assert (mine.default, type(mine.default)) == (default, type(default)), each


def _stars(parameter: inspect.Parameter) -> str:
    return {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")


def _refusal(function: Callable[..., Any]) -> str | None:
    """``deferred`` or ``cloud_only`` where raising that is all that the function does."""
    definition = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(definition, ast.FunctionDef)
    body = definition.body[1:] if ast.get_docstring(definition) is not None else definition.body
    match body:
        case [ast.Raise(exc=ast.Call(func=ast.Name(id="deferred" | "cloud_only" as refusal)))]:
            return str(refusal)
        case [ast.Raise(exc=ast.Call(func=ast.Attribute(attr="_no_token")))]:
            return "cloud_only"
    return None


def _names_for_type_checkers(path: Path) -> set[str]:
    checks = [each for each in ast.parse(path.read_text()).body if isinstance(each, ast.If)]
    imports = [each for each in checks[0].body if isinstance(each, ast.ImportFrom)]
    return {alias.asname or alias.name for each in imports for alias in each.names}
