"""How many processes a run has, and how they speak with each other."""

from __future__ import annotations

from typing import Any, Final

from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.section import Field, Section, plain_list
from milepost.sdk.submitting.run_sections import always, number, number_or_none, table, whole_number

_BACKENDS: Final = {"nccl": "Nccl", "gloo": "Gloo"}


def torch_backend(name: object, where: str = "communication_backend") -> str:
    """ "Nccl" or "Gloo", from either in any mix of case.  Raises UserErrorException."""
    found = _BACKENDS.get(name.lower()) if isinstance(name, str) else None
    if found is None:
        raise UserErrorException(f"{where} is 'Nccl' or 'Gloo', not {name!r:.80}.")
    return found


class MpiConfiguration(Section):
    """Processes started by MPI: ``node_count`` times ``process_count_per_node``.

    On one machine every node is this machine.  Raises UserErrorException for numbers below 1.
    """

    process_count_per_node: int
    node_count: int

    _fields = (
        Field("process_count_per_node", "processCountPerNode", always(1), number()),
        Field("node_count", "nodeCount", always(1), number()),
    )

    def __init__(self, process_count_per_node: int = 1, node_count: int = 1) -> None:
        super().__init__()
        self.process_count_per_node = whole_number(process_count_per_node, "process_count_per_node")
        self.node_count = whole_number(node_count, "node_count")


class PyTorchConfiguration(Section):
    """Processes of ``torch.distributed``: ``process_count`` in all (default: one for each node).

    ``communication_backend``: "Nccl" or "Gloo".  Raises UserErrorException for others, and for numbers below 1.
    """

    communication_backend: str
    process_count: int | None
    node_count: int

    _fields = (
        Field("communication_backend", "communicationBackend", always("Nccl"), torch_backend),
        Field("process_count", "processCount", always(None), number_or_none(), nullable=True),
        Field("node_count", "nodeCount", always(1), number()),
    )

    def __init__(
        self, communication_backend: str = "Nccl", process_count: int | None = None, node_count: int = 1
    ) -> None:
        super().__init__()
        self.communication_backend = torch_backend(communication_backend)
        self.process_count = None if process_count is None else whole_number(process_count, "process_count")
        self.node_count = whole_number(node_count, "node_count")


class TensorflowConfiguration(Section):
    """Workers and parameter servers of TensorFlow, one process each.

    Raises UserErrorException for less than one worker, or less than no parameter server.
    """

    worker_count: int
    parameter_server_count: int

    _fields = (
        Field("worker_count", "workerCount", always(1), number()),
        Field("parameter_server_count", "parameterServerCount", always(1), number(0)),
    )

    def __init__(self, worker_count: int = 1, parameter_server_count: int = 1) -> None:
        super().__init__()
        self.worker_count = whole_number(worker_count, "worker_count")
        self.parameter_server_count = whole_number(parameter_server_count, "parameter_server_count", least=0)


class ParallelTaskConfiguration(Section):
    """Tasks of a parallel step, which is a part of pipelines.  Kept; a run that has one is refused when submitted."""

    max_retries_per_worker: int
    worker_count_per_node: int
    terminal_exit_codes: list[int] | None
    configuration: dict[str, Any]

    _fields = (
        Field("max_retries_per_worker", "maxRetriesPerWorker", always(0), number(0)),
        Field("worker_count_per_node", "workerCountPerNode", always(1), number()),
        Field(
            "terminal_exit_codes",
            "terminalExitCodes",
            always(None),
            lambda value, where: None if value is None else plain_list(value, where),
            nullable=True,
        ),
        Field("configuration", "configuration", dict, table),
    )

    def __init__(self) -> None:
        super().__init__()


class Mpi(MpiConfiguration):
    """The old name of `MpiConfiguration`, without a number of nodes: estimators have that themselves."""

    def __init__(self, process_count_per_node: int = 1) -> None:
        super().__init__(process_count_per_node)


class Nccl(PyTorchConfiguration):
    """The old name of a `PyTorchConfiguration` with "Nccl"."""

    def __init__(self, process_count: int | None = None) -> None:
        super().__init__("Nccl", process_count)


class Gloo(PyTorchConfiguration):
    """The old name of a `PyTorchConfiguration` with "Gloo"."""

    def __init__(self, process_count: int | None = None) -> None:
        super().__init__("Gloo", process_count)


class ParameterServer(TensorflowConfiguration):
    """The old name of `TensorflowConfiguration`."""
