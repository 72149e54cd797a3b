"""Whose turn it is in a pool."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from milepost.jobs.queue import Waiting, next_jobs

JOBS = st.lists(
    st.builds(
        Waiting,
        run_id=st.uuids().map(str),
        experiment=st.sampled_from("abc"),
        submitted_ns=st.integers(0, 5),
        nodes=st.integers(1, 3),
    ),
    max_size=12,
)


def _ids(jobs: list[Waiting]) -> list[str]:
    return [job.run_id for job in jobs]


def test_runs_of_one_experiment_go_in_the_order_in_which_they_were_submitted() -> None:
    waiting = [Waiting("third", "a", 3), Waiting("first", "a", 1), Waiting("second", "a", 2)]
    assert _ids(next_jobs(waiting, [], 2)) == ["first", "second"]
    assert _ids(next_jobs(waiting, [Waiting("before", "a", 0)], 2)) == ["first"]


def test_a_second_experiment_does_not_wait_behind_the_hundred_runs_of_the_first() -> None:
    many = [Waiting(f"a{number}", "a", number) for number in range(100)]
    late = [Waiting("b0", "b", 1000), Waiting("b1", "b", 1001)]
    assert _ids(next_jobs([*many, *late], [], 4)) == ["a0", "b0", "a1", "b1"]


def test_between_experiments_that_are_alike_the_one_that_was_served_longer_ago_comes_first() -> None:
    waiting = [Waiting("a1", "a", 1), Waiting("b1", "b", 2)]
    assert _ids(next_jobs(waiting, [], 1)) == ["a1"]
    assert _ids(next_jobs(waiting, [], 1, {"a": 7})) == ["b1"]


def test_a_run_of_several_nodes_is_waited_for_and_not_overtaken() -> None:
    waiting = [Waiting("wide", "a", 1, nodes=3), Waiting("narrow", "a", 2)]
    assert next_jobs(waiting, [Waiting("other", "a", 0, nodes=2)], 4) == []
    assert _ids(next_jobs(waiting, [], 4)) == ["wide", "narrow"]


@given(JOBS, JOBS, st.integers(0, 6))
def test_never_more_nodes_than_the_pool_has(waiting: list[Waiting], running: list[Waiting], nodes: int) -> None:
    chosen = next_jobs(waiting, running, nodes)
    assert len({job.run_id for job in chosen}) == len(chosen)
    if chosen:
        assert sum(job.nodes for job in [*running, *chosen]) <= nodes
    for experiment in "abc":
        row = [job for job in waiting if job.experiment == experiment]
        order = sorted(row, key=lambda job: (job.submitted_ns, job.run_id))
        mine = [job for job in chosen if job.experiment == experiment]
        assert mine == order[: len(mine)]


@given(JOBS.map(lambda jobs: [Waiting(j.run_id, j.experiment, j.submitted_ns) for j in jobs]), st.integers(1, 4))
def test_a_free_node_is_used_while_anybody_waits(waiting: list[Waiting], nodes: int) -> None:
    assert len(next_jobs(waiting, [], nodes)) == min(nodes, len(waiting))
