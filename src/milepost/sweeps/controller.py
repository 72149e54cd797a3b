"""The life of one sweep: decide on trials, submit them, watch what they report, stop those that fall behind, sum up.

One process does this for one sweep; the agent starts it, and another one where it was killed.  What it knows is in the
sweep's job folder (`trials`) and in the store.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from milepost.jobs import job as jobs
from milepost.jobs.bell import Bell
from milepost.jobs.job import Job, Request
from milepost.jobs.record import Record, artifact, status
from milepost.jobs.taking import taken
from milepost.store.errors import NotFound, StoreError
from milepost.store.records import RunQuery
from milepost.store.status import CANCELED, COMPLETED, FAILED, TERMINAL
from milepost.sweeps import policies
from milepost.sweeps.policies import Curve
from milepost.sweeps.sampling import Sampler, sampler_of
from milepost.sweeps.specification import Sweep
from milepost.sweeps.trial_job import trial_job
from milepost.sweeps.trials import Trial, keep, kept, trial_id

if TYPE_CHECKING:
    from milepost.store.records import RunRecord
    from milepost.store.store import Store

LOG: Final = f"{jobs.LOG_FOLDER}/hyperdrive.txt"
"""What happens to the trials, line by line."""
BEST_CHILD: Final = "best_child_by_primary_metric"
"""The table of the sweep's run that has a row for each new best trial."""
BY_POLICY: Final = "EarlyTermination"
"""The error code of a trial that the policy has stopped."""
_POLL_S: Final = 0.05
_RUNG_S: Final = 0.25
"""The same where a trial's end rings."""
_LOOK_S: Final = 0.25
"""Between two looks at what the trials report."""
_RESTS: Final = 4
"""Times as long as a look took it waits before the next one, but no longer than ``_LONGEST_REST_S``."""
_LONGEST_REST_S: Final = 5.0
_AGENT_S: Final = 2.0
_AWAY_S: Final = 2.0
"""Before the store is asked again that did not answer."""
_SETTLE_S: Final = 60.0
_ENDED_S: Final = 10.0
"""So long is a trial's last word waited for when its job is gone, before what ended processes left is delivered."""


class Desk(Record, Protocol):
    """What the controller needs of whoever records, beside what jobs need."""

    def store(self) -> Store:
        """The store.  Raises its errors."""
        ...

    def row(self, run_id: str, name: str, columns: Mapping[str, Any]) -> None:
        """Log a row of a table."""
        ...


