"""Giving back the space of what was deleted, without taking what a journal still has to name."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from milepost.store.store import Store

_READ_TRIES: Final = 3


def free_space(store: Store, journals: Path) -> int:
    """Free what nothing names any more; ``journals`` is the folder of the workspace's journals.  Gives the bytes.

    Raises JournalDamaged where a journal cannot be read (it may name files), OSError, and the store's errors.
    """
    swept = store.sweep(keep=still_to_come(store, journals))
    return swept.blob_bytes + swept.database_bytes


def still_to_come(store: Store, journals: Path) -> set[str]:
    """Digests of the files that journals name and the store may not know yet: they must not be freed.

    Those of a process that is stopped (Ctrl-Z), or that cannot reach the store, may be older than the time for which
    a sweep spares every file.  Raises JournalDamaged where not all of a journal can be read, OSError, and the store's
    errors where the manifest of a snapshot cannot be read.
    """
    from milepost.journal.recovery import journal_ids
    from milepost.store.blobs import check_digest
    from milepost.store.errors import BadInput, NotFound
    from milepost.store.snapshots import contents

    digests: set[str] = set()
    manifests: set[str] = set()
    for journal_id in journal_ids(journals):
        for kind, digest in _named(journals / journal_id, store.applied(journal_id)):
            with suppress(BadInput):  # the store will not take such an event
                (manifests if kind == "snapshot" else digests).add(check_digest(digest))
    for manifest in manifests:
        with suppress(NotFound):  # without it nobody can tell, or use, what it names
            digests |= contents(store.blobs, manifest)
    return digests | manifests


_DIGESTS: Final = {"artifact": "digest", "snapshot": "manifest"}
"""Kinds of events that name a content -> where in their data."""


def _named(journal: Path, start: int) -> set[tuple[str, str]]:
    """The (kind, digest) of the contents that the events of a journal name, from this offset on."""
    from milepost.journal.format import EVENT, JournalDamaged
    from milepost.journal.reader import parse_event, read_files

    for attempt in range(_READ_TRIES):
        found = set()
        try:
            for piece in read_files(journal, start):
                if piece.damaged:
                    raise JournalDamaged(f"part of the journal {journal} cannot be read")
                events = (parse_event(each) for each in piece.payloads if each.mark == EVENT)
                found |= {
                    (each["kind"], str(each["data"].get(_DIGESTS[each["kind"]])))
                    for each in events
                    if each["kind"] in _DIGESTS
                }
        except FileNotFoundError:  # its process has delivered it meanwhile
            if attempt + 1 == _READ_TRIES and journal.exists():
                raise
        else:
            return found
    return set()
