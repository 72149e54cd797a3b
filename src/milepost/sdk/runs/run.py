"""A run: one training, recorded."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from milepost.sdk import display, links
from milepost.sdk.compute_targets.run_targets import RunTargets
from milepost.sdk.exceptions import (
    RunEnvironmentException,
    UserErrorException,
)
from milepost.sdk.recording.recorder import translated
from milepost.sdk.runs import lifecycle
from milepost.sdk.runs.run_environment import RunEnvironment
from milepost.sdk.runs.run_files import RunFiles
from milepost.sdk.runs.run_later import RunLater
from milepost.sdk.runs.run_life import RunLife
from milepost.sdk.runs.run_metrics import RunMetrics
from milepost.sdk.runs.run_progress import RunProgress
from milepost.sdk.runs.run_snapshots import RunSnapshots
from milepost.sdk.tags import check_properties, check_tags, tag_filter
from milepost.store.status import AUTOML
from milepost.store.status import SCRIPT_RUN as SCRIPT_RUN
from milepost.store.status import SWEEP as SWEEP

if TYPE_CHECKING:
    from milepost.sdk.models.model import Model
    from milepost.sdk.runs.offline_run import _OfflineRun
    from milepost.sdk.workspaces.experiment import Experiment
    from milepost.sdk.workspaces.workspace import Workspace
    from milepost.store.records import RunRecord


class Run(RunFiles, RunMetrics, RunProgress, RunEnvironment, RunSnapshots, RunTargets, RunLife, RunLater):
    """A run of an experiment.

    Start one with ``Experiment.start_logging()``; inside a submitted script take it with ``Run.get_context()``.
    ``Run(experiment, run_id)`` is a run that is there already: raises ServiceException (404) if it is not.
    """

    DELIM = "#"
    EXPERIMENT_ID_PATH = "/experiments/id/{0}"
    EXPERIMENT_NAME_PATH = "/experiments/{0}"
    RUN_PATH = "/runs/{0}"
    TID_FMT = "&tid={0}"
    WORKSPACE_FMT = "?wsid=/subscriptions/{0}/resourcegroups/{1}/workspaces/{2}"

    _providers: ClassVar[dict[str, Callable[..., Run]]] = {}
    _context: ClassVar[Run | _OfflineRun | None] = None

    def __init__(self, experiment: Experiment, run_id: str, outputs: str | None = None, **kwargs: Any) -> None:
        self._setup(experiment, run_id, outputs, is_new=False)
        self._record()

    def _setup(self, experiment: Experiment, run_id: str, outputs: str | None, *, is_new: bool) -> None:
        self._experiment = experiment
        self._id = run_id
        self._outputs = outputs
        self._is_new = is_new
        self._recorder = experiment.workspace._recorder
        self._ended: str | None = None
        # Whether this process is one of the run's own, started by a supervisor that ends the run.
        self._is_inside = os.environ.get("MILEPOST_JOB") == run_id
        self._open_metrics()
        self._open_files()

    @classmethod
    def _start(
        cls,
        experiment: Experiment,
        *,
        run_id: str | None = None,
        parent_id: str | None = None,
        display_name: str | None = None,
        outputs: str | None = None,
        tags: Mapping[str, str | None] | None = None,
        status: str = "Running",
        owner: bool = True,
    ) -> Run:
        """A new run.  Needs neither the database nor the network: it is said to the journal."""
        run = cls.__new__(cls)
        run._setup(experiment, run_id or str(uuid.uuid4()), outputs, is_new=True)
        data: dict[str, Any] = {
            "experiment": experiment.name,
            "type": None,
            "status": status,
            "display_name": display_name,
            "parent_id": parent_id,
            "target": "local",
            "submitted_by": _user(),
            "owner": owner,
        }
        if tags:
            data["tags"] = check_tags(tags)
        run._say("run", data)
        if owner:
            lifecycle.watch(run, run._recorder)
        return run

    def _say(self, kind: str, data: dict[str, Any]) -> None:
        self._recorder.writer.event(kind, self._id, data)

    # -- what it is --------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The run's id, unique in the workspace."""
        return self._id

    @property
    def experiment(self) -> Experiment:
        """The experiment it belongs to."""
        return self._experiment

    @property
    def identity(self) -> str:
        """Workspace, experiment and run id in one text."""
        return self.DELIM.join((self._experiment.identity, self._id))

    @property
    def name(self) -> str:
        """The display name, or the id where there is none."""
        return self._record().display_name or self._id

    @property
    def display_name(self) -> str:
        """The name shown to people; can be set, need not be unique."""
        return self.name

    @display_name.setter
    def display_name(self, display_name: str) -> None:
        self._say("describe", {"display_name": str(display_name)})

    @property
    def description(self) -> str:
        """What the run is about; can be set."""
        return self._record().description or ""

    @description.setter
    def description(self, description: str) -> None:
        self._say("describe", {"description": str(description)})

    @property
    def number(self) -> int:
        """Its number in the experiment: 1, 2, 3, ..., given when the store first sees the run."""
        return self._record().number

    @property
    def type(self) -> str | None:
        """What made it: None for an interactive run, "azureml.scriptrun" for a submitted script."""
        return None if self._is_new else self._record().type

    @property
    def status(self) -> str:
        """The status just now."""
        return self.get_status()

    @property
    def parent(self) -> Run | None:
        """The run it is a child of, if any."""
        parent_id = self._record().parent_id
        return None if parent_id is None else Run.get(self._experiment.workspace, parent_id)

    @property
    def tags(self) -> dict[str, str | None]:
        """The tags just now; a tag without a value is None."""
        return dict(self._record().tags)

    @property
    def properties(self) -> dict[str, str]:
        """The properties just now."""
        return dict(self._record().properties)

    @property
    def portal_url(self) -> str:
        """The portal's address."""
        return links.portal_base(self._recorder)

    def get_portal_url(self) -> str:
        """The address that opens this run's page; the portal is started if none runs (see ``sdk/links.py``)."""
        return links.run_url(self._experiment.name, self._id, self._recorder)

    @classmethod
    def get_docs_url(cls) -> str:
        """The address of the SDK's own page on runs."""
        return links.docs_url("azureml.core.run.Run")

    def get_status(self) -> str:
        """The status just now: one of NotStarted, Starting, ..., Running, ..., Completed, Failed, Canceled."""
        return self._record().status

    def get_detailed_status(self) -> dict[str, Any]:
        """The status with what is known of why: keys status and details."""
        record = self._record()
        return {"status": record.status, "details": record.error or record.warnings or ""}

    def get_tags(self) -> dict[str, str | None]:
        """The tags just now."""
        return self.tags

    def get_properties(self) -> dict[str, str]:
        """The properties just now."""
        return self.properties

    # -- tags and properties -----------------------------------------------------------------------------------

    def tag(self, key: str, value: str | None = None) -> None:
        """Set a tag; the value is kept as text, None is a tag without a value."""
        self._say("tags", {"set": check_tags({key: value})})

    def set_tags(self, tags: Mapping[str, str | None]) -> None:
        """Set several tags."""
        self._say("tags", {"set": check_tags(tags)})

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Remove the tags with these names; one that is not there is passed over."""
        names = [tags] if isinstance(tags, str) else [str(each) for each in tags]
        self._say("tags", {"remove": names})

    def add_properties(self, properties: Mapping[str, str]) -> None:
        """Set properties, kept as text.  Raises UserErrorException if one is set to another value already."""
        checked = check_properties(properties)
        present = self.properties
        for key, value in checked.items():
            if present.get(key, value) != value:
                raise UserErrorException(
                    f"Property {key!r} of run {self._id} is {present[key]!r} already; a property cannot be changed. "
                    "Use a tag for what may change."
                )
        self._say("properties", {"set": checked})

    # -- children ----------------------------------------------------------------------------------------------

    def child_run(self, name: str | None = None, run_id: str | None = None, outputs: str | None = None) -> Run:
        """Start a run that belongs to this one; usable as a context manager."""
        return Run._start(self._experiment, run_id=run_id, parent_id=self._id, display_name=name, outputs=outputs)

    def create_children(
        self, count: int | None = None, tag_key: str | None = None, tag_values: Sequence[str] | None = None
    ) -> list[Run]:
        """Start ``count`` children, or one for each of ``tag_values``, tagged with it under ``tag_key``."""
        if (count is None) == (tag_values is None) or (tag_key is None) != (tag_values is None):
            raise UserErrorException("create_children takes either count, or tag_key and tag_values.")
        if tag_values is not None:
            tagged = [{str(tag_key): str(value)} for value in tag_values]
            return [Run._start(self._experiment, parent_id=self._id, tags=tags) for tags in tagged]
        return [self.child_run() for _ in range(int(count or 0))]

    def get_children(
        self,
        recursive: bool = False,
        tags: str | Mapping[str, str] | None = None,
        properties: str | Mapping[str, str] | None = None,
        type: str | None = None,
        status: str | None = None,
    ) -> Iterator[Run]:
        """The children, newest first; ``recursive``: all descendants.  The filters are those of ``Run.list``."""
        from milepost.store.records import RunQuery

        query = RunQuery(
            parent_id=None if recursive else self._id,
            ancestor_id=self._id if recursive else None,
            type=type,
            statuses=None if status is None else (status,),
            tags=tag_filter(tags),
            properties=tag_filter(properties),
            archived=None,
        )
        return _runs(self._experiment.workspace, query)

    def submit_child(self, config: Any, tags: Mapping[str, str | None] | None = None, **kwargs: Any) -> Run:
        """Submit a run that belongs to this one; see ``Experiment.submit``."""
        return self._experiment.submit(config, tags, parent_run_id=self._id, **kwargs)

    # -- finding runs ------------------------------------------------------------------------------------------

    @staticmethod
    def get(workspace: Workspace, run_id: str) -> Run:
        """The run with that id.  Raises ServiceException (404) if there is none."""
        return _attach(workspace, workspace._recorder.run(run_id))

    @staticmethod
    def list(
        experiment: Experiment,
        type: str | None = None,
        tags: str | Mapping[str, str] | None = None,
        properties: str | Mapping[str, str] | None = None,
        status: str | None = None,
        include_children: bool = False,
    ) -> Iterator[Run]:
        """An experiment's runs, newest first.  ``tags``: a key that must be there, or a dict of key -> value."""
        from milepost.store.records import RunQuery

        query = RunQuery(
            experiment=experiment.name,
            type=type,
            statuses=None if status is None else (status,),
            tags=tag_filter(tags),
            properties=tag_filter(properties),
            include_children=include_children,
            archived=None,
        )
        return _runs(experiment.workspace, query)

    @staticmethod
    def add_type_provider(runtype: str, run_factory: Callable[..., Run]) -> None:
        """Have the objects for runs of a type made by ``run_factory(experiment, run_dto)``."""
        Run._providers[runtype] = run_factory

    @classmethod
    def get_context(
        cls, allow_offline: bool = True, used_for_context_manager: bool = False, **kwargs: Any
    ) -> Run | _OfflineRun:
        """The run that this process belongs to: the same object in every call.

        Outside a submitted run: a run whose log calls print what they got, or RunEnvironmentException if
        ``allow_offline`` is False.
        """
        from milepost.sdk.runs.offline_run import _OfflineRun

        run_id = os.environ.get("AZUREML_RUN_ID")
        if Run._context is None or (run_id and Run._context.id != run_id):
            if run_id:
                Run._context = _submitted(run_id)
            elif allow_offline:
                Run._context = _OfflineRun()
            else:
                raise RunEnvironmentException()
        if isinstance(Run._context, _OfflineRun) and not allow_offline:
            raise RunEnvironmentException()
        return Run._context

    @classmethod
    def get_submitted_run(cls, **kwargs: Any) -> Run | _OfflineRun:
        """The old name of ``get_context``."""
        return cls.get_context(**kwargs)

    # -- models ------------------------------------------------------------------------------------------------

    def register_model(
        self,
        model_name: str,
        model_path: str | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        description: str | None = None,
        datasets: Any = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
        **kwargs: Any,
    ) -> Model:
        """Register a file or folder of this run as the next version of a model.

        ``model_path`` names it in the run (default: ``model_name``).  Raises ModelPathNotFoundException if the run
        has no such file.
        """
        from milepost.sdk.models.model import register_from_run

        return register_from_run(
            self,
            model_name,
            model_path or model_name,
            tags=tags,
            properties=properties,
            framework=model_framework,
            framework_version=model_framework_version,
            description=description,
            resource_configuration=resource_configuration,
        )

    # -- showing it --------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        kind, status = self._shown()
        return f"Run(Experiment: {self._experiment.name},\nId: {self._id},\nType: {kind},\nStatus: {status})"

    def __str__(self) -> str:
        return repr(self)

    def _repr_html_(self) -> str:
        kind, status = self._shown()
        return display.table(
            [
                ("Experiment", self._experiment.name, None),
                ("Id", self._id, None),
                ("Type", kind, None),
                ("Status", status, None),
                display.page("Details Page", self._recorder.folder, self.get_portal_url),
                display.docs(self.get_docs_url()),
            ]
        )

    def _shown(self) -> tuple[str | None, str]:
        """Type and status, for those who look at the object: whatever the store does, that is soon."""
        from milepost.sdk.quick_look import NoAnswer, look

        try:
            record = look((self._recorder.folder, "store"), "the store", self._record)
        except NoAnswer as reason:
            return None if self._is_new else "unknown", f"unknown ({reason})"
        return record.type, record.status

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and other._id == self._id and other._recorder is self._recorder

    def __hash__(self) -> int:
        return hash(self._id)

    def _record(self) -> RunRecord:
        return self._recorder.run(self._id)


