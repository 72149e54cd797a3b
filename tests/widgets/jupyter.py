"""A real Jupyter server with JupyterLab and Notebook 7, and its notebooks in a real browser."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

TOKEN = "test"
WAIT_MS = 120_000


def write_notebook(path: Path, *cells: str) -> None:
    """A notebook of code cells."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


@dataclass
class Jupyter:
    """A server on the notebooks in ``folder``."""

    folder: Path
    private: Path
    """Where it keeps what is its own: settings, signatures of trusted notebooks."""
    home: Path
    process: subprocess.Popen[bytes] | None = None
    base: str = ""

    def start(self) -> None:
        for folder in (self.folder, self.private):
            folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {
            **os.environ,
            "MILEPOST_HOME": str(self.home),
            "MILEPOST_PORTAL": "0",
            "JUPYTER_CONFIG_DIR": str(self.private / "config"),
            "JUPYTER_DATA_DIR": str(self.private / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.private / "runtime"),
            "IPYTHONDIR": str(self.private / "ipython"),
        }
        settings = self.private / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True, exist_ok=True)
        quiet = {"fetchNews": "false", "checkForUpdates": False}
        (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
                *(f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"),
                f"--ServerApp.root_dir={self.folder}",
            ],
            env=environment,
            cwd=self.folder,
            stdout=(self.private / "log").open("wb"),
            stderr=subprocess.STDOUT,
        )
        self.base = f"http://127.0.0.1:{port}"
        until = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{self.base}/api?token={TOKEN}", timeout=5)
                return
            except OSError:
                assert self.process.poll() is None, (self.private / "log").read_text()
                assert time.monotonic() < until, "Jupyter does not start"
                time.sleep(0.1)

    def end_kernels(self) -> None:
        """Have a notebook that is opened again find no kernel that knows its widgets."""
        with urllib.request.urlopen(f"{self.base}/api/sessions?token={TOKEN}", timeout=60) as answer:
            sessions = json.load(answer)
        for each in sessions:
            address = f"{self.base}/api/sessions/{each['id']}?token={TOKEN}"
            urllib.request.urlopen(urllib.request.Request(address, method="DELETE"), timeout=60).close()

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:  # it waits for a kernel that is about to start
                self.process.kill()
                self.process.wait(30)
            self.process = None

    def address(self, front: str, name: str) -> str:
        """Of a notebook: ``front`` is "lab" or "notebook"."""
        if front == "notebook":
            return f"{self.base}/notebooks/{name}?token={TOKEN}"
        # A workspace of its own: others would open the notebooks of earlier tests, too.
        return f"{self.base}/lab/workspaces/{time.time_ns()}/tree/{name}?token={TOKEN}"


@dataclass
class Opened:
    """A notebook in the browser, and what went wrong on its page."""

    page: Page
    trouble: list[str] = field(default_factory=list)

    def run_cell(self, number: int, *, wait: bool = True) -> None:
        """Execute a cell; ``wait`` until it has ended."""
        for _ in range(20):
            # Until the page has its kernel, what is asked for is dropped, or answered by a dialog.
            dialog = self.page.locator("dialog.jp-Dialog")
            if dialog.count():
                self.page.keyboard.press("Escape")
            # Beside the text: keys that come too early must not be typed into it.
            self.page.locator(".jp-Notebook-cell").nth(number).locator(".jp-InputPrompt").click()
            self.page.keyboard.press("Control+Enter")
            try:
                self._until_prompt(number, "p => p.trim() !== '[ ]:'", 5_000)
                break
            except Exception:
                continue
        if wait:
            self._until_prompt(number, r"p => /\[\d+\]/.test(p)", WAIT_MS)
            failed = self.page.locator(".jp-Notebook-cell").nth(number).locator('[data-mime-type$="jupyter.error"]')
            assert failed.count() == 0, failed.first.inner_text()

    def _until_prompt(self, number: int, holds: str, timeout: int) -> None:
        self.page.wait_for_function(
            f"i => ({holds})(document.querySelectorAll('.jp-Notebook-cell')[i]"
            ".querySelector('.jp-InputPrompt').textContent)",
            arg=number,
            timeout=timeout,
        )

    def widget(self, name: str = "") -> Locator:
        """The widget of a run."""
        return self.page.locator(f'section[aria-label^="Run {name}"]')

    def picture(self) -> Locator:
        """The static picture."""
        return self.page.locator(".milepost-picture")

    def save(self, path: Path) -> dict[str, Any]:
        """Save the notebook; gives what was written."""
        before = path.stat().st_mtime_ns
        self.page.keyboard.press("Control+s")
        until = time.monotonic() + 60
        while True:
            assert time.monotonic() < until, "the notebook was not saved"
            self.page.wait_for_timeout(100)
            if path.stat().st_mtime_ns != before:
                with suppress(ValueError):  # it is being written
                    found: dict[str, Any] = json.loads(path.read_text())
                    return found

    def close(self) -> None:
        self.page.close()


def open_notebook(browser: Browser, address: str, **look: Any) -> Opened:
    """Open a notebook; errors of the widget, dialogs, and requests to elsewhere are trouble."""
    page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **look})
    opened = Opened(page)
    # The widget's module is loaded from a blob; the front ends have errors of their own.
    page.on("pageerror", lambda error: "blob:" in (error.stack or "") and opened.trouble.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (opened.trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on(
        "request",
        lambda request: (
            not request.url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))
            and opened.trouble.append(f"foreign request: {request.url}")
        ),
    )
    page.goto(address)
    page.wait_for_selector(".jp-Notebook-cell", timeout=WAIT_MS)
    return opened
