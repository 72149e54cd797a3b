"""Names of a module that are imported when first asked for (PEP 562), so that importing the module stays light."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def lazy_names(module: str, sources: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of ``module``.  ``sources``: module to import -> its names, by spaces."""
    origin = {name: source for source, names in sources.items() for name in names.split()}
    target = sys.modules[module]

    def get(name: str) -> Any:
        if name not in origin:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        value = getattr(import_module(origin[name]), name)
        setattr(target, name, value)  # the next look-up finds it without coming here
        return value

    def names() -> list[str]:
        return sorted({*vars(target), *origin})

    return get, names
