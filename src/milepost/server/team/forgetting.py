"""What a server deletes since nobody has to know it any more: tokens long ended, old lines of the audit log.

Any number of servers may do it on one database.
"""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Final

from milepost.server.team.repeating import repeating
from milepost.store import audit
from milepost.store.errors import StoreError
from milepost.store.tokens import forget_ended_tokens

if TYPE_CHECKING:
    from sqlalchemy import Engine

log: Final = logging.getLogger("milepost.server")

TOKENS_KEPT_S: Final = 90 * 86400.0
"""What is known of a token stays listed for so long after its end."""
_EVERY_S: Final = 3600.0


def forget(engine: Engine, audit_keep_s: float) -> None:
    """Delete what is due.  A database that cannot be asked is asked the next time."""
    now = time.time()
    try:
        count = forget_ended_tokens(engine, int((now - TOKENS_KEPT_S) * 1e9))
        log.debug("%d tokens that ended long ago were deleted", count)
        if audit_keep_s > 0:
            count = audit.forget(engine, int((now - audit_keep_s) * 1e9))
            log.debug("%d lines of the audit log were deleted", count)
    except StoreError as error:
        log.debug("what is old could not be deleted: %s", error)


def forgetting(engine: Engine, audit_keep_s: float) -> AbstractContextManager[None]:
    """Do so at once and each hour meanwhile."""
    return repeating("forgetting", lambda: forget(engine, audit_keep_s), _EVERY_S)
