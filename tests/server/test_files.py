from __future__ import annotations

import asyncio
import hashlib
import io
import json
import random
import zipfile
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route

from azureml.core import Run, Workspace
from milepost.server.delivery import Content, deliver, disposition
from milepost.server.previews import preview_of, preview_of_text
from milepost.server.ranges import RangeRefused, wanted_range
from milepost.server.shown_types import shown_type
from milepost.server.zipping import ZipEntry, stream_zip
from milepost.store.blobs import open_blobs
from milepost.store.errors import NotFound, StoreDamaged
from milepost.store.store import Store
from tests.store.object_stores import new_s3_place, s3_endpoint

__all__ = ["s3_endpoint"]


@pytest.fixture
def files(run: Run, tmp_path: Path) -> dict[str, bytes]:
    """What the run has stored."""
    contents = {
        "outputs/model.bin": bytes(range(256)) * 40,
        "outputs/sub/notes.txt": "Grüße\n".encode(),
        "outputs/table.csv": b"a,b\n1,2\n3,4\n",
        "outputs/page.html": b"<script>alert(1)</script>",
        "outputs/plot.png": b"\x89PNG\r\n\x1a\n" + b"x" * 50,
        "plain.txt": b"",
    }
    for number, (name, data) in enumerate(contents.items()):
        path = tmp_path / f"file{number}"
        path.write_bytes(data)
        run.upload_file(name, str(path))
    run.flush()
    return contents


@pytest.fixture
def store(ws: Workspace) -> Store:
    return ws._recorder.open_store()


# -- lists -------------------------------------------------------------------------------------------------------------


def test_the_list_tells_of_each_file(client: httpx.Client, run: Run, files: dict[str, bytes]) -> None:
    found = client.get(f"/runs/{run.id}/files").raise_for_status().json()
    assert {each["name"]: each["size"] for each in found["files"]} == {name: len(data) for name, data in files.items()}
    assert all(each["digest"] == hashlib.sha256(files[each["name"]]).hexdigest() for each in found["files"])
    assert found["total"] == len(files)
    assert found["total_size"] == sum(map(len, files.values()))
    assert found["live"] == found["folders"] == []


def test_one_level_of_folders(client: httpx.Client, run: Run, files: dict[str, bytes]) -> None:
    top = client.get(f"/runs/{run.id}/files", params={"recursive": False}).json()
    assert [each["name"] for each in top["files"]] == ["plain.txt"]
    inside = sum(len(data) for name, data in files.items() if name.startswith("outputs/"))
    assert top["folders"] == [{"name": "outputs/", "files": 5, "size": inside}]
    below = client.get(f"/runs/{run.id}/files", params={"recursive": False, "prefix": "outputs/"}).json()
    assert [each["name"] for each in below["folders"]] == ["outputs/sub/"]
    assert len(below["files"]) == 4


def test_pages_of_files(client: httpx.Client, run: Run, files: dict[str, bytes]) -> None:
    names = [
        each["name"]
        for offset in range(0, 6, 4)
        for each in client.get(f"/runs/{run.id}/files", params={"offset": offset, "limit": 4}).json()["files"]
    ]
    assert names == sorted(files)


def test_unknown_runs_and_files_are_404_with_near_names(client: httpx.Client, run: Run, files: object) -> None:
    assert client.get("/runs/nobody/files").status_code == 404
    found = client.get(f"/runs/{run.id}/files/outputs/Model.bin")
    assert found.status_code == 404
    assert "'outputs/model.bin'" in found.json()["error"]["message"]
    assert client.get(f"/runs/{run.id}/archive", params={"prefix": "nothing/"}).status_code == 404
    assert client.get(f"/runs/{run.id}/archive", params={"name": "nothing"}).status_code == 404


# -- contents ----------------------------------------------------------------------------------------------------------


