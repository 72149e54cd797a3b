"""Snapshots of folders: what is in them, what is refused, what is not read twice, and how they are written back."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import stat
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milepost.jobs import snapshots, source_folder, stat_memory
from milepost.jobs.snapshots import SnapshotRefused, diff, manifest, take, take_file, write_tree, write_zip
from milepost.jobs.source_folder import limit_from, shown_size
from milepost.store.blobs import Blobs, open_blobs
from milepost.store.errors import BadInput, NotFound, StoreDamaged
from milepost.store.manifest import SnapshotFile, encode

posix_only = pytest.mark.skipif(os.name == "nt", reason="needs links, FIFOs and modes")


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILEPOST_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("MILEPOST_SNAPSHOT_LIMIT", raising=False)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return open_blobs(str(tmp_path / "workspace" / "blobs"), owner="one")


def fill(folder: Path, *names: str, content: str = "") -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content or name)


def names_of(blobs: Blobs, folder: Path) -> list[str]:
    return [each.name for each in manifest(blobs, take(folder, blobs).manifest_digest)]


def read_tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def age(folder: Path) -> None:
    """Wait until the files' last change is further back than a tick of the file system's clock."""
    newest = max(max(path.stat().st_mtime_ns, path.stat().st_ctime_ns) for path in folder.rglob("*"))
    while time.time_ns() < newest + 60_000_000:
        time.sleep(0.01)


# -- what is in a snapshot ---------------------------------------------------------------------------------------


def test_it_has_all_files_with_their_contents_and_sizes(source: Path, blobs: Blobs) -> None:
    fill(source, "train.py", "lib/deep/mylib.py", "data/x.csv")
    taken = take(source, blobs)
    files = manifest(blobs, taken.manifest_digest)
    assert [each.name for each in files] == ["data/x.csv", "lib/deep/mylib.py", "train.py"]
    assert (taken.files, taken.bytes) == (3, sum(len(each.name) for each in files))
    assert all(blobs.open(each.digest).read().decode() == each.name for each in files)
    assert taken.left_out == []


def test_the_same_files_have_the_same_id_and_others_another(source: Path, blobs: Blobs, tmp_path: Path) -> None:
    fill(source, "a.py", "b/c.py")
    first = take(source, blobs)
    shutil.copytree(source, tmp_path / "copy")
    assert take(tmp_path / "copy", blobs).id == first.id
    fill(source, "a.py", content="changed")
    assert take(source, blobs).id != first.id


def test_an_empty_folder_has_an_empty_snapshot(source: Path, blobs: Blobs) -> None:
    taken = take(source, blobs)
    assert (taken.files, taken.bytes) == (0, 0)
    assert manifest(blobs, taken.manifest_digest) == ()


@posix_only
def test_who_may_execute_a_file_is_kept(source: Path, blobs: Blobs) -> None:
    fill(source, "run.sh", "train.py")
    (source / "run.sh").chmod(0o755)
    found = {each.name: each.executable for each in manifest(blobs, take(source, blobs).manifest_digest)}
    assert found == {"run.sh": True, "train.py": False}


def test_version_control_and_compiled_python_are_not_in_it(source: Path, blobs: Blobs) -> None:
    fill(source, "a.py", ".git/config", "__pycache__/a.cpython-311.pyc", "old.pyc", ".ipynb_checkpoints/n.ipynb")
    fill(source, "sub/.git", ".azureml/config.json", ".gitattributes", "outputs/model.pkl")
    assert names_of(blobs, source) == [".azureml/config.json", ".gitattributes", "a.py", "outputs/model.pkl"]


def test_a_virtual_environment_is_left_out_and_told(source: Path, blobs: Blobs) -> None:
    fill(source, "a.py", "venv/pyvenv.cfg", "venv/lib/site.py")
    taken = take(source, blobs)
    assert taken.files == 1
    assert taken.left_out == [
        "'venv' is not in the snapshot: it is a virtual environment, which works in its own place only"
    ]


def test_amlignore_holds_instead_of_gitignore(source: Path, blobs: Blobs) -> None:
    fill(source, "a.py", "b.log", "c.tmp")
    (source / ".gitignore").write_text("*.log\n")
    assert names_of(blobs, source) == [".gitignore", "a.py", "c.tmp"]
    (source / ".amlignore").write_text("*.tmp\n.*ignore\n")
    assert names_of(blobs, source) == ["a.py", "b.log"]


def test_ignore_files_of_subfolders_hold_below_them(source: Path, blobs: Blobs) -> None:
    fill(source, "x.log", "sub/x.log", "sub/keep.log", "sub/deep/x.log", "build/keep.log")
    (source / ".gitignore").write_text("*.log\nbuild/\n")
    (source / "sub" / ".gitignore").write_text("!keep.log\n/deep\n")
    (source / "build" / ".gitignore").write_text("!keep.log\n")  # its folder is left out, so nothing comes back
    assert names_of(blobs, source) == [".gitignore", "sub/.gitignore", "sub/keep.log"]


def test_milepost_s_own_files_are_not_in_it(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(source, "a.py", ".milepost/workspaces/w/workspace.json", "elsewhere/journals/j", "elsewhere/store.db")
    monkeypatch.setenv("MILEPOST_HOME", str(source / ".milepost"))
    inside = open_blobs(str(source / "elsewhere" / "blobs"))
    assert names_of(inside, source) == ["a.py"]
    assert names_of(inside, source) == ["a.py"]


# -- links and what is no file -----------------------------------------------------------------------------------


@posix_only
def test_links_within_the_folder_stand_for_what_they_lead_to(source: Path, blobs: Blobs) -> None:
    fill(source, "real/one.py", "two.py")
    (source / "link").symlink_to("real")
    (source / "copy.py").symlink_to(source / "two.py")
    taken = take(source, blobs)
    files = {each.name: each for each in manifest(blobs, taken.manifest_digest)}
    assert sorted(files) == ["copy.py", "link/one.py", "real/one.py", "two.py"]
    assert files["copy.py"].digest == files["two.py"].digest
    assert taken.left_out == []


@posix_only
def test_a_rule_for_folders_holds_for_a_link_to_one(source: Path, blobs: Blobs) -> None:
    fill(source, "real/one.py")
    (source / "data").symlink_to("real")
    (source / ".gitignore").write_text("data/\n")
    assert names_of(blobs, source) == [".gitignore", "real/one.py"]


@posix_only
def test_links_out_of_the_folder_or_nowhere_are_left_out_and_told(source: Path, blobs: Blobs, tmp_path: Path) -> None:
    fill(tmp_path, "secret.txt", "other/x.py")
    fill(source, "a.py", ".git/config")
    (source / "file").symlink_to("../secret.txt")
    (source / "folder").symlink_to(tmp_path / "other")
    (source / "gone").symlink_to("nowhere.txt")
    (source / "round").symlink_to("round")
    (source / "store").symlink_to(".git")
    (source / "ignored").symlink_to("/etc/passwd")
    (source / ".gitignore").write_text("/ignored\n")
    taken = take(source, blobs)
    assert taken.files == 2
    told = "\n".join(taken.left_out)
    for name in ("file", "folder", "gone", "round", "store"):
        assert f"'{name}' is not in the snapshot: it is a link" in told
    assert "'ignored'" not in told
    assert "leads out of the folder" in told
    assert "leads nowhere" in told


@posix_only
def test_a_folder_with_a_similar_name_is_outside(source: Path, blobs: Blobs) -> None:
    fill(source.parent, "source-secret/x.py")
    (source / "link").symlink_to("../source-secret")
    assert take(source, blobs).files == 0


@posix_only
def test_links_that_lead_back_do_not_go_round_for_ever(source: Path, blobs: Blobs) -> None:
    fill(source, "a/x.py", "b/y.py")
    (source / "a" / "up").symlink_to("..")
    (source / "a" / "b").symlink_to("../b")
    (source / "b" / "a").symlink_to("../a")
    taken = take(source, blobs)
    names = [each.name for each in manifest(blobs, taken.manifest_digest)]
    assert names == ["a/b/y.py", "a/x.py", "b/a/x.py", "b/y.py"]
    assert any("leads back" in each for each in taken.left_out)


@posix_only
def test_a_source_folder_may_be_a_link_itself(source: Path, blobs: Blobs, tmp_path: Path) -> None:
    fill(source, "a.py")
    (tmp_path / "link").symlink_to(source)
    assert take(tmp_path / "link", blobs).id == take(source, blobs).id


@posix_only
def test_sockets_and_fifos_are_left_out_and_told(source: Path, blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(source, "a.py")
    os.mkfifo(source / "pipe")
    monkeypatch.chdir(source)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("sock")
        taken = take(source, blobs)
    assert taken.files == 1
    assert taken.left_out == [
        "'pipe' is not in the snapshot: it is a FIFO",
        "'sock' is not in the snapshot: it is a socket",
    ]


@posix_only
def test_very_many_left_out_are_told_in_short(source: Path, blobs: Blobs) -> None:
    for number in range(100):
        (source / f"link{number}").symlink_to("/nowhere")
    told = take(source, blobs).left_out
    assert len(told) == 21
    assert told[-1].startswith("80 more")


# -- what is refused ---------------------------------------------------------------------------------------------


def test_the_root_of_the_disk_is_refused(blobs: Blobs) -> None:
    with pytest.raises(SnapshotRefused, match="is the root of the disk"):
        take(Path(Path.cwd().anchor), blobs)


def test_the_home_folder_is_refused(source: Path, blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(source))
    monkeypatch.setenv("USERPROFILE", str(source))
    with pytest.raises(SnapshotRefused, match="is your home folder"):
        take(source, blobs)
    fill(source, "project/a.py")
    assert take(source / "project", blobs).files == 1


def test_a_file_in_place_of_a_folder_is_refused_by_name(source: Path, blobs: Blobs) -> None:
    fill(source, "train.py")
    with pytest.raises(SnapshotRefused, match=r"train\.py' is a file, not a folder"):
        take(source / "train.py", blobs)


def test_a_folder_that_is_not_there_is_refused_by_name(source: Path, blobs: Blobs) -> None:
    with pytest.raises(SnapshotRefused, match="there is no source folder '.*absent'"):
        take(source / "absent", blobs)
    with pytest.raises(SnapshotRefused, match="NUL"):
        take(Path("a\0b"), blobs)


@posix_only
def test_names_that_cannot_be_kept_are_all_told(source: Path, blobs: Blobs) -> None:
    fill(source, "good.py", "back\\slash.py", "ends. ", "nul.txt")
    (source / os.fsdecode(b"latin\xe9.py")).touch()
    with pytest.raises(SnapshotRefused) as refused:
        take(source, blobs)
    for part in ("slash.py", "ends. ", "nul.txt", "not valid Unicode", ".amlignore"):
        assert part in str(refused.value)
    (source / ".amlignore").write_bytes(b"back*\nends*\nnul.txt\nlatin*\n.amlignore\n")
    assert names_of(blobs, source) == ["good.py"]


@posix_only
def test_unreadable_files_and_folders_are_refused_by_name() -> None:
    # Not in pytest's own folder, which others than its owner cannot enter.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o777)
        source = Path(folder, "source")
        fill(source, "good.py", "secret.py", "closed/x.py", "other.py")
        (source / "secret.py").chmod(0)
        (source / "other.py").chmod(0)
        said = _as_nobody(source, Path(folder, "blobs"))
        assert "'other.py' cannot be read (Permission denied); 'secret.py' cannot be read" in said
        (source / "closed").chmod(0)
        assert "'closed' cannot be read (Permission denied)" in _as_nobody(source, Path(folder, "blobs"))
        (source / "closed").chmod(0o755)


def _as_nobody(source: Path, where: Path) -> str:
    """What a process without the rights of root says of the snapshot."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            take(source, open_blobs(str(where)))
        except BaseException as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        text = said.read().decode()
    os.waitpid(child, 0)
    return text


