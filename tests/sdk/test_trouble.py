"""What surrounds the training goes wrong: it goes on, is told what to do, and nothing that was logged is lost."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from azureml.core import Experiment, Run, Workspace
from azureml.exceptions import ServiceException, WorkspaceException
from milepost.journal.recovery import journal_ids
from milepost.sdk.recording.recorder import close_recorder
from milepost.store.store import Store

from .conftest import Script
from .training import Training, Trouble

LOG = "for each in range({0}, {1}): run.log('x', float(each))"


def values(first: int, stop: int) -> list[float]:
    return [float(each) for each in range(first, stop)]


def only_run() -> Run:
    """The run, as another process sees it."""
    (run,) = Experiment(Workspace.get("test"), "exp").get_runs()
    return run


@pytest.fixture
def folder(ws: Workspace) -> Path:
    """The workspace's folder; its store is there and no process has it open."""
    Experiment(ws, "before").start_logging().complete()
    close_recorder(ws._recorder)
    folder = ws._place.folder
    assert not (folder / "store.db-wal").exists()
    return folder


@pytest.fixture(autouse=True)
def _close(home: Path) -> Iterator[None]:
    yield
    from milepost.sdk.recording.recorder import open_recorders

    for recorder in open_recorders():
        close_recorder(recorder)


