"""Conda's environment files: read as plain data, checked, and told by file and line where they are wrong.

The file is never constructed as Python objects: its nodes are walked, and what is not text, a list or a mapping in
its place is refused, so that no tag in it can run code.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk.environments.requirements_file import LONGEST_FILE, one_line, read_requirements, read_text_file
from milepost.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    import yaml

_STRING: Final = "tag:yaml.org,2002:str"
_NULL: Final = "tag:yaml.org,2002:null"


def read_conda_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The specification in a conda file: name, dependencies (texts, and {"pip": texts}), channels, variables.

    ``-r FILE`` among the pip packages is replaced by that file's lines where it lies beside the conda file.  Raises
    UserErrorException that names the file and the line.
    """
    file = Path(path)
    made = parse(read_text_file(file, "The conda specification"), repr(str(file)))
    for each in made["dependencies"]:
        if isinstance(each, dict):
            each["pip"] = [line for item in each["pip"] for line in _with_included(item, file)]
    return made


def parse(content: str, source: str) -> dict[str, Any]:
    """The specification in YAML text.  ``source`` names it in errors.  Raises UserErrorException."""
    import yaml

    try:
        root = yaml.compose(content, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or type(error).__name__
        raise UserErrorException(f"{source}{line}: this is no YAML that can be read ({reason}).") from error
    if root is None:
        raise UserErrorException(f"{source} is empty. A conda specification has at least 'dependencies:'.")
    return _Reader(source).specification(root)


def structure_of(value: object, where: str) -> dict[str, Any]:
    """A specification that came as a dict, checked and copied.  ``where`` names it in errors."""
    if not isinstance(value, Mapping):
        raise UserErrorException(f"{where} must be a dict with 'dependencies', not {value!r:.100}.")
    dependencies: list[Any] = []
    for each in _items(value.get("dependencies"), f"{where}.dependencies"):
        if isinstance(each, Mapping):
            unknown = [key for key in each if key != "pip"]
            if unknown:
                raise UserErrorException(f"{where}.dependencies: only 'pip' has a list of its own, not {unknown[0]!r}.")
            pip = _items(each.get("pip"), f"{where}.dependencies.pip")
            dependencies.append({"pip": [one_line(item, f"{where}.dependencies.pip") for item in pip]})
        else:
            dependencies.append(one_line(each, f"{where}.dependencies"))
    channels = [one_line(each, f"{where}.channels") for each in _items(value.get("channels"), f"{where}.channels")]
    made: dict[str, Any] = {
        "name": None if value.get("name") is None else one_line(value["name"], f"{where}.name"),
        "dependencies": _joined(dependencies),
        "channels": channels,
    }
    if value.get("variables"):
        from milepost.sdk.section import variables

        made["variables"] = variables(value["variables"], f"{where}.variables")
    return made


class _Reader:
    """Walks the nodes of one document."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.left = LONGEST_FILE * 4  # what aliases can blow a file up to

    def specification(self, root: yaml.Node) -> dict[str, Any]:
        found = self.mapping(root, "A conda specification")
        if "dependencies" not in found:
            raise self.error(root, f"there is no 'dependencies:', only {', '.join(map(repr, found)) or 'nothing'}")
        made: dict[str, Any] = {
            "name": self.optional(found.get("name"), lambda node: self.line(node, "'name'")),
            "dependencies": _joined(self.sequence(found["dependencies"], "'dependencies'", self.dependency)),
            "channels": self.sequence(
                found.get("channels"), "'channels'", lambda node: self.line(node, "a channel", plain=False)
            ),
        }
        if variables := self.optional(found.get("variables"), lambda node: self.mapping(node, "'variables'")):
            made["variables"] = {key: self.scalar(node, f"'{key}'") for key, node in variables.items()}
        return made

    def dependency(self, node: yaml.Node) -> Any:
        import yaml

        if not isinstance(node, yaml.MappingNode):
            return self.line(node, "a dependency", plain=False)
        inner = self.mapping(node, "a dependency")
        if set(inner) != {"pip"}:
            raise self.error(node, f"only 'pip:' has a list of its own, not {', '.join(map(repr, inner)) or 'nothing'}")
        return {"pip": self.sequence(inner["pip"], "'pip'", lambda item: self.line(item, "a pip package", plain=False))}

    def mapping(self, node: yaml.Node, what: str) -> dict[str, yaml.Node]:
        import yaml

        if not isinstance(node, yaml.MappingNode) or node.tag != "tag:yaml.org,2002:map":
            raise self.error(node, f"{what} must be a mapping of names to values, not {_kind(node)}")
        return {self.scalar(key, "a key"): value for key, value in node.value}

    def sequence(self, node: yaml.Node | None, what: str, item: Callable[[yaml.Node], Any]) -> list[Any]:
        import yaml

        if node is None or node.tag == _NULL:
            return []
        if not isinstance(node, yaml.SequenceNode) or node.tag != "tag:yaml.org,2002:seq":
            raise self.error(node, f"{what} must be a list, not {_kind(node)}")
        return [item(each) for each in node.value]

    def optional(self, node: yaml.Node | None, read: Callable[[yaml.Node], Any]) -> Any:
        return None if node is None or node.tag == _NULL else read(node)

    def line(self, node: yaml.Node, what: str, *, plain: bool = True) -> str:
        """``plain``: a number or date counts as the text that it is written as."""
        text = self.scalar(node, what)
        if not plain and node.tag != _STRING:
            raise self.error(node, f"{what} must be text, not {_kind(node)} {text!r:.100}; put it in quotes")
        if not text.strip():
            raise self.error(node, f"{what} is empty")
        return one_line(text, f"{self.source}, line {node.start_mark.line + 1}: {what}")

    def scalar(self, node: yaml.Node, what: str) -> str:
        import yaml

        if not isinstance(node, yaml.ScalarNode) or not node.tag.startswith("tag:yaml.org,2002:"):
            raise self.error(node, f"{what} must be text, not {_kind(node)}")
        if node.tag.startswith("tag:yaml.org,2002:python"):
            raise self.error(node, f"the tag {node.tag.rpartition(':')[2]!r:.100} is not allowed here")
        text = str(node.value)
        self.left -= len(text) + 1
        if self.left < 0:
            raise self.error(node, "aliases make this file too long")
        return text

    def error(self, node: yaml.Node, trouble: str) -> UserErrorException:
        return UserErrorException(f"{self.source}, line {node.start_mark.line + 1}: {trouble}.")


def _joined(dependencies: Iterable[Any]) -> list[Any]:
    """With one list of pip packages at most, where the first was."""
    made: list[Any] = []
    first: dict[str, list[str]] | None = None
    for each in dependencies:
        if not isinstance(each, dict):
            made.append(each)
        elif first is None:
            first = each
            made.append(each)
        else:
            first["pip"] += each["pip"]
    return made


def _with_included(item: str, file: Path) -> list[str]:
    option, _, name = item.partition(" ")
    included = file.parent / name.strip()
    if option in ("-r", "--requirement") and name.strip() and included.is_file():
        return read_requirements(included)
    return [item]


def _items(value: object, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        raise UserErrorException(f"{where} must be a list, not {value!r:.100} ({type(value).__name__}).")
    return list(value)


def _kind(node: yaml.Node) -> str:
    kind = {"map": "a mapping", "seq": "a list", "null": "nothing", "int": "the number", "float": "the number"}
    short = str(node.tag).removeprefix("tag:yaml.org,2002:")
    return kind.get(short, f"something of the kind {short!r:.100}")
