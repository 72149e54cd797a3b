"""Reads what a chart of the portal draws: the points and the picture that its menu gives, and its canvas."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

WAIT_MS = 60_000
"""For what takes a moment: machines that run tests are busy."""
_SVG = "{http://www.w3.org/2000/svg}"
# Coloured: neither white, black nor grey, as axes and grids are.
_INK = """group => {
    const canvas = group.querySelector('canvas')
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    const columns = new Set()
    for (let at = 0; at < data.length; at += 4) {
        const parts = [data[at], data[at + 1], data[at + 2]]
        if (data[at + 3] > 100 && Math.max(...parts) - Math.min(...parts) > 60) columns.add((at / 4) % canvas.width)
    }
    return columns.size / canvas.width
}"""


@dataclass(frozen=True)
class Drawing:
    """A line of a picture: where it goes, in pixels; and how faint it is."""

    vertices: list[tuple[float, float]]
    dots: list[tuple[float, float]]
    opacity: float


class Chart:
    """A chart on a page, by its title."""

    def __init__(self, page: Page, title: str) -> None:
        self.page = page
        self.box: Locator = page.locator(f"section[aria-label={json.dumps(title)}]").last
        """The last: one that fills the window comes after that of the grid."""
        self.plot: Locator = self.box.get_by_role("group", name=re.compile("^Chart of"))

    def wait(self, points: int | None = None) -> Chart:
        """Until it has its points (so many, where that is told)."""
        wanted = r"\d+" if points is None else str(points)
        found = self.box.get_by_role("group", name=re.compile(rf", {wanted} points;"))
        found.wait_for(timeout=WAIT_MS)
        return self

    def total(self) -> int:
        """How many points it says that there are in its window."""
        found = re.search(r", (\d+) points;", self.plot.get_attribute("aria-label") or "")
        return int(found[1]) if found else 0

    def note(self) -> str:
        """What stands beside the title."""
        return self.box.locator("header span").first.inner_text()

    def readout(self) -> str:
        """What the legend says."""
        return self.box.locator("ul").inner_text()

    def points(self) -> list[dict[str, str]]:
        """The points that are drawn, as the menu gives them."""
        text = self._saved("CSV of the points drawn").read_text()
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def all_points(self) -> str:
        """All points as CSV."""
        return self._saved("CSV of all points").read_text()

    def lines(self) -> list[Drawing]:
        """The lines of the picture as SVG."""
        return self._drawings()[0]

    def bands(self) -> list[Drawing]:
        """The outlines of its bands between the least and the greatest values."""
        return self._drawings()[1]

    def _drawings(self) -> tuple[list[Drawing], list[Drawing]]:
        tree = ElementTree.fromstring(self._saved("SVG picture").read_text())
        lines: list[Drawing] = []
        bands: list[Drawing] = []
        for path in tree.find(f"{_SVG}g") or []:
            where = path.get("d") or ""
            vertices = [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", where)]
            if path.get("stroke") is None:  # dots follow their line
                dots = [(float(x) + 2.5, float(y)) for x, y in re.findall(r"M(-?[\d.]+) (-?[\d.]+)a", where)]
                lines[-1] = Drawing(lines[-1].vertices, dots, lines[-1].opacity)
            else:
                drawing = Drawing(vertices, [], float(path.get("opacity") or 1))
                (lines if path.get("fill") is None else bands).append(drawing)
        return lines, bands

    def png(self) -> bytes:
        """The picture as PNG."""
        return self._saved("PNG picture").read_bytes()

    def ink(self) -> float:
        """The share of the canvas's columns of pixels in which a line is drawn."""
        return float(self.plot.evaluate(_INK))

    def _saved(self, choice: str) -> Path:
        self.box.get_by_label(re.compile("^Download")).click()
        with self.page.expect_download(timeout=WAIT_MS) as download:
            self.box.get_by_text(choice, exact=True).click()
        return Path(download.value.path())
