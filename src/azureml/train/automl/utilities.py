"""What automated ML can be asked for."""

from milepost.automl.names import PRIMARY_METRICS
from milepost.sdk.automl.automl_exceptions import ConfigException

__all__ = [
    "get_primary_metrics",
]


def get_primary_metrics(task: str) -> list[str]:
    """The primary metrics of a task.  Raises ConfigException for an unknown task."""
    if task not in PRIMARY_METRICS:
        raise ConfigException(f"task is one of {', '.join(PRIMARY_METRICS)}, not {task!r:.80}.")
    return list(PRIMARY_METRICS[task])
