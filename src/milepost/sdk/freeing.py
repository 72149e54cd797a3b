"""Giving back the space of what was deleted, without taking what a journal still has to name."""

from __future__ import annotations

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
    a sweep spares every file.  Raises JournalDamaged where not all of a journal can be read, and OSError.
    """
    from milepost.journal.recovery import journal_ids

    digests: set[str] = set()
    for journal_id in journal_ids(journals):
        digests |= _files_named(journals / journal_id, store.applied(journal_id))
    return digests


def _files_named(journal: Path, start: int) -> set[str]:
    from milepost.journal.format import EVENT, JournalDamaged
    from milepost.journal.reader import parse_event, read_files

    for attempt in range(_READ_TRIES):
        digests = set()
        try:
            for piece in read_files(journal, start):
                if piece.damaged:
                    raise JournalDamaged(f"part of the journal {journal} cannot be read")
                events = (parse_event(each) for each in piece.payloads if each.mark == EVENT)
                digests |= {str(each["data"].get("digest")) for each in events if each["kind"] == "artifact"}
        except FileNotFoundError:  # its process has delivered it meanwhile
            if attempt + 1 == _READ_TRIES and journal.exists():
                raise
        else:
            return digests
    return set()
