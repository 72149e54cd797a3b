"""Documents: structured facts of a run that are too long for its properties.

Names in use: ``definition`` (what was submitted), ``environment`` (its definition), ``packages`` (a list of {name,
version}), ``machine`` (what ran it), ``git_diff`` (a text).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, select

from milepost.store.engine import insert
from milepost.store.errors import BadInput
from milepost.store.schema import documents, runs
from milepost.store.texts import clean_json, fit_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from milepost.store.store import Store

MAX_CHARACTERS: Final = 16 << 20
"""Of one document as JSON."""


@dataclass(frozen=True, slots=True)
class Document:
    """A fact of a run: any value, as JSON, under a name."""

    name: str
    content: str
    told_ns: int

    @classmethod
    def of(cls, name: Any, content: Any, told_ns: int) -> Document:
        """What an event says, in a form that databases keep.  Raises BadInput."""
        if not isinstance(name, str) or not name:
            raise BadInput(f"{ascii(name)[:100]} is no name of a document")
        kept = json.dumps(clean_json(content), separators=(",", ":"))
        if len(kept) > MAX_CHARACTERS:
            raise BadInput(
                f"the document {name[:100]!r} has {len(kept):,} characters; up to {MAX_CHARACTERS:,} are kept"
            )
        return cls(fit_name(name), kept, told_ns)


FIRST_STAYS: Final = ("job",)
"""What a run was made from: a later word, which may be somebody else's, does not change what running it again does."""


def record_documents(connection: Connection, workspace_key: int, told: Sequence[tuple[int, Document]]) -> None:
    """Record each (run key, document); of several of one name the one that was told last stays, of ``FIRST_STAYS``
    the one that came first."""
    statement = insert(connection, documents)
    statement = statement.on_conflict_do_update(
        index_elements=[documents.c.run_key, documents.c.name],
        set_={"content": statement.excluded.content, "told_ns": statement.excluded.told_ns},
        where=and_(
            documents.c.told_ns <= statement.excluded.told_ns, *(documents.c.name != name for name in FIRST_STAYS)
        ),
    )
    connection.execute(
        statement,
        [
            {
                "run_key": run_key,
                "name": document.name,
                "workspace_key": workspace_key,
                "content": document.content,
                "told_ns": document.told_ns,
            }
            for run_key, document in told
        ],
    )


def get_document(store: Store, run_id: str, name: str) -> Any:
    """The content of one document; None where the run has none of this name, and for an unknown run."""
    return _found(store, run_id, name).get(fit_name(name))


def list_documents(store: Store, run_id: str) -> dict[str, Any]:
    """All documents of a run, by name; an unknown run has none."""
    return _found(store, run_id)


def document_names(store: Store, run_id: str) -> list[str]:
    """The names of all documents of a run."""
    with store.reading() as connection:
        return list(
            connection.scalars(
                select(documents.c.name)
                .join(runs, runs.c.key == documents.c.run_key)
                .where(runs.c.workspace_key == store.workspace_key, runs.c.run_id == fit_name(run_id))
                .order_by(documents.c.name)
            )
        )


def _found(store: Store, run_id: str, name: str | None = None) -> dict[str, Any]:
    query = (
        select(documents.c.name, documents.c.content)
        .join(runs, runs.c.key == documents.c.run_key)
        .where(
            runs.c.workspace_key == store.workspace_key,
            runs.c.run_id == fit_name(run_id),
            runs.c.experiment_key.is_not(None),
        )
        .order_by(documents.c.name)
    )
    if name is not None:
        query = query.where(documents.c.name == fit_name(name))
    with store.reading() as connection:
        return {row.name: json.loads(row.content) for row in connection.execute(query)}
