"""All that is known of one run but its metrics, its files and its logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from milepost.server.run_rows import MAX_TAGS, plain_json, row_facts, run_rows
from milepost.server.schemas.runs import RunDetail
from milepost.store.documents import document_names
from milepost.store.errors import NotFound
from milepost.store.run_pairs import pair_counts, parameters_of
from milepost.store.run_values import child_counts, documents_of
from milepost.store.runs import get_run
from milepost.store.texts import fit_name

if TYPE_CHECKING:
    from milepost.server.schemas.runs import RunRow
    from milepost.store.records import RunRecord
    from milepost.store.store import Store

_GIT: Final = ("repository_uri", "branch", "commit", "dirty")
_MOST_PAIRS: Final = 1000
"""Tags, properties and parameters that are told, each."""
_MOST_WARNINGS: Final = 100
_MOST_SNAPSHOTS: Final = 1000
_LONGEST_DOCUMENT: Final = 2 << 20
_LONGEST_TEXT: Final = 20_000
_DOCUMENTS: Final = ("definition", "environment", "packages", "machine")


def run_detail(store: Store, run_id: str) -> RunDetail:
    """A run as its page tells it.  Raises NotFound."""
    record = get_run(store, run_id, _MOST_PAIRS)
    documents = documents_of(store, [record.run_id], _DOCUMENTS, _LONGEST_DOCUMENT)[record.run_id]
    params = parameters_of(store, [record.run_id], _MOST_PAIRS)[record.run_id]
    children = child_counts(store, [record.run_id]).get(record.run_id, 0)
    git = {
        name.removesuffix("_uri"): record.properties[f"azureml.git.{name}"]
        for name in _GIT
        if record.properties.get(f"azureml.git.{name}")
    }
    return RunDetail(
        **{**row_facts(record, children), "tags": record.tags},
        values={},
        display_name=_short(record.display_name),
        description=_short(record.description),
        root_id=record.root_id,
        experiment_id=record.experiment_id,
        properties=record.properties,
        params=params,
        error=plain_json(record.error, _LONGEST_TEXT),
        warnings=plain_json(record.warnings[:_MOST_WARNINGS], _LONGEST_TEXT),
        **{name: plain_json(documents.get(name)) for name in _DOCUMENTS},
        git=git or None,
        snapshots=[each.id for each in store.snapshots(record.run_id)[:_MOST_SNAPSHOTS]],
        documents=document_names(store, record.run_id),
        parent=_parent(store, record.parent_id),
        children_total=children,
        left_out=_left_out(store, record, params),
    )


def _left_out(store: Store, record: RunRecord, params: dict[str, str]) -> dict[str, int]:
    given = {"tags": len(record.tags), "properties": len(record.properties), "params": len(params)}
    if max(given.values()) < _MOST_PAIRS:
        return {}
    counted = pair_counts(store, record.run_id)
    return {kind: counted[kind] - count for kind, count in given.items() if counted[kind] > count}


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def _parent(store: Store, parent_id: str | None) -> RunRow | None:
    if parent_id is None:
        return None
    try:
        return run_rows(store, [get_run(store, fit_name(parent_id), MAX_TAGS)], {})[0]
    except NotFound:  # it may have been deleted, or never been
        return None
