"""A workspace is exported as Parquet tables and files, read by others, and imported: all of it, or nothing."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from milepost.store.batch import Points
from milepost.store.blobs import key_of
from milepost.store.carrying.carrier import Carried, Carrier
from milepost.store.carrying.source import StoreSource
from milepost.store.errors import BadInput
from milepost.store.folder.points import points_of, rows_of
from milepost.store.folder.reading import open_folder
from milepost.store.folder.writing import export
from milepost.store.points import check, column_of
from milepost.store.records import MetricSummary
from milepost.store.store import Store, open_store
from tests.store.whole import bits, differences, everything, fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _embedded(folder: Path) -> Store:
    folder.mkdir()
    return open_store(
        f"sqlite:///{folder / 'store.db'}", "here", blobs_url=str(folder / "blobs"), workspace_id=str(uuid4())
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A workspace of this machine with a bit of everything."""
    found = _embedded(tmp_path_factory.mktemp("source") / "workspace")
    fill(found)
    yield found
    found.close()


@pytest.fixture(scope="module")
def exported(source: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that it was exported to."""
    folder = tmp_path_factory.mktemp("exported") / "folder"
    assert export(StoreSource(source), folder).missing == {}
    return folder


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(exported, tmp_path / "folder"))


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Store]:
    """An empty workspace."""
    found = _embedded(tmp_path / "target")
    yield found
    found.close()


def import_(folder: Path, target: Store) -> Carried:
    return Carrier(open_folder(folder), target).carry()


def test_what_is_imported_is_what_was_exported(source: Store, exported: Path, target: Store) -> None:
    done = import_(exported, target)
    assert (done.new_runs, done.refused) == (source.info().runs, {})
    assert differences(everything(source), everything(target)) == {}
    again = import_(exported, target)
    assert (again.new_runs, again.changed_runs, again.points, again.files, again.models) == (0, 0, 0, 0, 0)
    assert differences(everything(source), everything(target)) == {}


def test_a_folder_from_before_parameters_were_exported_is_imported(folder: Path, target: Store) -> None:
    path = folder / "milepost.json"
    about = json.loads(path.read_text())
    (folder / "params.parquet").unlink()
    with pytest.raises(BadInput, match="params.parquet"):
        import_(folder, target)
    path.write_text(json.dumps({**about, "format": 1}))
    assert import_(folder, target).refused == {}
    assert target.run_states(["done"])[0].params == {}


def test_other_programs_read_it(exported: Path) -> None:
    runs = pd.read_parquet(exported / "runs.parquet").set_index("run_id")
    assert runs.loc["done", "status"] == "Completed"
    assert runs.loc["done", "ended"] == pd.Timestamp(1_700_000_060_000_000_000, tz="UTC")
    points = pd.read_parquet(exported / "points.parquet", filters=[("run_id", "==", "values"), ("name", "==", "mixed")])
    plain = points[points.kind == "series"]
    assert plain.type.tolist() == ["int", "float", "float", "text"]
    assert plain.value.tolist()[:3] == [1.0, 0.0, 2.5]
    assert math.copysign(1, plain.value.tolist()[1]) == -1
    assert plain.text.tolist()[3] == "x"
    listed = pd.read_parquet(exported / "artifacts.parquet").set_index(["run_id", "name"])
    place = listed.loc[("done", "outputs/model.bin"), "path"]
    assert (exported / place).read_bytes() == b"m" * 100_000
    assert not [each for each in exported.rglob("*") if each.name in ("tmp", "trash")]


CELLS = st.one_of(
    st.none(), st.floats(), st.integers(), st.booleans(), st.text(st.characters(exclude_categories=()), max_size=5)
)


@settings(max_examples=30)
@given(data=st.data())
def test_any_points_come_back_to_the_last_bit(data: Any) -> None:
    names = data.draw(st.lists(st.text(st.characters(codec="utf-8"), max_size=3), min_size=1, max_size=3, unique=True))
    count = data.draw(st.integers(0, 6))
    whole = st.integers(-(2**63) + 1, 2**63 - 1)
    numbers = [np.array(data.draw(st.lists(whole, min_size=count, max_size=count)), np.int64) for _ in range(2)]
    cells = st.lists(CELLS, min_size=count, max_size=count)
    points = Points(*numbers, {name: column_of(data.draw(cells)) for name in names})
    metric = _summary(tuple(names), count)
    back = points_of(metric, rows_of(metric, points, 7), 7)
    check(back)
    assert bits(back) == bits(points)


def _summary(columns: tuple[str, ...], count: int) -> MetricSummary:
    nothing: dict[str, Any] = dict.fromkeys(
        ("first", "last", "min", "max", "first_step", "last_step", "first_ns", "last_ns")
    )
    named = {"run_id": "run", "namespace": "", "name": "name", "kind": "table", "description": "", "is_list": False}
    return MetricSummary(**named, calls=1, count=count, nan_count=0, columns=columns, **nothing)


# -- what is wrong with a folder is told, and nothing of it is imported ---------------------------------------------


def _rewrite(folder: Path, table: str, change: Callable[[dict[str, list[Any]]], None]) -> None:
    """Change a table, and its hash with it, as somebody would who means harm."""
    path = folder / f"{table}.parquet"
    found = pq.read_table(path)
    plain = [each.name for each in found.schema if not pa.types.is_timestamp(each.type)]
    columns = {name: found[name].to_pylist() for name in plain}
    change(columns)
    for name, values in columns.items():
        number = found.schema.get_field_index(name)
        found = found.set_column(number, found.schema.field(number), pa.array(values, found.schema.field(number).type))
    pq.write_table(found, path)
    _hash_anew(folder, table)


def _hash_anew(folder: Path, table: str) -> None:
    about = json.loads((folder / "milepost.json").read_text())
    about["sha256"][table] = hashlib.sha256((folder / f"{table}.parquet").read_bytes()).hexdigest()
    (folder / "milepost.json").write_text(json.dumps(about))


def _set(column: str, value: Any) -> Callable[[dict[str, list[Any]]], None]:
    def change(columns: dict[str, list[Any]]) -> None:
        columns[column][0] = value

    return change


@pytest.mark.parametrize(
    ("table", "change", "told"),
    [
        ("artifacts", _set("name", "../../etc/passwd"), "passwd"),
        ("artifacts", _set("name", "/etc/passwd"), "passwd"),
        ("artifacts", _set("sha256", "../../x"), "digest"),
        ("artifacts", _set("size", -1), "size"),
        ("artifacts", _set("run_id", "nobody"), "nobody"),
        ("model_files", _set("name", "../model.bin"), "model.bin"),
        ("models", _set("name", "../digits"), "digits"),
        ("snapshots", _set("snapshot_id", "../x"), "snapshot"),
        ("runs", _set("status", "Odd"), "Odd"),
        ("runs", _set("warnings", "[{]"), "JSON"),
        ("metrics", _set("first_row", 10**9), "points"),
        ("metrics", _set("count", 10**9), "points"),
        ("metrics", _set("columns", '["x"]'), "points"),
        ("points", _set("type", "object"), "type"),
        ("points", _set("index", 5), "order"),
        ("environments", _set("definition", "[]"), "JSON object"),
    ],
)
def test_tables_that_were_made_to_do_harm_are_refused(
    folder: Path, target: Store, table: str, change: Callable[[dict[str, list[Any]]], None], told: str
) -> None:
    _rewrite(folder, table, change)
    with pytest.raises(BadInput, match=told):
        import_(folder, target)
    assert target.info().runs == 0
    assert target.info().experiments == 0


@pytest.mark.parametrize("table", ["runs", "points", "artifacts", "experiments"])
def test_a_table_that_was_cut_off_is_refused(folder: Path, target: Store, table: str) -> None:
    path = folder / f"{table}.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadInput, match=f"{table}.parquet.*cut off or changed"):
        import_(folder, target)
    _hash_anew(folder, table)
    with pytest.raises(BadInput, match=f"{table}.parquet.*Parquet"):
        import_(folder, target)
    path.unlink()
    with pytest.raises(BadInput, match=f"{table}.parquet"):
        import_(folder, target)
    assert target.info().experiments == 0


def _content_of(folder: Path) -> Path:
    return folder / "files" / key_of(hashlib.sha256(b"m" * 100_000).hexdigest())


@pytest.mark.parametrize("harm", ["cut", "changed", "gone", "a link", "a link to a folder"])
def test_a_content_that_is_not_what_it_was_is_refused(folder: Path, target: Store, harm: str, tmp_path: Path) -> None:
    content = _content_of(folder)
    if harm == "a link to a folder":
        shutil.move(content.parent, tmp_path / "elsewhere")
        content.parent.symlink_to(tmp_path / "elsewhere")
        (tmp_path / "elsewhere" / content.name).write_bytes(b"other")
    elif harm == "a link":
        shutil.move(content, tmp_path / "elsewhere")
        content.symlink_to(tmp_path / "elsewhere")
    elif harm == "gone":
        content.unlink()
    else:
        content.write_bytes(content.read_bytes()[:-1] + (b"" if harm == "cut" else b"n"))
    with pytest.raises(BadInput, match=content.name):
        import_(folder, target)
    assert target.info().runs == 0
    assert not (tmp_path / "target" / "blobs").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "no milepost.json"),
        ("{", "cannot be read"),
        ("[]", "lacks"),
        ('{"format": 99}', "newer"),
        (
            '{"format": 0, "workspace": {"id": "11111111-1111-1111-1111-111111111111", "name": "x"}, "sha256": {}}',
            "lacks",
        ),
        ('{"format": 1, "workspace": {"id": "../x", "name": "x"}, "sha256": {}}', "lacks"),
    ],
)
def test_what_is_no_exported_folder_is_refused(folder: Path, text: str | None, told: str) -> None:
    path = folder / "milepost.json"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(BadInput, match=told):
        open_folder(folder)


def test_a_folder_with_something_in_it_is_not_written_to(source: Store, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(BadInput, match="is there already"):
        export(StoreSource(source), tmp_path / "full")
    assert [each.name for each in tmp_path.iterdir()] == ["full"]
    (tmp_path / "empty").mkdir()
    export(StoreSource(source), tmp_path / "empty")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["empty", "full"]


def test_a_file_that_the_workspace_has_lost_is_told_and_all_else_is_exported(tmp_path: Path, target: Store) -> None:
    store = _embedded(tmp_path / "damaged")
    fill(store)
    store.blobs.delete(hashlib.sha256(b"found").hexdigest())
    done = export(StoreSource(store), tmp_path / "folder")
    assert list(done.missing) == ["done: found.txt"]
    import_(tmp_path / "folder", target)
    assert [each.name for each in target.artifacts("done")] == [
        each.name for each in store.artifacts("done") if each.name != "found.txt"
    ]
    store.close()


def test_metrics_that_lie_in_several_row_groups_come_back(
    source: Store, tmp_path: Path, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("milepost.store.folder.writing._POINT_ROWS", 1000)
    monkeypatch.setattr("milepost.store.carrying.source._FIRST_NUMBERS", 500)
    export(StoreSource(source), tmp_path / "folder")
    assert pq.ParquetFile(tmp_path / "folder" / "points.parquet").num_row_groups > 2
    import_(tmp_path / "folder", target)
    assert repr(target.metric_values("values")) == repr(source.metric_values("values"))
