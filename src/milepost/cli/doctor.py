"""``milepost doctor``: looks for what goes wrong on machines, and says what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from milepost.cli import output, tables
from milepost.cli.options import AsJson

if TYPE_CHECKING:
    from milepost.cli.checks import Finding


def _all_findings() -> Iterator[Finding]:
    """The findings of every check, one after the other."""
    import sqlite3

    from milepost.cli import checks, job_checks, workspace_checks

    yield from checks.check_versions(sys.version_info[:3], sqlite3.sqlite_version_info)
    yield from checks.check_azureml()
    yield from checks.check_config()
    yield from checks.check_home()
    yield from job_checks.check_uv()
    yield from job_checks.check_cache()
    yield from workspace_checks.check_workspaces()


def doctor(as_json: AsJson = False) -> None:
    """Look for trouble on this machine and say what to do about it. Exit code 1 if there is any.

    It looks at the versions of Python and SQLite, other packages called azureml, config.json, the home (rights, room,
    network disks), what builds environments, and every workspace's store, journals and submitted runs. It changes
    nothing.
    """
    from milepost.cli.checks import PROBLEM

    findings = []
    for finding in _all_findings():
        findings.append(finding)
        if not as_json:
            where = f"workspace {finding.workspace!r}: " if finding.workspace else ""
            tables.mark(finding.status, f"{where}{finding.found}", finding.advice)
    problems = sum(finding.status == PROBLEM for finding in findings)
    if as_json:
        output.write_json(
            {"ok": not problems, "problems": problems, "findings": [asdict(finding) for finding in findings]}
        )
    else:
        output.say("")
        output.say("Nothing is wrong." if not problems else f"{problems} thing{'s' * (problems > 1)} to put right.")
    if problems:
        raise typer.Exit(1)
