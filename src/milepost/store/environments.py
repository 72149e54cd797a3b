"""Registered environments: versions of definitions under names, and labels."""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, delete, func, select, update

from milepost.store.engine import insert, retried, write
from milepost.store.errors import BadInput, NotFound
from milepost.store.names import check_plain_name
from milepost.store.records import EnvironmentRecord
from milepost.store.schema import environment_labels, environment_names, environments
from milepost.store.texts import clean, clean_json, fit_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import ColumnElement, Connection

    from milepost.store.store import Store

LATEST: Final = "latest"
"""The label of the newest version, unless it was given to another one."""

_WHAT: Final = "the environment name"
_MOST_VERSIONS: Final = 2**31 - 1


def register_environment(
    store: Store, name: str, definition: Mapping[str, Any], created_ns: int | None = None
) -> EnvironmentRecord:
    """Keep the next version of an environment, or give the newest one back where it has the same content.

    ``definition``: a JSON object.  Its own "name" and "version" do not count: the record's stand in their place.
    Versions begin at 1.  ``created_ns``: when it was made in the workspace that it comes from, else now.
    Raises BadInput for a bad name.
    """
    checked = check_plain_name(name, _WHAT)
    content = clean_json({key: value for key, value in definition.items() if key not in ("name", "version")})
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    here = {"workspace_key": store.workspace_key, "name": checked}
    these = [environment_names.c[column] == value for column, value in here.items()]

    def register() -> int:
        with write(store.engine) as connection:
            connection.execute(
                insert(connection, environment_names).values(**here, last_version=0).on_conflict_do_nothing()
            )
            # Nobody else makes a version of this name until the end of the transaction.
            last = connection.scalar(select(environment_names.c.last_version).where(*these).with_for_update()) or 0
            newest = connection.scalar(
                select(environments.c.digest).where(
                    *_named(store, environments.c, checked), environments.c.version == last
                )
            )
            if newest == digest:
                return last
            made = time.time_ns() if created_ns is None else fit_time(created_ns)
            row = {**here, "version": last + 1, "definition": content, "digest": digest, "created_ns": made}
            connection.execute(insert(connection, environments).values(row))
            connection.execute(update(environment_names).where(*these).values(last_version=last + 1))
            return last + 1

    return get_environment(store, checked, retried(register))


def get_environment(
    store: Store, name: str, version: int | None = None, *, label: str | None = None
) -> EnvironmentRecord:
    """A version of an environment: the one given, the one with that label, or the newest.

    Raises NotFound, which tells of versions, labels or names that are there.
    """
    wanted = clean(name)
    where = _named(store, environments.c, wanted)
    with store.reading() as connection:
        labels = _labels(connection, store, wanted)
        if label is not None:
            version = next((of for (_name, of), held in labels.items() if label in held), None)
            if version is None and label != LATEST:
                known = sorted(each for held in labels.values() for each in held)
                raise NotFound(
                    f"environment {name!r} has no label {label!r}; it has {', '.join(known) or 'none'}"
                    if _exists(connection, where)
                    else _unknown(connection, store, name)
                )
        if version is not None:
            where.append(environments.c.version == (version if 0 < version <= _MOST_VERSIONS else 0))
        query = select(environments).where(*where).order_by(environments.c.version.desc()).limit(1)
        row = connection.execute(query).mappings().first()
        if row is not None:
            return _record(row, labels)
        there = connection.scalars(
            select(environments.c.version).where(*where[:2]).order_by(environments.c.version)
        ).all()
        if there:
            raise NotFound(f"environment {name!r} has no version {version}; it has {', '.join(map(str, there[-10:]))}")
        raise NotFound(_unknown(connection, store, name))


def list_environments(store: Store, name: str | None = None, latest: bool = False) -> list[EnvironmentRecord]:
    """Environments by name, the newest version first.  ``latest``: only that one of each name."""
    where: list[ColumnElement[bool]] = [environments.c.workspace_key == store.workspace_key]
    if name is not None:
        where = _named(store, environments.c, clean(name))
    query = select(environments).where(*where)
    if latest:
        newest = (
            select(environments.c.name, func.max(environments.c.version).label("version"))
            .where(*where)
            .group_by(environments.c.name)
            .subquery()
        )
        query = query.join(
            newest, and_(newest.c.name == environments.c.name, newest.c.version == environments.c.version)
        )
    with store.reading() as connection:
        rows = connection.execute(query).mappings().all()
        labels = _labels(connection, store, None if name is None else clean(name))
    # Sorted here: databases differ in the order of letters.
    return [_record(row, labels) for row in sorted(rows, key=lambda row: (row["name"], -row["version"]))]


def label_environment(store: Store, name: str, version: int | None, labels: Iterable[str]) -> None:
    """Let labels mean this version of the environment, or nothing any more (None).

    A label that another version of the name has moves.  Raises NotFound, BadInput.
    """
    if isinstance(labels, str):
        raise BadInput(f"labels are given as a list, not as the text {labels[:100]!r}")
    checked = sorted({check_plain_name(label, "the label") for label in labels})
    wanted = clean(name)
    if version is not None:
        get_environment(store, wanted, version)
    here = {"workspace_key": store.workspace_key, "name": wanted}

    def change() -> None:
        with write(store.engine) as connection:
            if version is None:
                where = [*_named(store, environment_labels.c, wanted), environment_labels.c.label.in_(checked)]
                connection.execute(delete(environment_labels).where(*where))
            elif checked:
                connection.execute(
                    insert(connection, environment_labels).on_conflict_do_update(
                        index_elements=["workspace_key", "name", "label"], set_={"version": version}
                    ),
                    [{**here, "label": label, "version": version} for label in checked],
                )

    retried(change)


def _named(store: Store, columns: Any, name: str) -> list[ColumnElement[bool]]:
    return [columns.workspace_key == store.workspace_key, columns.name == name]


def _exists(connection: Connection, where: list[ColumnElement[bool]]) -> bool:
    return connection.scalar(select(environments.c.key).where(*where).limit(1)) is not None


def _unknown(connection: Connection, store: Store, name: str) -> str:
    names = connection.scalars(
        select(environment_names.c.name).where(environment_names.c.workspace_key == store.workspace_key)
    ).all()
    near = get_close_matches(name, names, n=3)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"there is no environment {name!r} in workspace {store.workspace_name}{hint}"


def _labels(connection: Connection, store: Store, name: str | None) -> dict[tuple[str, int], list[str]]:
    """(name, version) -> its labels."""
    query = select(environment_labels).where(environment_labels.c.workspace_key == store.workspace_key)
    if name is not None:
        query = query.where(environment_labels.c.name == name)
    found: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.name, row.version].append(row.label)
    return found


def _record(row: Any, labels: Mapping[tuple[str, int], list[str]]) -> EnvironmentRecord:
    name, version = row["name"], row["version"]
    return EnvironmentRecord(
        name=name,
        version=version,
        definition={"name": name, "version": str(version), **row["definition"]},
        labels=tuple(sorted(labels.get((name, version), ()))),
        created_ns=row["created_ns"],
    )
