"""Queries over experiments, and the changes that are made to them directly."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select, update

from milepost.store.engine import insert, write
from milepost.store.errors import BadInput, NotFound
from milepost.store.locked import new_experiment
from milepost.store.records import ExperimentRecord
from milepost.store.schema import experiments, runs
from milepost.store.texts import clean, clean_json, fit_experiment_name, fit_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import ColumnElement, Connection

    from milepost.store.store import Store

VIEWS: Final = ("active", "archived", "all")


def list_experiments(store: Store, view: str = "active") -> list[ExperimentRecord]:
    """The experiments, newest first.  ``view``: active, archived or all."""
    if view not in VIEWS:
        raise BadInput(f"the view {view!r} is none of {', '.join(VIEWS)}")
    where = []
    if view != "all":
        archived = experiments.c.archived_ns
        where.append(archived.is_(None) if view == "active" else archived.is_not(None))
    with store.reading() as connection:
        return _found(connection, store, *where)


def get_experiment(store: Store, *, name: str | None = None, experiment_id: str | None = None) -> ExperimentRecord:
    """The experiment of this name or of this id.  Raises NotFound."""
    wanted = experiments.c.id == clean(experiment_id) if experiment_id else experiments.c.name == clean(name or "")
    with store.reading() as connection:
        found = _found(connection, store, wanted)
    if not found:
        raise NotFound(f"there is no experiment {experiment_id or name!r} in workspace {store.workspace_name}")
    return found[0]


def _found(connection: Connection, store: Store, *where: ColumnElement[bool]) -> list[ExperimentRecord]:
    counts = (
        select(
            runs.c.experiment_key,
            func.count().label("run_count"),
            func.max(runs.c.created_ns).label("last_run_ns"),
        )
        .where(runs.c.experiment_key.in_(select(experiments.c.key).where(_here(store), *where)))
        .group_by(runs.c.experiment_key)
        .subquery()
    )
    rows = connection.execute(
        select(experiments, counts.c.run_count, counts.c.last_run_ns)
        .outerjoin(counts, counts.c.experiment_key == experiments.c.key)
        .where(_here(store), *where)
        .order_by(experiments.c.created_ns.desc(), experiments.c.key.desc())
    )
    return [
        ExperimentRecord(
            id=row["id"],
            name=row["name"],
            created_ns=row["created_ns"],
            archived_ns=row["archived_ns"],
            description=row["description"],
            tags=row["tags"],
            run_count=row["run_count"] or 0,
            last_run_ns=row["last_run_ns"],
        )
        for row in rows.mappings()
    ]


def _here(store: Store) -> ColumnElement[bool]:
    return experiments.c.workspace_key == store.workspace_key


def ensure_experiment(store: Store, name: str, created_ns: int | None = None) -> ExperimentRecord:
    """The experiment of this name, made if it is not there.

    ``created_ns``: when it was made in the workspace that it comes from, else now.  Raises BadInput for a name that
    cannot be kept.
    """
    if fit_experiment_name(name) != name:
        raise BadInput(
            f"the experiment name {ascii(name)[:200]} cannot be kept: use 1 to 255 characters without control "
            "characters and without spaces around them"
        )
    with write(store.engine) as connection:
        connection.execute(
            insert(connection, experiments).on_conflict_do_nothing(),
            new_experiment(store.workspace_key, name, time.time_ns() if created_ns is None else fit_time(created_ns)),
        )
        return _found(connection, store, experiments.c.name == name)[0]


def set_experiment(
    store: Store,
    name: str,
    *,
    archived: bool | None = None,
    description: str | None = None,
    set_tags: Mapping[str, str | None] | None = None,
    remove_tags: Iterable[str] = (),
) -> ExperimentRecord:
    """Archive or reactivate an experiment, describe it, set and remove its tags; None leaves a thing as it is.

    Raises NotFound.
    """
    with write(store.engine) as connection:
        row = (
            connection.execute(
                select(experiments).where(_here(store), experiments.c.name == clean(name)).with_for_update()
            )
            .mappings()
            .first()
        )
        if row is None:
            raise NotFound(f"there is no experiment {name!r} in workspace {store.workspace_name}")
        changes: dict[str, Any] = {}
        if archived is not None and archived != (row["archived_ns"] is not None):
            changes["archived_ns"] = time.time_ns() if archived else None
        if description is not None:
            changes["description"] = clean(description)
        tags = {**row["tags"], **clean_json(dict(set_tags or {}))}
        for key in remove_tags:
            tags.pop(clean(key), None)
        if tags != row["tags"]:
            changes["tags"] = tags
        if changes:
            connection.execute(update(experiments).where(experiments.c.key == row["key"]).values(**changes))
        return _found(connection, store, experiments.c.key == row["key"])[0]
