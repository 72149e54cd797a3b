"""Registered models: versions, files, tags, properties."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, select, update

from milepost.store.engine import insert, retried, write
from milepost.store.errors import BadInput, Conflict, NotFound
from milepost.store.names import check_model_name, check_name
from milepost.store.records import ANY, ModelFile, ModelRecord
from milepost.store.schema import blobs, model_aliases, model_files, model_names, models
from milepost.store.texts import clean, clean_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection

    from milepost.store.records import Blob
    from milepost.store.store import Store


def register_model(
    store: Store,
    name: str,
    *,
    path: str,
    files: Sequence[tuple[str, Blob]],
    run_id: str | None = None,
    experiment: str | None = None,
    tags: Mapping[str, str | None] | None = None,
    properties: Mapping[str, str] | None = None,
    description: str = "",
    framework: str | None = None,
    framework_version: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> ModelRecord:
    """Keep the next version of a model; ``files`` are (name, blob), the blobs being stored already.

    A version's number is never given twice, also not after it was deleted.  Raises BadInput for bad names and where
    there is no file.
    """
    checked = check_model_name(name)
    if not files:
        raise BadInput(f"model {checked!r} has no file")
    named = [(check_name(file), blob) for file, blob in files]
    now = time.time_ns()
    key = store.workspace_key

    def register() -> int:
        with write(store.engine) as connection:
            numbered = insert(connection, model_names).values(workspace_key=key, name=checked, last_version=1)
            version = connection.scalar(
                numbered.on_conflict_do_update(
                    index_elements=["workspace_key", "name"],
                    set_={"last_version": model_names.c.last_version + 1},
                ).returning(model_names.c.last_version)
            )
            row = {
                "workspace_key": key,
                "name": checked,
                "version": version,
                "run_id": run_id,
                "experiment": experiment,
                "description": clean(description),
                "framework": framework,
                "framework_version": framework_version,
                "path": path,
                "tags": clean_json(dict(tags or {})),
                "properties": clean_json(dict(properties or {})),
                "extra": clean_json(dict(extra or {})),
                "created_ns": now,
                "updated_ns": now,
            }
            model_key = connection.scalar(insert(connection, models).values(row).returning(models.c.key))
            connection.execute(
                insert(connection, model_files),
                [
                    {"model_key": model_key, "name": file, "workspace_key": key, "digest": b.digest, "size": b.size}
                    for file, b in named
                ],
            )
            connection.execute(
                insert(connection, blobs).on_conflict_do_nothing(),
                [{"workspace_key": key, "digest": b.digest, "size": b.size} for _file, b in named],
            )
            return int(version or 0)

    return get_model(store, checked, retried(register))


def get_model(store: Store, name: str, version: int | None = None, *, alias: str | None = None) -> ModelRecord:
    """A version of a model: the one given, the one with that alias, or the newest.  Raises NotFound."""
    where = [models.c.workspace_key == store.workspace_key, models.c.name == clean(name)]
    with store.reading() as connection:
        if alias is not None:
            version = connection.scalar(
                select(model_aliases.c.version).where(
                    model_aliases.c.workspace_key == store.workspace_key,
                    model_aliases.c.name == clean(name),
                    model_aliases.c.alias == clean(alias),
                )
            )
            if version is None:
                raise NotFound(f"model {name!r} has no alias {alias!r}")
        if version is not None:
            where.append(models.c.version == version)
        query = select(models).where(*where).order_by(models.c.version.desc()).limit(1)
        found = _records(connection, connection.execute(query).mappings().all())
        if found:
            return found[0]
        there = connection.scalars(select(models.c.version).where(*where[:2]).order_by(models.c.version)).all()
    if there:
        raise NotFound(f"model {name!r} has no version {version}; it has {', '.join(map(str, there[-10:]))}")
    raise NotFound(f"there is no model {name!r} in workspace {store.workspace_name}")


def list_models(
    store: Store,
    name: str | None = None,
    tags: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    latest: bool = False,
) -> list[ModelRecord]:
    """Models, newest first.  ``tags``: key -> text, None or ANY.  ``latest``: only the newest version of each name."""
    where: list[ColumnElement[bool]] = [models.c.workspace_key == store.workspace_key]
    if name is not None:
        where.append(models.c.name == clean(name))
    if run_id is not None:
        where.append(models.c.run_id == run_id)
    query = select(models).where(*where).order_by(models.c.created_ns.desc(), models.c.key.desc())
    if latest:
        newest = (
            select(models.c.name, func.max(models.c.version).label("version"))
            .where(models.c.workspace_key == store.workspace_key)
            .group_by(models.c.name)
            .subquery()
        )
        query = query.join(newest, and_(newest.c.name == models.c.name, newest.c.version == models.c.version))
    with store.reading() as connection:
        rows = [
            row
            for row in connection.execute(query).mappings()
            if all(key in row["tags"] and value in (ANY, row["tags"][key]) for key, value in (tags or {}).items())
        ]
        return _records(connection, rows)


def update_model(
    store: Store,
    name: str,
    version: int,
    *,
    set_tags: Mapping[str, str | None] | None = None,
    remove_tags: Iterable[str] = (),
    add_properties: Mapping[str, str] | None = None,
    description: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> ModelRecord:
    """Change a version.  Raises NotFound; Conflict where a property has another value already."""
    where = (models.c.workspace_key == store.workspace_key, models.c.name == clean(name), models.c.version == version)

    def change() -> None:
        with write(store.engine) as connection:
            row = connection.execute(select(models).where(*where).with_for_update()).mappings().first()
            if row is None:
                return
            properties = dict(row["properties"])
            for key, value in (add_properties or {}).items():
                if properties.setdefault(clean(key), clean(value)) != clean(value):
                    raise Conflict(
                        f"property {key!r} of model {name}:{version} is {properties[clean(key)]!r} already; "
                        "a property cannot be changed"
                    )
            tags = {key: value for key, value in row["tags"].items() if key not in set(remove_tags)}
            tags.update(clean_json(dict(set_tags or {})))
            values: dict[str, Any] = {"tags": tags, "properties": properties, "updated_ns": time.time_ns()}
            if description is not None:
                values["description"] = clean(description)
            if extra is not None:
                values["extra"] = clean_json(dict(extra))
            connection.execute(update(models).where(*where).values(values))

    retried(change)
    return get_model(store, name, version)


def delete_model(store: Store, name: str, version: int) -> None:
    """Delete a version; its number is not given again.  Raises NotFound."""
    get_model(store, name, version)
    key = store.workspace_key
    with write(store.engine) as connection:
        for table in (model_aliases, models):
            connection.execute(
                delete(table).where(
                    table.c.workspace_key == key, table.c.name == clean(name), table.c.version == version
                )
            )


def _records(connection: Connection, rows: Iterable[Any]) -> list[ModelRecord]:
    rows = list(rows)
    files: defaultdict[int, list[ModelFile]] = defaultdict(list)
    for start in range(0, len(rows), 5000):
        keys = [row["key"] for row in rows[start : start + 5000]]
        found = select(model_files).where(model_files.c.model_key.in_(keys)).order_by(model_files.c.name)
        for file in connection.execute(found).mappings():
            files[file["model_key"]].append(ModelFile(file["name"], file["digest"], file["size"]))
    return [
        ModelRecord(
            files=tuple(files[row["key"]]),
            **{name: row[name] for name in ModelRecord.__slots__ if name != "files"},
        )
        for row in rows
    ]
