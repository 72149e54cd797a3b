"""Registered models: versions, files, tags, properties, aliases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from milepost.store.errors import BadInput, Conflict, NotFound
from milepost.store.records import ANY, Blob, ModelFile, ModelRecord
from tests.store.builders import run_event, say, upload

if TYPE_CHECKING:
    from milepost.store.store import Store


def register(store: Store, name: str = "iris", data: bytes = b"weights", **facts: Any) -> ModelRecord:
    path = facts.pop("path", "outputs/model.pkl")
    return store.register_model(name, path=path, files=[(path, store.put_bytes(data))], **facts)


def test_a_model_comes_back_with_all_that_was_told_of_it(store: Store) -> None:
    blob = store.put_bytes(b"weights")
    made = store.register_model(
        "iris",
        path="outputs/model/",
        files=[("outputs/model/b", blob), ("./outputs/model//a", blob)],
        run_id="some run",
        experiment="exp",
        tags={"area": "flowers", "bare": None},
        properties={"auc": "0.9"},
        description="a description",
        framework="ScikitLearn",
        framework_version="1.5",
        extra={"resource_configuration": {"cpu": 1.5}},
    )
    assert made == store.model("iris") == store.model("iris", 1) == store.models()[0]
    assert (made.name, made.version, made.run_id, made.experiment) == ("iris", 1, "some run", "exp")
    assert (made.tags, made.properties) == ({"area": "flowers", "bare": None}, {"auc": "0.9"})
    assert (made.description, made.framework, made.framework_version) == ("a description", "ScikitLearn", "1.5")
    assert made.files == (ModelFile("outputs/model/a", *_of(blob)), ModelFile("outputs/model/b", *_of(blob)))
    assert made.path == "outputs/model/"
    assert made.extra == {"resource_configuration": {"cpu": 1.5}}
    assert made.created_ns == made.updated_ns > 0
    assert store.info().models == 1


def _of(blob: Blob) -> tuple[str, int]:
    return blob.digest, blob.size


def test_versions_count_up_and_a_deleted_number_is_not_given_again(store: Store) -> None:
    assert [register(store).version for _ in range(3)] == [1, 2, 3]
    assert register(store, "other").version == 1
    store.delete_model("iris", 3)
    store.delete_model("iris", 1)
    assert register(store).version == 4
    assert [model.version for model in store.models("iris")] == [4, 2]
    for version in (4, 2):
        store.delete_model("iris", version)
    assert register(store).version == 5


def test_racing_registrations_get_different_numbers(store: Store) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda number: register(store, data=bytes([number % 3])), range(24)))
    assert sorted(model.version for model in made) == list(range(1, 25))
    for model in made:
        assert store.model("iris", model.version).files == model.files


def test_the_newest_version_is_what_a_bare_name_means(store: Store) -> None:
    first, second = register(store, data=b"1"), register(store, data=b"2")
    assert store.model("iris") == second
    store.delete_model("iris", 2)
    assert store.model("iris") == first


def test_what_is_not_there_is_told(store: Store) -> None:
    for version in (None, 1):
        with pytest.raises(NotFound, match="there is no model 'iris' in workspace test"):
            store.model("iris", version)
    register(store)
    register(store)
    for version in (3, 0, -1, 2**31, 2**70):
        with pytest.raises(NotFound, match=f"model 'iris' has no version {version}; it has 1, 2"):
            store.model("iris", version)
    for change in (lambda: store.update_model("iris", 3), lambda: store.delete_model("iris", 3)):
        with pytest.raises(NotFound, match="no version 3"):
            change()
    with pytest.raises(NotFound):
        store.model("\x00\ud800")


@pytest.mark.parametrize("name", ["", "a/b", "a:1", "../x", "a\nb", "x" * 256, "\x00"])
def test_a_name_that_would_not_fit_into_an_id_or_a_folder_is_refused(store: Store, name: str) -> None:
    with pytest.raises(BadInput):
        register(store, name)
    assert store.models() == []


@pytest.mark.parametrize(
    ("path", "names", "trouble"),
    [
        ("x", [], "has no file"),
        ("../x", ["../x"], r"\.\."),
        ("/etc/passwd", ["/etc/passwd"], "absolute"),
        ("a", ["a", "A"], "cannot keep apart"),
        ("f/", ["f/a", "f/a"], "cannot keep apart"),
        ("f/", ["f/a", "f/./a"], "cannot keep apart"),
        ("b", ["a"], "neither its only file nor a folder"),
        ("f", ["f/a"], "neither its only file nor a folder"),
        ("f/", ["f/a", "g/b"], "neither its only file nor a folder"),
        ("/", ["f/a"], "neither its only file nor a folder"),
        ("", ["a"], "neither its only file nor a folder"),
    ],
)
def test_files_that_make_no_model_are_refused(store: Store, path: str, names: list[str], trouble: str) -> None:
    blob = store.put_bytes(b"x")
    with pytest.raises(BadInput, match=trouble):
        store.register_model("iris", path=path, files=[(name, blob) for name in names])
    assert store.models() == []
    assert register(store).version == 1


def test_contents_that_are_not_in_the_store_are_refused(store: Store) -> None:
    for digest, error in (("0" * 64, NotFound), ("../../etc", BadInput)):
        with pytest.raises(error):
            store.register_model("iris", path="x", files=[("x", Blob(digest, 1))])
    assert store.models() == []


def test_models_are_listed_newest_first_and_can_be_chosen(store: Store) -> None:
    register(store, "a", tags={"k": "v", "n": None}, run_id="r1")
    register(store, "b", tags={"k": "w"}, run_id="r1")
    register(store, "a", tags={"k": "v"})

    def found(**chosen: Any) -> list[tuple[str, int]]:
        return [(model.name, model.version) for model in store.models(**chosen)]

    assert found() == [("a", 2), ("b", 1), ("a", 1)]
    assert found(latest=True) == [("a", 2), ("b", 1)]
    assert found(name="a") == [("a", 2), ("a", 1)]
    assert found(name="a", latest=True) == [("a", 2)]
    assert found(run_id="r1") == [("b", 1), ("a", 1)]
    assert found(tags={"k": "v"}) == [("a", 2), ("a", 1)]
    assert found(tags={"k": ANY, "n": None}) == [("a", 1)]
    assert found(tags={"n": "v"}) == []
    assert found(tags={"n": ANY}, latest=True) == []
    assert found(name="'; DROP TABLE models; --") == found(run_id="\x00") == []


def test_tags_can_be_set_and_removed(store: Store) -> None:
    register(store, tags={"a": "1", "b": "2", "c": None})
    changed = store.update_model("iris", 1, set_tags={"a": "3", "d": None}, remove_tags=iter(["b", "missing", "c"]))
    assert changed.tags == {"a": "3", "d": None}
    assert changed == store.model("iris")
    assert changed.updated_ns > changed.created_ns


def test_a_tag_that_is_removed_and_set_at_once_is_set(store: Store) -> None:
    register(store, tags={"a": "1"})
    assert store.update_model("iris", 1, set_tags={"a": "2"}, remove_tags=["a"]).tags == {"a": "2"}


def test_a_property_once_set_stays(store: Store) -> None:
    register(store, properties={"a": "1"})
    assert store.update_model("iris", 1, add_properties={"a": "1", "b": "2"}).properties == {"a": "1", "b": "2"}
    with pytest.raises(Conflict, match="property 'a' of model iris:1 is '1' already"):
        store.update_model("iris", 1, add_properties={"c": "3", "a": "other"}, description="new", set_tags={"t": "u"})
    kept = store.model("iris")
    assert (kept.properties, kept.description, kept.tags) == ({"a": "1", "b": "2"}, "", {})


def test_the_description_and_what_the_sdk_keeps_can_be_replaced(store: Store) -> None:
    register(store, description="old", extra={"a": 1})
    changed = store.update_model("iris", 1, description="new\x00", extra={"b": [1, 2.5, None]})
    assert (changed.description, changed.extra) == ("new\ufffd", {"b": [1, 2.5, None]})
    assert store.update_model("iris", 1).description == "new\ufffd"


def test_racing_updates_are_all_kept(store: Store) -> None:
    register(store)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: store.update_model("iris", 1, set_tags={f"t{n}": "x"}), range(24)))
    assert store.model("iris").tags == {f"t{n}": "x" for n in range(24)}


def test_hostile_texts_are_kept_as_texts(store: Store) -> None:
    text = "'; DROP TABLE models; --<script>alert(1)</script>\u202e"
    made = register(
        store, "m" + text[:10].replace("/", ""), description=text, tags={text: text}, properties={text: text}
    )
    assert (made.description, made.tags, made.properties) == (text, {text: text}, {text: text})


def test_an_alias_means_a_version_until_it_is_moved_or_removed(store: Store) -> None:
    register(store)
    register(store)
    store.set_model_alias("iris", "champion", 1)
    assert store.model("iris", alias="champion").version == 1
    store.set_model_alias("iris", "champion", 2)
    assert store.model("iris", alias="champion").version == 2
    store.set_model_alias("iris", "champion", None)
    store.set_model_alias("iris", "old", 1)
    store.delete_model("iris", 1)
    for alias in ("champion", "old", "never"):
        with pytest.raises(NotFound, match=f"model 'iris' has no alias '{alias}'"):
            store.model("iris", alias=alias)
    with pytest.raises(NotFound):
        store.set_model_alias("iris", "x", 7)
    with pytest.raises(BadInput):
        store.set_model_alias("iris", "a:b", 2)


def test_a_model_of_a_run_shares_the_runs_content(store: Store) -> None:
    say(store, run_event("r"))
    blob = upload(store, "r", "outputs/model.pkl", b"weights")
    made = store.register_model("iris", path="outputs/model.pkl", files=[("outputs/model.pkl", blob)], run_id="r")
    assert made.files == (ModelFile("outputs/model.pkl", blob.digest, 7),)
    assert store.blobs.usage() == 7
    assert store.info().blob_bytes == 7
