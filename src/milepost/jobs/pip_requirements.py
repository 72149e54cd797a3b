"""Reads pip's requirements: the strings of an environment's ``pip`` list, and the files that they lead to.

What comes out goes to uv in a file, one requirement a line.  So a string must never become more than one line, nor an
option of uv: only pip's own options that are known here are understood, each with its values checked, and everything
else that begins with ``-`` is refused.  Nothing reaches a shell.
"""

from __future__ import annotations

import os
import re
import shlex
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from milepost.jobs.environment_errors import EnvironmentFailed
from milepost.jobs.masking import mask

FILE_MAX: Final = 4 << 20
"""Bytes of a requirements file."""
_FILES_MAX: Final = 100

_WITH_VALUE: Final = {
    "-r": "--requirement",
    "--requirement": "--requirement",
    "-c": "--constraint",
    "--constraint": "--constraint",
    "-e": "--editable",
    "--editable": "--editable",
    "-i": "--index-url",
    "--index-url": "--index-url",
    "--pypi-url": "--index-url",
    "--extra-index-url": "--extra-index-url",
    "-f": "--find-links",
    "--find-links": "--find-links",
    "--no-binary": "--no-binary",
    "--only-binary": "--only-binary",
    "--trusted-host": "--trusted-host",
    "--hash": "--hash",
}
_FLAGS: Final = ("--pre", "--no-index", "--require-hashes")
# These change how pip works, not what it installs.
_WITHOUT_EFFECT: Final = frozenset(
    ["--no-cache-dir", "--disable-pip-version-check", "--quiet", "-q", "--verbose", "-v", "--upgrade", "-U", "--user"]
) | {"--prefer-binary", "--no-warn-script-location", "--use-pep517", "--no-input", "--force-reinstall"}
_WITHOUT_EFFECT_VALUE: Final = frozenset(("--use-feature", "--timeout", "--default-timeout", "--retries"))

_HASH: Final = re.compile(r"[a-z0-9_]{1,20}:[0-9A-Fa-f]{16,200}", re.ASCII)
_HOST: Final = re.compile(r"[A-Za-z0-9\[*][A-Za-z0-9.:*\]_-]{0,254}", re.ASCII)
_BINARY: Final = re.compile(r":all:|:none:|[A-Za-z0-9][A-Za-z0-9._-]*(,[A-Za-z0-9][A-Za-z0-9._-]*)*", re.ASCII)
_COMMENT: Final = re.compile(r"(^|\s+)#.*$")
_VARIABLE: Final = re.compile(r"\$\{([A-Z0-9_]+)\}")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_EXTRAS: Final = re.compile(r"(.*[^\[\]])(\[[A-Za-z0-9._,\s-]*\])")
_ARCHIVES: Final = (".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")

# The name that everybody imports it by is on the index too, but refuses to be installed.
_RENAMED: Final = {"sklearn": "scikit-learn"}
# Its only use for a script is that it brings MLflow.
_BROUGHT: Final = {"azureml-mlflow": "mlflow-skinny"}


@dataclass(frozen=True, slots=True)
class LocalSource:
    """A package that lies on this machine: a folder, a wheel or a source archive."""

    path: Path
    text: str
    """As it was written."""
    extras: str = ""
    editable: bool = False


@dataclass(slots=True)
class PipRequirements:
    """What pip is asked for, checked; each of ``packages`` and ``constraints`` is one line of a requirements file."""

    packages: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    local: list[LocalSource] = field(default_factory=list)
    index_url: str | None = None
    extra_index_urls: list[str] = field(default_factory=list)
    find_links: list[str] = field(default_factory=list)
    """URLs, and absolute paths."""
    trusted_hosts: list[str] = field(default_factory=list)
    binaries: list[str] = field(default_factory=list)
    """Lines such as ``--only-binary :all:``."""
    no_index: bool = False
    prereleases: bool = False
    require_hashes: bool = False
    left_out: list[str] = field(default_factory=list)
    """Packages that Milepost itself provides."""
    notes: list[str] = field(default_factory=list)
    """What the log shall say."""


