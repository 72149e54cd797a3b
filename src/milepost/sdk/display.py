"""Small HTML tables that a notebook shows for a run, an experiment, a workspace or a model."""

from __future__ import annotations

from collections.abc import Iterable

Row = tuple[str, object, str | None]
"""Label, value, and the address that the value links to, or None."""

_CELL = 'style="text-align:left"'


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
        '<table style="width:100%"><thead><tr>'
        + "".join(labels)
        + "</tr></thead><tbody><tr>"
        + "".join(cells)
        + "</tr></tbody></table>"
    )


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
