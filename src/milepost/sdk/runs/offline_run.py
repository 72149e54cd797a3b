"""The run that ``Run.get_context()`` gives outside a submitted run: it prints what it is told and stores nothing.

Names, values and errors are those of a real run (it is made of the same parts), so a script that works offline works
when it is submitted.  Metrics and tags last as long as the process; files are copied below Milepost's home.
"""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from milepost.sdk import display
from milepost.sdk.exceptions import ActivityFailedException, RunEnvironmentException, UserErrorException
from milepost.sdk.runs import lifecycle
from milepost.sdk.runs.echo import echo
from milepost.sdk.runs.offline_files import OfflineFiles
from milepost.sdk.runs.offline_metrics import OfflineMetrics
from milepost.sdk.runs.run_progress import OfflineProgress
from milepost.sdk.tags import check_properties, check_tags, tag_filter
from milepost.sdk.workspaces.home import home

if TYPE_CHECKING:
    from milepost.sdk.runs.run import Run

_Runs = list["_OfflineRun"]  # by another name, since the class has a member called "list"
_START: Final = "Start a run with Experiment(workspace, name).start_logging() to have it"


class _NotOfflineError(RunEnvironmentException, AttributeError):
    """An offline run has no such thing.  Also an AttributeError: scripts ask ``hasattr(run, "experiment")``."""


def _refuse(name: str, instead: str) -> NoReturn:
    raise _NotOfflineError(exception_message=f"An offline run has no {name}: it belongs to no workspace. {instead}.")


