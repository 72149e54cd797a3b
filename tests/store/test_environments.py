"""Registered environments: names, versions, labels."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from milepost.store.errors import BadInput, NotFound
from milepost.store.schema import metadata
from milepost.store.store import open_store

if TYPE_CHECKING:
    from milepost.store.store import Store


def definition(*packages: str, **more: Any) -> dict[str, Any]:
    dependencies = ["python=3.10", {"pip": list(packages)}]
    return {"environmentVariables": {}, "python": {"condaDependencies": {"dependencies": dependencies}}, **more}


def test_an_environment_comes_back_with_its_name_and_version(store: Store) -> None:
    made = store.register_environment("training", definition("numpy", name="other", version="7"))
    assert (made.name, made.version, made.labels) == ("training", 1, ())
    assert made.definition == {"name": "training", "version": "1", **definition("numpy")}
    assert store.environment("training") == store.environment("training", 1) == made


def test_the_same_content_as_the_newest_is_that_version_and_another_is_the_next(store: Store) -> None:
    first = store.register_environment("e", definition("numpy"))
    assert store.register_environment("e", definition("numpy", version="1", name="e")) == first
    turned = dict(reversed(definition("numpy").items()))
    assert store.register_environment("e", turned) == first
    assert store.register_environment("e", definition("pandas")).version == 2
    assert store.register_environment("e", definition("numpy")).version == 3
    assert store.register_environment("f", definition("numpy")).version == 1
    assert [each.version for each in store.environments("e")] == [3, 2, 1]
    assert store.environment("e", 2).definition["python"] == definition("pandas")["python"]


def test_environments_are_listed_by_name_newest_first(store: Store) -> None:
    for name, package in (("b", "x"), ("B", "x"), ("a", "x"), ("b", "y")):
        store.register_environment(name, definition(package))
    assert [(each.name, each.version) for each in store.environments()] == [("B", 1), ("a", 1), ("b", 2), ("b", 1)]
    assert [(each.name, each.version) for each in store.environments(latest=True)] == [("B", 1), ("a", 1), ("b", 2)]
    assert [each.version for each in store.environments("b", latest=True)] == [2]
    assert store.environments("c") == []


def test_a_label_means_one_version_at_a_time(store: Store) -> None:
    for package in ("x", "y", "z"):
        store.register_environment("e", definition(package))
    store.register_environment("other", definition("x"))
    store.label_environment("e", 1, ["prod", "old"])
    store.label_environment("e", 2, ["prod"])
    store.label_environment("other", 1, ["prod"])
    assert [(each.version, each.labels) for each in store.environments("e")] == [(3, ()), (2, ("prod",)), (1, ("old",))]
    assert store.environment("e", label="prod").version == 2
    assert store.environment("other", label="prod").labels == ("prod",)
    assert store.environment("e", label="latest").version == 3
    store.label_environment("e", 1, ["latest"])
    assert store.environment("e", label="latest").version == 1
    store.label_environment("e", None, ["prod", "never given"])
    with pytest.raises(NotFound, match="has no label 'prod'; it has latest, old"):
        store.environment("e", label="prod")


def test_what_is_not_there_is_told_with_what_is(store: Store) -> None:
    store.register_environment("training", definition("x"))
    for ask, told in (
        (lambda: store.environment("trainin"), "no environment 'trainin' .*did you mean 'training'"),
        (lambda: store.environment("zzz"), "no environment 'zzz' in workspace test$"),
        (lambda: store.environment("training", 2), "no version 2; it has 1"),
        (lambda: store.environment("training", 2**40), "no version"),
        (lambda: store.environment("training", -1), "no version -1"),
        (lambda: store.environment("training", label="x"), "no label 'x'; it has none"),
        (lambda: store.environment("zzz", label="x"), "no environment 'zzz'"),
        (lambda: store.environment("zzz", label="latest"), "no environment 'zzz'"),
        (lambda: store.environment("\x00"), "no environment"),
        (lambda: store.label_environment("training", 5, ["x"]), "no version 5"),
        (lambda: store.label_environment("zzz", 1, ["x"]), "no environment 'zzz'"),
    ):
        with pytest.raises(NotFound, match=told):
            ask()


@pytest.mark.parametrize("name", ["", "a/b", "..", "a:b", "a\\b", "x" * 256, "a\x00", "a\nb", "ends."])
def test_names_and_labels_that_cannot_be_kept_are_refused(store: Store, name: str) -> None:
    with pytest.raises(BadInput, match="the environment name"):
        store.register_environment(name, definition("x"))
    store.register_environment("e", definition("x"))
    with pytest.raises(BadInput, match="the label"):
        store.label_environment("e", 1, [name])


def test_labels_are_not_taken_from_the_letters_of_a_text(store: Store) -> None:
    store.register_environment("e", definition("x"))
    with pytest.raises(BadInput, match="as a list"):
        store.label_environment("e", 1, "prod")
    store.label_environment("e", 1, [])
    assert store.environment("e").labels == ()


def test_environments_that_are_registered_at_once_get_a_version_each_or_share_one(
    store: Store, database_url: str
) -> None:
    made: list[tuple[str, int]] = []
    failures: list[BaseException] = []

    def register(packages: tuple[str, ...]) -> None:
        mine = open_store(database_url, "test", blobs_url="")
        try:
            for package in packages:
                found = mine.register_environment("e", definition(package))
                made.append(
                    (found.definition["python"]["condaDependencies"]["dependencies"][1]["pip"][0], found.version)
                )
        except BaseException as error:
            failures.append(error)
        finally:
            mine.close()

    works = [("a", "b", "c", "d"), ("e", "f", "g", "h"), ("same",) * 4, ("same",) * 4]
    threads = [threading.Thread(target=register, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    kept = {
        each.version: each.definition["python"]["condaDependencies"]["dependencies"][1]["pip"][0]
        for each in store.environments("e")
    }
    assert sorted(kept) == list(range(1, len(kept) + 1))
    assert all(kept[version] == package for package, version in made)
    assert all(kept[version] != kept[version + 1] for version in range(1, len(kept)))


def test_workspaces_have_environments_and_targets_of_their_own(store: Store, database_url: str) -> None:
    other = open_store(database_url, "other", blobs_url=store.blobs_url)
    store.register_environment("e", definition("x"))
    store.create_compute("pool", "AmlCompute", {})
    assert other.environments() == other.computes() == []
    assert other.register_environment("e", definition("y")).version == 1
    other.create_compute("pool", "AmlCompute", {"max_nodes": 1})
    other.delete_workspace()
    assert store.environment("e").definition["python"] == definition("x")["python"]
    assert store.compute("pool").definition == {}
    with store.reading() as connection:
        for name in ("environments", "environment_names", "computes"):
            assert connection.scalar(select(func.count()).select_from(metadata.tables[name])) == 1
    other.close()