def read(strings: Iterable[str], folder: Path) -> PipRequirements:
    """Read a ``pip`` list; relative paths lead from ``folder``.

    Raises:
        EnvironmentFailed: a string is no requirement, or a file is not there; the message names it.
    """
    reader = _Reader(PipRequirements())
    for each in strings:
        reader.line(each, folder, constraint=False)
    return reader.found


def canonical(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(requirement: str) -> str | None:
    """The canonical name that a requirement begins with; None for a URL or a path."""
    if _SCHEME.match(requirement) or requirement.startswith((".", "/")):
        return None
    found = _NAME.match(requirement)
    return canonical(found[0]) if found else None


def check_plain(text: str, what: str) -> None:
    """Refuse line breaks and other control characters, which could end a line or hide what is written.

    Raises:
        EnvironmentFailed: there is one.
    """
    for character in text:
        if unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") and character != "\t":
            raise EnvironmentFailed(
                f"{what} {mask(ascii(text[:200]))} has the control character {character!a}. "
                "Write one requirement a string, with no line breaks."
            )


class _Reader:
    def __init__(self, found: PipRequirements) -> None:
        self.found = found
        self._open: list[Path] = []
        self._files = 0

    def line(self, text: str, folder: Path, *, constraint: bool) -> None:
        text = text.strip(" \t\r\n")
        check_plain(text, "The pip requirement")
        text = _expand(_COMMENT.sub("", text)).strip()
        check_plain(text, "The pip requirement (with its variables put in)")
        if not text:
            return
        if text.endswith("\\"):
            raise EnvironmentFailed(f"The pip requirement {_shown(text)} ends with a backslash: there is no next line.")
        requirement, options = _split(text)
        hashes = self._options(options, text, folder, constraint=constraint) if options else []
        if requirement:
            self._requirement(requirement, hashes, folder, constraint=constraint)
        elif hashes:
            raise EnvironmentFailed(f"The pip requirement {_shown(text)} has a --hash but no package.")

    def _requirement(self, text: str, hashes: list[str], folder: Path, *, constraint: bool) -> None:
        name = name_of(text)
        if name is not None and (name in ("azureml", "milepost") or name.startswith("azureml-")):
            if constraint:
                return
            self.found.left_out.append(_NAME.match(text)[0] if _NAME.match(text) else text)  # type: ignore[index]
            if name in _BROUGHT:
                self.found.packages.append(_BROUGHT[name])
                self.found.notes.append(f"{name}: {_BROUGHT[name]} is installed in its place")
            return
        if text.lower() in _RENAMED and not constraint:
            self.found.notes.append(f"{text}: the package's name on the index is {_RENAMED[text.lower()]}")
            text = _RENAMED[text.lower()]
        if _is_path(text, folder):
            if constraint:
                raise EnvironmentFailed(f"The constraint {_shown(text)} is a path. Constrain by the version.")
            self._path(text, folder, editable=False)
            return
        if not (text[0].isalnum() and text[0].isascii()):
            raise EnvironmentFailed(f"The pip requirement {_shown(text)} is none: it begins with {text[0]!r}.")
        line = " ".join([text, *(f"--hash={each}" for each in hashes)])
        (self.found.constraints if constraint else self.found.packages).append(line)

    def _path(self, text: str, folder: Path, *, editable: bool) -> None:
        plain, extras = text, ""
        with_extras = _EXTRAS.fullmatch(text)
        if with_extras and not _exists(folder / text):
            plain, extras = with_extras[1].strip(), with_extras[2]
        path = _local_path(plain, folder)
        if not _exists(path):
            raise EnvironmentFailed(
                f"The pip requirement {_shown(text)} leads to {path}, which is not there. "
                "Relative paths lead from the source directory; is the file part of the snapshot?"
            )
        if not path.is_dir() and not path.name.endswith(_ARCHIVES):
            raise EnvironmentFailed(
                f"The pip requirement {_shown(text)} leads to {path}, which is neither a folder with a package nor a "
                "wheel or archive."
            )
        self.found.local.append(LocalSource(path, text, extras, editable and path.is_dir()))

    def _options(self, tokens: list[str], text: str, folder: Path, *, constraint: bool) -> list[str]:
        """Take in the options of a line; its hashes come back."""
        hashes: list[str] = []
        rest = list(tokens)
        while rest:
            token = rest.pop(0)
            option, equals, value = token.partition("=")
            short = token[:2]
            if short in _WITH_VALUE and len(token) > 2 and not token.startswith("--"):
                option, equals, value = short, "=", token[2:]
            if option in _WITH_VALUE or option in _WITHOUT_EFFECT_VALUE:
                if not equals:
                    value = rest.pop(0) if rest else ""
                if not value:
                    raise EnvironmentFailed(f"The pip option {option} in {_shown(text)} has no value.")
            if option in _WITHOUT_EFFECT_VALUE or token in _WITHOUT_EFFECT:
                self.found.notes.append(f"the pip option {option} has no effect here")
            elif option == "--hash" or _WITH_VALUE.get(option) == "--hash":
                _check(_HASH, value, option, text)
                hashes.append(value)
            elif option in _WITH_VALUE:
                self._option(_WITH_VALUE[option], value, text, folder, constraint=constraint)
            elif token in _FLAGS:
                self._flag(token)
            elif not token.startswith("-"):
                # "--find-links URL torch==1.2" in one string: pip drops the package without a word.
                self._requirement(token, [], folder, constraint=constraint)
            else:
                raise EnvironmentFailed(
                    f"The pip requirement {_shown(text)} has the option {_shown(option)}, which is not known. "
                    "Understood are " + ", ".join(sorted({*_WITH_VALUE.values(), *_FLAGS})) + "."
                )
        return hashes

    def _flag(self, option: str) -> None:
        if option == "--pre":
            self.found.prereleases = True
        elif option == "--no-index":
            self.found.no_index = True
        else:
            self.found.require_hashes = True

    def _option(self, option: str, value: str, text: str, folder: Path, *, constraint: bool) -> None:
        if option in ("--requirement", "--constraint"):
            self._file(value, folder, constraint=constraint or option == "--constraint")
        elif option == "--editable":
            if constraint:
                raise EnvironmentFailed(f"A constraint cannot be editable: {_shown(text)}.")
            self._editable(value, folder)
        elif option == "--index-url":
            self.found.index_url = _address(value, text, folder)
        elif option == "--extra-index-url":
            self.found.extra_index_urls.append(_address(value, text, folder))
        elif option == "--find-links":
            self.found.find_links.append(_address(value, text, folder))
        elif option == "--trusted-host":
            _check(_HOST, value, option, text)
            self.found.trusted_hosts.append(value)
        else:
            _check(_BINARY, value, option, text)
            self.found.binaries.append(f"{option} {value}")

    def _editable(self, value: str, folder: Path) -> None:
        if _SCHEME.match(value) and not value.startswith("file:") and not _looks_like_drive(value):
            self.found.notes.append(f"{_shown(value)} is installed as it is, not editable: it comes from a repository")
            self._requirement(value, [], folder, constraint=False)
        else:
            self._path(value, folder, editable=True)

    def _file(self, value: str, folder: Path, *, constraint: bool) -> None:
        if _SCHEME.match(value) and not value.startswith("file:") and not _looks_like_drive(value):
            raise EnvironmentFailed(
                f"The requirements file {_shown(value)} is on the network. Put it into the source directory."
            )
        path = _local_path(value, folder)
        if path in self._open:
            return  # it includes itself
        self._files += 1
        if self._files > _FILES_MAX:
            raise EnvironmentFailed(f"The environment has more than {_FILES_MAX} requirements files.")
        self._open.append(path)
        for number, text in _lines(path):
            try:
                self.line(text, path.parent, constraint=constraint)
            except EnvironmentFailed as error:
                raise EnvironmentFailed(f"{path.name}, line {number}: {error}") from error
        self._open.pop()


def _lines(path: Path) -> Iterable[tuple[int, str]]:
    """The lines of a requirements file, those that a backslash breaks put together."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_MAX + 1)
    except OSError as error:
        raise EnvironmentFailed(
            f"The requirements file {path} cannot be read ({error.strerror or error}). "
            "Is it in the source directory, and part of the snapshot?"
        ) from error
    if len(data) > FILE_MAX:
        raise EnvironmentFailed(f"The requirements file {path} is larger than {FILE_MAX} bytes.")
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise EnvironmentFailed(f"The requirements file {path} is not UTF-8 text: {error}.") from error
    begun, first = "", 0
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        first = first if begun else number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            begun += line[:-1] + " "
            continue
        yield first, begun + line
        begun = ""
    if begun:
        yield first, begun


def _split(text: str) -> tuple[str, list[str]]:
    """A line's requirement, and the options before or after it."""
    tokens = text.split()
    first = next((number for number, token in enumerate(tokens) if token.startswith("-")), len(tokens))
    if first == len(tokens):
        return text, []
    try:
        options = shlex.split(" ".join(tokens[first:]), posix=os.name != "nt")
    except ValueError as error:
        raise EnvironmentFailed(f"The pip requirement {_shown(text)} has a quotation mark with no end.") from error
    return " ".join(tokens[:first]), options


def _expand(text: str) -> str:
    return _VARIABLE.sub(lambda found: os.environ.get(found[1]) or found[0], text)


def _is_path(text: str, folder: Path) -> bool:
    if text.startswith((".", "~", "/", "\\", "file:")) or _looks_like_drive(text):
        return True
    if _SCHEME.match(text) or "@" in text:
        return False
    plain = re.split(r"[<>=!~;\[\s]", text, maxsplit=1)[0]
    return "/" in plain or os.sep in plain or (plain.endswith(_ARCHIVES) and _exists(folder / text))


def _looks_like_drive(text: str) -> bool:
    return os.name == "nt" and len(text) > 2 and text[1] == ":" and text[2] in "/\\"


def _local_path(text: str, folder: Path) -> Path:
    try:
        if text.startswith("file:"):
            parts = urlsplit(text)
            path = Path(url2pathname(unquote(parts.path) if os.name == "nt" else parts.path))
        else:
            path = Path(text).expanduser()
        return Path(os.path.normpath(folder.absolute() / path))
    except (RuntimeError, ValueError) as error:
        raise EnvironmentFailed(f"The path {_shown(text)} cannot be followed: {error}.") from error


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long; a NUL byte
        return False


def _address(value: str, text: str, folder: Path) -> str:
    """A URL, or the absolute path of a folder."""
    if any(character.isspace() for character in value):
        raise EnvironmentFailed(f"The address in {_shown(text)} has a space in it; write it as %20.")
    if _SCHEME.match(value) and not _looks_like_drive(value) and not value.startswith("file:"):
        if not value.startswith(("https://", "http://")):
            raise EnvironmentFailed(f"The address in {_shown(text)} begins with neither https:// nor http://.")
        return value
    path = _local_path(value, folder)
    if not _exists(path):
        raise EnvironmentFailed(f"The option {_shown(text)} leads to {path}, which is not there.")
    return str(path)


def _check(pattern: re.Pattern[str], value: str, option: str, text: str) -> None:
    if not pattern.fullmatch(value):
        raise EnvironmentFailed(f"The value of {option} in {_shown(text)} is not of its form.")


def _shown(text: str) -> str:
    return repr(mask(text[:300]))
