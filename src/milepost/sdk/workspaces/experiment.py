"""An experiment: a named row of runs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk import display, links
from milepost.sdk.exceptions import UserErrorException, deferred
from milepost.sdk.recording.recorder import translated
from milepost.sdk.tags import check_tags, tag_filter
from milepost.warning import warn

if TYPE_CHECKING:
    from datetime import datetime

    from milepost.sdk.runs.run import Run
    from milepost.sdk.workspaces.workspace import Workspace
    from milepost.store.records import ExperimentRecord

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}")
_VIEWS: Final = {"ActiveOnly": "active", "ArchivedOnly": "archived", "All": "all"}


class Experiment:
    """The experiment of that name in a workspace, made when it is not there.

    Names have 1 to 255 letters, digits, "_" and "-", a letter or digit first: raises UserErrorException otherwise.  On
    a server, raises AuthenticationException where it is not there and this user may not make it.
    """

    DELIM = "#"
    EXPERIMENT_ID_PATH = "/experiments/id/{0}"
    EXPERIMENT_NAME_PATH = "/experiments/{0}"
    TID_FMT = "&tid={0}"
    WORKSPACE_FMT = "?wsid=/subscriptions/{0}/resourcegroups/{1}/workspaces/{2}"

    def __init__(self, workspace: Workspace, name: str, **kwargs: Any) -> None:
        from milepost.sdk.workspaces.workspace import Workspace

        if not isinstance(workspace, Workspace):
            raise UserErrorException(f"Experiment takes a Workspace first, not {type(workspace).__name__}.")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise UserErrorException(
                f"{name!r:.300} cannot name an experiment: use 1 to 255 letters, digits, '_' and '-', with a letter or "
                "digit first."
            )
        self._workspace = workspace
        self._name = name
        if not self._is_there():
            workspace._recorder.writer.event("experiment", "", {"name": name})

    def _is_there(self) -> bool:
        """Whether a server has it already.  Who may only read there cannot record anything, not even its name.

        Raises WorkspaceException, and AuthenticationException where it cannot be made.
        """
        place = self._workspace._place
        if place.server is None or os.environ.get("MILEPOST_JOB"):
            return False
        from milepost.sdk.recording.server_store import has_experiment

        return has_experiment(place, self._name)

    @classmethod
    def _known(cls, workspace: Workspace, name: str) -> Experiment:
        """An experiment that is in the store."""
        experiment = cls.__new__(cls)
        experiment._workspace = workspace
        experiment._name = name
        return experiment

    # -- what it is --------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self._name

    @property
    def id(self) -> str:
        """The experiment's id."""
        return self._record().id

    @property
    def workspace(self) -> Workspace:
        """The workspace it is in."""
        return self._workspace

    @property
    def workspace_object(self) -> Workspace:
        """The old name of ``workspace``."""
        return self._workspace

    @property
    def identity(self) -> str:
        """Workspace and experiment in one text."""
        return self.DELIM.join((self._workspace.name, self._name))

    @property
    def archived_time(self) -> datetime | None:
        """When it was archived (UTC), or None."""
        archived = self._record().archived_ns
        if archived is None:
            return None
        from datetime import datetime, timezone

        return datetime.fromtimestamp(archived / 1e9, timezone.utc)

    @property
    def tags(self) -> dict[str, str | None]:
        """The tags just now."""
        return dict(self._record().tags)

    @property
    def portal_url(self) -> str:
        """The portal's address."""
        return links.portal_base(self._workspace._recorder)

    def get_portal_url(self) -> str:
        """The address that opens this experiment's page; the portal is started if none runs (see ``sdk/links.py``)."""
        return links.experiment_url(self._name, self._workspace._recorder)

    @classmethod
    def get_docs_url(cls) -> str:
        """The address of the SDK's own page on experiments."""
        return links.docs_url("azureml.core.experiment.Experiment")

    # -- runs --------------------------------------------------------------------------------------------------

    def start_logging(self, *args: Any, **kwargs: Any) -> Run:
        """Start an interactive run: ``start_logging(outputs=None, snapshot_directory=".", display_name=None, ...)``.

        ``outputs``: a folder whose files are kept on ``complete()`` (default "outputs").  ``run_id``, ``tags`` and
        ``description`` may be given.  ``snapshot_directory``: the folder that is kept with the run, less what its
        ``.amlignore`` (else ``.gitignore``) names; None keeps none.  The snapshot is taken beside the script, and where
        it cannot be taken the run has a warning that says why.
        """
        from milepost.sdk.runs.run import Run

        if args:
            raise UserErrorException("start_logging takes keyword arguments only, for example outputs='outputs'.")
        directory = kwargs.pop("snapshot_directory", ".")
        if not isinstance(directory, (str, os.PathLike, type(None))):
            raise UserErrorException(f"snapshot_directory is a folder's path or None, not {type(directory).__name__}.")
        description = kwargs.pop("description", None)
        run = Run._start(
            self,
            run_id=kwargs.pop("run_id", None),
            outputs=kwargs.pop("outputs", None),
            display_name=kwargs.pop("display_name", None),
            tags=kwargs.pop("tags", None),
        )
        if description:
            run.description = description
        if kwargs:
            run.fail(f"start_logging does not know {', '.join(kwargs)}")
            raise UserErrorException(f"start_logging does not know {', '.join(map(repr, kwargs))}.")
        if directory is not None:
            run._begin_snapshot(directory)
        return run

    def submit(self, config: Any, tags: Mapping[str, str | None] | None = None, **kwargs: Any) -> Run:
        """Submit a ``ScriptRunConfig`` (or an estimator, a ``HyperDriveConfig``, an ``AutoMLConfig``) and give its run.

        A snapshot of its folder is taken; the script runs in a process of its own, whatever becomes of this one.
        ``display_name`` and ``run_id`` may be given too.  Raises UserErrorException for what cannot be run,
        SnapshotException for a folder that cannot be kept, ComputeTargetException for a target that is not there.  A
        server that can be reached is asked first: AuthenticationException where this user may not record there,
        WorkspaceException where it has no such workspace.
        """
        from milepost.sdk.submitting.submission import submit
        from milepost.sdk.submitting.submit_registry import ExperimentSubmitRegistrar

        show = kwargs.pop("show_output", False)
        other = ExperimentSubmitRegistrar._find(config)
        run: Run = (
            other(config, self._workspace, self._name, tags=tags, **kwargs)
            if other is not None
            else submit(
                self,
                config,
                tags,
                parent_id=kwargs.pop("parent_run_id", None),
                display_name=kwargs.pop("display_name", None),
                run_id=kwargs.pop("run_id", None),
            )
        )
        if show:
            run.wait_for_completion(show_output=True)
        return run

    def get_runs(
        self,
        type: str | None = None,
        tags: str | Mapping[str, str] | None = None,
        properties: str | Mapping[str, str] | None = None,
        include_children: bool = False,
    ) -> Iterator[Run]:
        """The runs, newest first.  ``tags``: a key that must be there, or a dict of key -> value."""
        from milepost.sdk.runs.run import Run

        return Run.list(self, type=type, tags=tags, properties=properties, include_children=include_children)

    def to_dataframe(self, **options: Any) -> Any:
        """The runs as a data frame, one row each; ``options`` are those of ``milepost.runs_dataframe``."""
        from milepost.sdk.runs.dataframes import runs_dataframe

        return runs_dataframe(self, **options)

    # -- tags and life -----------------------------------------------------------------------------------------

    def tag(self, key: str, value: str | None = None) -> None:
        """Set a tag; the value is kept as text, None is a tag without a value."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, str | None]) -> None:
        """Set several tags."""
        self._update(set_tags=check_tags(tags))

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Remove the tags with these names; one that is not there is passed over."""
        self._update(remove_tags=[tags] if isinstance(tags, str) else list(tags))

    def archive(self) -> None:
        """Leave the experiment out of listings; its runs stay."""
        self._update(archived=True)

    def reactivate(self, new_name: str | None = None) -> None:
        """Bring an archived experiment back."""
        if new_name is not None and new_name != self._name:
            raise deferred("Experiment.reactivate(new_name=...)", "reactivate() keeps the name.")
        self._update(archived=False)

    def refresh(self) -> None:
        """Nothing to do: what is asked of an experiment is always fresh."""

    @staticmethod
    def delete(workspace: Workspace, experiment_id: str) -> None:
        """Delete an experiment with all its runs and free their space.

        Raises ServiceException (404), and UserErrorException while submitted runs of it are on their way.

        Files that were stored in the last ten minutes are freed by a later deletion.
        """
        from milepost.jobs.listing import listing
        from milepost.sdk.recording.freeing import free_space

        store = workspace._recorder.fresh()
        with translated():
            name = store.experiment_by_id(experiment_id).name
            busy = [each.run_id for each in listing(workspace._recorder.folder) if each.experiment == name]
            if busy:
                raise UserErrorException(
                    f"Experiment {name} is not deleted: {busy[0]} is on its way. Wait for it, or cancel it."
                )
            store.delete_experiment(experiment_id)
        try:
            free_space(store, workspace._recorder.writer.folder)
        except Exception as error:
            warn(f"Milepost deleted the experiment, but could not free its space yet; a later deletion does: {error}")

    @staticmethod
    def list(
        workspace: Workspace,
        experiment_name: str | None = None,
        view_type: str = "ActiveOnly",
        tags: str | Mapping[str, str] | None = None,
    ) -> list[Experiment]:
        """The workspace's experiments; ``view_type`` is ActiveOnly, ArchivedOnly or All."""
        if view_type not in _VIEWS:
            raise UserErrorException(f"view_type is one of {', '.join(_VIEWS)}, not {view_type!r}.")
        from milepost.store.records import has_all

        wanted = tag_filter(tags)
        store = workspace._recorder.fresh()
        with translated():
            found = store.experiments(_VIEWS[view_type])
        return [
            Experiment._known(workspace, each.name)
            for each in found
            if (experiment_name is None or each.name == experiment_name) and has_all(each.tags, wanted)
        ]

    @staticmethod
    def from_directory(path: str | os.PathLike[str], auth: Any = None) -> Experiment:
        """The experiment of a folder: not in this version yet."""
        raise deferred("Experiment.from_directory", "Experiment(workspace, name) gives it by its name.")

    # -- showing it --------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"Experiment(Name: {self._name},\nWorkspace: {self._workspace.name})"

    def _repr_html_(self) -> str:
        return display.table(
            [
                ("Name", self._name, None),
                ("Workspace", self._workspace.name, None),
                display.page("Report Page", self._workspace._recorder.folder, self.get_portal_url),
                display.docs(self.get_docs_url()),
            ]
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Experiment)
            and other._name == self._name
            and other._workspace._recorder is self._workspace._recorder
        )

    def __hash__(self) -> int:
        return hash(self._name)

    def _record(self) -> ExperimentRecord:
        store = self._workspace._recorder.fresh()
        with translated():
            return store.experiment(self._name)

    def _update(self, **changes: Any) -> None:
        store = self._workspace._recorder.fresh()
        with translated():
            store.update_experiment(self._name, **changes)