def _refused(name: str, instead: str = _START) -> Callable[..., NoReturn]:
    def method(self: _OfflineRun, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse(name, instead)

    method.__name__ = name
    method.__qualname__ = f"_OfflineRun.{name}"
    method.__doc__ = "Not for an offline run: raises RunEnvironmentException."
    return method


def _of_run(name: str) -> Any:
    """What concerns no run in particular is that of ``Run``."""

    def call(*args: Any, **kwargs: Any) -> Any:
        from milepost.sdk.runs.run import Run

        return getattr(Run, name)(*args, **kwargs)

    call.__name__ = name
    call.__qualname__ = f"_OfflineRun.{name}"
    call.__doc__ = f"The same as ``Run.{name}``."
    return staticmethod(call)


class _OfflineRun(OfflineFiles, OfflineMetrics, OfflineProgress):
    """A run of no workspace.  Its log calls print what they got."""

    def __init__(self, parent: _OfflineRun | None = None, run_id: str | None = None, name: str | None = None) -> None:
        self._id = run_id or f"OfflineRun_{uuid.uuid4()}"
        self._parent = parent
        self._display_name = name
        self._description = ""
        self._children: list[_OfflineRun] = []
        self._tags: dict[str, str | None] = {}
        self._properties: dict[str, str] = {}
        self._status = "Running"
        self._error: dict[str, str] | None = None
        self._started_s = time.time()
        self._ended_s: float | None = None
        self._is_new = True
        self._folder = home() / "offline" / (f"OfflineRun_{uuid.uuid4()}" if run_id else self._id)
        self._open_metrics()
        self._open_files()

    # -- what it is --------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """``OfflineRun_`` and a UUID; of a child, its parent's id and its name."""
        return self._id

    @property
    def identity(self) -> str:
        """The id."""
        return self._id

    @property
    def name(self) -> str:
        """The display name, or the id where there is none."""
        return self._display_name or self._id

    @property
    def display_name(self) -> str:
        """The name shown to people; can be set."""
        return self.name

    @display_name.setter
    def display_name(self, display_name: str) -> None:
        self._display_name = str(display_name)

    @property
    def description(self) -> str:
        """What the run is about; can be set."""
        return self._description

    @description.setter
    def description(self, description: str) -> None:
        self._description = str(description)

    @property
    def type(self) -> None:
        """None, as of an interactive run."""
        return

    @property
    def status(self) -> str:
        """Running, then Completed, Failed or Canceled."""
        return self._status

    @property
    def parent(self) -> _OfflineRun | None:
        """The run it is a child of, if any."""
        return self._parent

    @property
    def experiment(self) -> NoReturn:
        """Not for an offline run: raises RunEnvironmentException, which is an AttributeError too."""
        _refuse("experiment", "Use Workspace.from_config() where the script needs a workspace")

    @property
    def number(self) -> NoReturn:
        """Not for an offline run: raises RunEnvironmentException, which is an AttributeError too."""
        _refuse("number", _START)

    @property
    def portal_url(self) -> NoReturn:
        """Not for an offline run: raises RunEnvironmentException, which is an AttributeError too."""
        _refuse("page in the portal", _START)

    get_portal_url = _refused("page in the portal")
    get_environment = _refused("environment")
    get_secret = _refused("secrets", "Read them from environment variables")
    get_secrets = _refused("secrets", "Read them from environment variables")
    get_snapshot_id = _refused("snapshot")
    restore_snapshot = _refused("snapshot")
    take_snapshot = _refused("snapshot")
    list_by_compute = _refused("compute target")
    register_model = _refused(
        "models", "Use Model.register(workspace, model_path, model_name) with a workspace of yours"
    )
    submit_child = _refused("submitted children", "child_run() gives an offline child")

    add_type_provider = _of_run("add_type_provider")
    get = _of_run("get")
    get_context = _of_run("get_context")
    get_docs_url = _of_run("get_docs_url")
    get_submitted_run = _of_run("get_submitted_run")
    list = _of_run("list")

    def get_status(self) -> str:
        """Running, then Completed, Failed or Canceled."""
        return self._status

    def get_detailed_status(self) -> dict[str, Any]:
        """The status with what is known of why: keys status and details."""
        return {"status": self._status, "details": self._error or ""}

    def get_details(self) -> dict[str, Any]:
        """All that is known of the run, by the SDK's keys."""
        details: dict[str, Any] = {
            "runId": self._id,
            "target": "local",
            "status": self._status,
            "startTimeUtc": _utc(self._started_s),
            "endTimeUtc": _utc(self._ended_s),
            "properties": dict(self._properties),
            "inputDatasets": [],
            "outputDatasets": [],
            "runDefinition": {},
            "logFiles": {},
            "submittedBy": None,
        }
        if self._error:
            details["error"] = {"error": self._error}
        return details

    get_details_with_logs = get_details

    # -- tags and properties -----------------------------------------------------------------------------------

    @property
    def tags(self) -> dict[str, str | None]:
        """The tags."""
        return dict(self._tags)

    @property
    def properties(self) -> dict[str, str]:
        """The properties."""
        return dict(self._properties)

    def get_tags(self) -> dict[str, str | None]:
        """The tags."""
        return self.tags

    def get_properties(self) -> dict[str, str]:
        """The properties."""
        return self.properties

    def tag(self, key: str, value: str | None = None) -> None:
        """Set a tag and print it."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, str | None]) -> None:
        """Set several tags and print them."""
        for key, value in check_tags(tags).items():
            self._tags[key] = value
            echo(f"Attempted to set tag {key}:", value)

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Remove the tags with these names and print them; one that is not there is passed over."""
        for key in [tags] if isinstance(tags, str) else tags:
            echo("Attempted to remove tag:", key)
            self._tags.pop(key, None)

    def add_properties(self, properties: Mapping[str, str]) -> None:
        """Set properties and print them.  Raises UserErrorException if one is set to another value already."""
        checked = check_properties(properties)
        for key, value in checked.items():
            if self._properties.get(key, value) != value:
                raise UserErrorException(
                    f"Property {key!r} of run {self._id} is {self._properties[key]!r} already; a property cannot be "
                    "changed. Use a tag for what may change."
                )
        for key, value in checked.items():
            self._properties[key] = value
            echo(f"Attempted to add property {key}:", value)

    # -- from start to end -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Nothing to do: the run is Running."""

    def flush(self, timeout_seconds: float = 300) -> None:
        """Nothing to wait for."""
        sys.stdout.flush()

    def complete(self) -> None:
        """Mark the run as Completed."""
        self._end("Completed", None)

    def fail(self, error_details: object = None, error_code: str | None = None) -> None:
        """Mark the run as Failed."""
        self._end("Failed", lifecycle.failure(error_details, error_code))

    def cancel(self) -> None:
        """Mark the run as Canceled."""
        self._end("Canceled", None)

    def _end(self, status: str, error: dict[str, str] | None) -> None:
        if self._ended_s is None:
            self._status, self._error, self._ended_s = status, error, time.time()

    def wait_for_completion(
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> dict[str, Any]:
        """Give ``get_details()`` at once: nobody but this process ends the run.

        Raises ActivityFailedException if it failed, unless ``raise_on_error`` is False.
        """
        if self._status == "Failed" and raise_on_error:
            raise ActivityFailedException(self.get_details()["error"])
        return self.get_details()

    def __enter__(self) -> _OfflineRun:
        echo(f"[START] Run ID context {self._id}")
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        lifecycle.end_by(cast("Run", self), error)
        echo(f"[STOP] Run ID context {self._id}")

    # -- children ----------------------------------------------------------------------------------------------

    def child_run(self, name: str | None = None, run_id: str | None = None, outputs: str | None = None) -> _OfflineRun:
        """An offline run that belongs to this one.  Its id is this one's, a dot and ``name`` (default: its number)."""
        number = len(self._children) + 1
        child = _OfflineRun(self, run_id or f"{self._id}.{name or number}", name)
        self._children.append(child)
        return child

    def create_children(
        self, count: int | None = None, tag_key: str | None = None, tag_values: Sequence[str] | None = None
    ) -> _Runs:
        """``count`` children, or one for each of ``tag_values``, tagged with it under ``tag_key``."""
        if (count is None) == (tag_values is None) or (tag_key is None) != (tag_values is None):
            raise UserErrorException("create_children takes either count, or tag_key and tag_values.")
        if tag_values is None:
            return [self.child_run() for _ in range(int(count or 0))]
        children = []
        for value in tag_values:
            child = self.child_run()
            child.tag(str(tag_key), value)
            children.append(child)
        return children

    def get_children(
        self,
        recursive: bool = False,
        tags: str | Mapping[str, str] | None = None,
        properties: str | Mapping[str, str] | None = None,
        type: str | None = None,
        status: str | None = None,
    ) -> Iterator[_OfflineRun]:
        """The children, newest first; ``recursive``: all descendants.  The filters are those of ``Run.list``."""
        from milepost.store.records import has_all

        by_tags, by_properties = tag_filter(tags), tag_filter(properties)
        for child in list(self._descendants()) if recursive else self._children[::-1]:
            right_kind = type is None and (status is None or child._status == status)
            if right_kind and has_all(child._tags, by_tags) and has_all(child._properties, by_properties):
                yield child

    def _descendants(self) -> Iterator[_OfflineRun]:
        for child in self._children[::-1]:
            yield child
            yield from child._descendants()

    # -- showing it --------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"Run(Experiment: None (offline),\nId: {self._id},\nType: None,\nStatus: {self._status})"

    def _repr_html_(self) -> str:
        return display.table(
            [("Experiment", "none (offline)", None), ("Id", self._id, None), ("Status", self._status, None)]
        )


def _utc(time_s: float | None) -> str | None:
    if time_s is None:
        return None
    return datetime.fromtimestamp(time_s, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
