"""The documentation's examples: the Python runs, and the commands and their options exist.

A block that begins with ```` ```python run ```` is run, after those before it on its page, in an empty folder with a
home of its own.  A block with ``title="PATH"`` is a file in that folder.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from milepost.cli.app import app
from milepost.jobs.agent_start import stop_agent

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES_THAT_RUN = ["automl.md", "compute.md", "environments.md", "submitting.md", "sweeps.md"]
_BLOCK = re.compile(r"^```(\w+)[ ]*([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'title="([^"]+)"')
_COMMAND = re.compile(r"^ {4}(milepost .*)$", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES_THAT_RUN)
def test_the_python_of_a_page_runs(page: str, tmp_path: Path) -> None:
    code = []
    for _, words, text in _BLOCK.findall((DOCS / page).read_text(encoding="utf-8")):
        title = _TITLE.search(words)
        if title is not None:
            path = tmp_path / "work" / title[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif words.split() == ["run"]:
            code.append(text)
    assert code, f"no block of {page} is marked as one that runs"
    script = tmp_path / "page.py"
    script.write_text("\n".join(code), encoding="utf-8")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("AZUREML_", "MILEPOST_"))}
    variables |= {"MILEPOST_HOME": str(tmp_path / "home"), "MILEPOST_AGENT_IDLE": "2"}
    variables["MILEPOST_PORTAL"] = "0"  # as for all tests: it would outlive this one
    (tmp_path / "work").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path / "work", env=variables, capture_output=True, text=True, check=False
    )
    for workspace in (tmp_path / "home" / "workspaces").iterdir():
        assert stop_agent(workspace, 60), "the page leaves runs on their way"
    assert done.returncode == 0, f"{page} failed:\n{done.stdout}\n{done.stderr}"


def _commands() -> Iterator[tuple[str, str]]:
    for path in [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]:
        for line in _COMMAND.findall(path.read_text(encoding="utf-8")):
            yield path.name, re.sub(r"\s+#.*$", "", line)


def _trouble(line: str) -> str | None:
    """What is wrong with a command of the documentation: the command, or one of its options, is not there."""
    words = shlex.split(line)
    words = words[1 : words.index("--")] if "--" in words else words[1:]
    found = typer.main.get_command(app)
    while words and hasattr(found, "commands") and not words[0].startswith("-"):
        if words[0] not in found.commands:
            return f"there is no command {words[0]!r}"
        found = found.commands[words.pop(0)]
    options = {name for each in found.params for name in (*each.opts, *each.secondary_opts)} | {"--help", "-h"}
    unknown = [
        word for word in words if word.startswith("-") and len(word) > 1 and word.partition("=")[0] not in options
    ]
    return f"it has no option {', '.join(unknown)}" if unknown else None


def test_the_commands_of_the_documentation_are_there() -> None:
    found = list(_commands())
    assert found
    wrong = [f"{page}: {line}: {said}" for page, line in found if "COMMAND" not in line and (said := _trouble(line))]
    assert wrong == []


def test_links_between_the_pages_lead_somewhere() -> None:
    broken = [
        f"{path.name}: {target}"
        for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert broken == []
