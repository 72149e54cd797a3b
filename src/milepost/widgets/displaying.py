"""IPython's display, with types."""

from __future__ import annotations

from typing import Any


def show(bundle: dict[str, Any], display_id: str | None = None) -> None:
    """Show a bundle (media type -> content) in the cell that is being executed; ``display_id`` to change it later."""
    from IPython.display import display

    show_: Any = display
    show_(bundle, raw=True, **({} if display_id is None else {"display_id": display_id}))


def change(bundle: dict[str, Any], display_id: str) -> None:
    """Show another bundle in place of one that was shown."""
    from IPython.display import update_display

    change_: Any = update_display
    change_(bundle, raw=True, display_id=display_id)