def test_what_is_too_large_is_refused_with_the_largest_named(source: Path, blobs: Blobs) -> None:
    for name, size in (("data/big.bin", 5000), ("data/more.bin", 3000), ("weights.pt", 4000), ("a.py", 10)):
        fill(source, name, content="x" * size)
    with pytest.raises(SnapshotRefused) as refused:
        take(source, blobs, limit_bytes=10_000)
    said = str(refused.value)
    assert "its files have 11.7 KB, and a snapshot takes up to 9.8 KB" in said
    assert "The largest files: 'data/big.bin' (4.9 KB), 'weights.pt' (3.9 KB), 'data/more.bin' (2.9 KB)" in said
    assert "the largest folders: 'data/' (7.8 KB)" in said
    assert "MILEPOST_SNAPSHOT_LIMIT" in said
    assert ".amlignore" in said
    assert not list(blobs.list())
    assert take(source, blobs, limit_bytes=12_010).files == 4


def test_the_advice_to_write_an_amlignore_tells_what_becomes_of_gitignore(source: Path, blobs: Blobs) -> None:
    fill(source, "a.py", "nul.txt")
    with pytest.raises(SnapshotRefused, match=r"a line in \S+\.amlignore$"):
        take(source, blobs)
    fill(source, ".gitignore", content="*.log")
    with pytest.raises(SnapshotRefused, match=r"\.amlignore \(it holds in place of \.gitignore, so copy"):
        take(source, blobs)
    fill(source, ".amlignore", content="nul.txt")
    assert names_of(blobs, source) == [".amlignore", ".gitignore", "a.py"]


