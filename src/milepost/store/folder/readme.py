"""The README of an exported folder."""

from __future__ import annotations

from typing import Final

from milepost.store.folder.format import TABLES

_TEXT: Final = """\
# A Milepost workspace

Exported with `milepost export`. `milepost import FOLDER` reads it back, on any machine. The tables are Parquet:

```python
import pandas as pd

runs = pd.read_parquet("runs.parquet")
points = pd.read_parquet("points.parquet", filters=[("name", "==", "loss")])
```

```sql
-- duckdb
SELECT r.experiment, r.number, p.step, p.value
FROM 'points.parquet' p JOIN 'runs.parquet' r USING (run_id)
WHERE p.name = 'loss' AND p.namespace = '' ORDER BY 1, 2, 3;
```

`points.parquet` has one row for each logged value. `type` says what was logged: float, int, bool, text, bigint (an
integer beyond 64 bits, in `text`) or none (a row of a table without a value in that column). `value` is the number as a
double, `integer` the exact integer (0 and 1 for bool), `text` the text. A text that is no valid Unicode is in `bytes`
instead (UTF-8 with surrogates). `column` is the column of a table and "" for plain values. `namespace` is "" for what
scripts log, and "system" for what was sampled of the machine. Columns of JSON are texts.

Files are in `files/`, each content once, named by its SHA-256; `artifacts.parquet`, `snapshot_files.parquet` and
`model_files.parquet` say which name of what is at which `path`.

| table | columns |
|---|---|
"""


def readme() -> str:
    """The text."""
    rows = [f"| `{table}.parquet` | {', '.join(columns)} |\n" for table, columns in TABLES.items()]
    return _TEXT + "".join(rows)
