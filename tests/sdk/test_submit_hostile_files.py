"""What scripts leave in their outputs that no script should: kept as far as it can be, told, and nothing else taken."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import only_thorough
from tests.sdk.conftest import Submit
from tests.sdk.submitted import ended


def _state(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    found = {}
    for path in folder.rglob("*"):
        info = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (info.st_mode, info.st_mtime_ns, content)
    return found


@pytest.fixture(autouse=True)
def canary(tmp_path: Path) -> Iterator[Path]:
    """A folder beside all that the runs use, which must be the same when the test ends."""
    folder = tmp_path / "canary"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "data.bin").write_bytes(bytes(range(256)) * 16384)  # 4 MB
    (folder / "secret.txt").write_text("mine")
    before = _state(folder)
    yield folder
    assert _state(folder) == before


def test_outputs_that_lead_elsewhere_take_nothing_along(submit: Submit, canary: Path) -> None:
    run = submit(
        """
        import os, shutil, sys
        shutil.rmtree("outputs")
        os.symlink(sys.argv[1], "outputs")
        """,
        arguments=[str(canary)],
    )
    status, _, warnings = ended(run)
    assert status == "Completed"
    assert "outputs leads out of the working directory" in warnings
    assert not any(name.startswith("outputs") for name in run.get_file_names())


def test_links_in_outputs_are_followed_within_the_working_directory_alone(submit: Submit, canary: Path) -> None:
    run = submit(
        """
        import os, sys
        os.makedirs("data/deep")
        open("data/deep/own.txt", "w").write("own")
        os.symlink(os.path.abspath("data"), "outputs/data")
        os.symlink("../data/deep/own.txt", "outputs/linked.txt")
        os.symlink(sys.argv[1] + "/secret.txt", "outputs/stolen.txt")
        os.symlink(sys.argv[1] + "/inner", "outputs/folder")
        os.symlink("nowhere", "outputs/broken")
        os.symlink("loop", "outputs/loop")
        os.symlink("..", "outputs/data/up")
        """,
        arguments=[str(canary)],
    )
    status, _, warnings = ended(run)
    assert status == "Completed"
    kept = [name for name in run.get_file_names() if name.startswith("outputs/")]
    assert {"outputs/data/deep/own.txt", "outputs/linked.txt"} <= set(kept)
    assert not any("stolen" in name or "secret" in name or "data.bin" in name for name in kept)
    assert "stolen.txt is a link that leads out" in warnings
    assert "folder leads out" in warnings


def test_hard_links_are_kept_and_what_they_lead_to_stays_its_owners(
    submit: Submit, canary: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.bin"
    own.write_bytes(b"first" * 1_000_000)
    mode = own.stat().st_mode
    run = submit(
        """
        import os, sys
        os.link(sys.argv[1], "outputs/own.bin")
        os.link(sys.argv[2], "outputs/data.bin")
        """,
        arguments=[str(own), str(canary / "inner" / "data.bin")],
    )
    assert ended(run)[0] == "Completed"
    assert own.stat().st_mode == mode
    assert own.stat().st_nlink == 1
    own.write_bytes(b"later" * 1_000_000)
    run.download_file("outputs/own.bin", str(tmp_path / "kept.bin"))
    assert (tmp_path / "kept.bin").read_bytes() == b"first" * 1_000_000


def test_what_is_no_file_is_passed_over_and_told(submit: Submit) -> None:
    run = submit(
        """
        import os, socket
        os.mkfifo("outputs/pipe")
        socket.socket(socket.AF_UNIX).bind("outputs/socket")
        open("outputs/file.txt", "w").write("a file")
        """
    )
    status, _, warnings = ended(run)
    assert status == "Completed"
    assert [name for name in run.get_file_names() if name.startswith("outputs/")] == ["outputs/file.txt"]
    assert "pipe" in warnings
    assert "socket" in warnings


NAMES = ["new\nline.txt", "..\\..\\up.txt", "...", " .. ", "~", "-rf", "%2e%2e%2fup.txt", "ünï/çödé.txt", "a" * 255]


def test_names_that_are_tricks_are_kept_as_names_or_refused_by_name(submit: Submit, tmp_path: Path) -> None:
    run = submit(
        f"""
        import os
        for number, name in enumerate({NAMES!r}):
            path = os.path.join("outputs", name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, "w").write(str(number))
        open(b"outputs/\\xff\\xfe.bin", "w").write("no text")
        open("outputs/control\\x1b]0;title\\x07.txt", "w").write("control")
        """
    )
    status, _, warnings = ended(run)
    assert status == "Completed"
    kept = {name.removeprefix("outputs/") for name in run.get_file_names() if name.startswith("outputs/")}
    plain = {"~", "-rf", "%2e%2e%2fup.txt", "ünï/çödé.txt", "a" * 255}
    assert plain <= kept
    assert len(set(NAMES) - kept) + 2 == warnings.count("was not kept")
    assert not any(each in warnings for each in "\x1b\x07")
    run.download_files("outputs/", str(tmp_path / "down"), append_prefix=False)
    inside = os.path.realpath(tmp_path / "down")
    assert all(os.path.realpath(path).startswith(inside) for path in (tmp_path / "down").rglob("*"))
    assert not (tmp_path / "up.txt").exists()


@pytest.mark.parametrize("mode", ["0o000", "0o444", "0o111"])
def test_outputs_without_rights_are_kept_or_told(submit: Submit, mode: str) -> None:
    run = submit(
        f"""
        import os
        os.makedirs("outputs/inner")
        open("outputs/inner/file.txt", "w").write("kept")
        os.chmod("outputs/inner/file.txt", {mode})
        os.chmod("outputs/inner", {mode})
        os.chmod("outputs", {mode})
        """
    )
    status, _, warnings = ended(run)
    assert status == "Completed"
    assert "outputs/inner/file.txt" in run.get_file_names() or "outputs" in warnings
    assert ended(submit("print('the next one')"))[0] == "Completed"


def test_a_working_directory_that_is_deleted_loses_its_outputs_and_nothing_else(submit: Submit) -> None:
    run = submit(
        """
        import os, shutil
        from azureml.core import Run
        run = Run.get_context()
        open("outputs/gone.txt", "w").write("gone")
        shutil.rmtree(os.getcwd())
        run.log("value", 7)
        print("deleted")
        """
    )
    assert ended(run)[0] == "Completed"
    assert run.get_metrics() == {"value": 7}
    assert run.get_details_with_logs()["logFiles"]["azureml-logs/70_driver_log.txt"] == "deleted\n"


def test_a_script_that_changes_directory_leaves_its_outputs_where_they_belong(submit: Submit, tmp_path: Path) -> None:
    run = submit(
        """
        import os, sys
        from azureml.core import Run
        open("outputs/first.txt", "w").write("kept")
        os.chdir(sys.argv[1])
        os.makedirs("outputs", exist_ok=True)
        open("outputs/elsewhere.txt", "w").write("not kept")
        Run.get_context().log("value", 1)
        """,
        arguments=[str(tmp_path)],
    )
    assert ended(run)[0] == "Completed"
    assert run.get_metrics() == {"value": 1}
    assert [name for name in run.get_file_names() if name.startswith("outputs/")] == ["outputs/first.txt"]


def test_outputs_that_are_a_file_do_not_end_the_run(submit: Submit) -> None:
    run = submit("import shutil; shutil.rmtree('outputs'); open('outputs', 'w').write('a file')")
    assert ended(run)[0] == "Completed"


@only_thorough
@pytest.mark.slow
def test_a_very_deep_tree_is_kept_or_told(submit: Submit) -> None:
    run = submit(
        """
        import os
        os.chdir("outputs")
        for _ in range(1200):
            os.mkdir("d")
            os.chdir("d")
        open("bottom.txt", "w").write("deep")
        """
    )
    status, _, warnings = ended(run)
    assert status == "Completed"
    assert any("bottom.txt" in name for name in run.get_file_names()) or "not kept" in warnings


@only_thorough
@pytest.mark.slow
def test_ten_thousand_small_outputs_are_all_kept(submit: Submit) -> None:
    run = submit(
        """
        for number in range(10_000):
            open(f"outputs/{number:05}.txt", "w").write(f"content {number}")
        """
    )
    assert ended(run) == ("Completed", "", "")
    names = [name for name in run.get_file_names() if name.startswith("outputs/")]
    assert names == [f"outputs/{number:05}.txt" for number in range(10_000)]


@only_thorough
@pytest.mark.slow
def test_five_gigabytes_are_kept(submit: Submit, tmp_path: Path) -> None:
    if shutil.disk_usage(tmp_path).free < 12 << 30:
        pytest.skip("takes 12 GB of free disk")
    run = submit(
        """
        with open("outputs/large.bin", "wb") as file:
            file.truncate(5 << 30)
            file.seek(3 << 30)
            file.write(b"in the middle")
        """
    )
    assert ended(run) == ("Completed", "", "")
    store = run._recorder.open_store()
    assert store.artifacts(run.id, "outputs/large.bin")[0].size == 5 << 30
    assert store.read_range(run.id, "outputs/large.bin", 3 << 30, (3 << 30) + 13) == b"in the middle"
