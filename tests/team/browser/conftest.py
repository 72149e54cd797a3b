"""A team's server with people and two workspaces, and a real browser in which each of them may be signed in."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from milepost.server.team.passwords import hash_password
from milepost.store import accounts, sessions, tokens
from tests.browser.conftest import PAGES, browser  # noqa: F401
from tests.team.servers import TeamServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

    from milepost.store.accounts import Account

WAIT_MS: Final = 60_000
PASSWORD: Final = "correct horse battery staple"
EXPERIMENT: Final = "train"
_RECORD: Final = """
import sys
from azureml.core import Experiment, Workspace
experiment = Experiment(Workspace.get(sys.argv[1]), sys.argv[2])
run = experiment.start_logging(snapshot_directory=None, display_name=sys.argv[3])
for step in range(20):
    run.log("loss", float(sys.argv[4]))
open("notes.txt", "w").write("notes of " + sys.argv[1])
run.upload_file("outputs/notes.txt", "notes.txt")
run.complete()
print(run.id)
"""


@dataclass
class Site:
    """The server.  ``ada`` is its administrator; in ``vision`` and ``speech`` ``olga`` is owner, ``carl`` contributor
    and ``rita`` reader.  ``nils`` has an account and no role."""

    server: TeamServer
    folder: Path
    people: dict[str, Account]
    runs: dict[str, str] = field(default_factory=dict)
    """Workspace -> the id of its run "first" in the experiment ``train``; its loss is 1 in vision, 2 in speech."""

    @property
    def url(self) -> str:
        return self.server.url

    def token(self, who: str) -> str:
        return tokens.create_token(self.server.engine, self.people[who].id, "a test")[1]

    def record(self, token: str, workspace: str, name: str, loss: float = 1) -> str:
        """Record a run with the SDK, as a script on some machine does; gives its id."""
        done = self.try_to_record(token, workspace, name, loss)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()[-1]

    def try_to_record(self, token: str, workspace: str, name: str, loss: float = 1) -> subprocess.CompletedProcess[str]:
        home = self.folder / "machine"
        home.mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "MILEPOST_HOME": str(home),
            "MILEPOST_URL": self.url,
            "MILEPOST_TOKEN": token,
            "MILEPOST_PORTAL": "0",
        }
        command = [sys.executable, "-c", _RECORD, workspace, EXPERIMENT, name, str(loss)]
        return subprocess.run(
            command, env=environment, cwd=home, check=False, capture_output=True, text=True, timeout=300
        )

    def session(self, who: str) -> str:
        """What the cookie of a browser holds in which they have signed in."""
        return sessions.create_session(
            self.server.engine, self.people[who].id, lasts_s=3600, agent="a test", address="127.0.0.1"
        )


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if not PAGES.is_file():
        pytest.skip("the portal's pages are not built: make web")
    folder = tmp_path_factory.mktemp("site")
    server = TeamServer(f"sqlite:///{folder / 'server.db'}", str(folder / "blobs")).start()
    kept = hash_password(PASSWORD)
    people = {
        name: accounts.create_account(server.engine, name, password=kept, is_admin=name == "ada")
        for name in ("ada", "olga", "carl", "rita", "nils")
    }
    made = Site(server, folder, people)
    for workspace in ("vision", "speech"):
        server.make_workspace(workspace)
        for name, role in (("olga", "owner"), ("carl", "contributor"), ("rita", "reader")):
            accounts.set_role(server.engine, workspace, people[name].id, role)
    token = made.token("carl")
    made.runs = {name: made.record(token, name, "first", loss) for name, loss in (("vision", 1), ("speech", 2))}
    yield made
    server.close()


@dataclass
class Visit:
    """A page, its browser's context, and what went wrong on it."""

    page: Page
    context: BrowserContext
    trouble: list[str] = field(default_factory=list)


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Callable[..., Visit]]:  # noqa: F811
    """``visit(path, as_="rita")``: open an address of the server (or a whole one, of another) in a browser of its
    own; ``as_=None``: not signed in.

    Dialogs, errors of the page's scripts and breaches of its policy are trouble.
    """
    contexts: list[BrowserContext] = []

    def start(path: str, *, as_: str | None = None, also: Visit | None = None) -> Visit:
        context = also.context if also is not None else browser.new_context(viewport={"width": 1440, "height": 900})
        contexts.append(context)
        context.set_default_timeout(WAIT_MS)
        if as_ is not None:
            name = f"milepost_session_{site.server.port}"
            context.add_cookies(
                [
                    {
                        "name": name,
                        "value": site.session(as_),
                        "domain": "127.0.0.1",
                        "path": "/",
                        "httpOnly": True,
                        "sameSite": "Strict",
                    }
                ]
            )
        visited = Visit(context.new_page(), context)
        visited.page.on("pageerror", lambda error: visited.trouble.append(f"error: {error}"))
        visited.page.on("dialog", lambda dialog: (visited.trouble.append(dialog.message), dialog.dismiss()))
        visited.page.on(
            "console",
            lambda said: "Content Security Policy" in said.text and visited.trouble.append(f"console: {said.text}"),
        )
        visited.page.goto(path if "://" in path else site.url + path)
        return visited

    yield start
    for context in contexts:
        context.close()