def test_the_limit_comes_from_the_environment(source: Path, blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(source, "a.py", content="x" * 5000)
    monkeypatch.setenv("MILEPOST_SNAPSHOT_LIMIT", "4KB")
    with pytest.raises(SnapshotRefused, match="takes up to 4 KB"):
        take(source, blobs)
    with pytest.raises(SnapshotRefused, match="takes up to 4 KB"):
        take_file(source / "a.py", blobs)
    monkeypatch.setenv("MILEPOST_SNAPSHOT_LIMIT", "1 gb")
    assert take(source, blobs).files == 1
    monkeypatch.setenv("MILEPOST_SNAPSHOT_LIMIT", "much")
    with pytest.raises(SnapshotRefused, match="MILEPOST_SNAPSHOT_LIMIT is 'much', which is no size"):
        take(source, blobs)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, 300 << 20), ("", 300 << 20), ("1000", 1000), ("1GB", 1 << 30), ("1.5 GiB", 3 << 29), ("20k", 20 << 10)],
)
def test_limits_are_read(text: str | None, expected: int) -> None:
    assert limit_from(text) == expected


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "B", "GB", "1 PB", "1e400", "ten", "1,5GB"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(SnapshotRefused):
        limit_from(text)


def test_sizes_are_shown_in_short() -> None:
    assert [shown_size(size) for size in (0, 1023, 1024, 1536, 300 << 20, 5 << 40)] == [
        *("0 bytes", "1023 bytes", "1 KB", "1.5 KB", "300 MB", "5120 GB"),
    ]


