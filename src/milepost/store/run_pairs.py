"""What runs have under names: tags, properties and parameters.  All of them, or so many that it stays small."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, func, select

from milepost.store.engine import MAX_PARAMETERS, pieces
from milepost.store.schema import parameters, properties, runs, tags
from milepost.store.texts import fit_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Select, Table

    from milepost.store.store import Store

MAX_CHARACTERS: Final = 20_000
"""Of a value, where only so many pairs of a run are asked for: longer ones are cut."""
PAIRS: Final = {"tags": tags, "properties": properties, "params": parameters}


def pairs_of(connection: Connection, table: Table, keys: Sequence[int], most: int | None) -> dict[int, dict[str, Any]]:
    """run key -> name -> value, in the order of names.  ``most``: the first so many of each run, values cut."""
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for piece in pieces(keys, MAX_PARAMETERS):
        if most is None:
            query = select(table.c.run_key, table.c.name, table.c.value).where(table.c.run_key.in_(piece))
        else:
            query = _first(table, piece, most)
        for key, name, value in connection.execute(query.order_by(table.c.run_key, table.c.name)):
            found[key][name] = value
    return found


def _first(table: Table, keys: Sequence[int], most: int) -> Select[Any]:
    # The names are ranked in the index alone: a run may have any number of pairs, and values of any length.
    ranked = _ranked(table).where(table.c.run_key.in_(keys)).subquery()
    chosen = select(ranked.c.run_key, ranked.c.name).where(ranked.c.rank <= most).subquery()
    value = func.substr(table.c.value, 1, MAX_CHARACTERS)
    there = and_(table.c.run_key == chosen.c.run_key, table.c.name == chosen.c.name)
    return select(table.c.run_key, table.c.name, value).join(chosen, there)


def _ranked(table: Table) -> Select[Any]:
    rank = func.row_number().over(partition_by=table.c.run_key, order_by=table.c.name)
    return select(table.c.run_key, table.c.name, rank.label("rank"))


def parameters_of(store: Store, run_ids: Sequence[str], most: int | None = None) -> dict[str, dict[str, str]]:
    """run id -> parameter -> value; ``most`` as in ``pairs_of``."""
    with store.reading() as connection:
        keys: dict[int, str] = {}
        for piece in pieces(run_ids, MAX_PARAMETERS // 2):
            rows = connection.execute(
                select(runs.c.key, runs.c.run_id).where(
                    runs.c.workspace_key == store.workspace_key, runs.c.run_id.in_(piece)
                )
            )
            keys.update({row.key: row.run_id for row in rows})
        found = pairs_of(connection, parameters, list(keys), most)
    named = {keys[key]: pairs for key, pairs in found.items()}
    return {run_id: named.get(run_id, {}) for run_id in run_ids}


def pair_counts(store: Store, run_id: str) -> dict[str, int]:
    """How many tags, properties and parameters ("tags", "properties", "params") a run has."""
    key = (
        select(runs.c.key)
        .where(runs.c.workspace_key == store.workspace_key, runs.c.run_id == fit_name(run_id))
        .scalar_subquery()
    )
    with store.reading() as connection:
        return {
            kind: int(connection.scalar(select(func.count()).where(table.c.run_key == key)) or 0)
            for kind, table in PAIRS.items()
        }
