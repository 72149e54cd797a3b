"""What a query asks of runs, as conditions on rows of ``runs``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, func, select

from milepost.store.filter_sql import Search, condition
from milepost.store.filters import And, Compare, Field, Has, IsNull
from milepost.store.records import ANY, RunQuery
from milepost.store.schema import INDEXED_CHARACTERS, experiments, folded_target, runs
from milepost.store.texts import clean, fit_name

if TYPE_CHECKING:
    from sqlalchemy import Select

    from milepost.store.filters import Part


def conditions(search: Search, query: RunQuery) -> list[ColumnElement[bool]]:
    """All that a query asks of a run; placeholders are left out.  Raises BadFilter."""
    plain = plain_conditions(search, query)
    part = filter_of(query)
    return plain if part is None else [*plain, condition(search, part)]


def filter_of(query: RunQuery) -> Part | None:
    """A query's filter, and the tags and properties that it names; None where there is none.  Raises BadFilter."""
    parts = [
        part
        for kind, pairs in (("tags", query.tags), ("properties", query.properties))
        for name, value in pairs.items()
        for part in _has(Field(kind, name), value)
    ]
    if query.filter is not None and query.filter.strip():
        from milepost.store.filter_grammar import parse

        parts.append(parse(query.filter))
    return And(tuple(parts)) if len(parts) > 1 else parts[0] if parts else None


def _has(field: Field, value: Any) -> list[Part]:
    if value is ANY:
        return [Has(field)]
    return [Has(field), IsNull(field)] if value is None else [Compare(field, "=", str(value))]


def plain_conditions(search: Search, query: RunQuery) -> list[ColumnElement[bool]]:
    """What a query asks besides ``filter_of``; placeholders, which have no experiment yet, are left out."""
    where: list[ColumnElement[bool]]
    if query.experiment is not None:
        wanted = select(experiments.c.key).where(
            experiments.c.workspace_key == search.workspace_key, experiments.c.name == clean(query.experiment)
        )
        # It is of this workspace, and so are its runs.
        where = [runs.c.experiment_key == wanted.scalar_subquery()]
    else:
        where = [runs.c.workspace_key == search.workspace_key, runs.c.experiment_key.is_not(None)]
    if query.experiments is not None:
        known = select(experiments.c.key).where(
            experiments.c.workspace_key == search.workspace_key,
            experiments.c.name.in_([clean(name) for name in query.experiments]),
        )
        where.append(runs.c.experiment_key.in_(known))
    if query.run_ids is not None:
        where.append(_here(search))
        where.append(runs.c.run_id.in_([fit_name(run_id) for run_id in query.run_ids]))
    if query.type is not None:
        where.append(runs.c.type == clean(query.type))
    if query.target is not None:
        target = clean(query.target)
        # As the index has it: its condition, and the beginning of the name.
        where += [_here(search), runs.c.target.is_not(None)]
        where.append(folded_target == func.lower(target[:INDEXED_CHARACTERS]))
        if len(target) >= INDEXED_CHARACTERS:
            where.append(func.lower(runs.c.target) == func.lower(target))
    if query.statuses is not None:
        where.append(runs.c.status.in_([clean(status) for status in query.statuses]))
    if query.parent_id is not None:
        where += [_here(search), runs.c.parent_id == fit_name(query.parent_id)]
    if query.ancestor_id is not None:
        where += [_here(search), runs.c.run_id.in_(_descendants(search, fit_name(query.ancestor_id)))]
    if not query.include_children:
        where.append(runs.c.parent_id.is_(None))
    if query.archived is not None:
        where.append(runs.c.archived_ns.is_not(None) if query.archived else runs.c.archived_ns.is_(None))
    return where


def _here(search: Search) -> ColumnElement[bool]:
    return runs.c.workspace_key == search.workspace_key


def _descendants(search: Search, ancestor_id: str) -> Select[Any]:
    below = (
        select(runs.c.run_id)
        .where(runs.c.workspace_key == search.workspace_key, runs.c.parent_id == ancestor_id)
        .cte("below", recursive=True)
    )
    # UNION and not UNION ALL: it ends even where runs name each other as parents.
    below = below.union(
        select(runs.c.run_id)
        .join(below, runs.c.parent_id == below.c.run_id)
        .where(runs.c.workspace_key == search.workspace_key)
    )
    return select(below.c.run_id)
