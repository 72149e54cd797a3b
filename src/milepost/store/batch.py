"""What travels into a store: batches of events and of metric points, cut from one journal.

A batch covers the bytes ``[start, end)`` of one journal.  The store applies it exactly once: it keeps
the offset it has reached in the same transaction as the data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NO_STEP: Final = -(2**63)
"""A point that was logged without a step; the store gives it its index in the series."""

# What one cell of a column holds.  A column may mix them: ``[1, 2.5, "x", None]`` comes back as it went in.
CELL_NONE: Final = 0
"""The row has no value in this column (a column missing in a row)."""
CELL_FLOAT: Final = 1
CELL_INT: Final = 2
CELL_BOOL: Final = 3
CELL_TEXT: Final = 4
CELL_BIGINT: Final = 5
"""An integer outside int64, kept as decimal text."""

# Kinds of metrics (``SeriesBlock.kind``).
SERIES: Final = "series"
"""Scalars and lists: one column, named ``""``."""
TABLE: Final = "table"
"""Rows and tables: one column a name."""
IMAGE: Final = "image"
"""One text column ``""`` of artifact references (``aml://artifactId/...``)."""
# Structured values (dicts kept as JSON artifacts); one text column ``""`` of artifact references.
ACCURACY_TABLE: Final = "accuracy_table"
CONFUSION_MATRIX: Final = "confusion_matrix"
RESIDUALS: Final = "residuals"
PREDICTIONS: Final = "predictions"

USER: Final = ""
"""The namespace of what scripts log; ``get_metrics()`` reads only this one."""
SYSTEM: Final = "system"
"""The namespace of sampled machine metrics (CPU, memory, GPU...)."""
PROGRESS: Final = "progress"
"""The namespace of how far a run says that it is; see ``progress.py``."""


@dataclass(slots=True)
class Column:
    """Cells of one column, in order.

    ``kinds`` is uint8 of shape (n,): a CELL_* code for each cell.  The values lie packed by kind, in order:
    ``floats`` float64 of shape (number of CELL_FLOAT,), ``ints`` int64 of shape (number of CELL_INT and
    CELL_BOOL,), ``texts`` the CELL_TEXT and CELL_BIGINT cells.
    """

    kinds: NDArray[np.uint8]
    floats: NDArray[np.float64]
    ints: NDArray[np.int64]
    texts: list[str]


@dataclass(slots=True)
class Points:
    """n points of one metric: ``steps`` int64 (n,), ``times`` int64 (n,) in ns since 1970 UTC, and n cells a column."""

    steps: NDArray[np.int64]
    times: NDArray[np.int64]
    columns: dict[str, Column]

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(slots=True)
class SeriesBlock:
    """Points to append to one metric of one run."""

    run_id: str
    name: str
    kind: str
    points: Points
    namespace: str = USER
    description: str = ""
    calls: int = 1
    """How many log calls made these points (one table or list in one call counts once)."""
    is_list: bool = False
    """True once ``log_list`` was used: ``get_metrics`` then gives a list even for one value or none."""
    scalar_columns: tuple[str, ...] = ()
    """Table columns given as a single value, not a list; meaningful while the table has one call."""


@dataclass(slots=True)
class Event:
    """A thing that happened to a run, other than metric points.  ``data`` by ``kind``:

    - ``experiment``: {name}; run_id is "".  Creates the experiment unless it is there.
    - ``run``: {experiment, type, status, display_name, description, parent_id, target, submitted_by, tags,
      properties, owner, number}; ``number`` is the one that the run has where it comes from: it is kept where it is
      higher than all in the experiment so far.  Keys may be missing (type None, status "NotStarted", owner False).
      Creates the run, or fills the placeholder that earlier points of another journal made.  A run that is there
      already is left as it is.  ``owner`` true: the run ends when the process of this journal dies.
    - ``status``: {status, error?}; ``error`` is {code, message, details}.  See ``status.py`` for what may follow what.
    - ``tags``: {set: {key: text or None}, remove: [key]}.
    - ``properties``: {set: {key: text}}; a key that is set keeps its value.
    - ``params``: {set: {key: text}}: what the run was given to work with; a key that is set keeps its value.
    - ``describe``: {display_name?, description?}.
    - ``artifact``: {name, digest, size, content_type, captured?}.  The blob is in the blob store already.
      ``captured`` true: the system has collected it from the working directory.  It is replaced by a later content of
      the same name, and never takes the name of what the script has uploaded.
    - ``snapshot``: {id, manifest, files, bytes, created_ns?}: the run has this snapshot; the first is its own.
      ``manifest`` is the digest of the manifest, which is in the blob store already, as are the contents that it names.
      ``created_ns``: when it was first taken, where that was for another run.
    - ``document``: {name, content}: a fact of the run, any JSON value; the one that was told last stays.
    - ``owner``: {}: from now on the run ends when the process of this journal dies (but not a sweep, which another
      process goes on with), and is NotResponding when nothing is heard of it.
    - ``waiting``: {}: until a process owns the run, it waits for the one of this journal to begin it, and is
      NotResponding when nothing is heard of that.
    - ``warning``: {message}: shown among the run's warnings.
    - ``archive``: {}: the run is archived since then, unless it is already.
    """

    kind: str
    run_id: str
    time_ns: int
    data: dict[str, Any]


@dataclass(slots=True)
class Batch:
    """All that lies between two offsets (bytes) of one journal, in the order it was said."""

    journal_id: str
    start: int
    end: int
    events: list[Event] = field(default_factory=list)
    series: list[SeriesBlock] = field(default_factory=list)