def test_files_come_back_byte_by_byte(client: httpx.Client, run: Run, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        found = client.get(f"/runs/{run.id}/files/{name}")
        assert found.status_code == 200
        assert found.content == data
        assert found.headers["content-length"] == str(len(data))
        assert found.headers["etag"] == f'"{hashlib.sha256(data).hexdigest()}"'


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("bytes=0-9", slice(0, 10)), ("bytes=10230-", slice(10230, None)), ("bytes=-5", slice(-5, None)),
     ("bytes=5-999999999", slice(5, None)), ("bytes=-999999", slice(0, None))],
)  # fmt: skip
def test_one_range(client: httpx.Client, run: Run, files: dict[str, bytes], asked: str, expected: slice) -> None:
    whole = files["outputs/model.bin"]
    found = client.get(f"/runs/{run.id}/files/outputs/model.bin", headers={"Range": asked})
    assert found.status_code == 206
    assert found.content == whole[expected]
    start = expected.indices(len(whole))[0]
    assert found.headers["content-range"] == f"bytes {start}-{start + len(found.content) - 1}/{len(whole)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=10240-", "bytes=99999999999-", "bytes=-0"])
def test_ranges_that_cannot_be_given(client: httpx.Client, run: Run, files: object, asked: str) -> None:
    found = client.get(f"/runs/{run.id}/files/outputs/model.bin", headers={"Range": asked})
    assert found.status_code == 416
    assert found.headers["content-range"] == "bytes */10240"
    assert found.json()["error"]["code"] == "range_not_satisfiable"


@pytest.mark.parametrize("asked", ["bytes=a-b", "items=0-5", "bytes=9-2", "bytes=", "bytes=--5", "bytes=٣-٤"])
def test_ranges_that_make_no_sense_count_as_none(
    client: httpx.Client, run: Run, files: dict[str, bytes], asked: str
) -> None:
    found = client.get(f"/runs/{run.id}/files/outputs/model.bin", headers={"Range": asked.encode()})
    assert (found.status_code, found.content) == (200, files["outputs/model.bin"])


