"""Batches: each exactly once, whatever is repeated, late, malformed or racing."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import insert

from milepost.store.batch import IMAGE, TABLE, Batch, Event, Points, SeriesBlock
from milepost.store.engine import write
from milepost.store.errors import BadInput, NotFound, OffsetMismatch
from milepost.store.locked import MAX_WARNINGS
from milepost.store.points import column_of
from milepost.store.records import RunQuery
from milepost.store.schema import deleted_runs
from milepost.store.texts import MAX_NAME_BYTES
from tests.store.builders import T0, event, run_event, say, series, series_points

if TYPE_CHECKING:
    from milepost.store.store import Store

DIGEST_A, DIGEST_B = "a" * 64, "b" * 64


def messages(store: Store, run_id: str) -> list[str]:
    return [warning["message"] for warning in store.run(run_id).warnings]


def artifact(run_id: str, name: str, digest: str = DIGEST_A, **more: Any) -> Event:
    return event("artifact", run_id, name=name, digest=digest, **{"size": 3, "content_type": "text/plain", **more})


def names(store: Store, run_id: str) -> dict[str, str]:
    from sqlalchemy import select

    from milepost.store.schema import artifacts, runs

    with store.reading() as connection:
        rows = connection.execute(
            select(artifacts.c.name, artifacts.c.digest)
            .join(runs, runs.c.key == artifacts.c.run_key)
            .where(runs.c.run_id == run_id, runs.c.workspace_key == store.workspace_key)
        )
        return dict(list(rows))


# Offsets.


def test_a_repeated_batch_changes_nothing(store: Store) -> None:
    batch = Batch("j", 0, 10, [run_event("r")], [series("r", "loss", [1.0])])
    assert store.applied("j") == 0
    assert [store.apply(batch), store.apply(batch), store.applied("j")] == [10, 10, 10]
    assert store.metric_values("r") == {"loss": 1.0}


def test_a_stale_batch_gets_told_how_far_the_store_is(store: Store) -> None:
    store.apply(Batch("j", 0, 10, [run_event("r")]))
    store.apply(Batch("j", 10, 20))
    assert store.apply(Batch("j", 0, 10, [event("describe", "r", description="late")])) == 20
    assert store.run("r").description is None


@pytest.mark.parametrize(("start", "end"), [(20, 30), (5, 15)])
def test_a_gap_or_an_overlap_is_a_mismatch_that_tells_where_to_cut(store: Store, start: int, end: int) -> None:
    store.apply(Batch("j", 0, 10, [run_event("r")]))
    with pytest.raises(OffsetMismatch, match="store is at 10") as caught:
        store.apply(Batch("j", start, end, [], [series("r", "loss", [1.0])]))
    assert caught.value.applied == 10
    assert store.metric_values("r") == {}


def test_the_first_batch_of_a_journal_begins_at_zero(store: Store) -> None:
    with pytest.raises(OffsetMismatch) as caught:
        store.apply(Batch("new", 5, 10))
    assert caught.value.applied == 0
    assert store.known_journals() == {}


def test_journals_count_apart(store: Store) -> None:
    store.apply(Batch("one", 0, 10))
    store.apply(Batch("two", 0, 7))
    assert store.known_journals() == {"one": 10, "two": 7}


# What is malformed.


@pytest.mark.parametrize(
    "batch",
    [
        Batch("j", 0, 10, [run_event("r"), event("party", "r")]),
        Batch("j", 0, 10, [run_event("r"), Event("tags", "r", 1, "x")]),  # type: ignore[arg-type]
        Batch("j", 0, 10, [run_event("r")], [series("r", "loss", [1.0], kind="sphere")]),
        Batch("j", 0, 10, [], [SeriesBlock("r", "l", TABLE, Points(np.zeros(1, int), np.zeros(2, int), {}))]),
        Batch("j", 0, 10, [run_event("r")], [SeriesBlock("r", "l", IMAGE, Points(*[np.zeros(1, int)] * 2, {}))]),
        Batch(
            "j", 0, 10, [run_event("r")],
            [SeriesBlock("r", "l", "series", Points(*[np.zeros(1, int)] * 2, {"a": column_of([1])}))],
        ),
        Batch("j", -1, 10, [run_event("r")]),
        Batch("j", 10, 0, [run_event("r")]),
        Batch("j", 0, 2**63, [run_event("r")]),
    ],
)  # fmt: skip
def test_of_a_malformed_batch_nothing_is_applied(store: Store, batch: Batch) -> None:
    with pytest.raises(BadInput):
        store.apply(batch)
    assert store.applied("j") == 0
    with pytest.raises(NotFound):
        store.run("r")


@pytest.mark.parametrize(
    "bad",
    [
        event("status", "r", status="Bogus"),
        event("status", "r"),
        event("status", "r", status=["x"]),
        event("tags", "r", set=5),
        event("tags", "r", remove=7),
        event("properties", "r", set=["a"]),
        event("warning", "r"),
        artifact("r", "../x"),
        artifact("r", "/etc/passwd"),
        artifact("r", "a\0b"),
        artifact("r", "x" * 10_000),
        artifact("r", "x", digest="nonsense"),
        artifact("r", "x", size=-1),
        artifact("r", "x", size="3"),
        event("artifact", "r"),
        run_event("s", parent_id="s"),
        run_event("s", status="Bogus"),
    ],
)
def test_an_event_that_cannot_be_applied_becomes_a_warning_and_the_rest_is_applied(store: Store, bad: Event) -> None:
    said = [run_event("r"), bad, event("tags", "r", set={"k": "v"}), event("status", "r", status="Completed")]
    store.apply(Batch("j", 0, 10, said, [series("r", "loss", [1.0])]))
    run = store.run("r")
    assert (run.status, run.tags) == ("Completed", {"k": "v"})
    assert len(store.run(bad.run_id).warnings) == 1
    assert names(store, "r") == {}


def test_texts_that_a_database_cannot_keep_are_cleaned(store: Store) -> None:
    odd = "a\0b\ud800c"
    clean = "a\ufffdb\ufffdc"
    say(
        store,
        run_event(odd, odd, type=odd, display_name=odd, tags={odd: odd}, properties={odd: odd}, parent_id=odd + "2"),
        event("describe", odd, description=odd),
        event("warning", odd, message=odd),
        event("status", odd, status="Failed", error={"message": odd, odd: [odd, float("inf")]}),
        series(odd, odd, [odd, 1], description=odd),
    )
    run = store.run(odd)
    assert (run.run_id, run.type, run.display_name, run.description) == (clean, clean, clean, clean)
    assert run.experiment == "a_b_c"
    assert (run.tags, run.properties) == ({clean: clean}, {clean: clean})
    assert run.error == {"message": clean, clean: [clean, "inf"]}
    assert store.metric_values(odd) == {clean: [odd, 1]}  # what was logged comes back as it was


def test_long_names_and_values_are_kept_apart(store: Store) -> None:
    # Random, so that no compression makes them fit an index by chance.
    chance = random.Random(3)
    long = ["".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(1024)) for _ in range(3)]
    value = "".join(chr(chance.randrange(33, 126)) for _ in range(100_000))
    say(
        store,
        run_event(long[0], long[0], tags=dict.fromkeys(long, value), properties={long[0]: value}),
        *(series(long[0], name, [number]) for number, name in enumerate(long)),
        *(series(long[0], long[0][:10] + name, [number]) for number, name in enumerate(long)),
    )
    run = store.run(long[0])
    assert list(run.tags.values()) == [value] * 3
    assert len(store.metric_values(long[0])) == 6
    assert store.metric_values(long[0], long[1]) == {max(store.metric_values(long[0], long[1])): 1}
    assert all(len(name.encode()) <= MAX_NAME_BYTES for name in store.metric_values(long[0]))
    assert len(run.experiment) == 255
    assert [found.run_id for found in store.runs(RunQuery(tags={long[2]: value})).runs] == [run.run_id]
    assert store.runs(RunQuery(tags={long[2]: value[:-1]})).runs == []
    assert store.runs(RunQuery(tags={long[2]: value[:100]})).runs == []


def test_warnings_of_a_run_have_an_end(store: Store) -> None:
    say(store, run_event("r"), *(event("warning", "r", message=f"number {number}") for number in range(1000)))
    say(store, *(event("warning", "r", message="again") for _ in range(3)))
    assert len(messages(store, "r")) == MAX_WARNINGS


# Runs.


def test_a_run_is_created_with_all_that_was_said_of_it(store: Store) -> None:
    said = {"type": "azureml.scriptrun", "display_name": "first", "description": "d", "target": "local"}
    say(store, run_event("r", "e", tags={"a": "1", "b": None}, properties={"p": "q"}, submitted_by="me", **said))
    run = store.run("r")
    assert {name: getattr(run, name) for name in said} == said
    assert (run.experiment, run.number, run.status, run.submitted_by) == ("e", 1, "Running", "me")
    assert (run.tags, run.properties, run.root_id, run.parent_id) == ({"a": "1", "b": None}, {"p": "q"}, "r", None)
    assert (run.created_ns, run.started_ns, run.ended_ns, run.error, run.warnings) == (T0, T0, None, None, [])


def test_a_run_that_is_there_already_is_left_as_it_is(store: Store) -> None:
    say(store, run_event("r", "e", description="first"))
    say(store, run_event("r", "other", T0 + 9, description="second", status="Completed"), journal="two")
    run = store.run("r")
    assert (run.experiment, run.description, run.status, run.number) == ("e", "first", "Running", 1)


def test_numbers_count_per_experiment(store: Store) -> None:
    say(store, *(run_event(f"r{n}", f"e{n % 2}") for n in range(6)))
    say(store, run_event("later", "e0"), journal="two")
    assert [(store.run(f"r{n}").number) for n in range(6)] == [1, 1, 2, 2, 3, 3]
    assert store.run("later").number == 4


def test_tags_are_set_and_removed_in_order_and_properties_keep_their_first_value(store: Store) -> None:
    say(store, run_event("r", tags={"a": "1", "b": "2"}, properties={"p": "1"}))
    say(
        store,
        event("tags", "r", set={"a": "changed", "c": None, "n": 5}, remove=["b"]),
        event("tags", "r", remove=["c", "never there"]),
        event("tags", "r", set={"c": "back"}),
        event("properties", "r", set={"p": "2", "q": "1"}),
        event("properties", "r", set={"q": "2"}),
    )
    run = store.run("r")
    assert run.tags == {"a": "changed", "c": "back", "n": "5"}
    assert run.properties == {"p": "1", "q": "1"}


def test_parameters_keep_their_first_value_and_can_be_filtered_by(store: Store) -> None:
    say(store, event("params", "r", set={"rate": "0.5", "kernel": "rbf"}))
    say(store, run_event("r"), run_event("other"), event("params", "r", set={"rate": "9"}), journal="two")
    assert [each.run_id for each in store.all_runs(RunQuery(filter="params.rate < 1 and params.kernel = 'rbf'"))] == [
        "r"
    ]


def test_what_is_said_of_a_run_before_the_run_itself_is_kept_but_not_shown(store: Store) -> None:
    say(
        store,
        series("r", "loss", [1.0, 2.0]),
        event("tags", "r", set={"early": "bird", "both": "early"}),
        event("status", "r", T0 + 5, status="Completed"),
        event("describe", "r", display_name="named early"),
        artifact("r", "x.txt"),
        journal="of a child process",
    )
    with pytest.raises(NotFound):
        store.run("r")
    with pytest.raises(NotFound):
        store.metric_values("r")
    assert store.runs().runs == []
    assert store.metric_summaries(["r"]) == []
    assert (store.info().runs, store.info().active_runs, store.experiments()) == (0, 0, [])
    said = {"display_name": "late", "tags": {"late": "1", "both": "late"}, "type": "t", "owner": True}
    say(store, run_event("r", "e", T0, **said))
    run = store.run("r")
    assert (run.experiment, run.number, run.type, run.display_name) == ("e", 1, "t", "named early")
    assert (run.status, run.created_ns, run.started_ns, run.ended_ns) == ("Completed", T0, T0, T0 + 5)
    assert run.tags == {"early": "bird", "both": "early", "late": "1"}
    assert store.metric_values("r") == {"loss": [1.0, 2.0]}
    assert names(store, "r") == {"x.txt": DIGEST_A}


@pytest.mark.parametrize("cuts", [(), (1,), (2,), (3,), (1, 2, 3)])
def test_tags_before_and_after_the_run_itself_are_the_same_however_batches_are_cut(
    store: Store, cuts: tuple[int, ...]
) -> None:
    said = [
        event("tags", "r", set={"set early": "early", "set and removed early": "early"}),
        event("tags", "r", remove=["set and removed early", "removed early"]),
        run_event(
            "r", tags=dict.fromkeys(["set early", "set and removed early", "removed early", "removed late"], "run")
        ),
        event("tags", "r", remove=["removed late"]),
    ]
    for start, end in zip((0, *cuts), (*cuts, 4), strict=True):
        say(store, *said[start:end])
    assert store.run("r").tags == {"set early": "early", "set and removed early": "run", "removed early": "run"}


def test_children_find_their_root_in_whatever_order_the_runs_come_in(store: Store) -> None:
    parents = {"root": None, "a": "root", "b": "a", "c": "b", "d": "c", "other": None, "x": "other"}
    for seed in range(12):
        order = sorted(parents)
        random.Random(seed).shuffle(order)
        cuts = [order] if seed % 2 else [[name] for name in order]
        for part in cuts:
            events = [
                run_event(f"{seed}{name}", parent_id=f"{seed}{parents[name]}" if parents[name] else None)
                for name in part
            ]
            say(store, *events, journal=f"j{seed}")
        for name in parents:
            root = "other" if name in ("other", "x") else "root"
            assert store.run(f"{seed}{name}").root_id == f"{seed}{root}", (seed, order, name)
        below = store.runs(RunQuery(ancestor_id=f"{seed}root")).runs
        assert {run.run_id for run in below} == {f"{seed}{name}" for name in "abcd"}


def test_runs_that_name_each_other_as_parents_do_no_harm(store: Store) -> None:
    say(store, run_event("a", parent_id="b"))
    say(store, run_event("b", parent_id="a"))
    assert {run.run_id for run in store.runs(RunQuery(ancestor_id="a")).runs} == {"a", "b"}


def test_nothing_of_a_deleted_run_comes_back(store: Store) -> None:
    with write(store.engine) as connection:
        connection.execute(insert(deleted_runs).values(workspace_key=store.workspace_key, run_id="gone", deleted_ns=1))
    say(
        store,
        run_event("gone"),
        event("tags", "gone", set={"a": "b"}),
        artifact("gone", "x"),
        series("gone", "loss", [1.0]),
        run_event("here"),
        series("here", "loss", [2.0]),
    )
    assert [run.run_id for run in store.runs().runs] == ["here"]
    assert (store.info().metrics, store.info().artifacts, store.run("here").number) == (1, 0, 1)


def test_an_experiment_is_made_by_its_event_or_by_its_first_run(store: Store) -> None:
    say(store, event("experiment", "", name="alone"), event("experiment", "", name=7), run_event("r", "with a run"))
    say(store, event("experiment", "", name="alone"), run_event("nameless", None))
    assert {found.name: found.run_count for found in store.experiments()} == {
        "alone": 0,
        "with a run": 1,
        "unnamed": 1,
    }


# Files.


def test_a_name_with_the_same_content_is_one_file(store: Store) -> None:
    say(store, run_event("r"), artifact("r", "./outputs/x.pkl"), artifact("r", "outputs/x.pkl"))
    say(store, artifact("r", "outputs/x.pkl"))
    assert names(store, "r") == {"outputs/x.pkl": DIGEST_A}
    assert messages(store, "r") == []
    assert store.info().blob_bytes == 3


@pytest.mark.parametrize("together", [True, False])
def test_two_contents_under_one_name_are_both_kept_and_the_run_is_warned(store: Store, together: bool) -> None:
    uploads = [
        artifact("r", "outputs/model.pkl", DIGEST_A),
        artifact("r", "outputs/Model.PKL", DIGEST_B),
        artifact("r", "outputs/model.pkl", DIGEST_B),
        artifact("r", "plain", DIGEST_A),
        artifact("r", "plain", DIGEST_B),
    ]
    say(store, run_event("r"))
    for part in [uploads] if together else [[upload] for upload in uploads]:
        say(store, *part)
    assert names(store, "r") == {
        "outputs/model.pkl": DIGEST_A,
        "outputs/Model.conflict-bbbbbbbb.PKL": DIGEST_B,
        "plain": DIGEST_A,
        "plain.conflict-bbbbbbbb": DIGEST_B,
    }
    assert any("two different files" in message for message in messages(store, "r"))


def test_a_long_name_in_conflict_still_fits_a_file_system(store: Store) -> None:
    name = "outputs/" + "ä" * 125 + ".txt"
    say(store, run_event("r"), artifact("r", name, DIGEST_A), artifact("r", name, DIGEST_B))
    assert len(names(store, "r")) == 2
    assert all(len(part.encode()) <= 255 for found in names(store, "r") for part in found.split("/"))


# Dead processes.


def test_runs_of_a_dead_process_are_failed_with_the_reason_once(store: Store) -> None:
    say(
        store,
        run_event("mine", owner=True),
        run_event("done", owner=True),
        event("status", "done", T0 + 1, status="Completed"),
        run_event("not mine"),
        series("mine", "loss", [1.0, 2.0], start_ns=T0 + 10_000_000),
    )
    assert store.close_journal("journal", "it was killed") == ["mine"]
    assert store.close_journal("journal", "it was killed again") == []
    run = store.run("mine")
    assert (run.status, run.error) == ("Failed", {"code": "ProcessDied", "message": "it was killed"})
    assert run.ended_ns == T0 + 10_001_000
    assert (store.run("done").status, store.run("not mine").status) == ("Completed", "Running")
    assert store.known_journals() == {}


def test_a_run_that_was_taken_for_dead_may_still_say_how_it_ended(store: Store) -> None:
    say(store, run_event("r", owner=True))
    store.close_journal("journal", "it was killed")
    say(store, event("status", "r", T0 + 7, status="Running"))
    assert store.run("r").status == "Failed"
    say(store, event("status", "r", T0 + 9, status="Completed"))
    run = store.run("r")
    assert (run.status, run.ended_ns, run.error, run.warnings) == ("Completed", T0 + 9, None, [])
    assert store.close_journal("journal", "again") == []


def test_a_journal_that_never_said_a_word_can_be_closed(store: Store) -> None:
    assert store.close_journal("silent", "it was killed") == []
    assert store.known_journals() == {}


# Many at once.


def test_a_batch_of_many_events_takes_few_statements(store: Store) -> None:
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    sql_event.listen(store.engine, "before_cursor_execute", note)
    runs = [f"r{number}" for number in range(200)]
    said = [
        one
        for run in runs
        for one in (
            run_event(run, tags={"a": "b"}, properties={"p": "q"}),
            event("tags", run, set={"c": "d"}),
            event("tags", run, remove=["a"]),
            event("status", run, status="Completed"),
        )
    ]
    say(store, *said, *(series(run, f"m{number}", [1.0]) for run in runs for number in range(5)))
    assert count < 60
    assert store.info().metrics == 1000


def test_two_appliers_with_the_same_journal_cut_differently_apply_it_once_and_in_order(store: Store) -> None:
    total = 400
    store.apply(Batch("events", 0, 1, [run_event("r")]))
    failures: list[BaseException] = []

    def cut(start: int, end: int) -> Batch:
        events = [event("tags", "r", set={f"t{n % 7}": str(n)}) for n in range(start, end) if n % 5 == 0]
        return Batch("j", start, end, events, [series("r", "n", list(range(start, end)))])

    def work(seed: int) -> None:
        chance = random.Random(seed)
        try:
            at = 0
            while at < total:
                end = min(total, at + chance.randrange(1, 30))
                try:
                    at = store.apply(cut(at, end))
                except OffsetMismatch as error:
                    at = error.applied
                if chance.random() < 0.1:
                    at = max(0, at - chance.randrange(20))  # forgets what it knew
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.applied("j") == total
    assert store.metric_values("r")["n"] == list(range(total))
    last = {f"t{n % 7}": str(n) for n in range(0, total, 5)}
    assert store.run("r").tags == last


def test_many_journals_that_write_to_the_same_runs_at_once_lose_nothing(store: Store) -> None:
    failures: list[BaseException] = []
    runs = ["shared a", "shared b", "shared c"]

    def work(number: int) -> None:
        chance = random.Random(number)
        try:
            for offset in range(30):
                said = chance.sample(runs, 3)
                events = [run_event(run, f"e{run[-1]}") for run in said]
                events += [artifact(run, f"{number}/{offset}", chance.choice("ab") * 64) for run in said]
                blocks = [series(run, name, [number * 1000 + offset]) for run in said for name in ("x", "y")]
                store.apply(Batch(f"j{number}", offset, offset + 1, events, blocks))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for run in runs:
        for name in ("x", "y"):
            found = store.metric_values(run)[name]
            assert sorted(found) == [number * 1000 + offset for number in range(6) for offset in range(30)]
            for number in range(6):
                own = [value for value in found if value // 1000 == number]
                assert own == sorted(own)
        assert store.run(run).number == 1


def test_a_whole_batch_is_undone_when_its_end_fails(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.apply(Batch("j", 0, 1, [run_event("r")], [series("r", "x", [1.0])]))
    from milepost.store import metrics

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(metrics, "_write", fail)
        with pytest.raises(KeyboardInterrupt):
            store.apply(Batch("j", 1, 2, [event("tags", "r", set={"a": "b"})], [series("r", "x", [2.0])]))
    assert (store.applied("j"), store.run("r").tags, store.metric_values("r")) == (1, {}, {"x": 1.0})


def test_points_are_taken_as_they_were_when_the_batch_was_made(store: Store) -> None:
    points = series_points([1.0, 2.0])
    before = points.steps.copy()
    store.apply(Batch("j", 0, 1, [run_event("r")], [SeriesBlock("r", "x", "series", points)]))
    assert (points.steps == before).all()
