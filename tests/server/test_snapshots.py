from __future__ import annotations

import difflib
import io
import os
import subprocess
import zipfile
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azureml.core import Experiment, Run
from milepost.server.text_diff import LARGEST, unified_diff


@pytest.fixture
def two(experiment: Experiment, tmp_path: Path) -> tuple[str, str]:
    """The ids of two snapshots of a folder that has changed between them."""
    folder = tmp_path / "project"
    (folder / "lib").mkdir(parents=True)
    (folder / "train.py").write_text("import os\nprint('one')\n")
    (folder / "lib" / "data.bin").write_bytes(bytes(range(256)))
    (folder / "run.sh").write_text("echo\n")
    (folder / "gone.txt").write_text("gone\n")
    ids = [_snapshot(experiment.start_logging(snapshot_directory=str(folder)))]
    (folder / "train.py").write_text("import os\nprint('two')\n")
    (folder / "lib" / "data.bin").write_bytes(bytes(reversed(range(256))))
    (folder / "run.sh").chmod(0o755)
    (folder / "gone.txt").unlink()
    (folder / "new.html").write_text("<script>alert(1)</script>")
    ids.append(_snapshot(experiment.start_logging(snapshot_directory=str(folder))))
    return ids[0], ids[1]


def _snapshot(run: Run) -> str:
    run.complete()
    return str(run._recorder.open_store().snapshots(run.id)[0].id)


def test_a_snapshot_with_its_files(client: httpx.Client, two: tuple[str, str]) -> None:
    found = client.get(f"/snapshots/{two[1]}").raise_for_status().json()
    assert {each["name"]: each["size"] for each in found["files"]} == {
        "lib/data.bin": 256,
        "new.html": 25,
        "run.sh": 5,
        "train.py": 23,
    }
    assert [each["name"] for each in found["files"] if each["executable"]] == ["run.sh"]
    assert (found["total"], found["bytes"]) == (4, 309)
    page = client.get(f"/snapshots/{two[1]}", params={"offset": 1, "limit": 2}).json()
    assert [each["name"] for each in page["files"]] == ["new.html", "run.sh"]
    unknown = client.get("/snapshots/00000000-0000-0000-0000-000000000000")
    assert unknown.status_code == 404


def test_files_of_snapshots(client: httpx.Client, two: tuple[str, str]) -> None:
    source = client.get(f"/snapshots/{two[0]}/files/train.py")
    assert source.text == "import os\nprint('one')\n"
    assert source.headers["content-type"] == "text/plain; charset=utf-8"
    page = client.get(f"/snapshots/{two[1]}/files/new.html")
    assert page.headers["content-disposition"].startswith("attachment")
    assert client.get(f"/snapshots/{two[1]}/preview/train.py").json()["text"] == "import os\nprint('two')\n"
    for kind in ("files", "preview"):
        assert client.get(f"/snapshots/{two[0]}/{kind}/nothing.py").status_code == 404


def test_the_zip_of_a_snapshot(client: httpx.Client, two: tuple[str, str], tmp_path: Path) -> None:
    found = client.get(f"/snapshots/{two[1]}/zip")
    assert found.content == client.get(f"/snapshots/{two[1]}/zip").content
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        assert archive.testzip() is None
        assert archive.read("train.py") == b"import os\nprint('two')\n"
        modes = {each.filename: each.external_attr >> 16 & 0o777 for each in archive.infolist()}
    assert modes == {"lib/data.bin": 0o644, "new.html": 0o644, "run.sh": 0o755, "train.py": 0o644}


def test_what_changed(client: httpx.Client, two: tuple[str, str]) -> None:
    found = client.get(f"/snapshots/{two[0]}/diff/{two[1]}").json()
    changed = ["lib/data.bin", "run.sh", "train.py"]
    assert found == {"added": ["new.html"], "removed": ["gone.txt"], "changed": changed}
    assert client.get(f"/snapshots/{two[0]}/diff/{two[0]}").json() == {"added": [], "removed": [], "changed": []}


def test_what_cannot_change_is_not_sent_again(client: httpx.Client, two: tuple[str, str]) -> None:
    for address in (f"/snapshots/{two[0]}", f"/snapshots/{two[0]}/zip", f"/snapshots/{two[0]}/diff/{two[1]}"):
        etag = client.get(address).headers["etag"]
        again = client.get(address, headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"/snapshots/{two[1]}", headers={"If-None-Match": etag}).status_code == 200


