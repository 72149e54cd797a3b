"""What a workspace has beside its runs: experiments, models, environments, compute targets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from milepost.store.errors import Conflict
from milepost.store.records import Blob

if TYPE_CHECKING:
    from typing import Protocol

    from milepost.store.carrying.source import Source
    from milepost.store.records import EnvironmentRecord, ExperimentRecord, ModelRecord
    from milepost.store.store import Store

    _T = TypeVar("_T")

    class Patiently(Protocol):
        """Does something, waiting where the other store is busy."""

        def __call__(self, work: Callable[[], _T]) -> _T:
            """What the work gives."""
            ...


def carry_experiments(source: Source, target: Store) -> None:
    """Make the experiments that are not there, and say what is said of them here.  Raises the store's errors."""
    there = {each.name: each for each in target.experiments("all")}
    for here in source.experiments():
        known = there.get(here.name) or target.ensure_experiment(here.name, here.created_ns)
        changes = _changes(here, known)
        if changes:
            target.update_experiment(here.name, **changes)


def _changes(here: ExperimentRecord, there: ExperimentRecord) -> dict[str, Any]:
    tags = {key: value for key, value in here.tags.items() if there.tags.get(key, ...) != value}
    changes: dict[str, Any] = {}
    if tags:
        changes["set_tags"] = tags
    if here.description and here.description != there.description:
        changes["description"] = here.description
    if here.archived_ns is not None and there.archived_ns is None:
        changes["archived"] = True
    return changes


def carry_catalogue(
    source: Source, target: Store, bring: Callable[[dict[str, int]], None], patiently: Patiently
) -> int:
    """Carry models, environments and compute targets; gives how many versions of models were new.

    ``bring`` gets contents (digest -> bytes) to the target.  Raises the store's errors.
    """
    _carry_environments(source, target, patiently)
    known = {each.name for each in patiently(target.computes)}
    for compute in source.computes():
        if compute.name not in known:
            with suppress(Conflict):  # of another case of letters, or made just now
                patiently(lambda each=compute: target.create_compute(each.name, each.kind, each.definition))  # type: ignore[misc]
    return _carry_models(source, target, bring, patiently)


# -- models ------------------------------------------------------------------------------------------------------


def _carry_models(source: Source, target: Store, bring: Callable[[dict[str, int]], None], patiently: Patiently) -> int:
    listed = source.models()
    there = {_identity(each): each for each in patiently(target.models)} if listed else {}
    new = 0
    for here in listed:
        known = there.get(_identity(here))
        if known is None:
            bring({file.digest: file.size for file in here.files})
            known = patiently(lambda each=here: _register(target, each))  # type: ignore[misc]
            new += 1
        else:
            _update(target, here, known)
        for alias in set(here.aliases) - set(known.aliases):
            target.set_model_alias(known.name, alias, known.version)
    return new


def _identity(model: ModelRecord) -> tuple[Any, ...]:
    """By which a version is known again, whatever its number is there."""
    return model.name, model.run_id, model.created_ns, tuple(sorted((file.name, file.digest) for file in model.files))


def _register(target: Store, model: ModelRecord) -> ModelRecord:
    return target.register_model(
        model.name,
        path=model.path,
        files=[(file.name, Blob(file.digest, file.size)) for file in model.files],
        run_id=model.run_id,
        experiment=model.experiment,
        tags=model.tags,
        properties=model.properties,
        description=model.description,
        framework=model.framework,
        framework_version=model.framework_version,
        extra=model.extra,
        version=model.version,
        created_ns=model.created_ns,
        updated_ns=model.updated_ns,
    )


def _update(target: Store, here: ModelRecord, there: ModelRecord) -> None:
    tags = {key: value for key, value in here.tags.items() if there.tags.get(key, ...) != value}
    properties = {key: value for key, value in here.properties.items() if key not in there.properties}
    changes: dict[str, Any] = {}
    if tags:
        changes["set_tags"] = tags
    if properties:
        changes["add_properties"] = properties
    if here.description and here.description != there.description:
        changes["description"] = here.description
    if here.extra and here.extra != there.extra:
        changes["extra"] = here.extra
    if changes:
        target.update_model(there.name, there.version, **changes)


# -- environments ------------------------------------------------------------------------------------------------


def _carry_environments(source: Source, target: Store, patiently: Patiently) -> None:
    ours = _by_name(source.environments())
    theirs = _by_name(patiently(target.environments)) if ours else {}
    for name, versions in ours.items():
        left = theirs.get(name, [])
        for here in versions:
            same = _same(here, left)
            if same is not None:
                left.remove(same)
            else:
                same = patiently(lambda each=here: target.register_environment(name, each.definition, each.created_ns))  # type: ignore[misc]  # noqa: B023
            new = set(here.labels) - set(same.labels)
            if new:
                target.label_environment(name, same.version, sorted(new))


def _same(here: EnvironmentRecord, there: list[EnvironmentRecord]) -> EnvironmentRecord | None:
    """The version there that was carried before, else one that has the same content anyway."""
    alike = [each for each in there if _content(each) == _content(here)]
    carried = [each for each in alike if each.created_ns == here.created_ns]
    return next(iter(carried or alike), None)


def _by_name(found: list[EnvironmentRecord]) -> dict[str, list[EnvironmentRecord]]:
    listed: defaultdict[str, list[EnvironmentRecord]] = defaultdict(list)
    for each in sorted(found, key=lambda one: (one.name, one.version)):
        listed[each.name].append(each)
    return dict(listed)


def _content(environment: EnvironmentRecord) -> dict[str, Any]:
    return {key: value for key, value in environment.definition.items() if key not in ("name", "version")}
