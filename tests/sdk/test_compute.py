"""Compute targets: pools on this machine under the SDK's names, and what other kinds say."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azureml.core import Experiment, Run, Workspace
from azureml.core.compute import (
    AmlCompute,
    ComputeInstance,
    ComputeTarget,
    ComputeTargetException,
    KubernetesCompute,
    RemoteCompute,
)
from azureml.core.compute_target import AbstractComputeTarget, LocalTarget
from azureml.exceptions import UserErrorException
from milepost.sdk.compute_targets.compute import check_name
from milepost.sdk.exceptions import NotAvailableException


@pytest.fixture
def pool(ws: Workspace) -> AmlCompute:
    made = ComputeTarget.create(ws, "cpu-cluster", AmlCompute.provisioning_configuration("STANDARD_D2_V2", max_nodes=3))
    assert isinstance(made, AmlCompute)
    return made


def sent(experiment: Experiment, target: str, *statuses: str, nodes: int = 1, **tags: str) -> str:
    """A run that was sent to a compute target and has had these statuses; its id."""
    run_id = f"{experiment.name}_{uuid.uuid4().hex[:8]}"
    say = experiment.workspace._recorder.writer.event
    facts = {"type": "azureml.scriptrun", "status": "Queued", "target": target, "tags": tags}
    say("run", run_id, {"experiment": experiment.name, **facts})
    say("document", run_id, {"name": "definition", "content": {"nodeCount": nodes}})
    for status in statuses:
        say("status", run_id, {"status": status})
    return run_id


# -- making and finding


def test_the_usual_lines_of_scripts_make_a_pool_once(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    made = 0
    for _ in range(2):
        try:
            target = ComputeTarget(workspace=ws, name="cpu-cluster")
        except ComputeTargetException:
            settings = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=4)
            target = ComputeTarget.create(ws, "cpu-cluster", settings)
            made += 1
        target.wait_for_completion(show_output=True)
        assert isinstance(target, AmlCompute)
    assert made == 1
    assert capsys.readouterr().out.splitlines()[:4] == [
        "Succeeded",
        "AmlCompute wait for completion finished",
        "",
        "Minimum number of nodes requested have been provisioned",
    ]


def test_a_pool_is_there_for_whoever_looks(ws: Workspace, pool: AmlCompute) -> None:
    for found in (ComputeTarget(ws, "cpu-cluster"), AmlCompute(ws, "CPU-Cluster"), ws.compute_targets["cpu-cluster"]):
        assert found == pool
        assert type(found) is AmlCompute
        assert (found.name, found.type, found.provisioning_state) == ("cpu-cluster", "AmlCompute", "Succeeded")
        assert found.vm_size == "STANDARD_D2_V2"
        assert found.scale_settings.maximum_node_count == 3
        assert found.workspace is ws
    assert ComputeTarget.list(ws) == AmlCompute.list(ws) == [pool]
    assert Workspace.get("test").compute_targets == {"cpu-cluster": pool}
    assert datetime.now(timezone.utc) >= pool.created_on


def test_a_pool_is_there_for_other_processes(ws: Workspace, pool: AmlCompute, script: Callable[..., Any]) -> None:
    source = """
        from azureml.core import ComputeTarget, Workspace
        print(ComputeTarget(Workspace.get("test"), "cpu-cluster").scale_settings.maximum_node_count)
    """
    assert script(source).stdout.strip() == "3"


def test_where_there_is_none_the_exception_tells_of_those_like_it(ws: Workspace, pool: AmlCompute) -> None:
    with pytest.raises(ComputeTargetException, match=r"'cpu-clster' in workspace test; did you mean 'cpu-cluster'\?"):
        ComputeTarget(ws, "cpu-clster")
    with pytest.raises(ComputeTargetException, match="ComputeTargetNotFound"):
        AmlCompute(workspace=ws, name="gpu")


@pytest.mark.parametrize("name", [None, 5, "", "x" * 10_000, "a\0b", "\ud800", "local", "../x", "a'b;--"])
def test_no_name_is_too_strange_to_look_for(ws: Workspace, name: Any) -> None:
    with pytest.raises(ComputeTargetException):
        ComputeTarget(ws, name)


def test_making_one_of_that_name_again_gives_it_the_new_settings(ws: Workspace, pool: AmlCompute) -> None:
    again = ComputeTarget.create(ws, "CPU-cluster", AmlCompute.provisioning_configuration(max_nodes=7))
    assert isinstance(again, AmlCompute)
    assert (again.name, again.scale_settings.maximum_node_count) == ("cpu-cluster", 7)
    with pytest.raises(ComputeTargetException, match="already, a AmlCompute"):
        ComputeTarget.create(ws, "cpu-cluster", ComputeInstance.provisioning_configuration())


def test_many_that_make_the_same_pool_at_once_all_get_it(ws: Workspace) -> None:
    settings = AmlCompute.provisioning_configuration(max_nodes=2)
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: ComputeTarget.create(ws, "cpu-cluster", settings), range(16)))
    assert set(made) == {ComputeTarget(ws, "cpu-cluster")}
    assert len(ComputeTarget.list(ws)) == 1


@pytest.mark.parametrize("name", ["a", "cpu-cluster", "GPU4", "4gpu", "x" * 64])
def test_a_name_has_letters_digits_and_hyphens(ws: Workspace, name: str) -> None:
    assert ComputeTarget.create(ws, name, AmlCompute.provisioning_configuration()).name == name


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", "x" * 65, "a b", "a/b", "..", "a_b", "größe", "local", "AmlCompute", None, 5, "a\n"]
)
def test_another_name_is_an_error(ws: Workspace, name: Any) -> None:
    with pytest.raises(ComputeTargetException):
        ComputeTarget.create(ws, name, AmlCompute.provisioning_configuration())
    assert ComputeTarget.list(ws) == []


@given(name=st.text(max_size=70))
def test_a_name_that_is_accepted_is_a_plain_one(name: str) -> None:
    try:
        checked = check_name(name)
    except ComputeTargetException:
        return
    assert checked.isascii()
    assert checked.replace("-", "").isalnum()


@pytest.mark.parametrize("settings", [None, {}, "STANDARD_D2_V2", AmlCompute, object()])
def test_a_pool_is_made_from_its_settings_alone(ws: Workspace, settings: Any) -> None:
    with pytest.raises(ComputeTargetException, match="provisioning_configuration must come from"):
        ComputeTarget.create(ws, "x", settings)


def test_the_settings_have_the_sdks_defaults() -> None:
    settings = AmlCompute.provisioning_configuration()
    assert (settings.min_nodes, settings.max_nodes, settings.vm_priority) == (0, 4, "dedicated")
    assert settings.idle_seconds_before_scaledown == 1800


def test_all_settings_of_the_sdk_are_accepted_and_no_secret_is_kept(ws: Workspace, home: Path) -> None:
    secret = "s3" + "cret"
    settings = AmlCompute.provisioning_configuration(
        vm_size="STANDARD_NC6",
        vm_priority="lowpriority",
        min_nodes=1,
        max_nodes=2,
        idle_seconds_before_scaledown=60,
        admin_username="me",
        admin_user_password=secret,
        admin_user_ssh_key=secret,
        vnet_resourcegroup_name="g",
        vnet_name="v",
        subnet_name="s",
        tags={"team": "a", "empty": None},  # type: ignore[dict-item]
        description="for tests",
        remote_login_port_public_access="Enabled",
        identity_type="SystemAssigned",
        identity_id=["x"],
        location="westeurope",
        enable_node_public_ip=False,
    )
    made = ComputeTarget.create(ws, "gpu", settings)
    assert made.tags == {"team": "a", "empty": ""}
    assert made.description == "for tests"
    assert secret not in repr(vars(settings))
    assert secret not in json.dumps(made.serialize())


@pytest.mark.parametrize(
    "settings",
    [
        {"max_nodes": 0},
        {"max_nodes": -1},
        {"max_nodes": "four"},
        {"max_nodes": "-4"},
        {"max_nodes": "9" * 40},
        {"max_nodes": 1.5},
        {"max_nodes": True},
        {"max_nodes": 10**9},
        {"min_nodes": -1},
        {"min_nodes": 5, "max_nodes": 4},
        {"idle_seconds_before_scaledown": -1},
        {"vm_priority": "cheap"},
        {"vm_size": 5},
        {"vm_size": "a\0b"},
        {"tags": ["a"]},
        {"description": 5},
    ],
)
def test_settings_that_cannot_be_are_an_error(settings: dict[str, Any]) -> None:
    with pytest.raises(ComputeTargetException):
        AmlCompute.provisioning_configuration(**settings)


def test_numbers_may_be_given_as_texts(ws: Workspace) -> None:
    settings: dict[str, Any] = {"min_nodes": "0", "max_nodes": "4", "idle_seconds_before_scaledown": "300"}
    made = AmlCompute.create(ws, "texts", AmlCompute.provisioning_configuration(**settings))
    assert isinstance(made, AmlCompute)
    assert made.scale_settings.maximum_node_count == 4


def test_settings_that_were_changed_are_looked_at_again(ws: Workspace) -> None:
    settings = AmlCompute.provisioning_configuration()
    settings.max_nodes = 0
    with pytest.raises(ComputeTargetException, match="max_nodes"):
        ComputeTarget.create(ws, "x", settings)
    with pytest.raises(ComputeTargetException, match="max_nodes"):
        settings.validate_configuration()


# -- what a pool does


def test_a_new_pool_does_nothing(pool: AmlCompute) -> None:
    status = pool.get_status()
    assert (status.allocation_state, status.provisioning_state) == ("Steady", "Succeeded")
    assert (status.current_node_count, status.target_node_count, status.errors) == (0, 0, None)
    assert status.scale_settings.minimum_node_count == 0
    shown = json.loads(json.dumps(status.serialize()))
    assert shown["scaleSettings"] == {
        "minNodeCount": 0,
        "maxNodeCount": 3,
        "nodeIdleTimeBeforeScaleDown": "PT1800S",
    }
    assert (shown["vmPriority"], shown["vmSize"]) == ("Dedicated", "STANDARD_D2_V2")
    assert pool.list_nodes() == []
    assert list(pool.get_active_runs()) == []


def test_a_node_stands_for_a_run_that_is_running(pool: AmlCompute, experiment: Experiment) -> None:
    running = sent(experiment, "cpu-cluster", "Running")
    for _ in range(5):
        sent(experiment, "cpu-cluster")
    sent(experiment, "cpu-cluster", "Running", "Completed")
    sent(experiment, "other", "Running")
    experiment.start_logging()
    status = pool.get_status()
    assert (status.current_node_count, status.target_node_count) == (1, 3)
    assert status.node_state_counts["runningNodeCount"] == 1
    assert [(node["runId"], node["nodeState"]) for node in pool.list_nodes()] == [(running, "running")]


def test_a_run_over_several_nodes_counts_as_such(pool: AmlCompute, experiment: Experiment) -> None:
    sent(experiment, "cpu-cluster", "Running", nodes=2)
    assert pool.get_status().current_node_count == len(pool.list_nodes()) == 2


def test_the_runs_of_a_pool_are_found_through_it(pool: AmlCompute, experiment: Experiment) -> None:
    ended = sent(experiment, "cpu-cluster", "Running", "Completed")
    waiting = sent(experiment, "cpu-cluster", a="1")
    running = sent(experiment, "CPU-CLUSTER", "Running")
    sent(experiment, "other")
    assert [run.id for run in Run.list_by_compute(pool)] == [running, waiting, ended]
    assert [run.id for run in Run.list_by_compute(pool, status="Completed")] == [ended]
    assert [run.id for run in Run.list_by_compute(pool, tags={"a": "1"})] == [waiting]
    assert [run.id for run in Run.list_by_compute(pool, type="azureml.scriptrun", tags="a")] == [waiting]
    assert [run.id for run in pool.get_active_runs()] == [running, waiting]
    assert [run.id for run in pool.get_active_runs(status="Running")] == [running]
    with pytest.raises(UserErrorException, match="active run's status is one of"):
        pool.get_active_runs(status="Completed")
    with pytest.raises(UserErrorException, match="takes a ComputeTarget"):
        Run.list_by_compute("cpu-cluster")  # type: ignore[arg-type]


def test_a_pool_can_be_made_larger_and_smaller(ws: Workspace, pool: AmlCompute) -> None:
    pool.update(max_nodes=8)
    pool.update(min_nodes=2, idle_seconds_before_scaledown=30)
    found = AmlCompute(ws, "cpu-cluster")
    for each in (pool, found):
        settings = each.scale_settings
        assert (settings.minimum_node_count, settings.maximum_node_count) == (2, 8)
        assert settings.idle_seconds_before_scaledown == 30
    assert found.vm_size == "STANDARD_D2_V2"
    with pytest.raises(ComputeTargetException, match="min_nodes=2 is more than max_nodes=1"):
        pool.update(max_nodes=1)
    assert AmlCompute(ws, "cpu-cluster").scale_settings.maximum_node_count == 8


def test_waiting_returns_at_once_whatever_is_waited_for(pool: AmlCompute) -> None:
    pool.wait_for_completion(show_output=False, min_node_count=2, timeout_in_minutes=20)
    pool.wait_for_completion(True, None, 20)


def test_what_a_pool_says_of_itself_can_be_read_again(ws: Workspace, pool: AmlCompute) -> None:
    shown = json.loads(json.dumps(pool.serialize()))
    again = ComputeTarget.deserialize(ws, shown)
    assert isinstance(again, AmlCompute)
    assert again == pool
    assert again.serialize() == pool.serialize() == pool.get()
    for wrong in ({}, None, {"name": "x"}, {"name": "x", "properties": {}}, [], {**shown, "name": "../x"}):
        with pytest.raises(ComputeTargetException):
            ComputeTarget.deserialize(ws, wrong)  # type: ignore[arg-type]


def test_a_pool_shows_what_it_is(pool: AmlCompute) -> None:
    assert "AmlCompute(workspace='test', name='cpu-cluster'" in repr(pool)
    assert len({pool, AmlCompute(pool.workspace, "cpu-cluster")}) == 1


# -- deleting


def test_a_pool_can_be_deleted(ws: Workspace, pool: AmlCompute, experiment: Experiment, capsys: Any) -> None:
    sent(experiment, "cpu-cluster", "Running", "Completed")
    pool.delete()
    assert pool.provisioning_state == "Deleted"
    assert ComputeTarget.list(ws) == []
    pool.wait_for_completion(show_output=True, is_delete_operation=True)
    assert capsys.readouterr().out == "Deleted\n"
    uses: list[Callable[[], Any]] = [
        pool.delete, pool.get_status, pool.refresh_state, lambda: pool.update(max_nodes=2), pool.wait_for_completion
    ]  # fmt: skip
    for use in uses:
        with pytest.raises(ComputeTargetException):
            use()


def test_a_pool_with_runs_stays_and_names_them(ws: Workspace, pool: AmlCompute, experiment: Experiment) -> None:
    first = sent(experiment, "cpu-cluster", "Running")
    with pytest.raises(ComputeTargetException, match=f"1 of its runs has not ended: {first}"):
        pool.delete()
    for _ in range(9):
        sent(experiment, "cpu-cluster")
    with pytest.raises(ComputeTargetException, match="10 of its runs have not ended: .* and 5 more"):
        pool.delete()
    assert ComputeTarget.list(ws) == [pool]


def test_nothing_that_was_made_here_can_be_detached(pool: AmlCompute) -> None:
    with pytest.raises(ComputeTargetException, match=r"delete\(\) takes it away"):
        pool.detach()


# -- the machine


def test_the_only_size_is_this_machine(ws: Workspace) -> None:
    (size,) = AmlCompute.supported_vmsizes(ws)
    assert set(size) == {"name", "vCPUs", "gpus", "memoryGB", "maxResourceVolumeMB"}
    assert size["vCPUs"] >= 1
    assert size["memoryGB"] > 0
    assert size["maxResourceVolumeMB"] > 0
    made = ComputeTarget.create(ws, "x", AmlCompute.provisioning_configuration(vm_size=size["name"]))
    assert made.get_status().vm_size == size["name"]


def test_a_workspace_has_default_pools_where_they_were_made(ws: Workspace) -> None:
    assert ws.get_default_compute_target("CPU") is None
    made = ComputeTarget.create(ws, ws.DEFAULT_CPU_CLUSTER_NAME, Workspace.DEFAULT_CPU_CLUSTER_CONFIGURATION)
    assert ws.get_default_compute_target("cpu") == made
    assert ws.get_default_compute_target(type="GPU") is None
    for wrong in ("TPU", None, 5):
        with pytest.raises(UserErrorException, match="'CPU' or 'GPU'"):
            ws.get_default_compute_target(wrong)  # type: ignore[arg-type]


def test_a_workspace_can_be_made_with_its_default_pools(ws: Workspace) -> None:
    made = Workspace.create(
        "other",
        default_cpu_compute_target=Workspace.DEFAULT_CPU_CLUSTER_CONFIGURATION,
        default_gpu_compute_target=Workspace.DEFAULT_GPU_CLUSTER_CONFIGURATION,
    )
    assert sorted(made.compute_targets) == ["cpu-cluster", "gpu-cluster"]
    assert ws.compute_targets == {}


# -- other kinds


def test_an_instance_is_a_pool_of_one(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    made = ComputeTarget.create(ws, "mine", ComputeInstance.provisioning_configuration(vm_size="STANDARD_D3_V2"))
    assert isinstance(made, ComputeInstance)
    assert ws._recorder.fresh().compute("mine").definition["max_nodes"] == 1
    made.wait_for_completion(show_output=True)
    made.start(show_output=True)
    assert capsys.readouterr().out == "Succeeded\nRunning\n"
    assert made.get_status().state == "Running"
    assert made.get_status().serialize()["vmSize"] == "STANDARD_D3_V2"
    assert ComputeInstance(ws, "mine").get() == made.serialize()
    with pytest.raises(ComputeTargetException, match="is a ComputeInstance, not a AmlCompute"):
        AmlCompute(ws, "mine")
    for use in (made.stop, made.restart, lambda: made.update_sso_settings(True)):
        with pytest.raises(NotAvailableException):
            use()
    made.delete(show_output=True)
    assert ComputeTarget.list(ws) == []


@pytest.mark.parametrize(
    "use",
    [
        lambda ws: RemoteCompute.attach_configuration(username="me", address="example", ssh_port=22, password="x"),
        lambda ws: RemoteCompute.attach(ws, "x", "me", "example"),
        lambda ws: KubernetesCompute.attach_configuration(resource_id="x"),
        lambda ws: ComputeTarget.attach(ws, "x", object()),
        lambda ws: AmlCompute.attach(ws, "x", object()),
    ],
)
def test_other_peoples_machines_come_later(ws: Workspace, use: Callable[[Workspace], Any]) -> None:
    with pytest.raises(UserErrorException, match=r"AmlCompute\.provisioning_configuration") as caught:
        use(ws)
    assert "'x'" not in caught.value.message


@pytest.mark.parametrize("kind", [RemoteCompute, KubernetesCompute, ComputeInstance])
def test_there_is_none_of_another_kind(ws: Workspace, kind: type[ComputeTarget]) -> None:
    with pytest.raises(ComputeTargetException, match="ComputeTargetNotFound"):
        kind(ws, "x")


def test_this_machine_is_a_target_too() -> None:
    local = LocalTarget()
    assert (local.name, local.type) == ("local", "local")
    other = AbstractComputeTarget("ssh", "box")
    assert (other.name, other.type) == ("box", "ssh")
    assert isinstance(AbstractComputeTarget.deserialize_from_dict("local", {"type": "local"}), LocalTarget)
    assert AbstractComputeTarget.deserialize_from_dict("box", {"type": "ssh"}).name == "box"
    with pytest.raises(ComputeTargetException):
        LocalTarget.deserialize_from_dict("x", {})


def test_a_compute_target_is_looked_for_in_a_workspace() -> None:
    with pytest.raises(UserErrorException, match="in a Workspace, not in str"):
        ComputeTarget("test", "x")  # type: ignore[arg-type]