class TestALockedDatabase:
    @pytest.fixture
    def locked(self, folder: Path) -> Iterator[Callable[[], None]]:
        """The database is locked by another program; the function unlocks it."""
        connection = sqlite3.connect(folder / "store.db", isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        yield connection.close
        connection.close()

    def test_logging_goes_on_at_its_speed_and_the_data_arrives_afterwards(self, locked: Callable[[], None]) -> None:
        with Training() as training:
            took = training.do(
                """
                clock, took = time.perf_counter_ns, []
                until = time.monotonic() + 3
                count = 0
                while time.monotonic() < until:
                    for _ in range(1000):
                        begun = clock()
                        run.log("x", float(count))
                        took.append(clock() - begun)
                        count += 1
                    time.sleep(0.02)
                took.sort()
                result = count, took[count // 2], took[count * 99 // 100], took[-1]
                """
            ).value
            count = took[0]
            with pytest.raises(Trouble, match="locked"):
                training.do("run.get_metrics()")
            locked()
            assert training.do("run.flush(); result = run.get_metrics()['x']").value == values(0, count)
            assert training.ends() == []
        print(f"run.log while the database is locked, ns: p50 {took[1]}, p99 {took[2]}, worst {took[3]}")
        assert only_run().status == "Completed"

    def test_complete_and_the_end_warn_and_the_next_process_delivers(
        self, locked: Callable[[], None], folder: Path
    ) -> None:
        with Training() as training:
            training.do(LOG.format(0, 1000) + "\nrun.complete()")
            (first,) = training.warnings()
            assert "has not delivered all" in first
            assert "locked" in first
            second = training.ends()[1:]
            assert len(second) == 1
            assert "journals" in second[0]
            assert "milepost sync" in second[0]
        assert len(journal_ids(folder / "journals")) == 1
        locked()
        run = only_run()
        assert run.get_metrics() == {"x": values(0, 1000)}
        assert run.status == "Completed"

    def test_it_is_told_once_while_the_training_goes_on(self, locked: Callable[[], None]) -> None:
        with Training(begin="drain.WARN_AFTER_S = 1.0") as training:
            for _ in range(6):
                training.do("run.log('x', 1.0); time.sleep(0.7)")
            (said,) = training.warnings()
            assert "cannot deliver" in said
            assert "locked" in said
            assert "Training goes on" in said
            locked()
            assert training.do("result = run.get_metrics()['x']").value == [1.0] * 6

    def test_a_process_that_is_killed_meanwhile_loses_nothing(self, locked: Callable[[], None]) -> None:
        with Training() as training:
            training.do(LOG.format(0, 100_000))
            training._process.kill()
            training._process.wait()
        locked()
        run = only_run()
        assert run.get_metrics() == {"x": values(0, 100_000)}
        assert run.status == "Failed"


def write_bytes(path: Path) -> None:
    path.write_bytes(os.urandom(100_000))


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def become_newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


def become_foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE runs (anything TEXT)")
    connection.close()


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


BAD_STORES = [
    (write_bytes, "restore a backup"),
    (truncate, "restore a backup"),
    (become_newer, "pip install -U milepost"),
    (become_foreign, "of another program"),
    (become_a_folder, "it cannot be opened"),
]


class TestABadStoreFile:
    @pytest.mark.parametrize(("spoil", "advice"), BAD_STORES, ids=lambda each: getattr(each, "__name__", ""))
    def test_reading_fails_logging_goes_on_and_all_is_there_when_the_good_file_is_back(
        self, folder: Path, spoil: Callable[[Path], None], advice: str
    ) -> None:
        path = folder / "store.db"
        good = path.read_bytes()
        spoil(path)
        with Training() as training:
            training.do(LOG.format(0, 1000))
            for reading in ("run.get_metrics()", "run.status", "list(run.experiment.get_runs())"):
                with pytest.raises(Trouble, match=f"(Workspace|Service)Exception(.|\n)*store.db(.|\n)*{advice}"):
                    training.do(reading)
            training.do("run.complete()")
            training.do(LOG.format(1000, 2000))
            first, second = training.ends()
            assert advice in first
            assert advice in second
            assert str(folder / "journals") in second
        with pytest.raises((WorkspaceException, ServiceException), match=advice):
            only_run()
        with pytest.warns(RuntimeWarning, match=advice):
            close_recorder(Workspace.get("test")._recorder)
        for each in folder.glob("store.db*"):
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        path.write_bytes(good)
        run = only_run()
        assert run.get_metrics() == {"x": values(0, 2000)}
        assert run.status == "Completed"
        assert next(Experiment(Workspace.get("test"), "before").get_runs()).status == "Completed"

    def test_that_is_moved_away_and_back_while_the_process_lives(self, folder: Path, tmp_path: Path) -> None:
        aside = tmp_path / "aside"
        aside.mkdir()
        with Training() as training:
            training.do(LOG.format(0, 100) + "\nrun.flush()")
            for each in folder.glob("store.db*"):
                each.rename(aside / each.name)
            training.do(LOG.format(100, 200))
            with pytest.raises(Trouble, match="was removed while it was in use: put it back"):
                training.do("run.get_metrics()")
            (folder / "store.db").write_bytes(b"nothing of sense" * 1000)
            with pytest.raises(Trouble, match="restore a backup"):
                training.do("run.get_metrics()")
            training.do("run.flush()")
            for each in aside.iterdir():
                each.replace(folder / each.name)
            training.do(LOG.format(200, 300))
            assert training.do("result = run.get_metrics()['x']").value == values(0, 300)
            (said,) = training.ends()
            assert "restore a backup" in said
        assert only_run().get_metrics() == {"x": values(0, 300)}

    def test_an_older_copy_in_its_place_is_told_and_logging_goes_on(self, folder: Path, tmp_path: Path) -> None:
        with Training() as training:
            training.do(LOG.format(0, 100) + "\nrun.flush()")
            shutil.copy(folder / "store.db", tmp_path / "older")
            shutil.copy(folder / "store.db-wal", tmp_path / "older-wal")
            # So much that the journal's first segment is gone.
            training.do(LOG.format(100, 20_000) + "\nrun.flush(); time.sleep(0.5); run.flush()")
            for each in folder.glob("store.db*"):
                each.unlink()
            shutil.copy(tmp_path / "older-wal", folder / "store.db-wal")
            shutil.copy(tmp_path / "older", folder / "store.db")
            training.do(LOG.format(20_000, 20_100) + "\nrun.complete()")
            (said,) = training.ends()
            assert "an older copy was put in its place" in said
        run = only_run()
        found = run.get_metrics()["x"]
        assert found[:100] == values(0, 100)
        assert found[-100:] == values(20_000, 20_100)
        assert run.status == "Completed"


class TestAWorkspaceFile:
    @pytest.mark.parametrize(
        ("change", "advice"),
        [(('"format": 1', '"format": 99'), "pip install -U milepost"), (("{", ""), "Put the file back from a backup")],
        ids=["newer", "broken"],
    )
    def test_that_cannot_be_used_keeps_new_processes_out_and_running_ones_lose_nothing(
        self, folder: Path, script: Script, change: tuple[str, str], advice: str
    ) -> None:
        path = folder / "workspace.json"
        good = path.read_text()
        with Training() as training:
            training.do(LOG.format(0, 100))
            path.write_text(good.replace(*change))
            done = script("from azureml.core import Workspace; Workspace.get('test')", check=False)
            assert "WorkspaceException" in done.stderr
            assert str(path) in done.stderr
            assert advice in done.stderr
            training.do(LOG.format(100, 200))
            assert training.ends() == []
        path.write_text(good)
        assert only_run().get_metrics() == {"x": values(0, 200)}


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
class TestRights:
    """The training gives up root's rights, after all that it needs is imported."""

    @pytest.fixture
    def place(self, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
        import tempfile

        with tempfile.TemporaryDirectory(prefix="milepost-rights-") as name:
            home = Path(name)
            home.chmod(0o777)
            monkeypatch.setenv("MILEPOST_HOME", name)
            place = Workspace.create("test")
            Experiment(place, "before").start_logging().complete()
            close_recorder(place._recorder)
            for path in (home, *home.rglob("*")):
                os.chown(path, 65534, 65534)
            yield place._place.folder
            close_recorder(Workspace.get("test")._recorder)

    def training(self, run: bool = True) -> Training:
        return Training(
            begin="""
            from azureml.core import Experiment, Run, Workspace
            warm = Experiment(Workspace.create("warm"), "exp").start_logging()
            warm.log("x", 1.0)
            warm.complete()
            recorder.close_recorder(warm._recorder)
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            """,
            run=run,
        )

    def test_a_store_that_may_not_be_read(self, place: Path) -> None:
        (place / "store.db").chmod(0)
        with self.training() as training:
            training.do(LOG.format(0, 100))
            with pytest.raises(Trouble, match=r"store\.db(.|\n)*check"):
                training.do("run.get_metrics()")
            training.do("run.complete()")
            first, second = training.ends()
            assert "check" in first
            assert "milepost sync" in second
        (place / "store.db").chmod(0o600)
        assert only_run().get_metrics() == {"x": values(0, 100)}
        assert only_run().status == "Completed"

    def test_a_store_that_may_only_be_read(self, place: Path) -> None:
        (place / "store.db").chmod(0o444)
        with self.training() as training:
            training.do(LOG.format(0, 100))
            training.do("run.complete()")
            first, second = training.ends()
            assert "you may not write to it" in first
            assert "milepost sync" in second
        (place / "store.db").chmod(0o600)
        assert only_run().get_metrics() == {"x": values(0, 100)}

    def test_a_journal_that_cannot_be_made_is_kept_in_memory_until_it_can(self, place: Path) -> None:
        (place / "journals").chmod(0o555)
        with self.training() as training:
            training.do(LOG.format(0, 100))
            (said,) = training.warnings()
            assert "cannot write its journal" in said
            assert "Permission denied" in said
            # The store can be had all the same.
            assert training.do("result = run.get_metrics()").value == {"x": values(0, 100)}
            (place / "journals").chmod(0o755)
            training.do(LOG.format(100, 100_000) + "\nrun.flush(); time.sleep(0.5)")
            assert len(journal_ids(place / "journals")) == 1
            assert len(training.ends()) == 1
        assert only_run().get_metrics() == {"x": values(0, 100_000)}
        assert only_run().status == "Completed"

    def test_a_workspace_that_may_not_be_entered_is_an_error_that_says_so(self, place: Path) -> None:
        place.chmod(0)
        with self.training(run=False) as training, pytest.raises(Trouble, match="Give yourself the right"):
            training.do("Workspace.get('test')")
        place.chmod(0o755)


class TestAFullDisk:
    @pytest.fixture
    def small(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
        """MILEPOST_HOME on a disk of 12 MiB; the function gives it another size."""
        if sys.platform != "linux" or os.geteuid() != 0:
            pytest.skip("only root on Linux can mount a small file system")
        home = tmp_path / "small"
        home.mkdir()

        def mount(*options: str) -> bool:
            return subprocess.run(["mount", *options, str(home)], capture_output=True, check=False).returncode == 0

        if not mount("-t", "tmpfs", "-o", "size=12m", "milepost-test"):
            pytest.skip("a tmpfs cannot be mounted here")
        monkeypatch.setenv("MILEPOST_HOME", str(home))
        Experiment(Workspace.create("test"), "before").start_logging().complete()
        close_recorder(Workspace.get("test")._recorder)

        def resize(size: str) -> None:
            assert mount("-o", f"remount,size={size}")

        yield resize
        close_recorder(Workspace.get("test")._recorder)
        subprocess.run(["umount", "--lazy", str(home)], check=False, capture_output=True)

    def fill(self, leave: int) -> None:
        """Another program takes the space."""
        home = Path(os.environ["MILEPOST_HOME"])
        free = os.statvfs(home)
        (home / "other").write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - leave)))

    def test_that_fills_up_while_logging_costs_nothing_once_there_is_space(self, small: Callable[[str], None]) -> None:
        with Training() as training:
            training.do(LOG.format(0, 1000) + "\nrun.flush()")
            self.fill(leave=100_000)
            training.do(
                """
                for each in range(1000, 600_000):
                    run.log("x", float(each))
                    if each % 50_000 == 0:
                        time.sleep(0.3)
                """
            )
            (said,) = training.warnings()
            assert "the disk is full" in said
            assert "kept in memory" in said
            training.do("run.complete()")
            assert "free some space" in training.warnings()[-1]
            small("200m")
            assert training.do("result = len(run.get_metrics()['x'])").value == 600_000
            assert len(training.ends()) == 2
        run = only_run()
        assert run.get_metrics() == {"x": values(0, 600_000)}
        assert run.status == "Completed"

    def test_that_is_full_at_the_end_is_told_and_what_had_a_place_is_kept(self, small: Callable[[str], None]) -> None:
        with Training() as training:
            training.do(LOG.format(0, 1000))
            training.do("run.flush()")
            self.fill(leave=0)
            training.do(LOG.format(1000, 2000) + "\nrun.complete()")
            said = training.ends()
            assert len(said) == 2
            assert all("free some space" in each for each in said)
        small("200m")
        assert only_run().get_metrics() == {"x": values(0, 2000)}
        assert only_run().status == "Completed"

    def test_files_are_kept_as_soon_as_there_is_space(self, small: Callable[[str], None]) -> None:
        with Training() as training:
            training.do(
                """
                import io
                run.upload_file("small", io.BytesIO(b"small"))
                open("large", "wb").write(os.urandom(20_000_000))
                result = run.upload_file("large", "large") is None
                """
            )
            (said,) = training.warnings()
            assert "could not keep the file 'large' yet" in said
            assert training.do("run.upload_file('later', io.BytesIO(b'later')); result = 1").value == 1
            training.do(LOG.format(0, 1000))
            assert training.do("result = run.get_metrics()").value == {"x": values(0, 1000)}
            small("200m")
            training.do("run.complete()")
            assert len(training.ends()) == 1
        run = only_run()
        assert run.get_file_names() == ["large", "later", "small"]
        run.download_file("large", "again")
        assert Path("again").read_bytes() == Path("large").read_bytes()

    def test_complete_returns_with_a_warning_when_outputs_do_not_fit(self, small: Callable[[str], None]) -> None:
        Path("outputs").mkdir()
        Path("outputs/model").write_bytes(os.urandom(20_000_000))
        with Training() as training:
            training.do("run.log('x', 1.0); run.complete()")
            said = training.ends()
            assert said
            assert all("outputs/model" in each for each in said)
        run = only_run()
        assert run.status == "Completed"
        assert run.get_metrics() == {"x": 1.0}


