"""Registered models: versions, files, tags, properties."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, case, delete, func, select, update

from milepost.store.blobs import check_digest
from milepost.store.conflicts import fold, name_contents
from milepost.store.engine import insert, retried, write
from milepost.store.errors import BadInput, Conflict, NotFound
from milepost.store.names import check_model_name, check_name
from milepost.store.records import ModelFile, ModelRecord, has_all
from milepost.store.schema import blobs, model_aliases, model_files, model_names, models
from milepost.store.texts import clean, clean_json, fit_name, fit_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Table

    from milepost.store.records import Blob
    from milepost.store.store import Store

_AT_ONCE: Final = 5000
_MOST_VERSIONS: Final = 2**31 - 1


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
    version: int | None = None,
    created_ns: int | None = None,
    updated_ns: int | None = None,
) -> ModelRecord:
    """Keep the next version of a model; that with the number ``version`` where it is higher than all there were.

    ``created_ns``: when the version was made in the workspace that it comes from.  It is not made a second time then:
    one of that name, run, time and files that is there already is given back.  ``updated_ns``: the same of its change.

    ``files``: (name, blob), the contents being stored already: as files of a run, or just now.  ``path``: the name of
    the only file, or the folder of all of them with a trailing "/".  A version's number is never given twice, also
    not after it was deleted.  Raises BadInput for bad names and where there is no file; NotFound where a content is
    not in the store (any more).
    """
    checked = check_model_name(name)
    named = check_files(checked, path, files)
    now = time.time_ns()
    row = {
        "workspace_key": store.workspace_key,
        "name": checked,
        "run_id": None if run_id is None else fit_name(run_id),
        "experiment": None if experiment is None else clean(experiment),
        "description": clean(description),
        "framework": None if framework is None else clean(framework),
        "framework_version": None if framework_version is None else clean(framework_version),
        "path": path,
        "tags": clean_json(dict(tags or {})),
        "properties": clean_json(dict(properties or {})),
        "extra": clean_json(dict(extra or {})),
        "created_ns": now if created_ns is None else fit_time(created_ns),
        "updated_ns": now if updated_ns is None else fit_time(updated_ns),
    }
    kept: set[str] = set()

    def register() -> int:
        return _register(store, row, named, kept, version or 1, is_carried=created_ns is not None)

    while True:
        try:
            return get_model(store, checked, retried(register))
        except _Unnamed as error:
            _keep(store, checked, error.digests)
            kept |= error.digests


def _keep(store: Store, model: str, digests: set[str]) -> None:
    for digest in digests:
        if not store.blobs.keep(digest):
            raise NotFound(
                f"the content {digest} of model {model!r} is not in the store: store its file again; if it came from "
                "a run, somebody has deleted that run"
            )


class _Unnamed(Exception):
    """Contents that nothing names: a sweep may be about to free them."""

    def __init__(self, digests: set[str]) -> None:
        self.digests = digests


def check_files(model: str, path: str, files: Sequence[tuple[str, Blob]]) -> dict[str, Blob]:
    """The files of a version by name.  Raises BadInput where their names, or they and the path, do not go together."""
    named: dict[str, Blob] = {}
    folded: dict[str, str] = {}
    for given, blob in files:
        file = check_name(given)
        check_digest(blob.digest)
        other = folded.setdefault(fold(file), file)
        if file in named or other != file:
            raise BadInput(
                f"model {model!r} would have two files {other!r} and {file!r}, which many file systems cannot keep "
                "apart: rename one of them"
            )
        named[file] = blob
    if not named:
        raise BadInput(f"model {model!r} has no file")
    inside = path.endswith("/") and all(file.startswith(path) for file in named)
    if not inside and list(named) != [path]:
        raise BadInput(
            f"the path {path!r} of model {model!r} is neither its only file nor a folder, ending in a slash, of all of "
            "its files"
        )
    return named


def _register(
    store: Store, row: dict[str, Any], named: dict[str, Blob], kept: set[str], wanted: int, *, is_carried: bool
) -> int:
    key = store.workspace_key
    contents = {(blob.digest, blob.size) for blob in named.values()}
    digests = sorted({digest for digest, _size in contents})
    with write(store.engine) as connection:
        known: set[str] = set()
        for start in range(0, len(digests), _AT_ONCE):
            query = select(blobs.c.digest).where(
                blobs.c.workspace_key == key, blobs.c.digest.in_(digests[start : start + _AT_ONCE])
            )
            # Locked, so that no sweep takes them away: see sweeping._forget_unnamed.
            known.update(connection.scalars(query.order_by(blobs.c.digest).with_for_update()))
        if unnamed := set(digests) - known - kept:
            raise _Unnamed(unnamed)
        if is_carried and (there := _carried(connection, row, named)) is not None:
            return there
        numbered = insert(connection, model_names).values(workspace_key=key, name=row["name"], last_version=wanted)
        following = model_names.c.last_version + 1
        version = connection.scalar(
            numbered.on_conflict_do_update(
                index_elements=["workspace_key", "name"],
                set_={"last_version": case((following < wanted, wanted), else_=following)},
            ).returning(model_names.c.last_version)
        )
        model_key = connection.scalar(
            insert(connection, models).values({**row, "version": version}).returning(models.c.key)
        )
        connection.execute(
            insert(connection, model_files),
            [
                {"model_key": model_key, "name": file, "workspace_key": key, "digest": blob.digest, "size": blob.size}
                for file, blob in named.items()
            ],
        )
        name_contents(connection, key, contents)
        return int(version or 0)


def _carried(connection: Connection, row: dict[str, Any], named: dict[str, Blob]) -> int | None:
    """The number of the version that is this one, brought here before.  Nobody else brings it until the end."""
    these = (model_names.c.workspace_key == row["workspace_key"], model_names.c.name == row["name"])
    new = {"workspace_key": row["workspace_key"], "name": row["name"], "last_version": 0}
    connection.execute(insert(connection, model_names).values(new).on_conflict_do_nothing())
    connection.execute(select(model_names.c.name).where(*these).with_for_update())
    same = [
        models.c[name].is_not_distinct_from(row[name]) for name in ("workspace_key", "name", "run_id", "created_ns")
    ]
    for found in connection.execute(select(models.c.key, models.c.version).where(*same)).all():
        files = connection.execute(
            select(model_files.c.name, model_files.c.digest).where(model_files.c.model_key == found.key)
        )
        if {each.name: each.digest for each in files} == {name: blob.digest for name, blob in named.items()}:
            return int(found.version)
    return None


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
            where.append(models.c.version == (version if 0 < version <= _MOST_VERSIONS else 0))
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
        where.append(models.c.run_id == fit_name(run_id))
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
        rows = [row for row in connection.execute(query).mappings() if has_all(row["tags"], tags or {})]
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
    """Change a version; None leaves a thing as it is.

    ``add_properties``: new ones; one that is there may only be given with its value.  ``extra`` replaces what was
    there.  Raises NotFound, and Conflict where a property has another value already; nothing is changed then.
    """
    removed = {clean(key) for key in remove_tags}
    added_tags = clean_json(dict(set_tags or {}))
    added = {clean(key): clean(value) for key, value in (add_properties or {}).items()}
    record = get_model(store, name, version)
    where = _where(store, record)

    def change() -> None:
        with write(store.engine) as connection:
            row = connection.execute(select(models).where(*where).with_for_update()).mappings().first()
            if row is None:
                return  # deleted just now, which is told below
            for key, value in added.items():
                if row["properties"].get(key, value) != value:
                    raise Conflict(
                        f"property {key!r} of model {record.name}:{version} is {row['properties'][key]!r} already; "
                        "a property cannot be changed"
                    )
            values: dict[str, Any] = {
                "tags": {key: value for key, value in row["tags"].items() if key not in removed} | added_tags,
                "properties": row["properties"] | added,
                "updated_ns": time.time_ns(),
            }
            if description is not None:
                values["description"] = clean(description)
            if extra is not None:
                values["extra"] = clean_json(dict(extra))
            connection.execute(update(models).where(*where).values(values))

    retried(change)
    return get_model(store, name, version)


def delete_model(store: Store, name: str, version: int) -> None:
    """Delete a version and its aliases; its number is not given again.  Raises NotFound."""
    record = get_model(store, name, version)

    def remove() -> None:
        with write(store.engine) as connection:
            connection.execute(delete(models).where(*_where(store, record)))
            connection.execute(delete(model_aliases).where(*_where(store, record, model_aliases)))

    retried(remove)


def set_model_alias(store: Store, name: str, alias: str, version: int | None) -> None:
    """Let an alias mean a version of a model, or nothing any more (None).  Raises NotFound, BadInput."""
    checked = check_model_name(alias)
    row = {"workspace_key": store.workspace_key, "name": clean(name), "alias": checked}
    if version is None:
        where = [model_aliases.c[column] == value for column, value in row.items()]
        with write(store.engine) as connection:
            connection.execute(delete(model_aliases).where(*where))
        return
    get_model(store, name, version)
    with write(store.engine) as connection:
        connection.execute(
            insert(connection, model_aliases)
            .values(**row, version=version)
            .on_conflict_do_update(index_elements=["workspace_key", "name", "alias"], set_={"version": version})
        )


def _where(store: Store, record: ModelRecord, table: Table = models) -> tuple[ColumnElement[bool], ...]:
    return (
        table.c.workspace_key == store.workspace_key,
        table.c.name == record.name,
        table.c.version == record.version,
    )


def _records(connection: Connection, rows: Iterable[Any]) -> list[ModelRecord]:
    rows = list(rows)
    files: defaultdict[int, list[ModelFile]] = defaultdict(list)
    aliases: defaultdict[tuple[int, str, int], list[str]] = defaultdict(list)
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        found = select(model_files).where(model_files.c.model_key.in_([row["key"] for row in part]))
        for file in connection.execute(found.order_by(model_files.c.name)).mappings():
            files[file["model_key"]].append(ModelFile(file["name"], file["digest"], file["size"]))
        named = select(model_aliases).where(
            model_aliases.c.workspace_key.in_({row["workspace_key"] for row in part}),
            model_aliases.c.name.in_({row["name"] for row in part}),
        )
        for each in connection.execute(named.order_by(model_aliases.c.alias)):
            place = aliases[each.workspace_key, each.name, each.version]
            if each.alias not in place:  # versions of one model may stand in several parts
                place.append(each.alias)
    return [
        ModelRecord(
            files=tuple(files[row["key"]]),
            aliases=tuple(aliases[row["workspace_key"], row["name"], row["version"]]),
            **{name: row[name] for name in ModelRecord.__slots__ if name not in ("files", "aliases")},
        )
        for row in rows
    ]
