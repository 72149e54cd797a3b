"""What a sweep costs for each trial: many trials of a script that does next to nothing.

    python benchmarks/sweeps.py [--trials 1000] [--at-once 4] [--only milepost,optuna,...] [--write]

Each trial is told a number and gives one back.  Milepost runs every trial as a submitted script: a process of its own,
with files, log, metrics and parameters recorded, looked after by a supervisor.  "processes": the script alone, started
again and again, which is what any tool pays that gives a trial a process.  Optuna alone: its study with an SQLite
storage, once with the objective in its own process (nothing is isolated or recorded beside the value), once with the
script as a process.  Ray Tune: a function on its own workers, which are reused.

Gives one line of JSON a tool: seconds in all, milliseconds a trial; of Milepost also milliseconds a trial among the
first and the last tenth, which tell whether trials cost more the more there are, and seconds of CPU a trial, of all
processes.  For the peers see ``peers.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from milepost.jobs import process_table, process_tree  # noqa: E402

ENDING_S = 60

SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--x", type=float)
x = parser.parse_args().x
"""
RECORDING = SCRIPT + "from azureml.core import Run\nRun.get_context().log('score', x * x)\n"
PRINTING = SCRIPT + "print(x * x)\n"

RAY = """
import json, sys, time
import ray
from ray import tune
count, at_once, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
began = time.perf_counter()
ray.init(num_cpus=at_once, include_dashboard=False, log_to_driver=False)
started = time.perf_counter()
results = tune.Tuner(
    lambda config: {"score": config["x"] ** 2},
    param_space={"x": tune.uniform(0, 1)},
    tune_config=tune.TuneConfig(num_samples=count, max_concurrent_trials=at_once, metric="score", mode="min"),
    run_config=tune.RunConfig(storage_path=folder, name="bench", verbose=0),
).fit()
assert len(results) == count and not results.errors
print(json.dumps({"seconds": time.perf_counter() - started, "start_s": started - began}))
"""


def milepost(count: int, at_once: int, folder: Path) -> dict[str, Any]:
    from azureml.core import Experiment, ScriptRunConfig, Workspace
    from azureml.train.hyperdrive import HyperDriveConfig, PrimaryMetricGoal, RandomParameterSampling, uniform

    os.environ |= {"MILEPOST_HOME": str(folder / "home"), "MILEPOST_PORTAL": "0", "MILEPOST_AGENT_IDLE": "1"}
    source = folder / "source"
    source.mkdir()
    (source / "train.py").write_text(RECORDING)
    config = HyperDriveConfig(
        run_config=ScriptRunConfig(str(source), "train.py"),
        hyperparameter_sampling=RandomParameterSampling({"x": uniform(0, 1)}, {"seed": 1}),
        primary_metric_name="score",
        primary_metric_goal=PrimaryMetricGoal.MINIMIZE,
        max_total_runs=count,
        max_concurrent_runs=at_once,
    )
    workspace = Workspace.create("bench")
    began = time.perf_counter()
    sweep = Experiment(workspace, "bench").submit(config)
    sweep.wait_for_completion()
    seconds = time.perf_counter() - began
    ranked = sweep.get_children_sorted_by_primary_metric()
    assert len(ranked) == count
    assert all(each["status"] == "Completed" and each["best_primary_metric"] is not None for each in ranked)
    log = sweep.get_details_with_logs()["logFiles"]["azureml-logs/hyperdrive.txt"]
    ends = [
        datetime.fromisoformat(line.split()[0].rstrip("Z"))
        for line in log.splitlines()
        if " is Completed, best" in line
    ]
    tenth = max(1, count // 10)
    paces = {
        "ms_a_trial_first_tenth": (ends[tenth - 1] - ends[0]) / max(1, tenth - 1),
        "ms_a_trial_last_tenth": (ends[-1] - ends[-tenth]) / max(1, tenth - 1),
    }
    return {"seconds": seconds} | {name: round(1000 * each.total_seconds(), 2) for name, each in paces.items()}


def optuna_alone(count: int, at_once: int, folder: Path) -> dict[str, Any]:
    return _optuna(count, at_once, folder, lambda x: x * x)


def optuna_processes(count: int, at_once: int, folder: Path) -> dict[str, Any]:
    script = folder / "train.py"
    script.write_text(PRINTING)
    return _optuna(count, at_once, folder, lambda x: float(_run(script, x)))


def _optuna(count: int, at_once: int, folder: Path, objective: Callable[[float], float]) -> dict[str, Any]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    began = time.perf_counter()
    study = optuna.create_study(
        storage=f"sqlite:///{folder / 'optuna.db'}", sampler=optuna.samplers.RandomSampler(seed=1)
    )
    study.optimize(lambda trial: objective(trial.suggest_float("x", 0, 1)), n_trials=count, n_jobs=at_once)
    assert len(study.trials) == count
    return {"seconds": time.perf_counter() - began}


def processes(count: int, at_once: int, folder: Path) -> dict[str, Any]:
    script = folder / "train.py"
    script.write_text(PRINTING)
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda number: _run(script, number / count), range(count)))
    return {"seconds": time.perf_counter() - began}


