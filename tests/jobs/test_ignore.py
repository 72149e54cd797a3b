"""The rules of ignore files, compared with git's own reading of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milepost.jobs.ignore import Rules
from milepost.jobs.source_folder import find_files

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "HOME": os.devnull,
}

PLAIN_NAMES = ["a", "b", "ab", "abc", "b.log", "é", "a-b", "A", "[", "build"]
ODD_NAMES = [*PLAIN_NAMES, "a b", "a ", "#a", "!a", "]", "*", "\\", "a\\b", "-", " ", "a\t", "a?"]
TOKENS = [
    *("a", "b", "ab", "A", "é", "-", ".log", " ", "\t", "\r", "#", "!", "/", "a/b"),
    *("*", "**", "***", "?", "**/", "/**", "/**/", "\\", "\\a", "\\*", "\\/", "\\ ", "\\#", "\\!"),
    *("[", "]", "[a]", "[!a]", "[^b]", "[]a]", "[a-c]", "[c-a]", "[--a]", "[a\\-c]", "[\\]a]", "[/]", "[!/]"),
    *("[[:alpha:]]", "[[:upper:]-c]", "[[:space:]]", "[[:bad:]]", "[[:a]", "[![:alnum:]]"),
]

Tree = dict[str, "Tree | None"]
"""Name -> what lies in a folder; None for a file."""


@dataclass
class Case:
    tree: Tree
    rules: dict[tuple[str, ...], str]
    """Folder (its parts) -> what its ignore file says."""


def trees(names: list[str]) -> st.SearchStrategy[Tree]:
    files = st.dictionaries(st.sampled_from(names), st.none(), min_size=1, max_size=4)
    return st.recursive(
        files,
        lambda inner: st.dictionaries(st.sampled_from(names), st.one_of(st.none(), inner), min_size=1, max_size=4),
        max_leaves=8,
    )


patterns = st.tuples(
    st.sampled_from(["", "", "", "!"]),
    st.lists(st.sampled_from(TOKENS), min_size=1, max_size=5),
    st.sampled_from(["", "", "/"]),
).map(lambda parts: parts[0] + "".join(parts[1]) + parts[2])
rule_files = st.lists(patterns, min_size=1, max_size=6).map("\n".join)


def folders_of(tree: Tree, here: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield here
    for name, inner in tree.items():
        if inner is not None:
            yield from folders_of(inner, (*here, name))


@st.composite
def cases(draw: st.DrawFn, names: list[str]) -> Case:
    tree = draw(trees(names))
    folders = list(folders_of(tree))
    chosen = {(), *draw(st.lists(st.sampled_from(folders), max_size=2))}
    return Case(tree, {folder: draw(rule_files) for folder in sorted(chosen)})


def write(case: Case, root: Path, ignore_name: str = ".gitignore") -> None:
    def fill(folder: Path, tree: Tree) -> None:
        for name, inner in tree.items():
            if inner is None:
                (folder / name).touch()
            else:
                (folder / name).mkdir()
                fill(folder / name, inner)

    fill(root, case.tree)
    for parts, content in case.rules.items():
        (root.joinpath(*parts) / ignore_name).write_bytes(content.encode())


def kept_by_git(root: Path) -> set[bytes]:
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "--others", "--exclude-standard", "-z"],
        env=ENVIRONMENT,
        capture_output=True,
        check=True,
    )
    return {name for name in listed.stdout.split(b"\0") if name}


def kept_by_rules(root: Path) -> set[bytes]:
    """As git walks: the deepest ignore file that speaks of a path decides, and what is left out is not entered."""
    kept: set[bytes] = set()

    def look(folder: Path, name: bytes, above: list[tuple[int, Rules]]) -> None:
        if (folder / ".gitignore").is_file():
            above = [(len(name), Rules((folder / ".gitignore").read_bytes())), *above]
        for each in folder.iterdir():
            if each.name == ".git":
                continue
            path, is_folder = name + os.fsencode(each.name), each.is_dir()
            found = (rules.decide(path[start:], is_folder=is_folder) for start, rules in above)
            if next((decided for decided in found if decided is not None), False):
                continue
            if is_folder:
                look(each, path + b"/", above)
            else:
                kept.add(path)

    look(root, b"", [])
    return kept


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An empty repository's ``.git``, to be copied."""
    subprocess.run(["git", "init", "-q", "--template=", tmp_path / "empty"], env=ENVIRONMENT, check=True)
    return tmp_path / "empty" / ".git"


@needs_git
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cases(ODD_NAMES))
def test_the_rules_are_git_s(repository: Path, case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(repository, Path(folder, ".git"))
        write(case, Path(folder))
        assert kept_by_rules(Path(folder)) == kept_by_git(Path(folder))


@needs_git
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cases(PLAIN_NAMES), is_aml=st.booleans())
def test_a_snapshot_has_what_git_would_add(repository: Path, case: Case, is_aml: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        shutil.copytree(repository, Path(folder, ".git"))
        write(case, Path(folder))
        source = Path(folder)
        if is_aml:
            source = Path(other)
            write(case, source, ".amlignore")
        found = {
            each.name.replace(".amlignore", ".gitignore").encode()
            for each in find_files(source, limit_bytes=1 << 30).files
        }
        assert found == kept_by_git(Path(folder))


@pytest.mark.parametrize(
    ("rules", "path", "is_folder", "decided"),
    [
        ("*.log", "deep/in/x.log", False, True),
        ("*.log\n!keep.log", "keep.log", False, False),
        ("!keep.log\n*.log", "keep.log", False, True),
        ("build/", "build", True, True),
        ("build/", "build", False, None),
        ("/build", "src/build", True, None),
        ("src/build", "src/build", True, True),
        ("src/build", "other/src/build", True, None),
        ("**/cache", "a/b/cache", True, True),
        ("data/**", "data", True, None),
        ("data/**", "data/raw/x", False, True),
        ("a/**/z", "a/z", False, True),
        ("# no rule", "# no rule", False, None),
        ("\\#yes", "#yes", False, True),
        ("\\!yes", "!yes", False, True),
        ("trailing   ", "trailing", False, True),
        ("trailing\\ ", "trailing ", False, True),
        ("tab\t", "tab", False, None),
        ("x[0-9].py", "x7.py", False, True),
        ("x[!0-9].py", "x7.py", False, None),
        ("unclosed[a", "unclosed[a", False, None),
        ("?", "é", False, None),  # two bytes
        ("windows\r\n", "windows", False, True),
        ("\ufeffmark", "mark", False, True),
        ("/", "x", True, None),
        ("", "", True, None),
    ],
)
def test_a_pattern_decides(rules: str, path: str, is_folder: bool, decided: bool | None) -> None:
    assert Rules(rules.encode()).decide(path.encode(), is_folder=is_folder) is decided


@given(st.binary(max_size=200))
def test_any_bytes_are_an_ignore_file(content: bytes) -> None:
    assert Rules(content).decide(b"some/name", is_folder=False) in (True, False, None)
