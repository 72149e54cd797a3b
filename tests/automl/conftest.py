"""The workspace of automated ML runs is that of submitted runs."""

from __future__ import annotations

from tests.sdk.conftest import experiment, home, source, submit, team, ws  # noqa: F401
