"""Takes secrets out of what is shown: passwords and tokens in the addresses of package indexes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

MASK: Final = "****"

# What stands between "//" and the last "@" before the path.  Anything may stand there, a "@" too.
_USER: Final = re.compile(r"(?<=://)[^/\s?#'\"`<>]*@")
_QUERY: Final = re.compile(
    r"(?i)([?&](?:[a-z0-9_.-]*(?:token|secret|passw[a-z]*|apikey|api[_-]key|signature|credential)[a-z0-9_.-]*"
    r"|sig|key|auth|pwd)=)[^&\s#'\"`<>]+"
)
_PLAIN_USERS: Final = ("git@", "hg@", f"{MASK}@")
# A shorter one taken out everywhere would take out half of the text too.
_SHORTEST: Final = 6


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` with the user part and the tokens of every URL in it, and each of ``secrets``, put as ``****``."""
    text = _USER.sub(lambda found: found[0] if found[0] in _PLAIN_USERS else f"{MASK}@", text)
    text = _QUERY.sub(rf"\g<1>{MASK}", text)
    for each in sorted(secrets, key=len, reverse=True):
        text = text.replace(each, MASK)
    return text


def secrets_in(url: str) -> set[str]:
    """The secrets of a URL that are long enough to be looked for as such, as written and with %XX decoded."""
    found: set[str] = set()
    for user in _USER.findall(url):
        if user in _PLAIN_USERS:
            continue
        name, colon, password = user[:-1].partition(":")
        found |= {password, unquote(password)} if colon else {name, unquote(name)}
    for match in _QUERY.finditer(url):
        value = match[0].split("=", 1)[1]
        found |= {value, unquote(value)}
    return {each for each in found if len(each) >= _SHORTEST}
