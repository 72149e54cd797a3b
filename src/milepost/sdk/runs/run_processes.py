"""The processes of a run: how many, and how they find each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.submitting.distributed import torch_backend
from milepost.sdk.submitting.run_sections import whole_number

if TYPE_CHECKING:
    from milepost.sdk.submitting.run_configuration import RunConfiguration

MOST_PROCESSES: Final = 1024
"""Of one run: all are started on this machine."""

_FRAMEWORKS: Final = {"python": "Python", "pytorch": "PyTorch", "tensorflow": "TensorFlow"}
_COMMUNICATORS: Final = {
    "none": "None",
    "mpi": "Mpi",
    "openmpi": "Mpi",
    "intelmpi": "Mpi",
    "nccl": "Nccl",
    "gloo": "Gloo",
    "parameterserver": "ParameterServer",
}


@dataclass(frozen=True)
class Processes:
    """The processes of a run, and how they speak with each other."""

    framework: str
    """Python, PyTorch or TensorFlow."""
    communicator: str
    """None, Mpi, Nccl, Gloo or ParameterServer."""
    nodes: int
    per_node: int
    servers: int = 0
    """How many of them are parameter servers."""


def processes(config: RunConfiguration, warnings: list[str]) -> Processes:
    """The processes that a run configuration asks for; what has no effect goes to ``warnings``.

    Raises UserErrorException for numbers and names that cannot be.
    """
    framework = _one_of(config.framework or "Python", _FRAMEWORKS, "framework")
    communicator = _one_of(config.communicator or "None", _COMMUNICATORS, "communicator")
    nodes = whole_number(config.node_count, "node_count", most=MOST_PROCESSES)
    if communicator == "ParameterServer" or (framework == "TensorFlow" and communicator == "None" and nodes > 1):
        workers = whole_number(config.tensorflow.worker_count, "worker_count", most=MOST_PROCESSES)
        servers = whole_number(
            config.tensorflow.parameter_server_count, "parameter_server_count", least=0, most=MOST_PROCESSES
        )
        return _bounded(Processes("TensorFlow", "ParameterServer", workers + servers, 1, servers))
    if communicator == "Mpi":
        per_node = whole_number(config.mpi.process_count_per_node, "process_count_per_node", most=MOST_PROCESSES)
        return _bounded(Processes(framework, communicator, nodes, per_node))
    if communicator in {"Nccl", "Gloo"} or (framework == "PyTorch" and (nodes > 1 or config.pytorch.process_count)):
        total = config.pytorch.process_count
        total = nodes if total is None else whole_number(total, "process_count", most=MOST_PROCESSES)
        if total % nodes:
            raise UserErrorException(
                f"process_count={total} cannot be shared evenly between node_count={nodes} nodes: give a multiple."
            )
        if communicator == "None":
            communicator = torch_backend(config.pytorch.communication_backend)
        return _bounded(Processes("PyTorch", communicator, nodes, total // nodes))
    if nodes > 1:
        warnings.append(f"node_count={nodes} has no effect without a distributed_job_config: one process is started.")
    return Processes(framework, communicator, 1, 1)


def _bounded(processes: Processes) -> Processes:
    total = processes.nodes * processes.per_node
    if total > MOST_PROCESSES:
        raise UserErrorException(
            f"The run asks for {total:,} processes, which would all be started on this machine; {MOST_PROCESSES:,} is "
            "the limit."
        )
    return processes


def _one_of(value: Any, known: Mapping[str, str], what: str) -> str:
    found = known.get(value.lower()) if isinstance(value, str) else None
    if found is not None:
        return found
    instead = ""
    if str(value).lower() == "pyspark":
        instead = " Start Spark yourself: command='spark-submit train.py'."
    elif value == "ParallelTask":
        instead = " Parallel tasks are steps of pipelines, which Milepost does not run."
    names = ", ".join(dict.fromkeys(known.values()))
    raise UserErrorException(f"{what} must be one of {names}, not {value!r:.80}.{instead}")
