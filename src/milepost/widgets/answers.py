"""What a view asks for beyond what it is sent: answered from the workspace, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from milepost.widgets.contents import MOST_CHILDREN, MOST_METRICS, children_part, run_part
from milepost.widgets.reading import SeriesWanted
from milepost.widgets.trials import trials_part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from milepost.widgets.reading import Reading

Question = dict[str, Any]
"""``ask``: which one; the rest is what it takes."""
Answer = tuple[dict[str, Any], list[bytes]]
"""JSON, and bytes that travel beside it."""

_MOST_SERIES: Final = 100
_MOST_POINTS: Final = 5_000
_MOST_ROWS: Final = 1_000
_MOST_LOG_BYTES: Final = 1 << 20
_MOST_FILE_BYTES: Final = 16 << 20
_MOST_MATCHES: Final = 200


class BadQuestion(Exception):
    """The view asked for what there is not; the message says what."""


def answer(reading: Reading, question: Question) -> Answer:
    """The answer to a question.  Raises BadQuestion, and what the reading raises."""
    asked = _ANSWERS.get(str(question.get("ask")))
    if asked is None:
        raise BadQuestion(f"there is no question {question.get('ask')!r}; the widget and Milepost are of two versions")
    return asked(reading, question)


def _text(question: Mapping[str, Any], name: str) -> str:
    found = question.get(name)
    if not isinstance(found, str):
        raise BadQuestion(f"{name} must be a text, not {found!r}")
    return found


def _number(question: Mapping[str, Any], name: str, default: int, most: int) -> int:
    found = question.get(name, default)
    if isinstance(found, bool) or not isinstance(found, int | float) or not -(2**53) < found < 2**53:
        raise BadQuestion(f"{name} must be a whole number, not {found!r}")
    return min(int(found), most)


def _edge(question: Mapping[str, Any], name: str) -> float | None:
    found = question.get(name)
    if found is not None and (isinstance(found, bool) or not isinstance(found, int | float)):
        raise BadQuestion(f"{name} must be a number, not {found!r}")
    return found


def _run(reading: Reading, question: Question) -> Answer:
    return run_part(reading, _text(question, "run_id")), []


def _metrics(reading: Reading, question: Question) -> Answer:
    offset = max(0, _number(question, "offset", 0, 2**40))
    search = _text(question, "search") if question.get("search") else ""
    return reading.metrics(_text(question, "run_id"), search, offset, MOST_METRICS), []


def _series(reading: Reading, question: Question) -> Answer:
    lines = question.get("series")
    if not isinstance(lines, list) or not 0 < len(lines) <= _MOST_SERIES:
        raise BadQuestion(f"series must be a list of 1 to {_MOST_SERIES} lines")
    x = question.get("x", "step")
    if x not in ("step", "time", "relative"):
        raise BadQuestion(f"x must be step, time or relative, not {x!r}")
    points = max(10, _number(question, "points", 1000, _MOST_POINTS))
    wanted = SeriesWanted(lines, x, _edge(question, "from"), _edge(question, "to"), points)
    return {}, [reading.series(wanted)]


def _page(question: Question) -> tuple[str, str, int, int]:
    offset = max(0, _number(question, "offset", 0, 2**40))
    return _text(question, "run_id"), _text(question, "name"), offset, _number(question, "limit", 100, _MOST_ROWS)


def _values(reading: Reading, question: Question) -> Answer:
    return reading.values(*_page(question)), []


def _table(reading: Reading, question: Question) -> Answer:
    return reading.table(*_page(question)), []


def _structured(reading: Reading, question: Question) -> Answer:
    return {"content": reading.structured(_text(question, "run_id"), _text(question, "name"))}, []


def _images(reading: Reading, question: Question) -> Answer:
    offset = max(0, _number(question, "offset", 0, 2**40))
    found, total = reading.images(_text(question, "run_id"), offset, _MOST_ROWS)
    return {"images": found, "total": total}, []


def _file(reading: Reading, question: Question) -> Answer:
    return {}, [reading.file(_text(question, "run_id"), _text(question, "name"), _MOST_FILE_BYTES)]


def _logs(reading: Reading, question: Question) -> Answer:
    return {"logs": reading.logs(_text(question, "run_id"))}, []


def _log(reading: Reading, question: Question) -> Answer:
    start = _number(question, "start", 0, 2**53)
    length = max(0, _number(question, "length", _MOST_LOG_BYTES, _MOST_LOG_BYTES))
    piece = reading.log(_text(question, "run_id"), _text(question, "name"), start, length)
    return {"start": piece.start, "size": piece.size, "live": piece.live}, [piece.data]


def _search_log(reading: Reading, question: Question) -> Answer:
    start = max(0, _number(question, "start", 0, 2**53))
    found = reading.search_log(
        _text(question, "run_id"), _text(question, "name"), _text(question, "text"), start, _MOST_MATCHES
    )
    return found, []


def _children(reading: Reading, question: Question) -> Answer:
    """In another order than that in which they are sent: where there are more than are sent."""
    run_id = _text(question, "run_id")
    if not question.get("order_by"):
        return children_part(reading, reading.run(run_id)), []
    columns = question.get("columns")
    if not isinstance(columns, list) or not all(isinstance(each, str) for each in columns):
        raise BadQuestion("columns must be a list of texts")
    found = reading.children(
        run_id, columns, _text(question, "order_by"), bool(question.get("descending")), MOST_CHILDREN
    )
    return {"rows": found["runs"]}, []


def _trials(reading: Reading, question: Question) -> Answer:
    return trials_part(reading, reading.run(_text(question, "run_id"))), []


def _cancel(reading: Reading, question: Question) -> Answer:
    reading.cancel(_text(question, "run_id"))
    return {}, []


def _portal(reading: Reading, question: Question) -> Answer:
    return {"url": reading.portal_url(_text(question, "run_id"))}, []


_ANSWERS: Final[dict[str, Callable[[Reading, Question], Answer]]] = {
    "run": _run,
    "metrics": _metrics,
    "series": _series,
    "values": _values,
    "table": _table,
    "structured": _structured,
    "images": _images,
    "file": _file,
    "logs": _logs,
    "log": _log,
    "search_log": _search_log,
    "children": _children,
    "trials": _trials,
    "cancel": _cancel,
    "portal": _portal,
}
