"""The smaller parts of a run configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.section import Check, Field, Section, flag, mapping, number_or_text, plain_list, text_or_none, texts

_MOST: int = 10_000


def whole_number(value: object, where: str, *, least: int = 1, most: int = _MOST) -> int:
    """``value`` as int; numpy's whole numbers and 2.0 are ones too.  Raises UserErrorException."""
    number = value
    if not isinstance(number, (int, float)) and callable(getattr(number, "item", None)):
        number = number.item()  # type: ignore[attr-defined]
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise UserErrorException(f"{where} must be a whole number from {least} to {most:,}, not {value!r:.80}.")
    return int(number)


def number(least: int = 1, most: int = _MOST) -> Check:
    """A whole number in these bounds."""

    def check(value: object, where: str) -> int:
        return whole_number(value, where, least=least, most=most)

    return check


def number_or_none(least: int = 1, most: int = _MOST) -> Check:
    """A whole number in these bounds, or None."""

    def check(value: object, where: str) -> int | None:
        return None if value is None else whole_number(value, where, least=least, most=most)

    return check


def table(value: object, where: str) -> dict[str, Any]:
    """A dict of what JSON can say."""
    found = mapping(value, where)
    return dict(zip(found, plain_list([*found.values()], where), strict=True))


def always(value: Any) -> Callable[[], Any]:
    """A default that is the same every time."""
    return lambda: value


class HistoryConfiguration(Section):
    """What is kept of a run.

    ``output_collection``: the files of ``outputs`` and of ``directories_to_watch`` (folders of the working
    directory); ``snapshot_project``: the source directory.
    """

    output_collection: bool
    snapshot_project: bool
    directories_to_watch: list[str]

    _fields = (
        Field("output_collection", "outputCollection", always(True), flag),
        Field("directories_to_watch", "directoriesToWatch", lambda: ["logs"], texts),
        Field("snapshot_project", "snapshotProject", always(True), flag),
    )

    def __init__(self) -> None:
        super().__init__()


class AmlComputeConfiguration(Section):
    """A cluster that Azure makes for one run.  Here the run goes to the pool of that ``name``, else runs at once."""

    name: str | None
    vm_size: str | None
    vm_priority: str | None
    location: str | None
    retain_cluster: bool
    cluster_max_node_count: int | None

    _fields = (
        Field("name", "name", always(None), text_or_none),
        Field("vm_size", "vmSize", always(None), text_or_none),
        Field("vm_priority", "vmPriority", always(None), text_or_none),
        Field("location", "location", always(None), text_or_none),
        Field("retain_cluster", "retainCluster", always(False), flag),
        Field("cluster_max_node_count", "clusterMaxNodeCount", always(None), number_or_none()),
    )

    def __init__(self) -> None:
        super().__init__()


class SparkConfiguration(Section):
    """Settings of Spark; kept, and not used."""

    configuration: dict[str, Any]

    _fields = (
        Field(
            "configuration",
            "configuration",
            lambda: {"spark.app.name": "Azure ML Experiment", "spark.yarn.maxAppAttempts": "1"},
            table,
        ),
    )

    def __init__(self) -> None:
        super().__init__()


class HdiConfiguration(Section):
    """Settings of HDInsight; kept, and not used."""

    yarn_deploy_mode: str | None

    _fields = (Field("yarn_deploy_mode", "yarnDeployMode", always("cluster"), text_or_none),)

    def __init__(self) -> None:
        super().__init__()


class DockerConfiguration(Section):
    """Settings of Docker.  Accepted and kept; runs are not put into containers, and a run that wants one says so.

    ``arguments``: further arguments of ``docker run``; ``shm_size``: of the shared memory, as "2g".
    """

    use_docker: bool
    shared_volumes: bool
    arguments: list[str]
    shm_size: str | None

    _fields = (
        Field("use_docker", "useDocker", always(False), flag),
        Field("shared_volumes", "sharedVolumes", always(True), flag),
        Field("shm_size", "shmSize", always("2g"), number_or_text),
        Field("arguments", "arguments", list, texts),
    )

    def __init__(
        self,
        use_docker: bool = False,
        shared_volumes: bool = True,
        arguments: list[str] = [],  # noqa: B006  (the SDK's own default; it is copied)
        shm_size: str = "2g",
    ) -> None:
        super().__init__()
        self.use_docker = flag(use_docker, "use_docker")
        self.shared_volumes = flag(shared_volumes, "shared_volumes")
        self.arguments = texts(arguments or [], "arguments")
        self.shm_size = number_or_text(shm_size, "shm_size")
