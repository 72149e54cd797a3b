"""A script and the system that collects its files name the same files, without standing in each other's way."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from azureml.core import Run, Workspace
from azureml.exceptions import UserErrorException


def capture(run: Run, name: str, content: bytes) -> None:
    """As the process does that watches the script's working directory."""
    blob = run._recorder.open_store().put_bytes(content)
    data = {"name": name, "digest": blob.digest, "size": blob.size, "captured": True}
    run._recorder.writer.event("artifact", run.id, data)


def content(run: Run, name: str) -> bytes:
    run.download_file(name, "there")
    return Path("there").read_bytes()


@pytest.mark.parametrize("knows", [True, False])
def test_a_script_uploads_what_was_only_captured_so_far(ws: Workspace, run: Run, knows: bool) -> None:
    capture(run, "outputs/model", b"half of it")
    script = run if knows else ws.get_run(run.id)
    assert script.get_file_names() == ["outputs/model"]
    script.upload_file("outputs/model", io.BytesIO(b"all of it"))
    assert content(script, "outputs/model") == b"all of it"
    capture(run, "outputs/model", b"captured once more")
    assert content(script, "outputs/model") == b"all of it"
    assert script.get_file_names() == ["outputs/model"]
    for again in (script, ws.get_run(run.id)):
        with pytest.raises(UserErrorException, match="already"):
            again.upload_file("outputs/model", io.BytesIO(b"other"))


def test_a_folder_is_uploaded_over_what_was_captured_of_it(ws: Workspace, run: Run) -> None:
    folder = Path("outputs")
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_text(name)
        capture(run, f"outputs/{name}", b"captured")
    script = ws.get_run(run.id)
    script.upload_folder("outputs", "outputs")
    script.upload_files(["logs/x"], ["outputs/a"])
    assert script.get_file_names() == ["logs/x", "outputs/a", "outputs/b"]
    assert content(script, "outputs/b") == b"b"


def test_names_that_differ_in_case_from_captured_ones_are_kept_beside_them(ws: Workspace, run: Run) -> None:
    capture(run, "outputs/Model", b"captured")
    script = ws.get_run(run.id)
    script.upload_file("outputs/model", io.BytesIO(b"uploaded"))
    first, second = script.get_file_names()
    assert first == "outputs/Model"
    assert second.startswith("outputs/model.conflict-")
    assert (content(script, first), content(script, second)) == (b"captured", b"uploaded")
