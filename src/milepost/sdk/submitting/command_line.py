"""Commands that were written as a list and meant for a shell."""

from __future__ import annotations

import re
import shlex
from typing import Final

_SHELL_WORDS: Final = frozenset({"&&", "||", "|", ";", "&", ">", ">>", "<", "2>", "2>>", "2>&1", "&>", "(", ")"})
_SHELL_VARIABLE: Final = re.compile(r"[A-Za-z0-9_./:=,@%+{}-]*\$[A-Za-z0-9_./:=,@%+{}$-]*")


def shell_line(command: list[str] | str) -> list[str] | str:
    """A list that was written for a shell as a text: Azure joins every list with spaces and gives it to one.

    That are a list of one text with spaces, and lists with words such as ``&&`` or with ``$VARIABLES``.
    """
    if isinstance(command, str):
        return command
    if len(command) == 1 and len(command[0].split()) > 1:
        return command[0]
    if not any(each in _SHELL_WORDS or _SHELL_VARIABLE.fullmatch(each) for each in command):
        return command
    return " ".join(
        each if each in _SHELL_WORDS or _SHELL_VARIABLE.fullmatch(each) else shlex.quote(each) for each in command
    )
