"""The lines that changed from one text to another, in the unified form that ``diff -u`` and git write."""

from __future__ import annotations

import difflib
from typing import Final

from milepost.server.previews import decoded

LARGEST: Final = 1 << 20
"""Larger files (bytes) are not compared line by line."""
MOST_LINES: Final = 2000
"""Where more lines than that lie between the first and the last change, they are told as all gone and all new: to
find the fewest changes takes time that grows with the square of their number."""
_CONTEXT: Final = 3


def unified_diff(before: bytes | None, after: bytes | None, name: str) -> str:
    """What changed in a file of that name, as a text; empty where nothing did.  None: there is no such file.

    Both must have at most LARGEST bytes.
    """
    if before == after:
        return ""
    old_name = "/dev/null" if before is None else f"a/{name}"
    new_name = "/dev/null" if after is None else f"b/{name}"
    texts = [decoded(each or b"", cut=False) for each in (before, after)]
    if texts[0] is None or texts[1] is None:
        return f"Binary files {old_name} and {new_name} differ\n"
    old, new = (_lines(each[0]) for each in texts if each is not None)
    if old == new:
        return f"Files {old_name} and {new_name} differ in their encoding only\n"
    same_before = _same(old, new)
    same_after = _same(old[same_before:][::-1], new[same_before:][::-1])
    first = max(0, same_before - _CONTEXT)
    tail = max(0, same_after - _CONTEXT)
    gone, come = old[first : len(old) - tail], new[first : len(new) - tail]
    if max(len(gone), len(come)) > MOST_LINES:
        hunks = _replaced(gone, come, same_before - first, min(same_after, _CONTEXT), first)
    else:
        hunks = _hunks(gone, come, first)
    lines = [f"--- {old_name}\n", f"+++ {new_name}\n", *hunks]
    return "".join(each if each.endswith("\n") else f"{each}\n\\ No newline at end of file\n" for each in lines)


def _lines(text: str) -> list[str]:
    """The lines with their ends.  Only "\\n" ends one, as for ``diff``."""
    found = text.split("\n")
    last = found.pop()
    return [f"{line}\n" for line in found] + ([last] if last else [])


def _same(old: list[str], new: list[str]) -> int:
    """How many lines are the same at the beginning."""
    count = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        count += 1
    return count


def _hunks(old: list[str], new: list[str], skipped: int) -> list[str]:
    lines: list[str] = []
    for group in difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(_CONTEXT):
        first, last = group[0], group[-1]
        lines.append(_header(first[1] + skipped, last[2] - first[1], first[3] + skipped, last[4] - first[3]))
        for tag, old_start, old_stop, new_start, new_stop in group:
            if tag == "equal":
                lines += [f" {line}" for line in old[old_start:old_stop]]
                continue
            lines += [f"-{line}" for line in old[old_start:old_stop]]
            lines += [f"+{line}" for line in new[new_start:new_stop]]
    return lines


def _replaced(old: list[str], new: list[str], lead: int, trail: int, skipped: int) -> list[str]:
    """One hunk in which all lines but the context are gone and come anew."""
    return [
        _header(skipped, len(old), skipped, len(new)),
        *(f" {line}" for line in old[:lead]),
        *(f"-{line}" for line in old[lead : len(old) - trail]),
        *(f"+{line}" for line in new[lead : len(new) - trail]),
        *(f" {line}" for line in old[len(old) - trail :]),
    ]


def _header(old_start: int, old_count: int, new_start: int, new_count: int) -> str:
    return f"@@ -{_span(old_start, old_count)} +{_span(new_start, new_count)} @@\n"


def _span(start: int, count: int) -> str:
    # Lines count from 1; a span without lines is told by the line before it.
    begin = start + 1 if count else start
    return str(begin) if count == 1 else f"{begin},{count}"
