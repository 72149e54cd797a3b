"""What differs between runs: everything that is known of each as name -> value, side by side."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from milepost.server.run_rows import shown
from milepost.server.schemas.runs import Difference
from milepost.store.metric_queries import first_names
from milepost.store.records import RunRecord
from milepost.store.run_pairs import parameters_of
from milepost.store.run_values import documents_of, first_snapshots
from milepost.store.store import Store

MAX_NAMES: Final = 2000
"""Of each subject."""
_MOST_METRICS: Final = 5000
"""Names that are looked at: a run may have a million."""
_MOST_CHARACTERS: Final = 8 << 20
"""Of the values of one subject that are given."""

_LONGEST_DOCUMENT: Final = 2 << 20
_ALL_DOCUMENTS: Final = 16 << 20
"""Characters of one kind of documents, of all the runs together."""
_DOCUMENTS: Final = ("definition", "environment", "packages", "machine")
_REQUIREMENT: Final = re.compile(r"\s*([A-Za-z0-9][\w.\-]*(?:\[[^\]]*\])?)\s*(.*)", re.DOTALL)
_NUMBER: Final = re.compile(r"-[.\d]")
_PACKAGES: Final = ("dependencies", "pip")
_MAX_DEPTH: Final = 20


def facts_of(store: Store, records: Sequence[RunRecord]) -> tuple[dict[str, dict[str, dict[str, Any]]], int]:
    """subject -> run id -> name -> value, and how many metrics were not looked at, for there are too many."""
    ids = [record.run_id for record in records]
    documents = documents_of(store, ids, _DOCUMENTS, min(_LONGEST_DOCUMENT, _ALL_DOCUMENTS // len(ids)))
    parameters = parameters_of(store, ids, MAX_NAMES)
    snapshots = first_snapshots(store, ids)
    facts: dict[str, dict[str, dict[str, Any]]] = {
        "run": {record.run_id: _plain(record) for record in records},
        "parameters": {
            run_id: {**_arguments(documents[run_id].get("definition")), **parameters[run_id]} for run_id in ids
        },
        "tags": {record.run_id: dict(record.tags) for record in records},
        "properties": {
            record.run_id: {name: text for name, text in record.properties.items() if not _is_own(name)}
            for record in records
        },
        "metrics": {run_id: {} for run_id in ids},
        "definition": {
            run_id: dict(
                flat({k: v for k, v in _dict(documents[run_id].get("definition")).items() if k != "arguments"})
            )
            for run_id in ids
        },
        "environment": {
            run_id: {
                **dict(flat(documents[run_id].get("environment"))),
                **{f"installed {name}": value for name, value in flat(documents[run_id].get("packages"))},
            }
            for run_id in ids
        },
        "code": {
            record.run_id: {
                **{
                    name.removeprefix("azureml.git."): text
                    for name, text in record.properties.items()
                    if name.startswith("azureml.git.")
                },
                **({"snapshot": snapshots[record.run_id]} if record.run_id in snapshots else {}),
            }
            for record in records
        },
        "machine": {run_id: dict(flat(documents[run_id].get("machine"))) for run_id in ids},
    }
    names, more = first_names(store, ids, _MOST_METRICS)
    for summary in store.metric_summaries(ids, names):
        if summary.last is not None:
            facts["metrics"][summary.run_id].setdefault(summary.name, summary.last)
    return facts, more


def differences(facts: Mapping[str, Mapping[str, Any]], *, everything: bool) -> tuple[list[Difference], int]:
    """The names whose values are not the same in all runs (or all names), and how many are left out."""
    names = dict.fromkeys(name for values in facts.values() for name in values)
    found: list[Difference] = []
    characters = left_out = 0
    for name in names:
        values = {run_id: shown(each[name]) for run_id, each in facts.items() if name in each}
        first = next(iter(values.values()))
        same = len(values) == len(facts) and all(_same(first, value) for value in values.values())
        if same and not everything:
            continue
        if len(found) >= MAX_NAMES or characters > _MOST_CHARACTERS:
            left_out += 1
            continue
        found.append(Difference(name=name[:2048], same=same, values=values))
        characters += sum(len(value) for value in values.values() if isinstance(value, str))
    return found, left_out


def flat(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The leaves of nested JSON with their paths: ``python.version``.  Packages have paths of their own."""
    last = path.rpartition(".")[2]
    if not path and value in (None, {}, []):
        return
    if isinstance(value, dict) and value and depth < _MAX_DEPTH:
        for name, each in value.items():
            yield from flat(each, f"{path}.{name}" if path else str(name), depth + 1)
    elif isinstance(value, list) and value and all(_is_named(each) for each in value):
        for each in value:
            rest = {name: fact for name, fact in each.items() if name != "name"}
            yield from flat(
                rest.get("version") if set(rest) == {"version"} else rest, f"{path}.{each['name']}", depth + 1
            )
    elif isinstance(value, list) and last in _PACKAGES:
        for each in value:
            if isinstance(each, dict):
                yield from flat(each, path, depth + 1)
            else:
                found = _REQUIREMENT.fullmatch(str(each))
                yield (f"{path}.{found[1]}", found[2] or "any") if found else (f"{path}.{each}", "any")
    elif isinstance(value, dict | list):
        yield path, json.dumps(value, ensure_ascii=False)
    else:
        yield path, value


def _arguments(definition: Any) -> dict[str, Any]:
    """What a script was called with: ``--alpha 0.1`` is a parameter as well."""
    given = _dict(definition).get("arguments")
    texts = [str(each) for each in given] if isinstance(given, list) else []
    found: dict[str, Any] = {}
    place, position = 0, 0
    while place < len(texts):
        text = texts[place]
        place += 1
        if not text.startswith("-") or _NUMBER.match(text):
            position += 1
            found[f"argument {position}"] = text
        elif "=" in text:
            name, _, found_value = text.partition("=")
            found[name] = found_value
        elif place < len(texts) and (not texts[place].startswith("-") or _NUMBER.match(texts[place])):
            found[text] = texts[place]
            place += 1
        else:
            found[text] = True
    return found


def _plain(record: RunRecord) -> dict[str, Any]:
    ended = record.ended_ns is not None and record.started_ns is not None
    plain = {
        "experiment": record.experiment,
        "status": record.status,
        "type": record.type,
        "target": record.target,
        "submitted_by": record.submitted_by,
        "parent": record.parent_id,
        "description": record.description,
        "duration_s": ((record.ended_ns or 0) - (record.started_ns or 0)) / 1e9 if ended else None,
    }
    return {name: value for name, value in plain.items() if value is not None}


def _is_own(name: str) -> bool:
    return name.startswith(("azureml.git.", "_milepost.")) or name == "ContentSnapshotId"


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("name"), str) and len(value) > 1


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
