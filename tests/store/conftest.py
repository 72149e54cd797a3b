"""Every test of the store runs on SQLite and on PostgreSQL, in a database of its own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from milepost.store.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from milepost.store.store import Store
    from tests.conftest import PostgresServer


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the schema and the workspace ``test``, to copy."""
    path = tmp_path_factory.mktemp("template") / "milepost.db"
    open_store(f"sqlite:///{path}", "test", blobs_url="").close()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    name = postgres_server.create_database()
    open_store(postgres_server.url(name), "test", blobs_url="").close()
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def new_database(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[bool], str]]:
    """Makes databases: ``new_database(True)`` is the address of one with the schema, ``(False)`` of an empty one."""
    made = []

    def make(with_schema: bool) -> str:
        made.append("")
        if engine_name == "sqlite":
            path = tmp_path / f"store{len(made)}" / "milepost.db"
            if with_schema:
                path.parent.mkdir()
                shutil.copy(request.getfixturevalue("sqlite_template"), path)
            return f"sqlite:///{path}"
        server: PostgresServer = request.getfixturevalue("postgres_server")
        template = request.getfixturevalue("postgres_template") if with_schema else "template0"
        made[-1] = server.create_database(template)
        return server.url(made[-1])

    yield make
    if engine_name == "postgresql":
        for name in made:
            request.getfixturevalue("postgres_server").drop_database(name)


@pytest.fixture
def empty_database_url(new_database: Callable[[bool], str]) -> str:
    """A database without tables."""
    return new_database(False)


@pytest.fixture
def database_url(new_database: Callable[[bool], str]) -> str:
    """A database with the schema and the workspace ``test``."""
    return new_database(True)


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[Store]:
    """An open, empty workspace."""
    opened = open_store(database_url, "test", blobs_url=str(tmp_path / "blobs"))
    yield opened
    opened.close()
