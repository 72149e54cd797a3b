"""The widget as the notebook has it: a model whose traits are the parts of what is shown.

The traits are the last state: a second view, a notebook that is opened again and its HTML are drawn from them.  Only
the feed's thread sets them; the page sets none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

from milepost.widgets.surroundings import answer_where_asked

if TYPE_CHECKING:
    from milepost.widgets.answers import Answer
    from milepost.widgets.contents import Part
    from milepost.widgets.feed import Feed

MODULE = Path(__file__).with_name("static") / "run_details.js"
"""Built from ``web/src/widget``."""


class RunView(anywidget.AnyWidget):
    """A run, live.  ``picture`` is the class of the static picture beside it, which hides while this is alive."""

    _esm = MODULE

    run_id = traitlets.Unicode().tag(sync=True)
    picture = traitlets.Unicode().tag(sync=True)
    told = traitlets.Dict().tag(sync=True)
    run = traitlets.Dict().tag(sync=True)
    metrics = traitlets.Dict().tag(sync=True)
    series = traitlets.Bytes().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    images = traitlets.Dict().tag(sync=True)
    logs = traitlets.Dict().tag(sync=True)
    children = traitlets.Dict().tag(sync=True)
    trials = traitlets.Dict().tag(sync=True)

    _feed: ClassVar[Any] = None

    def follow(self, feed: Feed) -> None:
        """Show what a feed gives, and have it answer what the page asks for."""
        self._feed = feed  # type: ignore[misc]
        feed.sinks.append(self)
        self.on_msg(self._on_message)
        answer_where_asked(self.comm)

    def show(self, parts: dict[str, Any], told: Part) -> None:
        """See ``feed.Sink``."""
        with self.hold_sync():  # one message for all of it
            for name, value in parts.items():
                setattr(self, name, value)
            self.told = told

    def close(self) -> None:
        """End the widget, and the thread that feeds it."""
        if self._feed is not None:
            self._feed.close()
        super().close()

    def _on_message(self, _: Any, content: Any, buffers: Any) -> None:
        """Called by the kernel's main thread, or by that of a subshell while a cell runs."""
        if not isinstance(content, dict) or self._feed is None:
            return
        number = content.get("id")

        def reply(found: Answer | None, problem: str | None) -> None:
            said, data = found or ({}, [])
            self.send({"id": number, "answer": said, "problem": problem}, data)

        self._feed.ask(content, reply)