class Controller:
    """Does one sweep; see ``control``."""

    def __init__(self, workspace: Path, folder: Path, job: Job, desk: Desk, ensure_agent: Callable[[], object]) -> None:
        assert job.sweep is not None
        self.workspace = workspace
        self.folder = folder
        self.job = job
        self.desk = desk
        self.sweep = Sweep.from_json(job.sweep)
        self.trials = {each.number: each for each in kept(folder)}
        self._going = {number: each for number, each in self.trials.items() if each.status is None}
        self._decided_until = 0
        self._ensure_agent = ensure_agent
        self._curves: dict[str, Curve] = {}
        self._is_news = False
        self._best: Trial | None = None
        self._agent_due = 0.0
        self._look_due = 0.0
        self._missing_since: dict[str, float] = {}
        self._taken_over = frozenset(self.trials)

    def run(self) -> tuple[str, dict[str, str] | None]:
        """All of it until no trial runs any more; gives the sweep's last status, and its error."""
        with closing(Bell(self.folder.parent)) as bell:
            return self._run(bell)

    def _run(self, bell: Bell) -> tuple[str, dict[str, str] | None]:
        until = self._began() + self.sweep.max_duration_s
        self.desk.say(self.job.run_id, "owner", {})  # whoever keeps the store notices when nothing is heard of us
        status(self.desk, self.job.run_id, "Running")
        self._resume()
        while True:
            try:
                request = jobs.asked(self.folder)
                if request is None and time.time() > until:
                    minutes = self.sweep.max_duration_s / 60
                    message = f"The sweep was ended because it took longer than its max_duration_minutes, {minutes:g}."
                    request = Request(CANCELED, {"code": "MaxDurationExceeded", "message": message, "details": ""})
                    jobs.ask(self.folder, request)
                if request is not None:
                    self._cancel_all()
                self._look()
                if request is None:
                    self._submit()
                if not self._live():
                    if request is not None:
                        return request.status, request.error
                    if len(self.trials) >= self.total:
                        return self._end()
            except StoreError as error:
                self._note(f"the store does not answer ({error}); the trials go on")
                time.sleep(_AWAY_S)
            self._see_to_agent()
            bell.wait(_RUNG_S if bell.is_heard else _POLL_S)

    @cached_property
    def total(self) -> int:
        """How many trials there are to be."""
        return self.sweep.total()

    @cached_property
    def _sampler(self) -> Sampler:
        return sampler_of(self.sweep)

    def _began(self) -> float:
        """When the sweep first had a controller, in seconds since 1970."""
        place = self.folder / "began.json"
        found = jobs.read_json(place)
        if found is None:
            found = time.time()
            jobs.write_json(place, found)
            self._note(f"the sweep begins: {self.total} trials, {self.sweep.max_concurrent} at a time")
        return float(found)

    # -- the trials --------------------------------------------------------------------------------------------

    def _live(self) -> list[Trial]:
        return list(self._going.values())

    def _resume(self) -> None:
        """Take over what an earlier controller has left."""
        if not self.trials:
            return
        self._note(f"a new controller takes over with {len(self.trials)} trials decided")
        for trial in self.trials.values():
            if trial.status is not None:
                self._sampler.tell(trial.parameters, _told(trial))
                self._compare(trial)

    def _submit(self) -> None:
        """Decide on and submit trials until as many run as may."""
        for trial in self._live():
            if not trial.submitted:
                self._hand_over(trial)
        while len(self._going) < self.sweep.max_concurrent and (number := self._next()) is not None:
            trial = self._decide(number)
            keep(self.folder, trial)
            self.trials[number] = self._going[number] = trial
            self._hand_over(trial)
            if len(self.trials) == self.total:
                self.desk.say(self.job.run_id, "tags", {"set": {"all_jobs_generated": "true"}})

    def _next(self) -> int | None:
        """The first number without a trial; None where all are decided on."""
        while self._decided_until < self.total and self._decided_until in self.trials:
            self._decided_until += 1
        return self._decided_until if self._decided_until < self.total else None

    def _decide(self, number: int) -> Trial:
        run_id = trial_id(self.job.run_id, number)
        if number < len(self.sweep.resumed):
            resumed = self.sweep.resumed[number]
            return Trial(number, run_id, resumed.parameters, resumed_from=resumed.run_id)
        before = [self.trials[each].parameters for each in sorted(self.trials) if each < number]
        return Trial(number, run_id, self._sampler.draw(number, before))

    def _hand_over(self, trial: Trial) -> None:
        """Make the trial's job, unless an earlier controller did so just before it was killed."""
        place = jobs.job_folder(self.workspace, trial.run_id)
        if not place.is_dir() and not self._is_known(trial):
            jobs.write_job(self.workspace, trial_job(self.job, self.sweep, trial), self._variables)
        trial.submitted = True
        keep(self.folder, trial)
        self._note(f"trial {trial.number} submitted as {trial.run_id}: {trial.parameters}")

    def _is_known(self, trial: Trial) -> bool:
        """Whether the trial has a run already.  Only what was decided before this controller began may have."""
        if trial.number not in self._taken_over:
            return False
        self.desk.settle(_SETTLE_S)
        try:
            self.desk.store().run(trial.run_id)
        except NotFound:
            return False
        return True

    @cached_property
    def _variables(self) -> dict[str, str]:
        return jobs.read_json(self.folder / "variables.json") or {}

    def _cancel_all(self) -> None:
        """Have all trials end; those that were not handed over yet never begin."""
        message = f"The sweep {self.job.run_id} that it belongs to was ended."
        request = Request(CANCELED, {"code": "ParentCanceled", "message": message, "details": ""})
        for trial in self._live():
            place = jobs.job_folder(self.workspace, trial.run_id)
            if place.is_dir():
                if jobs.asked(place) is None:
                    jobs.ask(place, request)
            elif not trial.submitted:
                trial.submitted = self._is_known(trial)
                if not trial.submitted:
                    self._ended(trial, CANCELED, None)

    # -- what they report --------------------------------------------------------------------------------------

    def _look(self) -> None:
        gone = [each for each in self._live() if each.submitted and not self._has_job(each)]
        if gone:
            self._take_ends(gone)
        now = time.monotonic()
        if now < self._look_due or self.sweep.policy.name == policies.NONE:
            return
        live = {each.run_id: each for each in self._live() if each.submitted and each.stopped is None}
        if live:
            self._read_curves(list(live))
            if self._is_news:
                self._is_news = False
                self._judge(live)
        self._look_due = time.monotonic() + min(max(_LOOK_S, _RESTS * (time.monotonic() - now)), _LONGEST_REST_S)

    def _has_job(self, trial: Trial) -> bool:
        return jobs.job_folder(self.workspace, trial.run_id).is_dir()

    def _read_curves(self, run_ids: list[str]) -> None:
        """Read what these runs have reported since the last look."""
        store = self.desk.store()
        if not self._curves and (ended := [each.run_id for each in self.trials.values() if each.status is not None]):
            self._extend(store, ended)  # those that ended before this controller began
        self._extend(store, run_ids)

    def _extend(self, store: Store, run_ids: list[str]) -> None:
        from milepost.store.points import cells

        for each in store.metric_summaries(run_ids, [self.sweep.metric]):
            curve = self._curves.setdefault(each.run_id, Curve(self.sweep.maximize))
            if each.kind == "series" and each.count > len(curve):
                points = store.metric_points(each.run_id, each.name, start=len(curve))
                curve.extend(_number(value) for value in cells(points.columns[""]))
                self._is_news = True

    def _judge(self, live: Mapping[str, Trial]) -> None:
        for run_id, reason in policies.to_stop(self.sweep.policy, self._curves, live).items():
            trial = live[run_id]
            request = Request(CANCELED, {"code": BY_POLICY, "message": reason, "details": ""})
            if jobs.ask(jobs.job_folder(self.workspace, run_id), request):
                trial.stopped = reason
                keep(self.folder, trial)
                self._note(f"trial {trial.number} is stopped: {reason}")

    def _take_ends(self, gone: list[Trial]) -> None:
        """How trials ended whose jobs are gone.  What their supervisors said may still be on its way."""
        store = self.desk.store()
        query = RunQuery(run_ids=tuple(each.run_id for each in gone), archived=None)
        found = {each.run_id: each for each in store.all_runs(query)}
        ended = {run_id: each for run_id, each in found.items() if each.status in TERMINAL}
        if self.sweep.policy.name != policies.NONE and ended:
            self._read_curves(list(ended))
        best = {
            each.run_id: each.max if self.sweep.maximize else each.min
            for each in (store.metric_summaries(list(ended), [self.sweep.metric]) if ended else ())
        }
        late = False
        for trial in gone:
            run = ended.get(trial.run_id)
            if run is None:
                since = self._missing_since.setdefault(trial.run_id, time.monotonic())
                late = late or time.monotonic() - since > _ENDED_S
                continue
            trial.best = best.get(trial.run_id)
            self._take_end(trial, run)
        if late:
            self.desk.settle(_SETTLE_S)

    def _take_end(self, trial: Trial, run: RunRecord) -> None:
        error = run.error or {}
        reason = str(error.get("message") or "") if error.get("code") == BY_POLICY else None
        if reason:
            self.desk.say(trial.run_id, "tags", {"set": {"early_termination": reason}})
        trial.stopped = reason
        self._ended(trial, run.status, str(error.get("message") or "") or None)

    def _ended(self, trial: Trial, how: str, why: str | None) -> None:
        trial.status = how
        self._going.pop(trial.number, None)
        keep(self.folder, trial)
        shown = "nothing" if trial.best is None else f"{trial.best:g}"
        self._note(f"trial {trial.number} is {how}, best {self.sweep.metric}: {shown}" + (f" ({why})" if why else ""))
        self._sampler.tell(trial.parameters, _told(trial))
        if self._compare(trial):
            self._say_best(final=False)

    def _compare(self, trial: Trial) -> bool:
        """Whether the trial is the best so far; between equals the one that was decided on first."""
        if trial.best is None or math.isnan(trial.best):
            return False
        known = [each for each in (self._best, trial) if each is not None]
        sign = -1 if self.sweep.maximize else 1
        self._best = min(known, key=lambda each: (sign * (each.best or 0.0), each.number))
        return self._best is trial

    def _say_best(self, *, final: bool) -> None:
        assert self._best is not None
        row = {
            "metric_name": self.sweep.metric,
            "timestamp": _utc(),
            "run_id": self._best.run_id,
            "metric_value": self._best.best,
            "final": final,
        }
        self.desk.row(self.job.run_id, BEST_CHILD, row)

    # -- the end -----------------------------------------------------------------------------------------------

    def _end(self) -> tuple[str, dict[str, str] | None]:
        failed = [each for each in self.trials.values() if each.status == FAILED]
        if len(failed) < len(self.trials):
            return COMPLETED, None
        first = min(failed, key=lambda each: each.number)
        reason = ""
        with suppress(StoreError):
            reason = str((self.desk.store().run(first.run_id).error or {}).get("message") or "")
        message = f"All {len(failed)} trials failed. The first one, {first.run_id}: {reason}"
        return FAILED, {"code": "AllTrialsFailed", "message": message, "details": ""}

    def finish(self, how: str, error: dict[str, str] | None) -> None:
        """Sum up, keep the log, say the last word."""
        status(self.desk, self.job.run_id, "Finalizing")
        if self._best is not None:
            self._say_best(final=True)
            facts = {"best_child_run_id": self._best.run_id, "score": repr(self._best.best)}
            self.desk.say(self.job.run_id, "properties", {"set": facts | {"best_metric_status": "Succeeded"}})
        self._note(f"the sweep is {how}" + (f": {error['message']}" if error else ""))
        with suppress(OSError, StoreError):
            artifact(self.desk, self.job.run_id, LOG, self.folder / LOG)
        self.desk.settle(_SETTLE_S)
        status(self.desk, self.job.run_id, how, error)
        self.desk.settle(_SETTLE_S)

    def _see_to_agent(self) -> None:
        if time.monotonic() >= self._agent_due:
            self._agent_due = time.monotonic() + _AGENT_S
            self._ensure_agent()

    def _note(self, line: str) -> None:
        with suppress(OSError), (self.folder / LOG).open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(f"{_utc()} {line}\n")


def control(workspace: Path, run_id: str, desk: Desk, ensure_agent: Callable[[], object]) -> bool:
    """Do the sweep of a job to its end, from where an earlier controller has left it.

    False where the job is gone, or another controller is at it.
    """
    with taken(workspace, run_id) as found:
        if found is None:
            return False
        controller = Controller(workspace, *found, desk, ensure_agent)
        controller.finish(*controller.run())
    return True


def _told(trial: Trial) -> float | None:
    """What the sampler is told of a trial: nothing of one that failed, its best of others."""
    return None if trial.status == FAILED or trial.best is None or not math.isfinite(trial.best) else trial.best


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan


def _utc() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
