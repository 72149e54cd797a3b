"""``/compare``: what differs between runs."""

from __future__ import annotations

from fastapi import APIRouter

from milepost.server.comparing import MAX_NAMES, differences, facts_of
from milepost.server.here import ThisWorkspace
from milepost.server.roles import READER, needs
from milepost.server.schemas.runs import CompareAnswer, CompareRequest, Difference, Section
from milepost.store.errors import NotFound
from milepost.store.records import RunQuery

router = APIRouter(tags=["runs"])


@router.post("/compare", summary="What differs between runs", **needs(READER))
def compare_runs(here: ThisWorkspace, wanted: CompareRequest) -> CompareAnswer:
    """Parameters (and arguments), tags, properties, last values of metrics, environment, code and machine."""
    ids = list(dict.fromkeys(wanted.run_ids))
    found = {
        run.run_id: run
        for run in here.store.runs(RunQuery(run_ids=tuple(ids), archived=None, most_pairs=MAX_NAMES)).runs
    }
    for run_id in ids:
        if run_id not in found:
            raise NotFound(f"there is no run {run_id[:100]!r} in workspace {here.name}; it may have been deleted")
    facts, left_out = facts_of(here.store, [found[run_id] for run_id in ids])
    answer: dict[Section, list[Difference]] = {}
    sections: tuple[Section, ...] = (
        "run", "parameters", "tags", "properties", "metrics", "definition", "environment", "code", "machine",
    )  # fmt: skip
    for section in sections:
        answer[section], more = differences(facts[section], everything=wanted.all)
        left_out += more
    return CompareAnswer(run_ids=ids, differences=answer, left_out=left_out)
