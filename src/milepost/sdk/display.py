"""Small HTML tables that a notebook shows for a run, an experiment, a workspace or a model.

They have no colours of their own, so that they are readable in every theme, and what cannot be had is told in them: an
object that cannot be shown must not break the cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

Row = tuple[str, object, str | None]
"""Label, value, and the address that the value links to, or None."""

_CELL = 'style="text-align:left;overflow-wrap:anywhere"'


def table(rows: Iterable[Row]) -> str:
    """One row of labels over one row of values, as HTML.

    Everything is escaped: names and tags may hold what a browser would run.  Only ``http`` and ``https`` addresses
    become links.  None as a value shows nothing.
    """
    labels, cells = [], []
    for label, value, link in rows:
        labels.append(f"<th {_CELL}>{_text(label)}</th>")
        cells.append(f"<td {_CELL}>{_linked(_text(value), link)}</td>")
    return (
        '<table style="width:100%;table-layout:auto"><thead><tr>'
        + "".join(labels)
        + "</tr></thead><tbody><tr>"
        + "".join(cells)
        + "</tr></tbody></table>"
    )


def page(label: str, workspace: Path, address: Callable[[], str]) -> Row:
    """The row of a link to a page of the workspace's portal; ``address`` gives it, and may start the portal."""
    from milepost.sdk.quick_look import NoAnswer, look

    try:
        return label, "Link to the Milepost portal", look((workspace, "portal"), "the portal", address)
    except NoAnswer as reason:
        return label, f"not to be had: {reason}", None


def docs(address: str) -> Row:
    """The row of a link to the SDK's own documentation."""
    return "Docs Page", "Link to Documentation", address


def _text(value: object) -> str:
    if value is None:
        return ""
    from html import escape  # a table of 2,231 names, which no training script needs

    # Half of a surrogate pair cannot be sent to a browser.
    return escape(str(value).encode("utf-8", "replace").decode("utf-8"), quote=True)


def _linked(shown: str, link: str | None) -> str:
    if link is None or not link.lower().startswith(("http://", "https://")):
        return shown
    return f'<a href="{_text(link)}" target="_blank" rel="noopener noreferrer">{shown}</a>'