class TestAHomeThatGoes:
    def test_deleted_while_logging(self, folder: Path) -> None:
        with Training() as training:
            training.do(LOG.format(0, 1000) + "\nrun.flush()")
            shutil.rmtree(folder.parent.parent)
            training.do(LOG.format(1000, 100_000))
            with pytest.raises(Trouble, match=r"is gone(.|\n)*put it back"):
                training.do("run.get_metrics()")
            training.do("run.complete()")
            for said in training.ends():
                assert "is gone" in said or "was removed by another program" in said
        # What was logged since is there for whoever restores the workspace from a backup.
        assert len(journal_ids(folder / "journals")) == 1

    def test_moved_away_and_back(self, folder: Path) -> None:
        aside = folder.with_name("aside")
        with Training() as training:
            training.do(LOG.format(0, 1000) + "\nrun.flush()")
            folder.rename(aside)
            training.do(LOG.format(1000, 2000) + "\nrun.flush()")
            (said,) = training.warnings()
            assert "is gone" in said
            shutil.rmtree(folder, ignore_errors=True)
            aside.rename(folder)
            training.do(LOG.format(2000, 3000))
            assert training.do("result = run.get_metrics()['x']").value == values(0, 3000)
            assert len(training.ends()) == 1
        assert only_run().get_metrics() == {"x": values(0, 3000)}