def test_what_the_client_has_is_not_sent_again(client: httpx.Client, run: Run, files: object) -> None:
    address = f"/runs/{run.id}/files/outputs/model.bin"
    etag = client.get(address).headers["etag"]
    again = client.get(address, headers={"If-None-Match": f'"x", W/{etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(address, headers={"If-None-Match": '"x"'}).status_code == 200
    resumed = client.get(address, headers={"Range": "bytes=5-", "If-Range": etag})
    assert resumed.status_code == 206
    changed = client.get(address, headers={"Range": "bytes=5-", "If-Range": '"x"'})
    assert changed.status_code == 200


@given(st.text(max_size=30), st.integers(0, 1000))
def test_any_range_lies_within_the_content(text: str, size: int) -> None:
    try:
        found = wanted_range(f"bytes={text}", size)
    except RangeRefused:
        return
    assert found is None or 0 <= found.start < found.stop <= size


def test_large_files_are_streamed_in_pieces(client: httpx.Client, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "large"
    block = hashlib.sha256(b"x").digest() * 32768  # 1 MiB
    with path.open("wb") as file:
        for _ in range(64):
            file.write(block)
    run.upload_file("outputs/large.bin", str(path))
    run.flush()
    import psutil

    process = psutil.Process()  # the server is a thread of it
    before, most, received = process.memory_info().rss, 0, 0
    with client.stream("GET", f"/runs/{run.id}/files/outputs/large.bin") as answer:
        for piece in answer.iter_bytes(1 << 20):
            received += len(piece)
            most = max(most, process.memory_info().rss)
    assert received == 64 << 20
    assert most - before < 32 << 20


def test_a_content_that_is_gone_is_told(client: httpx.Client, run: Run, files: dict[str, bytes], store: Store) -> None:
    store.blobs.delete(hashlib.sha256(files["outputs/model.bin"]).hexdigest())
    assert client.get(f"/runs/{run.id}/files/outputs/model.bin").status_code == 404


def test_a_content_that_was_cut_short_breaks_the_connection(client: httpx.Client, run: Run, tmp_path: Path,
                                                            store: Store) -> None:  # fmt: skip
    path = tmp_path / "long"
    path.write_bytes(b"x" * 3_000_000)
    run.upload_file("outputs/long.bin", str(path))
    run.flush()
    digest = store.artifact(run.id, "outputs/long.bin").digest
    place = Path(store.blobs.address) / "sha256" / digest[:2] / digest[2:]
    place.chmod(0o600)
    place.write_bytes(b"x" * 1_000_000)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(f"/runs/{run.id}/files/outputs/long.bin")


def test_contents_in_an_object_store_are_read_in_pieces(request: pytest.FixtureRequest) -> None:
    """The same answers where the contents lie in S3: whole, in ranges, zipped, previewed."""
    place = new_s3_place(request.getfixturevalue("s3_endpoint"))
    blobs = open_blobs(place.address, options=place.options)
    data = random.Random(1).randbytes(5_000_000)
    blob = blobs.put_bytes(data)
    content = Content("x.txt", blob.digest, blob.size, "text/plain")
    app = Starlette(routes=[Route("/", lambda asked: deliver(asked, blobs, content))])

    async def ask(**headers: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            return await client.get("/", headers=headers)

    assert asyncio.run(ask()).content == data
    part = asyncio.run(ask(Range="bytes=4000000-4000009"))
    assert (part.status_code, part.content) == (206, data[4_000_000:4_000_010])
    archive = zipfile.ZipFile(io.BytesIO(b"".join(stream_zip(blobs, [ZipEntry("x", blob.digest, blob.size)]))))
    assert archive.read("x") == data
    table = blobs.put_bytes(b"a,b\n1,2\n")
    assert preview_of(blobs, Content("x.csv", table.digest, table.size, "text/csv")).rows == [["1", "2"]]


# -- types and names ---------------------------------------------------------------------------------------------------


_TEXT = "text/plain; charset=utf-8"
_SHOWN = {
    **dict.fromkeys(["a.txt", "a.py", "a.json", "a.ipynb", "a.csv", "a.md", "a.yaml", "a.log", "a.jsonl"], _TEXT),
    "a.png": "image/png",
    "a.jpg": "image/jpeg",
    "a.pdf": "application/pdf",
}
_NOT_SHOWN = ["html", "htm", "svg", "svgz", "xhtml", "xht", "xml", "xsl", "xslt", "rdf", "js", "mjs", "mht", "mhtml"]
_NOT_SHOWN += ["vtt", "htc", "wasm", "swf", "ico", "tif", "pkl", "unknown"]


@pytest.mark.parametrize(("name", "shown"), [*_SHOWN.items(), *((f"a.{each}", None) for each in _NOT_SHOWN)])
def test_what_a_browser_may_show(name: str, shown: str | None) -> None:
    from milepost.store.artifacts import content_type_of

    assert shown_type(content_type_of(name)) == shown


@pytest.mark.parametrize(
    "content_type",
    ["text/html; charset=x", "TEXT/HTML", "image/svg+xml", "text/xml", "x", "", "text/javascript", "multipart/mixed"],
)
def test_types_that_are_never_shown(content_type: str) -> None:
    assert shown_type(content_type) is None


def test_pages_are_attachments_in_a_sandbox(client: httpx.Client, run: Run, files: object) -> None:
    found = client.get(f"/runs/{run.id}/files/outputs/page.html")
    assert found.headers["content-type"] == "application/octet-stream"
    assert found.headers["content-disposition"].startswith("attachment;")
    assert found.headers["x-content-type-options"] == "nosniff"
    policies = found.headers.get_list("content-security-policy")
    assert len(policies) == 1
    assert policies[0].startswith("sandbox; default-src 'none'")
    image = client.get(f"/runs/{run.id}/files/outputs/plot.png")
    assert image.headers["content-type"] == "image/png"
    assert image.headers["content-disposition"].startswith("inline;")
    assert (
        client.get(f"/runs/{run.id}/files/outputs/plot.png", params={"download": True})
        .headers["content-disposition"]
        .startswith("attachment;")
    )


@given(st.text(max_size=60))
def test_no_name_can_break_out_of_its_header(name: str) -> None:
    header = disposition(name, attached=True)
    header.encode("ascii")
    assert not set(header) & set("\r\n\0")
    assert header.count('"') == 2
    assert "\\" not in header


def test_names_in_headers() -> None:
    assert disposition('outputs/grüße "x".txt', attached=False) == (
        "inline; filename=\"gr__e _x_.txt\"; filename*=UTF-8''gr%C3%BC%C3%9Fe%20%22x%22.txt"
    )


@pytest.mark.parametrize(
    "name",
    ["outputs/a b+c%20d#e?f&g.txt", "outputs/%2e%2e.txt", "outputs/\"q'.txt", "outputs/模型 ü.txt", "a;b=c.txt"],
)
def test_odd_names_are_reachable(client: httpx.Client, run: Run, tmp_path: Path, name: str) -> None:
    from urllib.parse import quote

    path = tmp_path / "odd"
    path.write_bytes(name.encode())
    run.upload_file(name, str(path))
    run.flush()
    found = client.get(f"/runs/{run.id}/files/{quote(name)}")
    assert (found.status_code, found.content) == (200, name.encode())
    preview = client.get(f"/runs/{run.id}/preview/{quote(name)}").json()
    assert preview["text"] == name
    again = client.get(str(client.base_url).removesuffix("/api/v1/") + preview["url"])
    assert again.content == name.encode()


# -- archives ----------------------------------------------------------------------------------------------------------


def test_the_archive_of_a_folder(client: httpx.Client, run: Run, files: dict[str, bytes]) -> None:
    found = client.get(f"/runs/{run.id}/archive", params={"prefix": "outputs/"})
    assert found.headers["content-type"] == "application/zip"
    assert f'filename="run-{run.number}-outputs.zip"' in found.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        assert archive.testzip() is None
        assert {each: archive.read(each) for each in archive.namelist()} == {
            name: data for name, data in files.items() if name.startswith("outputs/")
        }
        kinds = {each.filename: each.compress_type for each in archive.infolist()}
    assert kinds["outputs/plot.png"] == zipfile.ZIP_STORED
    assert kinds["outputs/table.csv"] == zipfile.ZIP_DEFLATED


def test_the_archive_of_some_files(client: httpx.Client, run: Run, files: dict[str, bytes]) -> None:
    found = client.get(f"/runs/{run.id}/archive", params={"name": ["plain.txt", "outputs/table.csv"]})
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        assert archive.namelist() == ["outputs/table.csv", "plain.txt"]


def test_an_archive_without_all_its_files_is_none(store: Store) -> None:
    good = store.put_bytes(b"x" * 1_000_000)
    with pytest.raises(NotFound):
        list(stream_zip(store.blobs, [ZipEntry("a", good.digest, good.size), ZipEntry("b", "0" * 64, 5)]))
    with pytest.raises(StoreDamaged):
        list(stream_zip(store.blobs, [ZipEntry("a", good.digest, 5)]))


def test_an_archive_that_fails_on_its_way_cannot_be_taken_for_whole(
    client: httpx.Client, run: Run, files: dict[str, bytes], store: Store
) -> None:
    store.blobs.delete(hashlib.sha256(files["outputs/table.csv"]).hexdigest())
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(f"/runs/{run.id}/archive")


def test_the_same_files_give_the_same_archive_in_little_memory(store: Store) -> None:
    import tracemalloc

    blob = store.put_bytes(b"\0" * (64 << 20))
    entries = [ZipEntry("zeros.bin", blob.digest, blob.size), ZipEntry("copy.npz", blob.digest, blob.size)]
    first = hashlib.sha256(b"".join(stream_zip(store.blobs, entries))).hexdigest()
    hashed = hashlib.sha256()
    tracemalloc.start()
    for piece in stream_zip(store.blobs, entries):
        hashed.update(piece)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert hashed.hexdigest() == first
    assert most < 16 << 20


# -- previews ----------------------------------------------------------------------------------------------------------


def test_previews_by_kind(client: httpx.Client, run: Run, files: dict[str, bytes]) -> None:
    def preview(name: str) -> dict[str, object]:
        found: dict[str, object] = client.get(f"/runs/{run.id}/preview/{name}").raise_for_status().json()
        return found

    text = preview("outputs/sub/notes.txt")
    assert (text["kind"], text["text"], text["encoding"]) == ("text", "Grüße\n", "utf-8")
    table = preview("outputs/table.csv")
    assert (table["kind"], table["columns"], table["rows"]) == ("table", ["a", "b"], [["1", "2"], ["3", "4"]])
    assert (table["total_rows"], table["truncated"]) == (2, False)
    assert preview("outputs/plot.png")["kind"] == "image"
    assert preview("outputs/model.bin")["kind"] == "binary"
    page = preview("outputs/page.html")
    assert (page["kind"], page["text"]) == ("text", "<script>alert(1)</script>")
    assert preview("plain.txt")["text"] == ""


@pytest.mark.parametrize(
    ("data", "text", "encoding"),
    [
        ("naïve ✓".encode(), "naïve ✓", "utf-8"),
        ("\ufeffmarked".encode(), "marked", "utf-8"),
        ("wide ✓".encode("utf-16"), "wide ✓", "utf-16"),
        ("wider ✓".encode("utf-32"), "wider ✓", "utf-32"),
        ("déjà €".encode("cp1252"), "déjà €", "cp1252"),
        (b"caf\xe9 \x81", "café \x81", "latin-1"),
        (b"\x1b[31mred\x1b[0m 10%\r20%\r\n", "\x1b[31mred\x1b[0m 10%\r20%\r\n", "utf-8"),
    ],
)
def test_texts_in_many_encodings(data: bytes, text: str, encoding: str) -> None:
    found = preview_of_text("x.log", data, len(data))
    assert (found.kind, found.text, found.encoding) == ("text", text, encoding)


def test_a_text_that_is_cut_amid_a_character() -> None:
    data = "✓".encode() * 10
    found = preview_of_text("x.txt", data[:-1], len(data))
    assert (found.text, found.encoding, found.truncated) == ("✓" * 9, "utf-8", True)


def test_tables_of_other_shapes() -> None:
    def table(data: bytes, name: str = "x.csv", size: int | None = None) -> object:
        found = preview_of_text(name, data, size or len(data))
        return found.kind, found.columns, found.rows, found.total_rows, found.truncated

    assert table(b"a;b\n1;2,5\n") == ("table", ["a", "b"], [["1", "2,5"]], 1, False)
    assert table(b"a\tb\n1\t2\n", "x.tsv") == ("table", ["a", "b"], [["1", "2"]], 1, False)
    assert table(b'a,b\n"x\ny",2\n3\n') == ("table", ["a", "b"], [["x\ny", "2"], ["3", ""]], 2, False)
    assert table(b"a,b\n1,2\n3,4", size=99) == ("table", ["a", "b"], [["1", "2"]], None, True)
    many = b"a\n" + b"1\n" * 5000
    kind, _columns, rows, total, truncated = table(many)  # type: ignore[misc]
    assert (kind, len(rows), total, truncated) == ("table", 200, None, True)
    assert table(b",".join([b"x"] * 3000) + b"\n")[0] == "table"  # type: ignore[index]
    assert table(b'"' + b"x" * 200_000)[0] == "text"  # type: ignore[index]


def test_json_is_json_only_where_it_is() -> None:
    assert preview_of_text("x.json", b'{"a": 1}', 8).kind == "json"
    assert preview_of_text("x.json", b'{"a": 1', 7).kind == "text"
    assert preview_of_text("x.json", b'{"a": 1}', 999_999).kind == "text"
    assert preview_of_text("x.json", b"[" * 200_000, 200_000).kind == "text"
    notebook = json.dumps({"cells": []}).encode()
    assert preview_of_text("x.ipynb", notebook, len(notebook)).kind == "json"


@given(st.binary(max_size=300), st.sampled_from(["x.csv", "x.tsv", "x.json", "x.txt", "x"]))
def test_any_bytes_have_a_preview(data: bytes, name: str) -> None:
    for size in (len(data), len(data) + 1):
        assert preview_of_text(name, data, size).kind in ("text", "json", "table", "binary")


def test_the_types_of_columns_are_told_by_their_cells() -> None:
    lines = [
        "i,f,b,d,t,x,none",
        "1,1.5,true,2024-01-31,2024-01-31T12:00:00Z,a,",
        "-2,1e-3,False,2024-02-01,2024-02-01 00:00,1,NA",
        "3,nan,,,,,",
    ]
    table = "\n".join(lines).encode()
    found = preview_of_text("x.csv", table, len(table))
    assert found.types == ["integer", "number", "boolean", "date", "time", "text", "empty"]
    assert preview_of_text("x.csv", b"a,b\n", 4).types == ["empty", "empty"]


def test_names_of_very_many_files_come_as_columns(client: httpx.Client, run: Run, files: dict[str, bytes]) -> None:
    found = client.get(f"/runs/{run.id}/file-names").json()
    listed = client.get(f"/runs/{run.id}/files").json()["files"]
    assert found["names"] == [each["name"] for each in listed]
    assert found["sizes"] == [each["size"] for each in listed]
    assert all(each["digest"].startswith(short) for each, short in zip(listed, found["digests"], strict=True))
    assert client.get("/runs/none/file-names").status_code == 404


def test_parquet_is_left_to_the_page(store: Store) -> None:
    blob = store.put_bytes(b"PAR1" + b"\xff" * 500 + b"PAR1")
    found = preview_of(store.blobs, Content("x.parquet", blob.digest, blob.size, ""))
    assert found.kind == "binary"
    assert found.note
