"""Files of runs, as queries give them."""

from __future__ import annotations

import io
import mimetypes
from typing import TYPE_CHECKING

import pytest

from milepost.store.artifact_pages import artifact_page
from milepost.store.artifacts import content_type_of
from milepost.store.errors import BadInput, NotFound
from tests.store.builders import event, run_event, say, upload

if TYPE_CHECKING:
    from pathlib import Path

    from milepost.store.store import Store

NAMES = [
    "outputs/model.pkl",
    "outputs/Model.txt",
    "outputs2/x",
    "out%puts/a_b",
    "logs/ünï.log",
    "Z",
    "a",
    "outputs/a/b",
]


@pytest.fixture
def filled(store: Store) -> Store:
    say(store, run_event("r"), run_event("other"))
    for name in NAMES:
        upload(store, "r", name, name.encode())
    upload(store, "other", "outputs/foreign", b"x")
    return store


def test_files_are_listed_by_name_in_one_order_on_every_database(filled: Store) -> None:
    assert [each.name for each in filled.artifacts("r")] == sorted(NAMES)


@pytest.mark.parametrize(
    "prefix",
    [
        "outputs/",
        "outputs",
        "OUTPUTS",
        "out%",
        "out_",
        "outputs/a",
        "logs/ü",
        "Z",
        "",
        "nothing",
        "\x00",
        "\ud800",
        "%",
        "'",
    ],
)
def test_a_prefix_is_plain_text_and_minds_the_case(filled: Store, prefix: str) -> None:
    expected = [name for name in sorted(NAMES) if name.startswith(prefix)]
    assert [each.name for each in filled.artifacts("r", prefix)] == expected


@pytest.mark.parametrize("prefix", ["", "outputs/", "OUTPUTS", "out%", "out_", "logs/ü", "Z", "\ud800", "a"])
@pytest.mark.parametrize("recursive", [True, False])
def test_pages_are_parts_of_the_whole_list(filled: Store, prefix: str, recursive: bool) -> None:
    expected = [name for name in sorted(NAMES) if name.startswith(prefix)]
    size = sum(len(name.encode()) for name in expected)
    folders = {}
    if not recursive:
        below = [name for name in expected if "/" in name[len(prefix) :]]
        expected = [name for name in expected if name not in below]
        for name in below:
            folder = name[: name.index("/", len(prefix)) + 1]
            count, total = folders.get(folder, (0, 0))
            folders[folder] = (count + 1, total + len(name.encode()))
    pages = [artifact_page(filled, "r", prefix, offset, 2, recursive=recursive) for offset in range(0, 10, 2)]
    assert [file.name for page in pages for file in page.files] == expected
    for page in pages:
        assert (page.total, page.total_size) == (len(expected), size)
        assert [(each.name, (each.files, each.size)) for each in page.folders] == sorted(folders.items())[:2]


def test_names_with_the_greatest_of_all_characters_are_found(store: Store) -> None:
    say(store, run_event("r"))
    names = ["a/\U0010ffff\U0010ffffx", "a/\U0010ffff", "a0"]
    for name in names:
        upload(store, "r", name, b"x")
    assert [each.name for each in store.artifacts("r", "a/")] == sorted(names[:2])


def test_a_file_is_found_with_all_that_is_known_of_it(filled: Store) -> None:
    found = filled.artifact("r", "./outputs//model.pkl")
    assert (found.run_id, found.name, found.size) == ("r", "outputs/model.pkl", len("outputs/model.pkl"))
    assert found.digest == filled.put_bytes(b"outputs/model.pkl").digest
    assert found.content_type == "application/octet-stream"
    assert found in filled.artifacts("r", "outputs/")


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("outputs/model.txt", "did you mean 'outputs/Model.txt'"),
        ("model.pkl", "did you mean 'outputs/model.pkl'"),
        ("outputs/modle.pkl", "did you mean 'outputs/model.pkl'"),
        ("zzzzzz/qqqqqq", "it has 8 others"),
    ],
)
def test_a_name_that_is_not_there_is_told_with_those_like_it(filled: Store, asked: str, hint: str) -> None:
    with pytest.raises(NotFound, match=f"run 'r' has no file '{asked}'; {hint}"):
        filled.artifact("r", asked)