SHIFT = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *when) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, when);
    if (clock == CLOCK_REALTIME) {
        FILE *file = fopen(getenv("CLOCK_SHIFT"), "r");
        long shift = 0;
        if (file) { if (fscanf(file, "%ld", &shift) != 1) shift = 0; fclose(file); }
        when->tv_sec += shift;
    }
    return result;
}
"""


def test_a_clock_that_jumps_back(folder: Path, tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("no C compiler to make a clock that jumps")
    source, library, shift = tmp_path / "shift.c", tmp_path / "shift.so", tmp_path / "shift"
    source.write_text(SHIFT)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    with Training(env={"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(shift)}) as training:
        now = training.do("result = time.time()").value
        training.do(LOG.format(0, 2000) + "\nrun.flush()")
        shift.write_text("-86400")
        assert training.do("result = time.time()").value < now - 80_000
        training.do(LOG.format(2000, 4000))
        training.do("run.flush()")
        shift.write_text("86400")
        training.do(LOG.format(4000, 5000) + "\nrun.complete()")
        assert training.ends() == []
    run = only_run()
    assert run.get_metrics() == {"x": values(0, 5000)}
    assert run.status == "Completed"


class TestAForkInTheMiddleOfATransaction:
    FORK = """
    import warnings
    # Python 3.12 and later say this to a script that forks while any other thread is there.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    from milepost.store import metrics
    append = metrics.append
    def slow(*args):
        done = append(*args)
        open("inside", "w").close()
        time.sleep(1.5)
        return done
    metrics.append = slow
    drain.FORK_PATIENCE_S = {patience}
    run.log("parent", 1.0)
    until = time.monotonic() + 30
    while not os.path.exists("inside") and time.monotonic() < until:
        time.sleep(0.01)
    metrics.append = append
    begun = time.monotonic()
    child = os.fork()
    waited = time.monotonic() - begun
    if child == 0:
        run.log("child", 2.0)
        # SQLite takes the child for the process that is writing, where it was not waited for.
        if waited > 0.5:
            run.flush(60)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    result = waited
    """

    @pytest.mark.parametrize("patience", [0.05, 5.0], ids=["that is not waited for", "that is waited for"])
    def test_disturbs_neither_the_parent_nor_the_child(self, folder: Path, patience: float) -> None:
        with Training(begin="engine.BUSY_TIMEOUT_S = 30.0") as training:
            training.do("run.log('parent', 0.0); run.flush()")
            waited = training.do(self.FORK.format(patience=patience)).value
            assert (waited > 0.5) == (patience > 1)
            assert training.do("result = run.get_metrics()").value == {"parent": [0.0, 1.0], "child": 2.0}
            assert training.ends() == []
        assert only_run().status == "Completed"


@pytest.mark.skipif(not hasattr(Store, "delete_run"), reason="runs cannot be deleted in this version")
def test_a_run_that_is_deleted_while_another_process_logs_to_it(folder: Path) -> None:
    with Training() as training:
        run_id = training.do(LOG.format(0, 100) + "\nrun.flush(); result = run.id").value
        store = Workspace.get("test")._recorder.fresh()
        store.delete_run(run_id)
        training.do(LOG.format(100, 200) + "\nrun.tag('a', 'b'); run.flush(); child = run.child_run()")
        training.do("child.complete(); run.complete()")
        with pytest.raises(Trouble, match="no run|deleted"):
            training.do("run.get_metrics()")
        assert training.ends() == []
    assert run_id not in [run.id for run in Experiment(Workspace.get("test"), "exp").get_runs(include_children=True)]
    with pytest.raises(ServiceException):
        Run.get(Workspace.get("test"), run_id)


class TestTheEndOfTheProcess:
    def test_what_a_daemon_thread_logs_until_the_last_moment_is_kept(self, folder: Path, tmp_path: Path) -> None:
        source = """
            import mmap, struct, sys, threading, time
            from azureml.core import Experiment, Workspace
            run = Experiment(Workspace.get("test"), "exp").start_logging()
            with open(sys.argv[1], "r+b") as file:
                counter = mmap.mmap(file.fileno(), 8)
            def log():
                count = 0
                while True:
                    run.log("x", float(count))
                    count += 1
                    struct.pack_into("@q", counter, 0, count)
                    if count % 100 == 0:
                        time.sleep(0.001)
            threading.Thread(target=log, daemon=True).start()
            time.sleep(0.5)
        """
        counter = tmp_path / "counter"
        for _ in range(3):
            counter.write_bytes(bytes(8))
            command = [sys.executable, "-c", textwrap.dedent(source), str(counter)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
            assert done.stderr == ""
            count = int.from_bytes(counter.read_bytes(), sys.byteorder)
            run = next(Experiment(Workspace.get("test"), "exp").get_runs())
            found = run.get_metrics()["x"]
            assert found in (values(0, count), values(0, count + 1))
            assert run.status == "Completed"

    def test_a_signal_handler_may_end_the_run_in_the_middle_of_an_append(self, folder: Path) -> None:
        source = """
            import signal, sys
            from azureml.core import Experiment, Workspace
            run = Experiment(Workspace.get("test"), "exp").start_logging()
            def stop(*_):
                run.log("stopped", count)
                for each in range(150_000):  # into the next segment
                    run.log("late", float(each))
                run.complete()
                sys.exit(0)
            signal.signal(signal.SIGTERM, stop)
            count = 0
            print("ready", flush=True)
            while True:
                run.log("x", float(count))
                count += 1
        """
        for delay in (0.01, 0.05, 0.1, 0.2, 0.6):
            process = subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(source)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay)
            begun = time.monotonic()
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)
            assert not errors or ("RuntimeWarning: " in errors and "a logging call is not at its end" in errors)
            assert process.returncode == 0
            print(f"ended {time.monotonic() - begun:.2f} s after the signal")
            run = next(Experiment(Workspace.get("test"), "exp").get_runs())
            metrics = run.get_metrics()
            # The call that was interrupted may have come to its end, or not.
            assert metrics["x"] in (values(0, metrics["stopped"]), values(0, metrics["stopped"] + 1))
            assert metrics["late"] == values(0, 150_000)
            assert run.status == "Completed"

    def test_where_warnings_are_errors_nothing_is_raised(self, folder: Path) -> None:
        path = folder / "store.db"
        good = path.read_bytes()
        write_bytes(path)
        with Training("-W", "error", begin="drain.WARN_AFTER_S = 0.1") as training:
            training.do(LOG.format(0, 1000) + "\ntime.sleep(1)")
            training.do(LOG.format(1000, 2000) + "\nrun.complete()")
            assert len(training.ends()) == 3
        path.write_bytes(good)
        assert only_run().get_metrics() == {"x": values(0, 2000)}
