"""What a server answers with names that become names of files on this machine.

The server may be less trustworthy than this machine: a name that leads out of its place is taken for damage.
"""

from __future__ import annotations

from typing import Any, TypeVar

from milepost.store.errors import BadInput, StoreDamaged
from milepost.store.names import check_model_name, check_name
from milepost.store.records import ArtifactRecord, ModelRecord, SnapshotRecord
from milepost.store.snapshots import check_id

_T = TypeVar("_T")


def checked(found: _T) -> _T:
    """The same record, or list of records.  Raises StoreDamaged for a name that cannot be one."""
    for each in found if isinstance(found, list) else (found,):
        try:
            _check(each)
        except BadInput as error:
            raise StoreDamaged(f"the server answers with what cannot be: {error}") from error
    return found


def _check(record: Any) -> None:
    if isinstance(record, ArtifactRecord):
        _check_plain(record.name)
    elif isinstance(record, SnapshotRecord):
        check_id(record.id)
    elif isinstance(record, ModelRecord):
        check_model_name(record.name)
        for file in record.files:
            _check_plain(file.name)


def _check_plain(name: str) -> None:
    if check_name(name) != name:
        raise BadInput(f"the name {name[:200]!r} is not in its plain form")
