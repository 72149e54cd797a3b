"""Text without what it overwrites itself: a progress bar that was drawn a thousand times on one line is drawn once."""

from __future__ import annotations

import re
from typing import Final

_ANSI: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_COLOUR: Final = re.compile(r"\x1b\[[0-9;:]*m")
_RESET: Final = re.compile(r".*\x1b\[0*m", re.DOTALL)
_ERASES: Final = re.compile(r"\x1b\[[02]?K")


def without_overwritten(text: str) -> str:
    """A text, maybe shorter, that shows the same wherever a carriage return goes back to the line's beginning."""
    if "\r" not in text:
        return text
    lines = text.split("\n")
    # The first one goes on with a line that was begun before, so that nothing is known of what it overwrites.
    begun, returned, rest = lines[0].partition("\r")
    lines[0] = begun + returned + _last_of(rest)
    return "\n".join([lines[0], *map(_last_of, lines[1:])])


def _last_of(line: str) -> str:
    """What is seen of a line, with the carriage returns that are still needed."""
    if "\r" not in line:
        return line
    # A return at the end overwrites nothing yet, and nothing at all before a line's end.
    whole = line.rstrip("\r")
    *earlier, last = whole.split("\r")
    kept, colours = [last], [""]
    covered = _width(last)
    for each in reversed(earlier):
        if _width(each) > covered and not _ERASES.search(kept[0]):
            kept.insert(0, each)
            colours.insert(0, "")
            covered = _width(each)
        elif "\x1b" in each:
            # What was drawn in colour and not reset goes on in what follows.
            colours[0] = _RESET.sub("\x1b[0m", "".join(_COLOUR.findall(each)) + colours[0])
    return "\r".join(map("".join, zip(colours, kept, strict=True))) + line[len(whole) :][:1]


def _width(text: str) -> int:
    return len(_ANSI.sub("", text)) if "\x1b" in text else len(text)