def test_a_run_without_files_is_told(filled: Store) -> None:
    say(filled, run_event("empty"))
    for run_id in ("empty", "unknown", "\x00", "\ud800", "x" * 10_000):
        assert filled.artifacts(run_id) == []
        with pytest.raises(NotFound, match="has no files, or there is no such run"):
            filled.artifact(run_id, "outputs/model.pkl")


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "", "a\x00", "outputs\\x", "C:/x"])
def test_a_name_that_cannot_be_is_refused(filled: Store, tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput):
        filled.artifact("r", name)
    with pytest.raises(BadInput):
        filled.open_artifact("r", name)
    with pytest.raises(BadInput):
        filled.download_artifact("r", name, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_file_can_be_opened_and_downloaded(filled: Store, tmp_path: Path) -> None:
    with filled.open_artifact("r", "Z") as source:
        assert source.read() == b"Z"
    filled.download_artifact("r", "logs/ünï.log", tmp_path / "sub" / "target")
    assert (tmp_path / "sub" / "target").read_text() == "logs/ünï.log"


def test_the_same_content_under_two_names_is_kept_once(store: Store, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"same" * 100)
    say(store, run_event("r"), run_event("s"))
    blobs = {
        store.put_file(tmp_path / "source"),
        store.put_bytes(b"same" * 100),
        store.put_stream(io.BytesIO(b"same" * 100)),
    }
    assert len(blobs) == 1
    upload(store, "r", "a", b"same" * 100)
    upload(store, "s", "b", b"same" * 100)
    info = store.info()
    assert (info.artifacts, info.artifact_bytes, info.blob_bytes) == (2, 800, 400)
    assert store.blobs.usage() == 400


def test_an_event_that_names_a_file_badly_is_not_kept(store: Store) -> None:
    say(store, run_event("r"))
    digest = store.put_bytes(b"x").digest
    for name in ("../x", "/abs", "a\\b", "nul"):
        say(store, event("artifact", "r", name=name, digest=digest, size=1, content_type="text/plain"))
    assert store.artifacts("r") == []
    assert len(store.run("r").warnings) == 4


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("outputs/model.pkl", "application/octet-stream"),
        ("a/plot.PNG", "image/png"),
        ("a/plot.svg", "image/svg+xml"),
        ("page.html", "text/html"),
        ("data.json", "application/json"),
        ("data.csv", "text/csv"),
        ("data.csv.gz", "application/gzip"),
        ("code.tar.bz2", "application/x-bzip2"),
        ("log.txt.xz", "application/x-xz"),
        ("azureml-logs/70_driver_log.txt", "text/plain"),
        ("train.log", "text/plain"),
        ("env.yml", "application/yaml"),
        ("table.parquet", "application/vnd.apache.parquet"),
        ("README", "application/octet-stream"),
        ("a.b/README", "application/octet-stream"),
        (".bashrc", "application/octet-stream"),
        ("http://x/y.html;z", "application/octet-stream"),
        ("data:text/html,x", "application/octet-stream"),
    ],
)
def test_the_content_type_is_told_by_the_name(name: str, expected: str) -> None:
    assert content_type_of(name) == expected


def test_the_content_type_is_the_same_on_every_machine() -> None:
    mimetypes.add_type("application/x-of-this-machine", ".pkl")
    mimetypes.add_type("application/x-of-this-machine", ".csv")
    try:
        assert content_type_of("x.csv") == "text/csv"
        assert content_type_of("x.pkl") == "application/octet-stream"
    finally:
        mimetypes.init()
