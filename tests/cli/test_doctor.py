"""``milepost doctor`` finds what is wrong on a machine and says what to do; it changes nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from azureml.core import Experiment
from milepost.cli import checks, workspace_checks

from .conftest import Command, Record, make_newer, record_and_die, recording

PROBLEM = "problem"


def one_run(workspace: Any) -> None:
    Experiment(workspace, "e").start_logging().complete()


def problems(milepost: Command) -> list[dict[str, Any]]:
    """What doctor finds wrong, after checking that each says what to do and that the exit code tells of it."""
    from milepost.cli.app import run

    wrong = run(["doctor"])
    result = milepost("doctor", "--json", ok=not wrong)
    assert result.json["ok"] is not bool(wrong)
    found = [each for each in result.json["findings"] if each["status"] == PROBLEM]
    assert result.json["problems"] == len(found)
    assert bool(found) is bool(wrong)
    return found


def only(found: list[dict[str, Any]], check: str) -> dict[str, Any]:
    assert [each["check"] for each in found] == [check], found
    return found[0]


class TestSoundMachine:
    def test_nothing_is_wrong_with_a_new_one_and_nothing_is_made(self, home: Path, milepost: Command) -> None:
        assert milepost("doctor").out.splitlines()[-1] == "Nothing is wrong."
        assert not home.exists()

    def test_nothing_is_wrong_after_a_run_and_no_file_changes(
        self, home: Path, record: Record, milepost: Command
    ) -> None:
        record(one_run)
        before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
        assert problems(milepost) == []
        assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before

    def test_every_check_is_named(self, home: Path, record: Record, milepost: Command) -> None:
        record(one_run)
        found = milepost("doctor", "--json").json["findings"]
        assert [each["check"] for each in found] == [
            "versions",
            "azureml",
            "config",
            "home",
            "disk",
            "network-disk",
            "uv",
            "environments",
            "store",
            "journals",
        ]
        assert all(set(each) == {"check", "status", "found", "advice", "path", "workspace"} for each in found)


class TestPackages:
    @pytest.fixture
    def site(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "site"
        folder.mkdir()
        monkeypatch.syspath_prepend(folder)
        return folder

    def install(self, site: Path, name: str, version: str, files: list[str], top_level: str | None = None) -> None:
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
        if top_level:
            (info / "top_level.txt").write_text(top_level)

    def test_azureml_core_is_found_by_its_files(self, home: Path, site: Path, milepost: Command) -> None:
        self.install(site, "azureml-core", "1.61.0", ["azureml/core/__init__.py"])
        self.install(site, "innocent", "1.0", ["innocent/azureml/x.py", "innocent_azureml/y.py"])
        found = only(problems(milepost), "azureml")
        assert "azureml-core 1.61.0" in found["found"]
        assert "pip uninstall azureml-core;" in found["advice"]

    def test_others_are_found_by_their_top_level(self, home: Path, site: Path, milepost: Command) -> None:
        self.install(site, "azureml-widgets", "1.60.0", [], top_level="azureml\n")
        assert "azureml-widgets 1.60.0" in only(problems(milepost), "azureml")["found"]

    def test_a_half_removed_distribution_does_no_harm(self, home: Path, site: Path, milepost: Command) -> None:
        (site / "ruin-1.0.dist-info").mkdir()
        assert problems(milepost) == []

    def test_a_folder_called_azureml_beside_the_scripts_is_found(self, home: Path, milepost: Command) -> None:
        Path("azureml").mkdir()
        assert "in place of the package" in only(problems(milepost), "azureml")["found"]

    def test_another_package_first_on_the_path_is_found(self, home: Path, site: Path) -> None:
        (site / "azureml").mkdir()
        (site / "azureml" / "__init__.py").touch()
        source = "import sys; from milepost.cli.app import run; sys.exit(run(['doctor']))"
        done = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(site)!r}); {source}"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert f"`import azureml` takes {site / 'azureml'}" in done.stdout

    @pytest.mark.parametrize(
        ("python", "sqlite", "words"),
        [((3, 9, 7), (3, 45, 0), "Python 3.9.7 is too old"), ((3, 11, 0), (3, 34, 1), "SQLite 3.34.1")],
    )
    def test_versions_that_are_too_old_are_found(
        self, python: tuple[int, ...], sqlite: tuple[int, ...], words: str
    ) -> None:
        (found,) = checks.check_versions(python, sqlite)
        assert found.status == PROBLEM
        assert words in found.found
        assert found.advice


class TestConfig:
    @pytest.mark.parametrize("content", ["{", "[]", '{"workspace_name": 3}', '{"workspace_name": "../x"}'])
    def test_a_broken_one_on_the_way_up_is_found(
        self, home: Path, milepost: Command, monkeypatch: pytest.MonkeyPatch, content: str
    ) -> None:
        Path(".azureml").mkdir()
        file = Path(".azureml/config.json").absolute()
        file.write_text(content)
        Path("below").mkdir()
        monkeypatch.chdir("below")
        found = only(problems(milepost), "config")
        assert str(file) in found["found"]
        assert found["advice"]

    def test_which_workspace_scripts_record_in_is_told(self, home: Path, milepost: Command) -> None:
        Path("config.json").write_text('{"workspace_name": "mine"}')
        told = next(each for each in milepost("doctor", "--json").json["findings"] if each["check"] == "config")
        assert "'mine'" in told["found"]


class TestHome:
    def test_one_that_cannot_be_made_is_found(
        self, home: Path, milepost: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home.write_text("a file in its place")
        found = only([each for each in problems(milepost) if each["check"] != "workspace"], "home")
        assert "is not a folder" in found["found"]
        assert "MILEPOST_HOME" in found["advice"]

    @pytest.mark.skipif("not hasattr(os, 'geteuid') or os.geteuid() == 0", reason="root may write everywhere")
    def test_one_without_the_right_to_write_is_found(self, home: Path, milepost: Command) -> None:
        home.mkdir(mode=0o500)
        assert "Permission denied" in only(problems(milepost), "home")["found"]

    @pytest.mark.skipif("sys.platform != 'linux' or os.geteuid() != 0", reason="only root can mount")
    def test_a_disk_that_can_only_be_read_and_is_full_is_found(
        self, home: Path, record: Record, milepost: Command
    ) -> None:
        home.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", home], check=False).returncode:
            pytest.skip("this machine allows no mounts")
        try:
            record(one_run)
            assert "are free on the disk" in only(problems(milepost), "disk")["found"]
            subprocess.run(["mount", "-o", "remount,ro", home], check=True)
            checked = [each["check"] for each in problems(milepost)]
            assert checked[:2] == ["home", "disk"]
            assert "workspace" in checked
        finally:
            subprocess.run(["umount", home], check=True)

    def test_little_room_is_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage(10**12, 10**12, 5_000_000))
        (found,) = checks.check_disk(tmp_path)
        assert found.status == PROBLEM
        assert "only 5.0 MB" in found.found


MOUNTS = r"""/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw,vers=4.2 0 0
//nas/share /mnt/my\040share cifs rw 0 0
me@host: /home/me/remote fuse.sshfs rw 0 0
/dev/sdb1 /home/me/local xfs rw 0 0
tmpfs /tmp tmpfs rw 0 0
server:/tmp /tmp nfs rw 0 0
broken
"""


class TestNetworkDisk:
    @pytest.mark.parametrize(
        ("folder", "kind"),
        [
            ("/var/lib", "ext4"),
            ("/home", "nfs4"),
            ("/home/me/.milepost", "nfs4"),
            ("/homes", "ext4"),
            ("/home/me/remote/x", "fuse.sshfs"),
            ("/home/me/local/x", "xfs"),
            ("/mnt/my share/x", "cifs"),
            ("/tmp/x", "nfs"),
        ],
    )
    def test_the_file_system_of_a_folder_is_the_one_mounted_nearest(self, folder: str, kind: str) -> None:
        assert checks.file_system(Path(folder), MOUNTS) == kind

    @pytest.mark.skipif("sys.platform != 'linux'", reason="reads /proc/mounts")
    @pytest.mark.parametrize(("kind", "wrong"), [("nfs4", True), ("fuse.sshfs", True), ("9p", True), ("btrfs", False)])
    def test_a_network_file_system_is_found(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, wrong: bool
    ) -> None:
        monkeypatch.setattr(checks, "file_system", lambda _folder, _mounts: kind)
        (found,) = checks.check_mount(tmp_path)
        assert (found.status == PROBLEM) is wrong
        assert kind in found.found


class TestStore:
    def damage(self, home: Path, content: bytes) -> None:
        (home / "workspaces/default/store.db").write_bytes(content)

    def test_a_file_that_is_no_database_is_found(self, home: Path, record: Record, milepost: Command) -> None:
        record(one_run)
        self.damage(home, b"garbage" * 1000)
        found = only(problems(milepost), "store")
        assert "damaged" in found["found"]
        assert "backup" in found["advice"]

    def test_a_file_cut_short_is_found(self, home: Path, record: Record, milepost: Command) -> None:
        record(one_run)
        content = (home / "workspaces/default/store.db").read_bytes()
        self.damage(home, content[: len(content) // 2])
        assert "damaged" in only(problems(milepost), "store")["found"]

    def test_pages_that_were_overwritten_are_found(self, home: Path, record: Record, milepost: Command) -> None:
        record(one_run)
        content = bytearray((home / "workspaces/default/store.db").read_bytes())
        content[8192:40960] = os.urandom(32768)
        self.damage(home, bytes(content))
        assert "damaged" in only(problems(milepost), "store")["found"]

    def test_one_of_a_newer_version_is_found(self, home: Path, record: Record, milepost: Command) -> None:
        record(one_run)
        with sqlite3.connect(home / "workspaces/default/store.db") as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.close()
        found = only(problems(milepost), "store")
        assert "newer Milepost" in found["found"]
        assert "pip install -U milepost" in found["advice"]

    def test_another_programs_database_is_found(self, home: Path, record: Record, milepost: Command) -> None:
        record(one_run)
        for file in (home / "workspaces/default").glob("store.db*"):
            file.unlink()
        with sqlite3.connect(home / "workspaces/default/store.db") as connection:
            connection.execute("CREATE TABLE songs (title)")
        connection.close()
        assert "another program" in only(problems(milepost), "store")["found"]

    def test_one_that_is_in_use_is_sound(self, home: Path, record: Record, milepost: Command) -> None:
        record(one_run)
        with recording():
            assert problems(milepost) == []

    def test_one_that_takes_long_is_not_looked_through_to_the_end(
        self, home: Path, record: Record, milepost: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def work(workspace: Any) -> None:
            run = Experiment(workspace, "e").start_logging()
            for index in range(3000):
                run.log(f"metric {index}", index)
            run.complete()

        record(work)
        monkeypatch.setattr(workspace_checks, "_PROBE_S", 0.0)
        monkeypatch.setattr(workspace_checks, "_PROBE_STEPS", 10)
        told = next(each for each in milepost("doctor", "--json").json["findings"] if each["check"] == "store")
        assert told["status"] == "note"
        assert "large" in told["found"]

    def test_a_store_that_is_gone_while_files_of_runs_are_there_is_found(
        self, home: Path, record: Record, milepost: Command
    ) -> None:
        record(one_run)
        for file in (home / "workspaces/default").glob("store.db*"):
            file.unlink()
        blob = home / "workspaces/default/blobs/sha256/ab/cd"
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(b"x")
        assert "is not there" in only(problems(milepost), "store")["found"]

    @pytest.mark.parametrize("content", ["{", '{"format": 99, "id": "", "name": "default", "created": ""}'])
    def test_a_broken_or_newer_workspace_file_is_found(
        self, home: Path, record: Record, milepost: Command, content: str
    ) -> None:
        record(one_run)
        (home / "workspaces/default/workspace.json").write_text(content)
        found = only(problems(milepost), "workspace")
        assert "workspace.json" in found["found"]


@pytest.mark.skipif("sys.platform == 'win32'", reason="needs SIGKILL")
class TestJournals:
    def test_one_that_was_left_behind_is_found_and_sync_mends_it(self, home: Path, milepost: Command) -> None:
        record_and_die()
        found = only(problems(milepost), "journals")
        assert "1 journal of ended processes" in found["found"]
        assert found["advice"] == "Run: milepost sync"
        milepost("sync")
        assert problems(milepost) == []

    def test_live_ones_are_counted_apart(self, home: Path, milepost: Command) -> None:
        with recording():
            told = [each for each in milepost("doctor", "--json").json["findings"] if each["check"] == "journals"]
            assert [(each["status"], "1 process recording" in each["found"]) for each in told] == [("ok", True)]
            record_and_die("other")
            found = only(problems(milepost), "journals")
            assert found["workspace"] == "other"

    def test_one_of_another_user_is_worth_a_note(
        self, home: Path, milepost: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from milepost.journal import recovery

        record_and_die()
        ids = recovery.journal_ids(home / "workspaces/default/journals")
        # What recovery gives for it, and what the system says of its folder.
        monkeypatch.setattr(recovery, "live_journals", lambda _folder: ids)
        monkeypatch.setattr(os, "access", lambda path, _mode: Path(path).name not in ids)
        told = [each for each in milepost("doctor", "--json").json["findings"] if each["check"] == "journals"]
        assert "1 journal of another user" in told[0]["found"]
        assert told[0]["status"] == "note"

    def test_a_damaged_one_that_was_set_aside_is_found(self, home: Path, record: Record, milepost: Command) -> None:
        record(one_run)
        aside = home / "workspaces/default/journals" / f"damaged-{'0' * 32}"
        aside.mkdir()
        (aside / "0.seg").write_bytes(b"x" * 1000)
        found = only(problems(milepost), "damaged-journals")
        assert found["path"] == str(aside)
        assert str(aside) in found["advice"]

    def test_one_of_a_newer_version_is_found(self, home: Path, milepost: Command) -> None:
        record_and_die()
        make_newer(home)
        found = only(problems(milepost), "journals")
        assert "format 99" in found["found"]
        assert "pip install -U milepost" in found["found"] + found["advice"]


def test_names_and_paths_are_told_harmlessly(home: Path, milepost: Command) -> None:
    Path("config.json").write_text('{"workspace_name": "\\u001b[31m[bold]red[/bold]"}')
    result = milepost("doctor", ok=False)
    assert "\x1b" not in result.out


class TestSubmittedRuns:
    def job(self, home: Path) -> Path:
        from milepost.jobs.job import Job, write_job

        (workspace,) = (home / "workspaces").iterdir()
        return write_job(
            workspace, Job("r1", "e", "default", "", "local", 1, "x.py", [], None, {}, {}, "python", "0" * 64), {}
        )

    def test_runs_that_no_agent_sees_to(self, home: Path, record: Record, milepost: Command) -> None:
        record(one_run)
        self.job(home)
        found = only(problems(milepost), "jobs")
        assert found["found"].startswith("1 submitted run on the way, and no agent sees to them")
        assert "milepost queue" in found["advice"]

    def test_runs_that_an_agent_sees_to(self, home: Path, record: Record, milepost: Command) -> None:
        from milepost.journal.lock import FileLock

        record(one_run)
        lock = FileLock(self.job(home).parent / "agent.lock")
        assert lock.acquire()
        assert problems(milepost) == []
        lock.release()

    def test_a_run_whose_files_are_damaged(self, home: Path, record: Record, milepost: Command) -> None:
        from milepost.journal.lock import FileLock

        record(one_run)
        folder = self.job(home)
        (folder / "job.json").write_text("{")
        lock = FileLock(folder.parent / "agent.lock")
        assert lock.acquire()
        assert str(folder) in only(problems(milepost), "jobs")["advice"]
        lock.release()

    def test_uv_is_missing(self, home: Path, milepost: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "uv", None)
        monkeypatch.setenv("PATH", str(home))
        found = only(problems(milepost), "uv")
        assert "pip install uv" in found["advice"]
