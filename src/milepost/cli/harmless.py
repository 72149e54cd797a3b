"""Logs on a terminal: all that a script printed, less what could take the terminal over.

Colours stay, and so do the carriage returns and backspaces that progress bars are drawn with: they reach no further
than the line.  Everything else that a terminal obeys goes: moving the cursor, clearing, titles, clipboards, questions
that it answers as if somebody typed, other character sets, switching modes.
"""

from __future__ import annotations

import re
from typing import Final

RESET: Final = "\x1b[0m"

_LONGEST: Final = 4096
"""Characters of a title or the like that are taken for a part of it; what comes after is text."""
_OPENERS: Final = r"(?:\x1b[P\]X^_]|[\x90\x98\x9d-\x9f])"
_DRIVING: Final = re.compile(
    r"(?P<colour>(?:\x1b\[|\x9b)(?P<code>[0-9;:]{0,64})m)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # a control sequence
    rf"|{_OPENERS}[^\x07\x1b\x9c\n]{{0,{_LONGEST}}}(?:\x07|\x1b\\|\x9c)?"  # a title, a clipboard's content, ...
    r"|\x1b[ -/]*[0-~]"  # a short one
    r"|[\x00-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f]"  # control characters, and what is left of broken sequences
)
_BEGUN: Final = re.compile(
    rf"(?:{_OPENERS}[^\x07\x1b\x9c\n]{{0,{_LONGEST}}}\x1b?|(?:\x1b\[|\x9b)[0-?]{{0,256}}[ -/]{{0,16}}"
    r"|\x1b[ -/]{0,16})\Z"
)


class Harmless:
    """Makes a stream of text fit for a terminal, piece by piece.  ``colours``: whether they stay."""

    def __init__(self, *, colours: bool = True) -> None:
        self._colours = colours
        self._held = ""
        self._coloured = False

    def feed(self, text: str) -> str:
        """What may be shown of the next piece.  A sequence that is cut by the piece's end is held back."""
        text = self._held + text
        # The last opener may be within an open title; then it is the first of them that begins what is not whole.
        begun = _BEGUN.search(text, max(0, len(text) - _LONGEST - 2))
        cut = begun.start() if begun else len(text)
        self._held = text[cut:]
        return self._clean(text[:cut])

    def end(self) -> str:
        """What is left at the end, and the end of all colours."""
        rest = self._clean(self._held)
        self._held = ""
        return rest + (RESET if self._coloured else "")

    def _clean(self, text: str) -> str:
        return _DRIVING.sub(self._kept, text)

    def _kept(self, match: re.Match[str]) -> str:
        if match["colour"] is None or not self._colours:
            return ""
        self._coloured = True
        return f"\x1b[{match['code']}m"
