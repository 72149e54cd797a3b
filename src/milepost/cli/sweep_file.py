"""``sweep.yaml``: a sweep as people write it, made what the SDK submits."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from milepost.cli.options import Misused

if TYPE_CHECKING:
    from milepost.sdk.sweeps.hyperdrive_config import HyperDriveConfig
    from milepost.sdk.sweeps.parameter_sampling import HyperParameterSampling
    from milepost.sdk.sweeps.termination_policies import EarlyTerminationPolicy
    from milepost.sdk.workspaces.workspace import Workspace

_KEYS: Final = {
    "script", "command", "source", "arguments", "variables", "env", "python", "target", "experiment", "name", "tags",
    "sampling", "seed", "parameters", "metric", "policy", "limits",
}  # fmt: skip
_LIMITS: Final = {"total", "concurrent", "minutes"}
_SAMPLINGS: Final = ("random", "grid", "bayesian")
_POLICIES: Final = {
    "bandit": {"slack_factor", "slack_amount", "evaluation_interval", "delay_evaluation"},
    "median": {"evaluation_interval", "delay_evaluation"},
    "truncation": {"truncation_percentage", "evaluation_interval", "delay_evaluation"},
    "none": set(),
}


@dataclass(frozen=True)
class SweepFile:
    """What the file says.  Errors name the file and the key."""

    path: Path
    content: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> SweepFile:
        """Read and check what can be checked without a workspace.  Raises Misused."""
        from milepost.sdk.exceptions import UserErrorException
        from milepost.sdk.yaml_files import read_yaml

        try:
            content = read_yaml(path)
        except UserErrorException as error:
            raise Misused(error.message) from error
        if not isinstance(content, dict):
            raise Misused(f"{path}: a sweep is written as keys with values, such as 'script: train.py'.")
        found = cls(path, content)
        found._check_keys(content, _KEYS, "")
        for key in ("parameters", "metric"):
            if key not in content:
                raise found.wrong(key, "is missing")
        return found

    def wrong(self, key: str, why: str) -> Misused:
        """An error about that key."""
        return Misused(f"{self.path}: {key} {why}.")

    def mapping(self, key: str, default: dict[str, Any] | None = None) -> dict[str, Any]:
        """The keys and values below a key.  Raises Misused."""
        found = self.content.get(key, default)
        if not isinstance(found, dict):
            raise self.wrong(key, f"takes keys with values, not {found!r:.60}")
        return found

    def text(self, key: str) -> str | None:
        """A text, or None.  Raises Misused."""
        found = self.content.get(key)
        if not isinstance(found, (str, type(None))):
            raise self.wrong(key, f"takes a text, not {found!r:.60}")
        return found

    def place(self, key: str, default: str | None = None) -> Path | None:
        """A path, from the folder of the file."""
        found = self.text(key) or default
        return None if found is None else self.path.resolve().parent / Path(found).expanduser()

    def texts(self, key: str) -> dict[str, str]:
        """Keys with their values as texts."""
        return {name: "" if value is None else str(value) for name, value in self.mapping(key, {}).items()}

    def _check_keys(self, given: Mapping[str, Any], known: set[str], where: str) -> None:
        for key in given:
            if key not in known:
                close = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(sorted(known))}"
                raise Misused(f"{self.path}: {where}{key!r} is not known; {hint}")

    # -- what it makes -----------------------------------------------------------------------------------------

    def config(self, workspace: Workspace) -> HyperDriveConfig:
        """What is submitted.  Raises Misused, and as the SDK does for settings that are wrong."""
        from milepost.sdk.sweeps.hyperdrive_config import HyperDriveConfig, PrimaryMetricGoal

        metric = self.mapping("metric")
        self._check_keys(metric, {"name", "goal"}, "metric: ")
        limits = self.mapping("limits", {})
        self._check_keys(limits, _LIMITS, "limits: ")
        sampling = self._sampling()
        return HyperDriveConfig(
            hyperparameter_sampling=sampling,
            primary_metric_name=metric.get("name") or "",
            primary_metric_goal=PrimaryMetricGoal.from_str(str(metric.get("goal", "maximize"))),
            max_total_runs=limits["total"] if "total" in limits else self._default_total(sampling),
            max_concurrent_runs=limits.get("concurrent"),
            max_duration_minutes=limits.get("minutes", 10080),
            policy=self._policy(),
            run_config=self._script(workspace),
        )

    def _default_total(self, sampling: HyperParameterSampling) -> int:
        from milepost.sdk.sweeps.parameter_sampling import GridParameterSampling
        from milepost.sweeps.space import checked_space, points

        if isinstance(sampling, GridParameterSampling):
            return points(checked_space(sampling._parameter_space)) or 1
        raise self.wrong("limits: total", "is missing: say how many trials there are to be")

    def _sampling(self) -> HyperParameterSampling:
        from milepost.sdk.sweeps import parameter_sampling as kinds

        name = (self.text("sampling") or "random").lower()
        if name not in _SAMPLINGS:
            raise self.wrong("sampling", f"is one of {', '.join(_SAMPLINGS)}, not {name!r:.40}")
        kind = {
            "random": kinds.RandomParameterSampling,
            "grid": kinds.GridParameterSampling,
            "bayesian": kinds.BayesianParameterSampling,
        }[name]
        space = {key: self._expression(key, value) for key, value in self.mapping("parameters").items()}
        seed = self.content.get("seed")
        return kind(space, None if seed is None else {"seed": seed})

    def _expression(self, name: str, written: Any) -> list[Any]:
        """``[16, 32]`` is a choice; ``{uniform: [0, 1]}``, ``{randint: 5}``, ``{choice: [a, b]}`` are what they say."""
        from milepost.sdk.sweeps import parameter_expressions as expressions
        from milepost.sweeps.space import CHOICE, NAMES

        if isinstance(written, list):
            return expressions.choice(written)
        if not isinstance(written, dict) or len(written) != 1:
            raise self.wrong(
                f"parameters: {name}", f"takes a list of options, or one like {{uniform: [0, 1]}}, not {written!r:.60}"
            )
        kind, arguments = next(iter(written.items()))
        if kind not in NAMES:
            raise self.wrong(f"parameters: {name}", f"has no distribution {kind!r:.40}; there are {', '.join(NAMES)}")
        if kind == CHOICE:
            return expressions.choice(arguments if isinstance(arguments, list) else [arguments])
        given = arguments if isinstance(arguments, list) else [arguments]
        try:
            made: list[Any] = getattr(expressions, kind)(*given)
        except TypeError:
            raise self.wrong(f"parameters: {name}", f"{kind} does not take {given!r:.60}") from None
        return made

    def _policy(self) -> EarlyTerminationPolicy | None:
        from milepost.sdk.sweeps import termination_policies as kinds

        given = self.content.get("policy")
        if given is None:
            return None
        written = {given: {}} if isinstance(given, str) else given
        if not isinstance(written, dict) or len(written) != 1 or next(iter(written)) not in _POLICIES:
            raise self.wrong("policy", f"is one of {', '.join(_POLICIES)} with its settings, not {given!r:.60}")
        name, settings = next(iter(written.items()))
        if not isinstance(settings, (dict, type(None))):
            raise self.wrong(f"policy: {name}", f"takes settings such as evaluation_interval: 1, not {settings!r:.60}")
        self._check_keys(settings or {}, _POLICIES[name], f"policy: {name}: ")
        kind: Any = {
            "bandit": kinds.BanditPolicy,
            "median": kinds.MedianStoppingPolicy,
            "truncation": kinds.TruncationSelectionPolicy,
            "none": kinds.NoTerminationPolicy,
        }[name]
        if name == "truncation" and "truncation_percentage" not in (settings or {}):
            raise self.wrong("policy: truncation: truncation_percentage", "is missing")
        made: EarlyTerminationPolicy = kind(**settings or {})
        return made

    def _script(self, workspace: Workspace) -> Any:
        from milepost.cli.chosen_environment import chosen_environment
        from milepost.cli.submitting import known_pool
        from milepost.sdk.submitting.script_run_config import ScriptRunConfig

        script, command = self.text("script"), self.text("command")
        if (script is None) == (command is None):
            raise Misused(f"{self.path}: give either 'script: train.py' or 'command: python train.py'.")
        config = ScriptRunConfig(
            self.place("source", ".") or ".",
            script=script,
            arguments=self.content.get("arguments"),
            command=command,
            compute_target=known_pool(workspace, self.text("target")),
            environment=chosen_environment(workspace, self._environment(), self.text("python")),
        )
        config.run_config.environment_variables = self.texts("variables")
        return config

    def _environment(self) -> str | None:
        """A file beside this one, or a registered environment's name."""
        found, place = self.text("env"), self.place("env")
        return str(place) if place is not None and place.exists() else found
