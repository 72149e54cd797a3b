"""A team's server as a process of its own, with accounts and tokens: what tests of it begin with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.engine import make_url

from milepost.store import accounts, tokens
from milepost.store.engine import open_engine
from milepost.store.new_workspaces import make_workspace
from milepost.store.store import list_workspaces

if TYPE_CHECKING:
    from sqlalchemy import Engine

_ROOT: Final = Path(__file__).parents[2]


@dataclass
class TeamServer:
    """One server over a database and a place for files.  It keeps its port when it is started again.

    ``public_url``: what clients call it by, where that is not its own address; ``limits``: of ``Limits``.
    """

    database_url: str
    blobs_url: str
    public_url: str | None = None
    limits: dict[str, int] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    """Variables of its process beside those of this one."""
    port: int = 0
    process: subprocess.Popen[str] | None = None
    _numbers: Any = field(default_factory=lambda: count(1))
    _admin: str | None = None

    @property
    def url(self) -> str:
        return self.public_url or f"http://127.0.0.1:{self.port}"

    def start(self) -> TeamServer:
        assert self.process is None
        settings = {
            "database_url": self.database_url,
            "blobs_url": self.blobs_url,
            "public_url": self.public_url,
            "limits": self.limits,
            "port": self.port,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.team.serve", json.dumps(settings)],
            cwd=_ROOT,
            env={**os.environ, **self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.strip().isdecimal(), f"the server did not start: exit code {process.wait(30)}"
        self.port = int(line)
        self.process = process
        return self

    def stop(self) -> None:
        """End it as an administrator does."""
        if self.process is not None:
            self.process.terminate()
            self._gone()

    def kill(self) -> None:
        """End it at once, whatever it is at."""
        if self.process is not None:
            self.process.kill()
            self._gone()

    def _gone(self) -> None:
        assert self.process is not None
        self.process.wait(30)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process = None

    def close(self) -> None:
        """End it for good."""
        self.kill()
        if "engine" in vars(self):
            self.engine.dispose()

    # What an administrator does, in the database itself.

    @cached_property
    def engine(self) -> Engine:
        return open_engine(self.database_url)

    def make_workspace(self, name: str) -> str:
        make_workspace(self.engine, name)
        return name

    def token(self, workspace: str | None = None, role: str = "contributor", *, is_admin: bool = False) -> str:
        """The token of a new account that has this role there."""
        account = accounts.create_account(self.engine, f"user-{next(self._numbers)}", is_admin=is_admin)
        if workspace is not None:
            accounts.set_role(self.engine, workspace, account.id, role)
        return tokens.create_token(self.engine, account.id, "test")[1]

    def delete_workspaces(self) -> None:
        """Delete all workspaces, so that the next test can use their names."""
        import urllib3

        names = list_workspaces(self.engine)
        if names:
            self._admin = self._admin or self.token(is_admin=True)
        for name in names:
            address = f"{self.url}/workspaces/{name}/api/v1/workspace"
            answer = urllib3.request("DELETE", address, headers={"Authorization": f"Bearer {self._admin}"})
            assert answer.status < 300, answer.data

    def drop_connections(self) -> None:
        """Have PostgreSQL cut all connections of the database but this one."""
        name = make_url(self.database_url).database
        with self.engine.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                f"WHERE datname = '{name}' AND pid <> pg_backend_pid()"
            )