def test_a_folder_that_is_far_too_large_is_not_walked_to_its_end(
    source: Path, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_folder, "_LOOK_ON", 10)
    for number in range(200):
        fill(source, f"f{number:03}", content="x" * 100)
    looked: list[int] = []
    monkeypatch.setattr(source_folder, "_PIECE", 1)
    with pytest.raises(SnapshotRefused, match="more than "):
        take(source, blobs, limit_bytes=1000, pause=lambda: looked.append(1))
    assert len(looked) < 30


def test_files_that_grow_over_the_limit_while_they_are_read_are_refused(
    source: Path, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(source, "log.txt", "a.py")
    put = blobs.put_files

    def put_late(paths: list[str]) -> list[object]:
        (source / "log.txt").write_text("x" * 5000)
        return list(put(paths))

    monkeypatch.setattr(blobs, "put_files", put_late)
    with pytest.raises(SnapshotRefused, match="grew to 4.9 KB while they were read"):
        take(source, blobs, limit_bytes=1000)


def test_a_very_deep_folder_is_taken_and_one_too_deep_for_names_refused(source: Path, blobs: Blobs) -> None:
    fill(source, "a/" * 400 + "x.py")
    assert names_of(blobs, source) == ["a/" * 400 + "x.py"]
    fill(source, "b/" * 600 + "y.py")
    with pytest.raises(SnapshotRefused, match="1204 characters"):
        take(source, blobs)


@posix_only
def test_folders_that_all_link_to_one_another_end(source: Path, blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_folder, "MOST_FILES", 2000)
    for number in range(12):
        (source / str(number)).mkdir()
        for other in range(12):
            (source / str(number) / f"to{other}").symlink_to(f"../{other}")
    with pytest.raises(SnapshotRefused, match="more than 2,000 files and folders"):
        take(source, blobs)


def test_too_many_files_are_refused(source: Path, blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_folder, "MOST_FILES", 20)
    fill(source, *(f"many/{number}" for number in range(30)), "a.py")
    with pytest.raises(SnapshotRefused, match=r"more than 20 files and folders.*'many/' \(\d+\)"):
        take(source, blobs)


def test_the_taking_can_be_ended_from_outside(source: Path, blobs: Blobs) -> None:
    fill(source, *(f"f{number}" for number in range(100)))

    def enough() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(source, blobs, pause=enough)


# -- what is not read or stored twice ----------------------------------------------------------------------------


@pytest.fixture
def read_files(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read, as they are."""
    names: list[str] = []
    put = blobs.put_files
    monkeypatch.setattr(blobs, "put_files", lambda paths: names.extend(Path(each).name for each in paths) or put(paths))
    return names


def test_a_second_snapshot_reads_only_what_changed(
    source: Path, blobs: Blobs, tmp_path: Path, read_files: list[str]
) -> None:
    fill(source, "a.py", "b.py", "c/d.py")
    age(source)
    memory = tmp_path / "memories" / "one"
    first = take(source, blobs, memory=memory)
    assert sorted(read_files) == ["a.py", "b.py", "d.py"]
    read_files.clear()
    assert take(source, blobs, memory=memory) == first
    assert read_files == []
    fill(source, "b.py", content="B.py")  # as long as before
    (source / "new.py").touch()
    changed = take(source, blobs, memory=memory)
    assert sorted(read_files) == ["b.py", "new.py"]
    contents = {each.name: blobs.open(each.digest).read() for each in manifest(blobs, changed.manifest_digest)}
    assert contents == read_tree(source)


def test_a_file_that_changed_a_moment_ago_is_read_again(
    source: Path, blobs: Blobs, tmp_path: Path, read_files: list[str]
) -> None:
    fill(source, "old.py", "young.py")
    age(source)
    os.utime(source / "young.py", ns=(time.time_ns() + 10**12, time.time_ns() + 10**12))
    memory = tmp_path / "memory"
    take(source, blobs, memory=memory)
    read_files.clear()
    take(source, blobs, memory=memory)
    assert read_files == ["young.py"]


def test_a_change_in_the_very_moment_of_the_reading_is_noticed(source: Path, blobs: Blobs, tmp_path: Path) -> None:
    # Written over and over with texts of the same length, and taken all the time: what a snapshot says must be true.
    memory, path = tmp_path / "memory", source / "a.py"
    for number in range(200):
        path.write_text(f"value = {number:04}")
        taken = take(source, blobs, memory=memory)
        (file,) = manifest(blobs, taken.manifest_digest)
        assert blobs.open(file.digest).read().decode() == f"value = {number:04}"


def test_whole_seconds_are_taken_for_a_coarse_clock() -> None:
    second = 1_000_000_000

    def file(changed_ns: int) -> source_folder.SourceFile:
        return source_folder.SourceFile("a", "/a", 1, changed_ns, changed_ns, 1, False)

    assert stat_memory.is_settled(file(100 * second + 5), 101 * second)
    assert not stat_memory.is_settled(file(100 * second + 5), 100 * second + 10)
    assert not stat_memory.is_settled(file(100 * second), 102 * second)
    assert stat_memory.is_settled(file(100 * second), 104 * second)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": 2}', "null", '"x"', "cut", "digest"])
def test_a_damaged_memory_is_passed_over(source: Path, blobs: Blobs, tmp_path: Path, damage: str) -> None:
    fill(source, "a.py", "b.py")
    age(source)
    memory = tmp_path / "memory"
    first = take(source, blobs, memory=memory)
    content = memory.read_text()
    if damage == "cut":
        damage = content[: len(content) // 2]
    elif damage == "digest":
        facts = json.loads(content)
        facts["files"][0][-1] = "../../etc/passwd"
        damage = json.dumps(facts)
    memory.write_text(damage)
    assert take(source, blobs, memory=memory) == first
    assert memory.read_text() == content


def test_a_memory_of_another_folder_is_passed_over(source: Path, blobs: Blobs, tmp_path: Path) -> None:
    fill(source, "a.py")
    age(source)
    take(source, blobs, memory=tmp_path / "memory")
    fill(tmp_path / "other", "a.py", content="else")
    assert names_of(blobs, tmp_path / "other") == ["a.py"]
    taken = take(tmp_path / "other", blobs, memory=tmp_path / "memory")
    assert taken.id == take(tmp_path / "other", blobs).id


def test_a_memory_that_cannot_be_written_is_done_without(source: Path, blobs: Blobs, tmp_path: Path) -> None:
    fill(source, "a.py")
    (tmp_path / "file").touch()
    assert take(source, blobs, memory=tmp_path / "file" / "memory").files == 1


def test_folders_that_were_not_taken_for_long_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stat_memory, "MOST_FOLDERS", 3)
    for number in range(6):
        memory = stat_memory.memory_file(tmp_path / "memories", tmp_path / str(number))
        stat_memory.remember(memory, tmp_path / str(number), {})
        os.utime(memory, (number, number))
    stat_memory.remember(memory, tmp_path / "5", {})
    assert len(list((tmp_path / "memories").iterdir())) == 3
    assert memory.exists()


def test_contents_that_a_sweep_has_freed_are_stored_anew(
    source: Path, blobs: Blobs, tmp_path: Path, read_files: list[str]
) -> None:
    fill(source, "a.py", "b.py", "same.py", "c/same.py")
    fill(source, "same.py", "c/same.py", content="twice")
    age(source)
    taken = take(source, blobs, memory=tmp_path / "memory")
    files = {each.name: each for each in manifest(blobs, taken.manifest_digest)}
    for name in ("a.py", "same.py"):
        blobs.delete(files[name].digest)
    read_files.clear()
    assert take(source, blobs, memory=tmp_path / "memory") == taken
    assert sorted(read_files) == ["a.py", "same.py", "same.py"]
    assert all(blobs.exists(each.digest) for each in files.values())


def test_what_is_taken_again_is_safe_from_the_next_sweep(source: Path, blobs: Blobs, tmp_path: Path) -> None:
    fill(source, "a.py", "b.py")
    age(source)
    taken = take(source, blobs, memory=tmp_path / "memory")
    long_ago = time.time() - 10_000
    for path in Path(blobs.address).glob("sha256/*/*"):
        os.utime(path, (long_ago, long_ago))
    take(source, blobs, memory=tmp_path / "memory")
    digests = [each.digest for each in manifest(blobs, taken.manifest_digest)]
    assert blobs.free([*digests, taken.manifest_digest], 600).blobs == 0


def test_files_that_go_away_meanwhile_are_not_in_it(
    source: Path, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(source, "a.py", "b.tmp", "c.py")
    put = blobs.put_files

    def put_late(paths: list[str]) -> list[object]:
        (source / "b.tmp").unlink(missing_ok=True)
        return list(put(paths))

    monkeypatch.setattr(blobs, "put_files", put_late)
    assert names_of(blobs, source) == ["a.py", "c.py"]


def test_a_snapshot_while_files_change_is_whole_in_itself(source: Path, blobs: Blobs) -> None:
    fill(source, *(f"f{number}.txt" for number in range(40)))
    done = threading.Event()

    def change() -> None:
        dice = random.Random(1)
        while not done.is_set():
            path = source / f"f{dice.randrange(40)}.txt"
            path.write_text("x" * dice.randrange(3000))

    writer = threading.Thread(target=change)
    writer.start()
    try:
        for _ in range(5):
            for file in manifest(blobs, take(source, blobs).manifest_digest):
                assert len(blobs.open(file.digest).read()) == file.size
    finally:
        done.set()
        writer.join()


def test_one_file_is_a_snapshot_too(source: Path, blobs: Blobs) -> None:
    fill(source, "lib/train.py")
    (file,) = manifest(blobs, take_file(source / "lib" / "train.py", blobs).manifest_digest)
    assert (file.name, file.size) == ("train.py", 12)
    with pytest.raises(SnapshotRefused, match="absent"):
        take_file(source / "absent.py", blobs)


# -- writing it back ---------------------------------------------------------------------------------------------


def stored(blobs: Blobs, **contents: bytes) -> list[SnapshotFile]:
    files = []
    for name, content in contents.items():
        blob = blobs.put_bytes(content)
        files.append(SnapshotFile(name, blob.digest, blob.size))
    return files


def test_a_tree_is_written_as_it_was(source: Path, blobs: Blobs, tmp_path: Path) -> None:
    fill(source, "a.py", "b/c/d.py", "empty/.keep", "big.bin")
    (source / "big.bin").write_bytes(os.urandom(3 << 20))
    (source / "none").touch()
    files = manifest(blobs, take(source, blobs).manifest_digest)
    write_tree(blobs, files, tmp_path / "new" / "work")
    assert read_tree(tmp_path / "new" / "work") == read_tree(source)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["work"]
    (tmp_path / "empty").mkdir()
    write_tree(blobs, files, tmp_path / "empty")
    assert read_tree(tmp_path / "empty") == read_tree(source)


@posix_only
def test_executables_stay_so_in_a_tree(source: Path, blobs: Blobs, tmp_path: Path) -> None:
    fill(source, "run.sh", "a.py")
    (source / "run.sh").chmod(0o755)
    write_tree(blobs, manifest(blobs, take(source, blobs).manifest_digest), tmp_path / "work")
    assert os.access(tmp_path / "work" / "run.sh", os.X_OK)
    assert not (tmp_path / "work" / "a.py").stat().st_mode & 0o111


def test_a_tree_is_not_written_over_what_is_there(blobs: Blobs, tmp_path: Path) -> None:
    files = stored(blobs, a=b"new")
    fill(tmp_path / "work", "mine.txt")
    with pytest.raises(BadInput, match="is there already"):
        write_tree(blobs, files, tmp_path / "work")
    assert read_tree(tmp_path / "work") == {"mine.txt": b"mine.txt"}


@pytest.mark.parametrize(
    "name", ["../out", "/abs", "a/../../out", "a\\..\\out", "C:/x", "a//b", "./a", "a/", "", "nul", "x\0y", ".."]
)
def test_hostile_names_are_written_nowhere(blobs: Blobs, tmp_path: Path, name: str) -> None:
    blob = blobs.put_bytes(b"evil")
    files = [*stored(blobs, good=b"good"), SnapshotFile(name, blob.digest, blob.size)]
    before = read_tree(tmp_path)
    with pytest.raises(BadInput):
        write_tree(blobs, files, tmp_path / "work")
    with pytest.raises(BadInput):
        write_zip(blobs, files, tmp_path / "out.zip")
    assert read_tree(tmp_path) == before
    assert not (tmp_path / "work").exists()
    with pytest.raises(BadInput):
        manifest(blobs, blobs.put_bytes(encode(files)).digest)


@pytest.mark.parametrize("names", [("a", "a"), ("a", "a/b"), ("a/b/c", "a/b"), ("x", "a/b", "a", "y")])
def test_names_that_stand_in_each_other_s_way_are_refused(blobs: Blobs, tmp_path: Path, names: tuple[str, ...]) -> None:
    blob = blobs.put_bytes(b"x")
    files = [SnapshotFile(name, blob.digest, blob.size) for name in names]
    with pytest.raises(BadInput, match=r"name twice|both as a file and as a folder"):
        write_tree(blobs, files, tmp_path / "work")
    with pytest.raises(BadInput):
        write_zip(blobs, files, tmp_path / "out.zip")


@pytest.mark.parametrize("trouble", ["missing", "damaged", "short"])
def test_nothing_is_left_of_a_tree_or_archive_that_cannot_be_completed(
    blobs: Blobs, tmp_path: Path, trouble: str
) -> None:
    files = stored(blobs, a=b"first", b=b"second", c=b"third")
    path = Path(blobs.address) / "sha256" / files[1].digest[:2] / files[1].digest[2:]
    if trouble == "missing":
        path.unlink()
    else:
        path.write_bytes(b"SECOND" if trouble == "damaged" else b"sec")
    out = tmp_path / "out"
    out.mkdir()
    expected = NotFound if trouble == "missing" else StoreDamaged
    with pytest.raises(expected):
        write_tree(blobs, files, out / "work")
    with pytest.raises(expected):
        write_zip(blobs, files, out / "a.zip")
    assert list(out.iterdir()) == []


def test_a_damaged_manifest_is_told(source: Path, blobs: Blobs) -> None:
    fill(source, "a.py")
    digest = take(source, blobs).manifest_digest
    path = Path(blobs.address) / "sha256" / digest[:2] / digest[2:]
    path.write_bytes(path.read_bytes().replace(b"a.py", b"b.py"))
    with pytest.raises(StoreDamaged, match=digest):
        manifest(blobs, digest)
    with pytest.raises(NotFound):
        manifest(blobs, "0" * 64)


def test_an_archive_has_the_files_with_their_modes(source: Path, blobs: Blobs, tmp_path: Path) -> None:
    fill(source, "run.sh", "b/c.py")
    (source / "run.sh").chmod(0o755)
    files = manifest(blobs, take(source, blobs).manifest_digest)
    write_zip(blobs, files, tmp_path / "deep" / "a.zip")
    with zipfile.ZipFile(tmp_path / "deep" / "a.zip") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == read_tree(source)
        modes = {each.filename: each.external_attr >> 16 for each in archive.infolist()}
    assert modes["b/c.py"] == stat.S_IFREG | 0o644
    assert os.name == "nt" or modes["run.sh"] == stat.S_IFREG | 0o755


def test_the_same_files_give_the_same_archive(blobs: Blobs, tmp_path: Path) -> None:
    files = stored(blobs, a=b"one", b=b"two")
    write_zip(blobs, files, tmp_path / "1.zip")
    write_zip(blobs, files[::-1], tmp_path / "2.zip")
    write_zip(blobs, files, tmp_path / "1.zip")  # replaces the one that is there
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    with pytest.raises(BadInput, match="is a folder"):
        write_zip(blobs, files, tmp_path)


plain_parts = st.text("abcXYZ 09_é-", min_size=1, max_size=6).filter(lambda part: part == part.strip())
plain_names = st.lists(plain_parts, min_size=1, max_size=3).map("/".join)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.dictionaries(plain_names, st.binary(max_size=50), max_size=6), number=st.uuids())
def test_any_folder_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, blobs: Blobs, contents: dict[str, bytes], number: object
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name, content in contents.items():
        path = folder / "in" / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError:
            continue  # a file where a folder is, or the other way round
    (folder / "in").mkdir(exist_ok=True)
    files = manifest(blobs, take(folder / "in", blobs).manifest_digest)
    write_tree(blobs, files, folder / "out")
    assert read_tree(folder / "out") == read_tree(folder / "in")


def test_a_difference_names_what_was_added_removed_and_changed(blobs: Blobs) -> None:
    before = stored(blobs, a=b"1", b=b"2", c=b"3", d=b"4")
    after = [before[0], *stored(blobs, b=b"two", e=b"5"), SnapshotFile("d", before[3].digest, 1, True)]
    found = diff(before, after)
    assert (found.added, found.removed, found.changed) == (("e",), ("c",), ("b", "d"))
    assert diff(before, before[::-1]) == snapshots.Difference((), (), ())


def test_taking_a_snapshot_loads_nothing_heavy() -> None:
    import subprocess

    source = "import sys, milepost.jobs.snapshots; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60)
    assert not {"numpy", "sqlalchemy", "obstore", "pathspec", "zipfile", "concurrent.futures"} & set(
        done.stdout.split()
    )
