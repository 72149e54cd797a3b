"""``milepost sync``: bring into the stores what processes that are gone left in their journals."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from milepost.cli import output, tables
from milepost.cli.opening import place_of
from milepost.cli.options import AsJson, Failed, WorkspaceName
from milepost.cli.tables import Column

if TYPE_CHECKING:
    from milepost.sdk.recording.recorder import Recorder
    from milepost.sdk.workspaces.home import WorkspacePlace
    from milepost.store.batch import Batch
    from milepost.store.store import Store

_BUSY_S: Final = 600.0
"""So long is a server asked again that has too much to do."""
_FILES_IDLE_S: Final = 60.0
"""So long may the way of a file stand still."""


_ONE: Final = ("1 journal", "1 file")


@dataclass(slots=True)
class Delivery:
    """What was done in one workspace.  ``values``: points of metrics; ``events``: all else that was said of runs."""

    workspace: str
    journals: int = 0
    values: int = 0
    events: int = 0
    ended_runs: int = 0
    """Runs that were still active and are Failed now."""
    live: int = 0
    """Journals of processes that are running: they deliver on their own."""
    left: int = 0
    """Journals that could not be delivered."""
    files: int = 0
    """Files that were sent to a server, beside those that journals brought along."""
    left_files: int = 0
    """Files that could not be sent to a server."""
    error: str | None = None


class _CountingSink:
    """The store, with a count of what it took for the first time."""

    def __init__(self, store: Store, delivery: Delivery) -> None:
        self.store = store
        self.delivery = delivery

    def applied(self, journal_id: str) -> int:
        return self.store.applied(journal_id)

    def apply(self, batch: Batch) -> int:
        reached = self.store.apply(batch)
        if reached == batch.end:
            self.delivery.values += sum(len(block.points) for block in batch.series)
            self.delivery.events += len(batch.events)
        return reached

    def check(self, batch: Batch) -> None:
        self.store.check(batch)

    def close_journal(self, journal_id: str, reason: str) -> list[str]:
        ended = self.store.close_journal(journal_id, reason)
        self.delivery.ended_runs += len(ended)
        return ended


def sync(name: WorkspaceName = None, as_json: AsJson = False) -> None:
    """Deliver what ended processes left behind, in all workspaces of this machine or in one.

    Also to servers: what was recorded while they could not be reached, with its files.
    """
    from milepost.sdk.workspaces import home

    output.hear_warnings()
    broken: list[str] = []
    if name is None:
        places = home.list_workspaces(on_error=lambda error: broken.append(error.message))
        places += home.list_server_workspaces(on_error=lambda error: broken.append(error.message))
    else:
        places = [place_of(name)]
    for message in broken:
        output.tell(f"warning: {message}")
    done = [deliver(place) for place in places]
    journals, values = sum(each.journals for each in done), sum(each.values for each in done)
    if as_json:
        output.write_json({"journals": journals, "values": values, "workspaces": [asdict(each) for each in done]})
    else:
        _show(done)
    failed = [each for each in done if each.error is not None or each.left or each.left_files]
    if failed or broken:
        for each in failed:
            left = f"left: {_counted(each.left, each.left_files)}"
            output.tell(f"warning: workspace {each.workspace!r}: {each.error or left}")
        raise Failed(_not_all(done))
    if not as_json:
        output.say(f"{_delivered(done)}." if _delivered(done) else "There was nothing to deliver.")


def deliver(place: WorkspacePlace) -> Delivery:
    """Deliver the journals of one workspace.  What goes wrong is in the answer's ``error``."""
    from milepost.journal.recovery import journal_ids, live_journals
    from milepost.remote.uploads import waiting_in
    from milepost.sdk.exceptions import AzureMLException, ServiceException
    from milepost.sdk.recording.recorder import close_recorder, recorder_for, translated

    delivery = Delivery(place.name)
    folder = place.folder / "journals"
    there = set(journal_ids(folder))
    recorder = recorder_for(place)
    try:
        with translated():
            _deliver_journals(place, recorder, delivery)
            if place.server is not None:
                _send_files(place, recorder, delivery)
    except (AzureMLException, ServiceException) as error:
        delivery.error = error.message
    except OSError as error:
        delivery.error = str(error)
    finally:
        close_recorder(recorder)
    if place.server is not None:
        delivery.left_files = len(waiting_in(place.folder / "uploads"))
    try:
        live = set(live_journals(folder))
        delivery.live = len(live)
        delivery.left = len(there.intersection(journal_ids(folder)) - live)
    except OSError as error:
        delivery.error = delivery.error or str(error)
    return delivery


def _deliver_journals(place: WorkspacePlace, recorder: Recorder, delivery: Delivery) -> None:
    """Raises the store's errors and OSError."""
    from milepost.sdk.recording.left_behind import drain_dead
    from milepost.store.errors import Busy

    until = time.monotonic() + _BUSY_S
    while True:
        try:
            sink = lambda: _CountingSink(recorder.open_store(), delivery)  # noqa: E731
            delivery.journals += drain_dead(place.folder / "journals", sink)
        except Busy as error:
            if time.monotonic() + error.after_s > until:
                raise
            time.sleep(error.after_s)
        else:
            return


def _send_files(place: WorkspacePlace, recorder: Recorder, delivery: Delivery) -> None:
    """Raises the store's errors."""
    from milepost.remote.store import RemoteStore
    from milepost.remote.uploads import waiting_in

    waiting = len(waiting_in(place.folder / "uploads"))
    if waiting:
        store = recorder.open_store()
        assert isinstance(store, RemoteStore)
        try:
            store.uploads.wait(_FILES_IDLE_S)
        finally:
            delivery.files = waiting - len(waiting_in(place.folder / "uploads"))


def _show(done: list[Delivery]) -> None:
    busy = [
        each for each in done if each.journals or each.files or each.live or each.left or each.left_files or each.error
    ]
    if busy:
        columns = [
            Column("WORKSPACE", whole=False),
            Column("JOURNALS", right=True),
            Column("VALUES", right=True),
            Column("RUNS ENDED", right=True),
            Column("STILL RECORDING", right=True),
            Column("LEFT", right=True),
        ]
        tables.table(
            columns,
            [
                [
                    each.workspace,
                    *map("{:,}".format, (each.journals, each.values, each.ended_runs, each.live, each.left)),
                ]
                for each in busy
            ],
        )


def _delivered(done: list[Delivery]) -> str:
    """What was delivered, as the beginning of a sentence; "" where nothing was."""
    journals, files = sum(each.journals for each in done), sum(each.files for each in done)
    values = sum(each.values for each in done)
    said = _counted(journals, files, f" with {_count(values, 'value')}")
    return f"Delivered {said}" if said else ""


def _not_all(done: list[Delivery]) -> str:
    """What became of it where not all is well, in one sentence, and where to go on."""
    left = _counted(sum(each.left for each in done), sum(each.left_files for each in done))
    told = _delivered(done)
    if not left:
        trouble = "not all workspaces could be looked through"
        said = f"{told}, but {trouble}" if told else trouble.capitalize()
    elif told:
        said = f"{told}, but not {left}: what is left is kept here"
    else:
        said = f"Nothing could be delivered: {left} {'is' if left in _ONE else 'are'} kept here"
    return f"{said}, and nothing is lost. `milepost doctor` says what to do."


def _counted(journals: int, files: int, more: str = "") -> str:
    """So many journals (with ``more`` said of them) and files; "" for none."""
    parts = [f"{_count(journals, 'journal')}{more}"] if journals else []
    parts += [_count(files, "file")] if files else []
    return " and ".join(parts)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