def _run(script: Path, x: float) -> str:
    done = subprocess.run([sys.executable, str(script), "--x", str(x)], capture_output=True, text=True, check=True)
    return done.stdout


def ray_tune(count: int, at_once: int, folder: Path) -> dict[str, Any]:
    from benchmarks.peers import ensure

    peer = ensure("ray")
    if peer.python is None:
        return {"error": peer.error}
    script = folder / "ray_tune.py"
    script.write_text(RAY)
    done = subprocess.run(
        [str(peer.python), str(script), str(count), str(at_once), str(folder / "results")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_AIR_NEW_OUTPUT": "0"},
    )
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1][:300] if done.stderr.strip() else "it failed"}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


TOOLS = {
    "milepost": milepost,
    "processes": processes,
    "optuna": optuna_alone,
    "optuna_processes": optuna_processes,
    "ray": ray_tune,
}


def _let_all_end() -> None:
    """Wait for the processes that were started, which go when they have nothing to do."""
    until = time.monotonic() + ENDING_S
    while process_table.children() and time.monotonic() < until:
        process_tree.reap()
        time.sleep(0.1)


def _cpu_s() -> float:
    """CPU seconds of this process and of all that have ended below it."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(each.ru_utime + each.ru_stime for each in map(resource.getrusage, kinds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--only", default=",".join(TOOLS))
    parser.add_argument("--write", action="store_true", help='into "Sweeps" of docs/benchmarks.md')
    asked = parser.parse_args()
    all_found: dict[str, dict[str, Any]] = {}
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or all sources are compiled by each process
    process_tree.become_subreaper()  # whatever a tool starts, its CPU is counted here in the end
    for name in asked.only.split(","):
        before = _cpu_s()
        with tempfile.TemporaryDirectory(prefix="milepost-sweeps-", ignore_cleanup_errors=True) as folder:
            found = TOOLS[name](asked.trials, asked.at_once, Path(folder))
            _let_all_end()
        if "seconds" in found:
            found["ms_a_trial"] = round(1000 * found["seconds"] / asked.trials, 2)
            found["cpu_ms_a_trial"] = round(1000 * (_cpu_s() - before) / asked.trials, 2)
        all_found[name] = {"trials": asked.trials, "at_once": asked.at_once, **found}
        print(json.dumps({"tool": name, **all_found[name]}), flush=True)
    if asked.write:
        import report_sweeps

        command = f"python benchmarks/sweeps.py --trials {asked.trials} --at-once {asked.at_once}"
        report_sweeps.write(report_sweeps.section(all_found, command))


if __name__ == "__main__":
    main()
