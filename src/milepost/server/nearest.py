"""Names that are like one that is not there, for messages."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Final

_LOOKED_AT: Final = 2000
_LONGEST: Final = 200


def near(name: str, names: Iterable[str]) -> str:
    """``; did you mean 'x' or 'y'?`` where there are such names, else an empty text."""
    known = {each[:_LONGEST].casefold(): each for each in islice(names, _LOOKED_AT) if each != name}
    found = [known[each] for each in get_close_matches(name[:_LONGEST].casefold(), known, n=3, cutoff=0.6)]
    return f"; did you mean {' or '.join(repr(each) for each in found)}?" if found else ""
