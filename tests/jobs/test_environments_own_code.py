"""Milepost's own code for interpreters that lack it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import milepost
from milepost.jobs import own_code

SOURCE = Path(milepost.__file__).parent.parent


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site-packages folder with Milepost and other things in it."""
    folder = tmp_path / "site-packages"
    for name in ("milepost", "azureml"):
        shutil.copytree(SOURCE / name, folder / name)
    (folder / "numpy").mkdir()
    monkeypatch.setattr(own_code, "_source", lambda: folder)
    return folder


def test_of_an_installed_milepost_a_copy_with_nothing_else_is_made(site: Path, tmp_path: Path) -> None:
    folder = own_code.code_folder(tmp_path / "cache")
    assert sorted(each.name for each in folder.iterdir()) == ["azureml", "milepost"]
    assert not list(folder.rglob("*.pyc"))
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"import sys; sys.path.insert(0, {str(folder)!r}); import azureml.core as a; print(a.__file__)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(folder))


def test_the_same_code_is_copied_once_and_changed_code_anew(site: Path, tmp_path: Path) -> None:
    first = own_code.code_folder(tmp_path / "cache")
    assert own_code.code_folder(tmp_path / "cache") == first
    (site / "milepost" / "__pycache__").mkdir(exist_ok=True)
    (site / "milepost" / "__pycache__" / "x.pyc").write_text("")
    assert own_code.code_folder(tmp_path / "cache") == first
    (site / "milepost" / "new.py").write_text("")
    second = own_code.code_folder(tmp_path / "cache")
    assert second != first
    assert first.is_dir()


def test_many_that_copy_at_once_get_one_whole_copy(site: Path, tmp_path: Path) -> None:
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(own_code.code_folder(tmp_path / "cache"))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert [each.name for each in (tmp_path / "cache").iterdir()] == [found[0].name]


def test_a_folder_with_nothing_else_in_it_is_used_as_it_is(site: Path, tmp_path: Path) -> None:
    (site / "numpy").rmdir()
    (site / "__pycache__").mkdir()
    assert own_code.code_folder(tmp_path / "cache") == site
    assert not (tmp_path / "cache").exists()


def test_an_interpreter_without_milepost_is_known_and_one_that_gets_it_too(tmp_path: Path) -> None:
    assert not own_code.lacks_milepost(sys.executable)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "own"], check=True)
    python = str(tmp_path / "own" / "bin" / "python")
    assert own_code.lacks_milepost(python, tmp_path / "memory")
    assert own_code.lacks_milepost(python, tmp_path / "memory")
    packages = next((tmp_path / "own" / "lib").glob("python3*/site-packages"))
    (packages / "milepost.pth").write_text(f"{SOURCE}\n")
    os.utime(packages, ns=(1, 1))
    assert not own_code.lacks_milepost(python, tmp_path / "memory")


def test_a_folder_named_milepost_beside_the_script_is_no_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "own"], check=True)
    (tmp_path / "milepost").mkdir()
    (tmp_path / "milepost" / "__init__.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert own_code.lacks_milepost(str(tmp_path / "own" / "bin" / "python"))


def test_what_cannot_be_asked_lacks_milepost(tmp_path: Path) -> None:
    assert own_code.lacks_milepost("/nowhere/python", tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"x": 1}', "\0"])
def test_a_damaged_memory_of_interpreters_is_made_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / "interpreters.json").write_text(content)
    (tmp_path / "py").symlink_to(sys.executable)
    own_code.lacks_milepost(str(tmp_path / "py"), tmp_path)
    assert "py" in (tmp_path / "interpreters.json").read_text()
