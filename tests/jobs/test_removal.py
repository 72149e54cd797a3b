"""Removing what a script has left, whatever it is."""

from __future__ import annotations

import os
from pathlib import Path

from milepost.jobs.job import jobs_folder, tidy
from milepost.jobs.removal import remove_tree


def _make_deep(folder: Path, depth: int) -> None:
    """Folders in one another, deeper than Python recurses and than a path can tell."""
    folder.mkdir(parents=True)
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("down", dir_fd=here)
        below = os.open("down", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=here))
    os.close(here)


def test_a_very_deep_folder_is_removed(tmp_path: Path) -> None:
    _make_deep(tmp_path / "deep", 1500)
    remove_tree(tmp_path / "deep")
    assert list(tmp_path.iterdir()) == []


def test_folders_without_rights_are_removed(tmp_path: Path) -> None:
    for name in ("a", "a/b", "a/b/c"):
        (tmp_path / "top" / name).mkdir(parents=True)
        (tmp_path / "top" / name / "file").touch()
    for name in ("a/b/c", "a/b", "a", "."):
        (tmp_path / "top" / name).chmod(0)
    remove_tree(tmp_path / "top")
    assert list(tmp_path.iterdir()) == []


def test_links_are_removed_and_what_they_lead_to_stays(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    mode = (tmp_path / "other").stat().st_mode
    _make_deep(tmp_path / "deep", 1500)
    (tmp_path / "deep" / "link").symlink_to(tmp_path / "other")
    (tmp_path / "deep" / "down" / "link").symlink_to(tmp_path / "other")
    remove_tree(tmp_path / "deep")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]
    assert (tmp_path / "other" / "file").exists()
    assert (tmp_path / "other").stat().st_mode == mode


def test_what_an_interrupted_removal_left_is_tidied_however_deep_it_is(tmp_path: Path) -> None:
    _make_deep(jobs_folder(tmp_path) / ".done-1", 1500)
    tidy(tmp_path, 0, 0)
    assert list(jobs_folder(tmp_path).iterdir()) == []


def test_a_folder_that_is_not_there_is_no_trouble(tmp_path: Path) -> None:
    remove_tree(tmp_path / "nothing")
