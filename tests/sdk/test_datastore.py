"""Datastores on the local disk: upload, download, and names that try to leave the folder."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azureml.core import Datastore, Workspace
from azureml.exceptions import UserErrorException
from milepost.sdk.exceptions import NotAvailableException


@pytest.fixture
def store(ws: Workspace) -> Datastore:
    return ws.get_default_datastore()


@pytest.fixture
def data(home: Path) -> Path:
    """A folder ``data`` in the current directory, with a file and a subfolder."""
    folder = Path("data").absolute()
    (folder / "sub").mkdir(parents=True)
    (folder / "a.csv").write_text("a")
    (folder / "sub" / "b.csv").write_text("b")
    return folder


def tree(folder: Path) -> dict[str, str]:
    """Path -> content of all files below a folder."""
    return {each.relative_to(folder).as_posix(): each.read_text() for each in folder.rglob("*") if each.is_file()}


# -- which there are


def test_every_workspace_has_a_default_datastore_in_its_own_folder(ws: Workspace, home: Path) -> None:
    store = ws.get_default_datastore()
    assert store == Datastore.get_default(ws) == Datastore.get(ws, "workspaceblobstore") == Datastore(ws)
    assert store.name == "workspaceblobstore"
    assert store.workspace is ws
    assert store.folder == home / "workspaces" / "test" / "datastores" / "workspaceblobstore"
    assert store.datastore_type == "Local"
    assert (store.account_name, store.container_name) == ("local", str(store.folder))
    assert not store.folder.exists()


def test_the_file_store_is_another_folder(ws: Workspace) -> None:
    files = Datastore.get(ws, datastore_name="workspacefilestore")
    assert files != ws.get_default_datastore()
    assert files.folder.name == "workspacefilestore"


@pytest.mark.parametrize("name", ["other", "", "..", "../x", "WorkspaceBlobStore", "a" * 10_000])
def test_a_name_that_the_workspace_has_not_is_an_error_that_lists_those_it_has(ws: Workspace, name: str) -> None:
    with pytest.raises(UserErrorException) as caught:
        Datastore.get(ws, name)
    assert "'workspaceblobstore' and 'workspacefilestore'" in caught.value.message
    assert len(caught.value.message) < 500


# -- upload


def test_upload_copies_a_folder_with_its_subfolders(store: Datastore, data: Path) -> None:
    store.upload(src_dir="./data", target_path="diabetes", overwrite=True, show_progress=False)
    assert tree(store.folder) == {"diabetes/a.csv": "a", "diabetes/sub/b.csv": "b"}


@pytest.mark.parametrize("top", [None, "", ".", "./", "/"])
def test_upload_puts_the_files_at_the_top_by_default(store: Datastore, data: Path, top: str | None) -> None:
    store.upload(str(data), top, show_progress=False)
    assert tree(store.folder) == {"a.csv": "a", "sub/b.csv": "b"}


def test_files_that_are_there_stay_unless_overwrite(store: Datastore, data: Path, capsys: Any) -> None:
    store.upload("data")
    (data / "a.csv").write_text("new")
    capsys.readouterr()
    store.upload("data")
    assert tree(store.folder)["a.csv"] == "a"
    assert "a.csv is there already. Skipping upload 1 of 2." in capsys.readouterr().out
    store.upload("data", overwrite=True)
    assert tree(store.folder)["a.csv"] == "new"


def test_progress_is_printed_unless_turned_off(store: Datastore, data: Path, capsys: Any) -> None:
    store.upload("data", show_progress=False)
    assert capsys.readouterr().out == ""
    store.upload("data", overwrite=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[-1] == "Uploaded 2 files"


def test_a_folder_that_is_not_there_is_an_error(store: Datastore, home: Path) -> None:
    for call in (store.upload, lambda path: store.upload_files([path])):
        with pytest.raises(UserErrorException, match=r"there is no f(older|ile) '.*nowhere'"):
            call("nowhere")


def test_links_are_followed_only_to_files_within_the_folder(store: Datastore, data: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (data / "out").symlink_to(secret)
    (data / "up").symlink_to(tmp_path, target_is_directory=True)
    (data / "loop").symlink_to(data, target_is_directory=True)
    (data / "in").symlink_to(data / "a.csv")
    store.upload("data", show_progress=False)
    assert tree(store.folder) == {"a.csv": "a", "in": "a", "sub/b.csv": "b"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_the_folder_is_passed_over(store: Datastore, data: Path) -> None:
    os.mkfifo(data / "pipe")
    store.upload("data", show_progress=False)
    assert sorted(tree(store.folder)) == ["a.csv", "sub/b.csv"]


def test_upload_files_keeps_the_paths_below_what_they_share(store: Datastore, data: Path) -> None:
    store.upload_files([str(data / "a.csv"), data / "sub/b.csv"], target_path="x", show_progress=False)
    assert tree(store.folder) == {"x/a.csv": "a", "x/sub/b.csv": "b"}


def test_upload_files_of_one_file_keeps_its_name(store: Datastore, data: Path) -> None:
    store.upload_files(["./data/sub/b.csv"], show_progress=False)
    assert tree(store.folder) == {"b.csv": "b"}


def test_upload_files_keeps_the_paths_below_a_given_root(store: Datastore, data: Path) -> None:
    store.upload_files(["data/sub/b.csv"], relative_root="data", show_progress=False)
    assert tree(store.folder) == {"sub/b.csv": "b"}
    with pytest.raises(UserErrorException, match="does not lie in relative_root"):
        store.upload_files(["data/a.csv"], relative_root="data/sub")


@pytest.mark.parametrize("files", [[], "data/a.csv", Path("data/a.csv"), ["data/a.csv", "gone.csv"]])
def test_upload_files_takes_a_list_of_files_that_are_there(store: Datastore, data: Path, files: Any) -> None:
    with pytest.raises(UserErrorException):
        store.upload_files(files)
    assert not store.folder.exists()


# -- download


def test_download_gives_back_what_was_uploaded(store: Datastore, data: Path, tmp_path: Path) -> None:
    store.upload("data", "x", show_progress=False)
    assert store.download(str(tmp_path / "out"), show_progress=False) == 2
    assert tree(tmp_path / "out") == {"x/a.csv": "a", "x/sub/b.csv": "b"}


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("x", ["x/a.csv", "x/sub/b.csv"]),
        ("./x/", ["x/a.csv", "x/sub/b.csv"]),
        ("x/sub", ["x/sub/b.csv"]),
        ("x/a.csv", ["x/a.csv"]),
        ("nothing", []),
    ],
)
def test_a_prefix_is_a_folder_or_file(
    store: Datastore, data: Path, tmp_path: Path, prefix: str, names: list[str]
) -> None:
    store.upload("data", "x", show_progress=False)
    store.upload("data", "xy", show_progress=False)
    assert store.download(tmp_path / "out", prefix, show_progress=False) == len(names)
    assert sorted(tree(tmp_path / "out")) == names


def test_download_leaves_what_is_there_unless_overwrite(
    store: Datastore, data: Path, tmp_path: Path, capsys: Any
) -> None:
    store.upload("data", show_progress=False)
    (tmp_path / "a.csv").write_text("mine")
    assert store.download(tmp_path) == 1
    assert (tmp_path / "a.csv").read_text() == "mine"
    assert "is there already. Skipping download 1 of 2." in capsys.readouterr().out
    assert store.download(tmp_path, overwrite=True) == 2
    assert (tmp_path / "a.csv").read_text() == "a"


def test_an_empty_datastore_downloads_nothing(store: Datastore, tmp_path: Path) -> None:
    assert store.download(tmp_path / "out", show_progress=False) == 0


# -- names that try to leave


BAD = ["..", "../x", "a/../../x", "/etc", "C:\\x", "a\\..\\b", "a\0b", "a\nb", "x" * 2000, "a/" + "y" * 300, "\ud800"]


@pytest.mark.parametrize("name", BAD)
def test_no_target_path_or_prefix_leaves_the_datastore(store: Datastore, data: Path, tmp_path: Path, name: str) -> None:
    store.upload("data", show_progress=False)
    before = tree(tmp_path)
    calls: list[Callable[[], Any]] = [
        lambda: store.upload("data", name, show_progress=False),
        lambda: store.upload_files(["data/a.csv"], target_path=name, show_progress=False),
        lambda: store.download(tmp_path / "out", name, show_progress=False),
        lambda: store.path(name),
        lambda: store.path("a").path(name),
    ]
    for call in calls:
        with pytest.raises(UserErrorException):
            call()
    assert tree(tmp_path) == before


@given(name=st.text(alphabet="./\\%a2e~:", max_size=12))
def test_whatever_the_path_its_place_is_below_the_datastore(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    class Place:
        name = "any"

    root = tmp_path_factory.getbasetemp() / "any"
    store = Datastore(Place(), None, root)  # type: ignore[arg-type]
    try:
        place = store.path(name).local_path
    except UserErrorException:
        return
    assert place.resolve().is_relative_to(root.resolve())


def test_a_link_in_the_datastore_leads_nobody_out(store: Datastore, data: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    store.folder.mkdir(parents=True)
    (store.folder / "link").symlink_to(outside, target_is_directory=True)
    with pytest.raises(UserErrorException, match="link that leads out"):
        store.upload("data", "link", show_progress=False)
    assert tree(outside) == {"secret": "secret"}
    assert store.download(tmp_path / "out", show_progress=False) == 0


def test_a_link_in_the_target_of_a_download_leads_nobody_out(store: Datastore, data: Path, tmp_path: Path) -> None:
    store.upload("data", show_progress=False)
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").symlink_to(outside, target_is_directory=True)
    with pytest.raises(UserErrorException, match="link that leads out"):
        store.download(tmp_path / "out", show_progress=False)
    assert tree(outside) == {}


# -- what a killed upload leaves


def test_an_upload_that_fails_leaves_no_part_of_a_file(store: Datastore, data: Path) -> None:
    (store.folder / "a.csv").mkdir(parents=True)
    with pytest.raises(UserErrorException, match="cannot copy"):
        store.upload("data", overwrite=True, show_progress=False)
    assert tree(store.folder.parent) == {}


def test_what_a_killed_upload_left_is_never_listed_and_goes_after_a_day(
    store: Datastore, data: Path, tmp_path: Path
) -> None:
    drafts = store.folder.parent / ".drafts"
    drafts.mkdir(parents=True)
    old, new = drafts / ".old.part", drafts / ".new.part"
    for each in (old, new):
        each.write_text("half")
    os.utime(old, (0, time.time() - 25 * 3600))
    store.upload("data", show_progress=False)
    assert [each.name for each in drafts.iterdir()] == [".new.part"]
    store.download(tmp_path / "out", show_progress=False)
    assert sorted(tree(tmp_path / "out")) == ["a.csv", "sub/b.csv"]


# -- references and what comes later


def test_a_place_in_the_datastore_can_be_handed_on(store: Datastore, data: Path) -> None:
    reference = store.upload("data", "x", show_progress=False)
    assert reference.datastore == store
    assert reference.path_on_datastore == "x"
    assert (reference.path("sub").local_path / "b.csv").read_text() == "b"
    assert store.path().local_path == store.folder
    assert store.path("x", data_reference_name="mine").data_reference_name == "mine"


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.as_mount(),
        lambda store: store.path("x").as_download(),
        lambda store: store.set_as_default(),
        lambda store: store.unregister(),
        lambda store: Datastore.register_azure_blob_container(store.workspace, "n", "c", account_name="a"),
        lambda store: Datastore.register_hdfs(store.workspace, "n", "p", "a", "c", "r", "k", "p"),
    ],
)
def test_what_comes_later_says_so(store: Datastore, use: Callable[[Datastore], Any]) -> None:
    with pytest.raises(NotAvailableException, match=r"^NotAvailableException:\n\tMessage: Datastore\.") as caught:
        use(store)
    assert "is not in this version of Milepost yet" in caught.value.message
