"""What can go wrong in the store.  Each message says what happened, to what, and what to do."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot do what was asked."""


class NotFound(StoreError):
    """There is no such run, experiment, model, artifact or workspace."""


class Conflict(StoreError):
    """What was asked clashes with what is there: a name in use, a property already set."""


class BadInput(StoreError):
    """A name or value that cannot be stored."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or written just now (locked, full disk, connection lost): try again later."""

    for_operator: str = ""
    """The same for whoever runs the database, with what they can do; empty where the message is for them, too."""


class Busy(StoreUnavailable):
    """A server has too much to do just now, or takes no more of a workspace for the moment: again after ``after_s``."""

    def __init__(self, message: str, after_s: float = 1.0) -> None:
        super().__init__(message)
        self.after_s = after_s


class Offline(StoreUnavailable):
    """The user wants no server to be asked for anything."""


class NotAllowed(StoreError):
    """A server does not know who asks, or does not let them do this."""


class NotPermitted(NotAllowed):
    """A server knows who asks, and their role does not let them do this."""


class StoreDamaged(StoreError):
    """The store's file cannot be read as one, or was made by a newer Milepost."""


class OffsetMismatch(StoreError):
    """A batch does not start where the store's knowledge of its journal ends; cut it again at ``applied``."""

    def __init__(self, journal_id: str, start: int, applied: int) -> None:
        super().__init__(f"the batch of journal {journal_id} starts at {start}, but the store is at {applied}")
        self.start = start
        self.applied = applied