def _attach(workspace: Workspace, record: RunRecord) -> Run:
    from milepost.sdk.workspaces.experiment import Experiment

    experiment = Experiment._known(workspace, record.experiment)
    if record.type == SCRIPT_RUN:
        import milepost.sdk.runs.script_run
    elif record.type == SWEEP:
        import milepost.sdk.sweeps.hyperdrive_run
    elif record.type == AUTOML:
        import milepost.sdk.automl.automl_run  # noqa: F401 - adds its provider, as those above do
    factory = Run._providers.get(record.type or "")
    if factory is not None:
        return factory(experiment, record)
    run = Run.__new__(Run)
    run._setup(experiment, record.run_id, None, is_new=False)
    return run


def _runs(workspace: Workspace, query: Any) -> Iterator[Run]:
    store = workspace._recorder.fresh()
    with translated():
        for record in store.all_runs(query):
            yield _attach(workspace, record)


def _submitted(run_id: str) -> Run:
    """The run that the environment of a submitted script names."""
    from milepost.sdk.workspaces.experiment import Experiment
    from milepost.sdk.workspaces.workspace import Workspace

    name = os.environ.get("AZUREML_ARM_WORKSPACE_NAME")
    if not name:
        raise RunEnvironmentException()
    workspace = Workspace.get(name)
    experiment = os.environ.get("AZUREML_ARM_PROJECT_NAME")
    if experiment and os.environ.get("MILEPOST_JOB") == run_id:
        # Its supervisor says that there is such a run: no need to open the store.
        run = Run.__new__(Run)
        run._setup(Experiment._known(workspace, experiment), run_id, None, is_new=False)
        return run
    return Run.get(workspace, run_id)


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"
