"""Who may use a route: the role that it needs.

Every route says it with ``**needs(ROLE)``; what says nothing needs ``reader`` where it only reads (GET, HEAD) and
``contributor`` otherwise.  The OpenAPI document tells it as ``x-milepost-role``.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from milepost.server.as_sent import READING

Role = Literal["reader", "contributor", "owner"]

READER: Final[Role] = "reader"
CONTRIBUTOR: Final[Role] = "contributor"
OWNER: Final[Role] = "owner"

ORDER: Final[tuple[Role, ...]] = (READER, CONTRIBUTOR, OWNER)
"""From the one who may least to the one who may most."""

MARK: Final = "x-milepost-role"


def needs(role: Role) -> dict[str, Any]:
    """For a route's decorator: who may use it."""
    return {"openapi_extra": {MARK: role}}


def default_role(method: str) -> Role:
    """What a route needs that says nothing of it."""
    return READER if method.upper() in READING else CONTRIBUTOR


def is_enough(has: Role, wanted: Role) -> bool:
    """Whether someone with one role may do what needs the other."""
    return ORDER.index(has) >= ORDER.index(wanted)
