"""Registered models: named, versioned files that scripts fetch by name."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from milepost.sdk import display, links
from milepost.sdk.exceptions import (
    ModelNotFoundException,
    ModelPathNotFoundException,
    UserErrorException,
    WebserviceException,
    deferred,
)
from milepost.sdk.models.model_cloud import ModelCloud
from milepost.sdk.recording.recorder import translated
from milepost.sdk.runs.values import text
from milepost.sdk.tags import check_properties, check_tags, tag_filter

if TYPE_CHECKING:
    from datetime import datetime

    from milepost.sdk.runs.run import Run
    from milepost.sdk.workspaces.workspace import Workspace
    from milepost.store.records import ModelRecord


class Model(ModelCloud):
    """A registered model: by ``name`` (its newest version), ``name`` and ``version``, or ``id`` ("name:version").

    Raises WebserviceException (ModelNotFound) if there is none.
    """

    class Framework:
        """Names of frameworks for ``model_framework``."""

        CUSTOM = "Custom"
        TENSORFLOW = "TensorFlow"
        SCIKITLEARN = "ScikitLearn"
        ONNX = "Onnx"
        MULTI = "Multi"

    def __init__(
        self,
        workspace: Workspace,
        name: str | None = None,
        id: str | None = None,
        tags: Any = None,
        properties: Any = None,
        version: int | None = None,
        run_id: str | None = None,
        model_framework: str | None = None,
        expand: bool = True,
        **kwargs: Any,
    ) -> None:
        self._workspace = workspace
        if id is not None:
            name, _, number = id.rpartition(":")
            if not name or not number.isdigit():
                raise UserErrorException(f"A model's id is NAME:VERSION, not {id!r}.")
            version = int(number)
        if name is None:
            raise UserErrorException("Model takes the model's name or its id.")
        if version is not None:
            self._record = _find(workspace, name, int(version))
            return
        found = Model.list(
            workspace, name, tags=tags, properties=properties, run_id=run_id, model_framework=model_framework
        )
        if not found:
            raise WebserviceException(
                f"ModelNotFound: workspace {workspace.name!r} has no model {name!r} like that. Model.list(ws) lists "
                "what there is.",
                status_code=404,
            )
        self._record = max((model._record for model in found), key=lambda record: record.version)

    @classmethod
    def _of(cls, workspace: Workspace, record: ModelRecord) -> Model:
        model = cls.__new__(cls)
        model._workspace = workspace
        model._record = record
        return model

    # -- what it is --------------------------------------------------------------------------------------------

    @property
    def workspace(self) -> Workspace:
        """The workspace it is in."""
        return self._workspace

    @property
    def name(self) -> str:
        """The model's name."""
        return self._record.name

    @property
    def version(self) -> int:
        """1, 2, 3, ...; a number is never given twice."""
        return self._record.version

    @property
    def id(self) -> str:
        """NAME:VERSION."""
        return f"{self.name}:{self.version}"

    @property
    def url(self) -> str:
        """Where its files are, as an address of this workspace."""
        return f"aml://models/{self.name}/{self.version}/{self._record.path}"

    @property
    def run_id(self) -> str | None:
        """The run it was registered from, if any."""
        return self._record.run_id

    @property
    def run(self) -> Run | None:
        """The run it was registered from, if any and if it is still there."""
        return None if self.run_id is None else self._workspace.get_run(self.run_id)

    @property
    def experiment_name(self) -> str | None:
        """The experiment of that run."""
        return self._record.experiment

    @property
    def description(self) -> str:
        """What the model is."""
        return self._record.description

    @property
    def tags(self) -> dict[str, str | None]:
        """The tags as of when this object was made or last changed."""
        return dict(self._record.tags)

    @property
    def properties(self) -> dict[str, str]:
        """The properties; a key once set is not changed."""
        return dict(self._record.properties)

    @property
    def model_framework(self) -> str | None:
        """The framework it was made with, as told at registration."""
        return self._record.framework

    @property
    def model_framework_version(self) -> str | None:
        """That framework's version."""
        return self._record.framework_version

    @property
    def created_time(self) -> datetime:
        """When this version was registered (UTC)."""
        from datetime import datetime, timezone

        return datetime.fromtimestamp(self._record.created_ns / 1e9, timezone.utc)

    # -- registering and finding -------------------------------------------------------------------------------

    @staticmethod
    def register(
        workspace: Workspace,
        model_path: str,
        model_name: str,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
        datasets: Any = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        child_paths: Sequence[str] | None = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
    ) -> Model:
        """Register a file or folder of this machine as the next version of a model.

        ``child_paths`` names those files of the folder that belong to it (default: all).  Raises
        ModelPathNotFoundException if ``model_path`` is not there.
        """
        _no_datasets(datasets, sample_input_dataset, sample_output_dataset)
        source = Path(model_path)
        if not source.exists():
            raise ModelPathNotFoundException(f"There is no file or folder {str(source)!r} (from {str(Path.cwd())!r}).")
        store = workspace._recorder.fresh()
        with translated():
            if source.is_dir():
                from milepost.sdk.local_files import files_below

                files = [(file.relative_to(source).as_posix(), file) for file in files_below(source)]
                if child_paths is not None:
                    wanted = {Path(each).as_posix() for each in child_paths}
                    files = [(name, file) for name, file in files if name in wanted]
                    if missing := wanted - {name for name, _file in files}:
                        raise ModelPathNotFoundException(f"{str(source)!r} has no {', '.join(sorted(missing))}.")
                base = source.resolve().name
                path, files = f"{base}/", [(f"{base}/{name}", file) for name, file in files]
            else:
                path, files = source.name, [(source.name, source)]
            kept = [(name, store.put_file(file)) for name, file in files]
            record = store.register_model(
                model_name,
                path=path,
                files=kept,
                tags=check_tags(tags or {}),
                properties=check_properties(properties or {}),
                description=description or "",
                framework=model_framework,
                framework_version=model_framework_version,
                extra=_extra(resource_configuration),
            )
        return Model._of(workspace, record)

    @staticmethod
    def list(
        workspace: Workspace,
        name: str | None = None,
        tags: Any = None,
        properties: Any = None,
        run_id: str | None = None,
        latest: bool = False,
        dataset_id: str | None = None,
        expand: bool = True,
        page_count: int = 255,
        model_framework: str | None = None,
    ) -> list[Model]:
        """Models, newest first.  ``tags`` and ``properties``: keys, [key, value] pairs or dicts, all to be there."""
        if dataset_id is not None:
            raise deferred("Model.list(dataset_id=...)")
        store = workspace._recorder.fresh()
        with translated():
            found = store.models(name=name, tags=_wanted(tags), run_id=run_id, latest=latest)
        from milepost.store.records import has_all

        wanted = _wanted(properties)
        return [
            Model._of(workspace, record)
            for record in found
            if (model_framework is None or record.framework == model_framework) and has_all(record.properties, wanted)
        ]

    @staticmethod
    def get_model_path(model_name: str, version: int | None = None, _workspace: Workspace | None = None) -> str:
        """The path of a model's file or folder on this machine.

        Looks in ``AZUREML_MODEL_DIR`` and ``azureml-models/`` as a deployed script does; with ``_workspace`` the model
        is fetched into ``azureml-models/NAME/VERSION``.  Raises ModelNotFoundException.
        """
        if _workspace is not None:
            model = Model(_workspace, model_name, version=version)
            return model.download(os.path.join("azureml-models", model.name, str(model.version)), exist_ok=True)  # noqa: PTH118
        for root in filter(None, (os.environ.get("AZUREML_MODEL_DIR"), "azureml-models")):
            folder = Path(root) / model_name
            versions = sorted((int(each.name) for each in folder.glob("*") if each.name.isdigit()), reverse=True)
            for number in versions if version is None else [version]:
                inside = sorted((folder / str(number)).glob("*"))
                if inside:
                    return str(inside[0] if len(inside) == 1 else folder / str(number))
        raise ModelNotFoundException(
            f"Model {model_name!r} is not in {os.environ.get('AZUREML_MODEL_DIR') or 'azureml-models/'}; "
            "fetch it with Model(workspace, name).download(), or give _workspace."
        )

    # -- using and changing ------------------------------------------------------------------------------------

    def download(
        self, target_dir: str | os.PathLike[str] = ".", exist_ok: bool = False, exists_ok: bool | None = None
    ) -> str:
        """Write the model's files into a folder and give the path of its file or folder there.

        Raises WebserviceException if a file is there already, unless ``exist_ok``.
        """
        from milepost.store.names import safe_join

        may_exist = exist_ok if exists_ok is None else exists_ok
        root = Path(target_dir)
        store = self._workspace._recorder.fresh()
        # The model's own folder stays; those above it in the run ("outputs/") do not.
        above = self._record.path.rstrip("/").rpartition("/")[0]
        skip = len(above) + 1 if above else 0
        with translated():
            root.mkdir(parents=True, exist_ok=True)
            targets = [(file, safe_join(root, file.name[skip:])) for file in self._record.files]
            for _file, target in targets:
                if target.exists() and not may_exist:
                    raise WebserviceException(
                        f"{str(target)!r} is there already. Give another target_dir, or exist_ok=True to replace it."
                    )
            for file, target in targets:
                target.parent.mkdir(parents=True, exist_ok=True)
                store.blobs.download(file.digest, target)
        return os.path.join(target_dir, *self._record.path.rstrip("/")[skip:].split("/"))  # noqa: PTH118 - as given

    def add_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        self._update(set_tags=check_tags(tags))

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Remove the tags with these names."""
        self._update(remove_tags=[tags] if isinstance(tags, str) else list(tags))

    def add_properties(self, properties: Mapping[str, str]) -> None:
        """Set properties.  Raises UserErrorException if one is set to another value already."""
        self._update(add_properties=check_properties(properties))

    def update(
        self,
        tags: Mapping[str, str] | None = None,
        description: str | None = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
    ) -> None:
        """Replace the tags, the description, or both."""
        _no_datasets(None, sample_input_dataset, sample_output_dataset)
        changes: dict[str, Any] = {}
        if tags is not None:
            changes["remove_tags"] = [key for key in self.tags if key not in tags]
            changes["set_tags"] = check_tags(tags)
        if description is not None:
            changes["description"] = text(description, "A model's description")
        if resource_configuration is not None:
            changes["extra"] = {**self._record.extra, **_extra(resource_configuration)}
        self._update(**changes)

    def update_tags_properties(
        self,
        add_tags: Mapping[str, str] | None = None,
        remove_tags: Sequence[str] | None = None,
        add_properties: Mapping[str, str] | None = None,
    ) -> None:
        """Add and remove tags, and add properties, in one go."""
        self._update(
            set_tags=check_tags(add_tags or {}),
            remove_tags=list(remove_tags or []),
            add_properties=check_properties(add_properties or {}),
        )

    def delete(self) -> None:
        """Delete this version."""
        store = self._workspace._recorder.fresh()
        with translated():
            store.delete_model(self.name, self.version)

    def serialize(self) -> dict[str, Any]:
        """The model as a dict of plain values."""
        record = self._record
        return {
            "name": record.name,
            "id": self.id,
            "version": record.version,
            "url": self.url,
            "description": record.description,
            "runId": record.run_id,
            "experimentName": record.experiment,
            "framework": record.framework,
            "frameworkVersion": record.framework_version,
            "tags": self.tags,
            "properties": self.properties,
            "createdTime": self.created_time.isoformat(),
        }

    @staticmethod
    def deserialize(workspace: Workspace, model_payload: Mapping[str, Any]) -> Model:
        """The model that ``serialize`` told of."""
        return Model(workspace, id=str(model_payload["id"]))

    # -- showing it --------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return (
            f"Model(workspace={self._workspace!r}, name={self.name}, id={self.id}, version={self.version}, "
            f"tags={self.tags}, properties={self.properties})"
        )

    def _repr_html_(self) -> str:
        recorder, record = self._workspace._recorder, self._record
        folder = recorder.folder
        rows: list[display.Row] = [
            ("Name", record.name, None),
            ("Version", record.version, None),
            ("Framework", " ".join(filter(None, (record.framework, record.framework_version))) or None, None),
            ("Registered", f"{self.created_time:%Y-%m-%d %H:%M} UTC", None),
        ]
        if record.run_id is not None and record.experiment is not None:
            page = display.page(
                "Run", folder, lambda: links.run_url(str(record.experiment), str(record.run_id), recorder)
            )
            rows.append(("Run", record.run_id, page[2]))
        rows.append(display.page("Details Page", folder, lambda: links.model_url(record.name, recorder)))
        rows.append(display.docs(links.docs_url("azureml.core.model.Model")))
        return display.table(rows)

    def _update(self, **changes: Any) -> None:
        store = self._workspace._recorder.fresh()
        with translated():
            self._record = store.update_model(self.name, self.version, **changes)


def register_from_run(
    run: Run,
    name: str,
    path: str,
    *,
    tags: Mapping[str, str] | None,
    properties: Mapping[str, str] | None,
    framework: str | None,
    framework_version: str | None,
    description: str | None,
    resource_configuration: Any,
) -> Model:
    """Register a file or folder of a run; its content is not copied."""
    from milepost.store.records import Blob

    workspace = run.experiment.workspace
    store = run._recorder.fresh()
    plain = path.removeprefix("./")
    plain = plain.rstrip("/")
    with translated():
        found = [
            artifact
            for artifact in store.artifacts(run.id, plain)
            if artifact.name == plain or artifact.name.startswith(f"{plain}/")
        ]
        if not found:
            names = run.get_file_names()
            raise ModelPathNotFoundException(
                f"Run {run.id} has no file or folder {path!r}. It has: {', '.join(names[:20]) or 'no files yet'}."
                + _not_collected(run, plain)
            )
        folder = found[0].name != plain
        record = store.register_model(
            name,
            path=f"{plain}/" if folder else plain,
            files=[(artifact.name, Blob(artifact.digest, artifact.size)) for artifact in found],
            run_id=run.id,
            experiment=run.experiment.name,
            tags=check_tags(tags or {}),
            properties=check_properties(properties or {}),
            description=description or "",
            framework=framework,
            framework_version=framework_version,
            extra=_extra(resource_configuration),
        )
    return Model._of(workspace, record)


def _not_collected(run: Run, path: str) -> str:
    """What to do where the script of a submitted run asks for a file that it has just written."""
    from milepost.sdk.runs.run import SCRIPT_RUN
    from milepost.sdk.runs.run_life import TERMINAL

    if run.type != SCRIPT_RUN or run.get_status() in TERMINAL:
        return ""
    here = Path(path)
    what = "upload_folder" if here.is_dir() else "upload_file"
    there = f"{path!r} is there in {str(Path.cwd())!r}, but files" if here.exists() else "Files"
    return (
        f" {there} that a script leaves in outputs/ are sure to be among its run's only when it has ended. Call "
        f"run.{what}({path!r}, {path!r}) before run.register_model(...), or register the model after the run."
    )


def _find(workspace: Workspace, name: str, version: int) -> ModelRecord:
    from milepost.store.errors import NotFound

    store = workspace._recorder.fresh()
    try:
        with translated():
            return store.model(name, version)
    except Exception as error:
        if isinstance(error.__cause__, NotFound):
            raise WebserviceException(f"ModelNotFound: {error.__cause__}", status_code=404) from error
        raise


def _extra(resource_configuration: Any) -> dict[str, Any]:
    if resource_configuration is None:
        return {}
    facts = {key: value for key, value in vars(resource_configuration).items() if isinstance(value, (int, float, str))}
    return {"resource_configuration": facts}


def _wanted(given: Any) -> dict[str, Any]:
    """A filter from the SDK's forms: "key", ["key", ["key", "value"]], or a dict."""
    if given is None or isinstance(given, (str, Mapping)):
        return tag_filter(given)
    wanted: dict[str, Any] = {}
    for each in given:
        wanted.update(tag_filter(each if isinstance(each, str) else {each[0]: each[1]}))
    return wanted


def _no_datasets(*given: Any) -> None:
    if any(each is not None for each in given):
        raise deferred("Datasets of a model", "Leave the dataset arguments out, or name the data in the properties.")
