"""The variables that the processes of a distributed run find themselves by."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from milepost.jobs.job import Job

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Place:
    """One process among those of a run: all on this machine, which stands for every node."""

    rank: int
    world_size: int
    local_rank: int
    local_size: int
    node_rank: int


def places(job: Job) -> list[Place]:
    """The job's processes, by rank; one place for a run that is not distributed."""
    per_node = max(1, job.processes_per_node)
    world = max(1, job.node_count) * per_node
    return [Place(rank, world, rank % per_node, per_node, rank // per_node) for rank in range(world)]


def is_distributed(job: Job) -> bool:
    """Whether the job has more than one process, or was configured as one that could have."""
    return job.communicator not in ("", "None") or job.node_count * job.processes_per_node > 1


def variables(job: Job, place: Place, ports: list[int]) -> dict[str, str]:
    """What PyTorch, MPI, Horovod, TensorFlow and Azure's own scripts read.

    ``ports``: free ports of this machine, one for each process; the first is the master's.
    """
    port = ports[0]
    found = {
        "RANK": str(place.rank),
        "WORLD_SIZE": str(place.world_size),
        "LOCAL_RANK": str(place.local_rank),
        "LOCAL_WORLD_SIZE": str(place.local_size),
        "NODE_RANK": str(place.node_rank),
        "GROUP_RANK": str(place.node_rank),
        "MASTER_ADDR": HOST,
        "MASTER_PORT": str(port),
        "AZ_BATCH_MASTER_NODE": f"{HOST}:{port}",
        "AZ_BATCHAI_MPI_MASTER_NODE": HOST,
        "AZ_BATCH_HOST_LIST": ",".join([HOST] * max(1, job.node_count)),
        "AZ_BATCHAI_TASK_INDEX": str(place.node_rank),
        "AZUREML_NODE_COUNT": str(max(1, job.node_count)),
    }
    if job.communicator in ("Mpi", "IntelMpi", "OpenMpi"):
        found |= {
            "OMPI_COMM_WORLD_RANK": str(place.rank),
            "OMPI_COMM_WORLD_SIZE": str(place.world_size),
            "OMPI_COMM_WORLD_LOCAL_RANK": str(place.local_rank),
            "OMPI_COMM_WORLD_LOCAL_SIZE": str(place.local_size),
            "OMPI_COMM_WORLD_NODE_RANK": str(place.node_rank),
        }
    if job.framework == "TensorFlow":
        found["TF_CONFIG"] = json.dumps(_tensorflow(job, place, ports))
    return found


def _tensorflow(job: Job, place: Place, ports: list[int]) -> dict[str, object]:
    """TensorFlow's description of the cluster: parameter servers have the last ranks."""
    workers = place.world_size - job.parameter_servers
    addresses = [f"{HOST}:{port}" for port in ports]
    cluster = {"worker": addresses[:workers]}
    if job.parameter_servers:
        cluster["ps"] = addresses[workers : place.world_size]
    kind, index = ("worker", place.rank) if place.rank < workers else ("ps", place.rank - workers)
    return {"cluster": cluster, "task": {"type": kind, "index": index}, "environment": "cloud"}


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on just now."""
    return list(_free_ports(count))


def _free_ports(count: int) -> Iterator[int]:
    held = []
    try:
        for _ in range(count):
            held.append(socket.socket())
            held[-1].bind((HOST, 0))
            yield held[-1].getsockname()[1]
    finally:
        for each in held:
            each.close()
