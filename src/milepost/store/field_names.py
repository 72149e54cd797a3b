"""Fields and orders as people write them in columns: ``metrics.val/loss``, with no quotes around the names."""

from __future__ import annotations

import re
from typing import Final

from milepost.store.errors import BadInput
from milepost.store.filters import FIELDS, GROUPS, Field

_REDUCED: Final = re.compile(r"(last|min|max)\(metrics\.(.+)\)", re.DOTALL)
_ORDERS: Final = {
    "metrics": "metric",
    "metrics min": "metric_min",
    "metrics max": "metric_max",
    "tags": "tag",
    "properties": "property",
    "params": "param",
}


def field_of(text: str) -> Field:
    """``status``, ``tags.stage``, ``metrics.mse`` or ``min(metrics.mse)`` as a field.  Raises BadInput."""
    reduced = _REDUCED.fullmatch(text)
    if reduced:
        return Field("metrics", reduced[2], reduced[1].replace("last", ""))
    kind, dot, name = text.partition(".")
    if dot and name and kind in GROUPS:
        return Field(kind, name)
    if text in FIELDS:
        return Field(text)
    raise BadInput(
        f"there is no column {text[:100]!r}; there are {', '.join(FIELDS)}, "
        f"{', '.join(f'{each}.NAME' for each in GROUPS)}, min(metrics.NAME) and max(metrics.NAME)"
    )


def name_of(field: Field) -> str:
    """What ``field_of`` takes for this field."""
    if field.kind not in GROUPS:
        return field.kind
    named = f"{field.kind}.{field.name}"
    return f"{field.function}({named})" if field.function not in ("", "last") else named


def order_of(text: str) -> str:
    """An order as the store knows it: ``metrics.mse`` is ``metric:mse``.  The store refuses unknown ones."""
    if "." not in text or ":" in text.partition(".")[0]:
        return text
    field = field_of(text)
    return f"{_ORDERS[f'{field.kind} {field.function}'.strip()]}:{field.name}"
