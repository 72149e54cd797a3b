"""``milepost runs files`` and ``download``."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from azureml.core import Experiment, Workspace

from .conftest import Command, Record, one_line

FILES = {"outputs/model.pkl": b"model", "outputs/deep/a b.txt": b"text", "outputs2.txt": b"other", "logs/l.txt": b"log"}


@pytest.fixture
def run_id(home: Path, record: Record) -> str:
    def work(workspace: Workspace) -> str:
        run = Experiment(workspace, "e").start_logging()
        for name, content in FILES.items():
            Path("file").write_bytes(content)
            run.upload_file(name, "file")
        run.complete()
        return str(run.id)

    return str(record(work))


def below(folder: str) -> dict[str, bytes]:
    root = Path(folder)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


class TestFiles:
    def test_all_are_listed_with_size_and_digest(self, run_id: str, milepost: Command) -> None:
        found = milepost("runs", "files", run_id, "--json").json["files"]
        assert {each["name"]: each["size"] for each in found} == {name: len(text) for name, text in FILES.items()}
        digests = {each["name"]: each["digest"] for each in found}
        assert digests["logs/l.txt"] == hashlib.sha256(b"log").hexdigest()
        assert set(found[0]) == {"name", "size", "digest", "content_type", "created"}
        assert next(line.split()[0] for line in milepost("runs", "files", run_id).out.splitlines()[1:]) == "logs/l.txt"

    def test_a_prefix_narrows_them(self, run_id: str, milepost: Command) -> None:
        found = milepost("runs", "files", run_id, "outputs/", "--json").json["files"]
        assert [each["name"] for each in found] == ["outputs/deep/a b.txt", "outputs/model.pkl"]

    def test_show_lists_them(self, run_id: str, milepost: Command) -> None:
        said = milepost("runs", "show", run_id).out
        assert "Files (4)" in said
        assert "outputs/model.pkl" in said


class TestDownload:
    def test_all_files_keep_their_names_below_the_folder(self, run_id: str, milepost: Command) -> None:
        said = milepost("runs", "download", run_id, "-o", "new/folder").out.splitlines()
        assert below("new/folder") == FILES
        assert sorted(said) == sorted(f"new/folder/{name}" for name in FILES)

    def test_a_name_gives_one_file_and_a_prefix_several(self, run_id: str, milepost: Command) -> None:
        milepost("runs", "download", run_id, "outputs/model.pkl", "-o", "one")
        assert below("one") == {"outputs/model.pkl": b"model"}
        done = milepost("runs", "download", run_id, "outputs/", "-o", "two", "--json").json["files"]
        assert sorted(below("two")) == ["outputs/deep/a b.txt", "outputs/model.pkl"]
        assert [each["path"] for each in done] == ["two/outputs/deep/a b.txt", "two/outputs/model.pkl"]

    def test_without_a_folder_they_are_written_here(self, run_id: str, milepost: Command) -> None:
        milepost("runs", "download", run_id, "logs")
        assert Path("logs/l.txt").read_bytes() == b"log"

    def test_a_file_that_is_there_is_replaced_only_when_asked(self, run_id: str, milepost: Command) -> None:
        Path("outputs").mkdir()
        Path("outputs/model.pkl").write_bytes(b"mine")
        assert "--force" in one_line(milepost("runs", "download", run_id, ok=False))
        assert Path("outputs/model.pkl").read_bytes() == b"mine"
        assert not Path("logs").exists()
        milepost("runs", "download", run_id, "--force")
        assert Path("outputs/model.pkl").read_bytes() == b"model"

    def test_a_link_in_the_folder_does_not_lead_out_of_it(self, run_id: str, milepost: Command, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        Path("into").mkdir()
        Path("into/outputs").symlink_to(outside)
        one_line(milepost("runs", "download", run_id, "-o", "into", "--force", ok=False))
        assert list(outside.iterdir()) == []

    @pytest.mark.parametrize("name", ["absent", "../x", "/etc/passwd", "outputs/model.pkl2"])
    def test_what_is_not_there_is_an_error(self, run_id: str, milepost: Command, name: str) -> None:
        assert "milepost runs files" in one_line(milepost("runs", "download", run_id, name, ok=False))

    def test_a_file_in_the_folders_place_is_an_error(self, run_id: str, milepost: Command) -> None:
        Path("taken").write_text("x")
        assert "is a file" in one_line(milepost("runs", "download", run_id, "-o", "taken", ok=False))