def test_what_changed_in_a_file(client: httpx.Client, two: tuple[str, str]) -> None:
    def diff(name: str) -> str:
        found = client.get(f"/snapshots/{two[0]}/diff/{two[1]}/{name}").raise_for_status()
        assert found.headers["content-type"] == "text/plain; charset=utf-8"
        return found.text

    assert diff("train.py") == (
        "--- a/train.py\n+++ b/train.py\n@@ -1,2 +1,2 @@\n import os\n-print('one')\n+print('two')\n"
    )
    assert diff("gone.txt") == "--- a/gone.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n"
    assert diff("new.html").startswith("--- /dev/null\n+++ b/new.html\n@@ -0,0 +1 @@\n+<script>")
    assert diff("run.sh") == ""
    assert diff("lib/data.bin") == "Binary files a/lib/data.bin and b/lib/data.bin differ\n"
    assert client.get(f"/snapshots/{two[0]}/diff/{two[1]}/never.txt").status_code == 404


def test_large_files_are_not_compared(client: httpx.Client, experiment: Experiment, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "large.txt").write_bytes(b"x" * (LARGEST + 1))
    one = _snapshot(experiment.start_logging(snapshot_directory=str(folder)))
    (folder / "large.txt").write_bytes(b"y" * (LARGEST + 1))
    other = _snapshot(experiment.start_logging(snapshot_directory=str(folder)))
    found = client.get(f"/snapshots/{one}/diff/{other}/large.txt")
    assert found.status_code == 413
    assert "download both" in found.json()["error"]["message"]


_texts = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n", "d\r\n", "é\n"]), max_size=40).map("".join)


@given(_texts, _texts, st.sampled_from(["", "no end"]), st.sampled_from(["", "no end"]))
def test_applying_the_difference_gives_the_other_text(one: str, other: str, end: str, other_end: str) -> None:
    before, after = (one + end).encode(), (other + other_end).encode()
    assert _applied(before, unified_diff(before, after, "x")) == after


def test_more_lines_than_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    before = "".join(f"line {number}\n" for number in range(9000))
    after = before.replace("line 1000\n", "changed\n").replace("line 8000\n", "")
    text = unified_diff(before.encode(), after.encode(), "x")
    assert _applied(before.encode(), text) == after.encode()
    assert text.startswith("--- a/x\n+++ b/x\n@@ -998,7007 +998,7006 @@\n line 997\n line 998\n line 999\n-line 1000\n")
    assert text.endswith("\n line 8001\n line 8002\n line 8003\n")
    # What lies outside of the changed lines does not count.
    near = before.replace("line 5000\n", "changed\n")
    assert unified_diff(before.encode(), near.encode(), "x") == "".join(
        difflib.unified_diff(before.splitlines(True), near.splitlines(True), "a/x", "b/x")
    )


def test_git_takes_the_difference(tmp_path: Path) -> None:
    before, after = b"a\nb\nc\n", b"a\nB\nc\nno end"
    (tmp_path / "x").write_bytes(before)
    text = unified_diff(before, after, "x").encode()
    done = subprocess.run(["git", "apply", "-"], input=text, cwd=tmp_path, env={**os.environ, "GIT_DIR": "none"}, check=False, capture_output=True)  # fmt: skip  # noqa: E501
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "x").read_bytes() == after


def _applied(before: bytes, text: str) -> bytes:
    """The text that a difference leads to."""
    if not text:
        return before
    old = before.decode().split("\n")
    old = [f"{line}\n" for line in old[:-1]] + ([old[-1]] if old[-1] else [])
    lines = [each + "\n" for each in text.split("\n")[:-1]][2:]
    for number in [number for number, line in enumerate(lines) if line.startswith("\\ No newline")]:
        lines[number - 1] = lines[number - 1][:-1]
    new: list[str] = []
    position = 0
    for line in lines:
        if line.startswith("@@"):
            start, _, count = line.split()[1][1:].partition(",")
            begin = int(start) - (1 if count != "0" else 0)
            new += old[position:begin]
            position = begin
        elif line[0] in " -":
            assert old[position] == line[1:]
            position += 1
            if line[0] == " ":
                new.append(line[1:])
        elif line[0] == "+":
            new.append(line[1:])
    return "".join(new + old[position:]).encode()
