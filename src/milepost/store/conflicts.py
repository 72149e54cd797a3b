"""Record the files of runs.

A name that a script has used once stays with its content; two contents under one name are both kept.  A file that
the system has captured from the working directory follows what is there: it is replaced by what is captured later,
and makes way for what the script uploads itself.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, select, update

from milepost.store.engine import MAX_PARAMETERS, insert
from milepost.store.names import MAX_PART_BYTES
from milepost.store.schema import artifacts, blobs
from milepost.store.texts import fit_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a run names; its content is in the blob store."""

    name: str
    digest: str
    size: int
    content_type: str
    created_ns: int
    captured: bool = False


@dataclass(slots=True)
class _File:
    """What a name of a run means, at last."""

    upload: Upload
    is_stored: bool
    changed: bool = False


def record_uploads(
    connection: Connection, workspace_key: int, uploads: Sequence[tuple[int, Upload]]
) -> list[tuple[int, int, str]]:
    """Record each (run key, upload).  Returns warnings: (run key, time, message).

    The same name with the same content changes nothing.  A name that is taken (in any case of letters) by another
    content stays with it; the newcomer gets a name with ``.conflict-`` and a digest.  Captured files are replaced
    under their own name, and passed over where the script has uploaded one of that name.
    """
    known = _known(connection, uploads)
    warnings = []
    for run_key, upload in uploads:
        place = _captured if upload.captured else _uploaded
        message = place(known[run_key], upload)
        if message is not None:
            warnings.append((run_key, upload.created_ns, message))
    changed = [(run_key, file) for run_key, files in known.items() for file in files.values() if file.changed]
    if changed:
        _write(connection, workspace_key, changed)
    return warnings


def _uploaded(files: dict[str, _File], upload: Upload) -> str | None:
    there = files.get(fold(upload.name))
    if there is None:
        _add(files, upload)
        return None
    taken = there.upload
    if taken.captured and taken.name == upload.name:
        _replace(there, upload)
        return None
    if taken.digest == upload.digest and not taken.captured:
        return None if taken.name == upload.name else f"the file {upload.name} is kept as {taken.name}"
    kept = replace(upload, name=_aside(upload.name, upload.digest))
    if fold(kept.name) not in files:
        _add(files, kept)
    return f"two different files were uploaded as {taken.name}; the later one is kept as {kept.name}"


def _captured(files: dict[str, _File], upload: Upload) -> str | None:
    there = files.get(fold(upload.name))
    message = None
    if there is not None and there.upload.name != upload.name:
        # Always aside under the same name, whatever its content becomes.
        name = _aside(upload.name, hashlib.sha256(upload.name.encode()).hexdigest())
        message = f"the file {upload.name} differs from {there.upload.name} in case only; it is kept as {name}"
        upload = replace(upload, name=name)
        there = files.get(fold(name))
    if there is None:
        _add(files, upload)
    elif not there.upload.captured or there.upload.name != upload.name:
        return None
    elif there.upload != upload and there.upload.created_ns <= upload.created_ns:
        _replace(there, upload)
    return message


def _add(files: dict[str, _File], upload: Upload) -> None:
    files[fold(upload.name)] = _File(upload, is_stored=False, changed=True)


def _replace(file: _File, upload: Upload) -> None:
    file.upload = upload
    file.changed = True


def _write(connection: Connection, workspace_key: int, changed: list[tuple[int, _File]]) -> None:
    name_contents(connection, workspace_key, {(file.upload.digest, file.upload.size) for _key, file in changed})
    new, old = [], []
    for run_key, file in changed:
        upload = file.upload
        facts = {name: getattr(upload, name) for name in _FACTS}
        if file.is_stored:
            old.append({"of_run": run_key, "of_name": upload.name, **facts})
        else:
            named = {"run_key": run_key, "name": upload.name, "folded": fold(upload.name)}
            new.append({**named, "workspace_key": workspace_key, **facts})
    if new:
        connection.execute(insert(connection, artifacts), new)
    if old:
        connection.execute(_UPDATE, old)


_FACTS: Final = ("digest", "size", "content_type", "created_ns", "captured")
_UPDATE: Final = (
    update(artifacts)
    .where(artifacts.c.run_key == bindparam("of_run"), artifacts.c.name == bindparam("of_name"))
    .values({name: bindparam(name) for name in _FACTS})
)


def name_contents(connection: Connection, workspace_key: int, contents: Iterable[tuple[str, int]]) -> None:
    """Note the contents (digest, size) that a file or a model is about to name.

    A row that is there is locked until the end of the transaction, so that no sweep takes it away meanwhile.
    """
    statement = insert(connection, blobs)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[blobs.c.workspace_key, blobs.c.digest], set_={"size": statement.excluded.size}
        ),
        # In one order everywhere: two batches must not wait for each other's rows crosswise.
        [{"workspace_key": workspace_key, "digest": digest, "size": size} for digest, size in sorted(contents)],
    )


def fold(name: str) -> str:
    """The name as file systems that ignore the case of letters see it."""
    return fit_name(name.casefold())


def _aside(name: str, digest: str) -> str:
    path = PurePosixPath(name)
    ending = f".conflict-{digest[:8]}{path.suffix}"
    room = MAX_PART_BYTES - len(ending.encode())
    stem = path.stem.encode()[: max(room, 1)].decode(errors="ignore")
    return fit_name(str(path.with_name(stem + ending)))


def _names(upload: Upload) -> set[str]:
    """The folded names that an upload may get."""
    digests = (upload.digest, hashlib.sha256(upload.name.encode()).hexdigest())
    return {fold(upload.name), *(fold(_aside(upload.name, digest)) for digest in digests)}


def _known(connection: Connection, uploads: Sequence[tuple[int, Upload]]) -> defaultdict[int, dict[str, _File]]:
    """run key -> folded name -> file, of all names that these uploads could clash with."""
    wanted: defaultdict[int, set[str]] = defaultdict(set)
    for run_key, upload in uploads:
        wanted[run_key] |= _names(upload)
    known: defaultdict[int, dict[str, _File]] = defaultdict(dict)
    for run_key, folded in wanted.items():
        names = sorted(folded)
        for position in range(0, len(names), MAX_PARAMETERS):
            rows = connection.execute(
                select(artifacts.c.folded, artifacts.c.name, *(artifacts.c[fact] for fact in _FACTS)).where(
                    artifacts.c.run_key == run_key,
                    artifacts.c.folded.in_(names[position : position + MAX_PARAMETERS]),
                )
            )
            known[run_key].update({row.folded: _File(Upload(*row[1:]), is_stored=True) for row in rows})
    return known
