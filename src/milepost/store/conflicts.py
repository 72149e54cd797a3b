"""Record the files of runs; two contents under one name are both kept."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

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


def record_uploads(
    connection: Connection, workspace_key: int, uploads: Sequence[tuple[int, Upload]]
) -> list[tuple[int, int, str]]:
    """Record each (run key, upload).  Returns warnings: (run key, time, message).

    The same name with the same content changes nothing.  A name that is taken (in any case of letters) by another
    content stays with it; the newcomer gets a name with ``.conflict-`` and its digest.
    """
    known = _known(connection, uploads)
    rows: list[dict[str, Any]] = []
    warnings = []
    for run_key, upload in uploads:
        taken = known[run_key]
        kept = upload
        if fold(upload.name) in taken:
            name, digest = taken[fold(upload.name)]
            if digest == upload.digest:
                if name != upload.name:
                    warnings.append((run_key, upload.created_ns, f"the file {upload.name} is kept as {name}"))
                continue
            kept = replace(upload, name=_aside(upload))
            warnings.append(
                (
                    run_key,
                    upload.created_ns,
                    f"two different files were uploaded as {name}; the later one is kept as {kept.name}",
                )
            )
            if fold(kept.name) in taken:
                continue
        taken[fold(kept.name)] = (kept.name, kept.digest)
        rows.append(
            {
                "run_key": run_key,
                "name": kept.name,
                "folded": fold(kept.name),
                "workspace_key": workspace_key,
                "digest": kept.digest,
                "size": kept.size,
                "content_type": kept.content_type,
                "created_ns": kept.created_ns,
            }
        )
    if rows:
        name_contents(connection, workspace_key, {(row["digest"], row["size"]) for row in rows})
        connection.execute(insert(connection, artifacts), rows)
    return warnings


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


def _aside(upload: Upload) -> str:
    path = PurePosixPath(upload.name)
    ending = f".conflict-{upload.digest[:8]}{path.suffix}"
    room = MAX_PART_BYTES - len(ending.encode())
    stem = path.stem.encode()[: max(room, 1)].decode(errors="ignore")
    return fit_name(str(path.with_name(stem + ending)))


def _known(
    connection: Connection, uploads: Sequence[tuple[int, Upload]]
) -> defaultdict[int, dict[str, tuple[str, str]]]:
    """run key -> folded name -> (name, digest), of all names that these uploads could clash with."""
    wanted: defaultdict[int, set[str]] = defaultdict(set)
    for run_key, upload in uploads:
        wanted[run_key] |= {fold(upload.name), fold(_aside(upload))}
    known: defaultdict[int, dict[str, tuple[str, str]]] = defaultdict(dict)
    for run_key, folded in wanted.items():
        names = sorted(folded)
        for position in range(0, len(names), MAX_PARAMETERS):
            rows = connection.execute(
                select(artifacts.c.folded, artifacts.c.name, artifacts.c.digest).where(
                    artifacts.c.run_key == run_key,
                    artifacts.c.folded.in_(names[position : position + MAX_PARAMETERS]),
                )
            )
            known[run_key].update({found: (name, digest) for found, name, digest in rows})
    return known
