"""The cache of built environments: built once, taken over from the dead, and pruned while nobody uses it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from milepost.jobs import environment_cache, environments
from milepost.jobs.environment_cache import READY, python_in
from milepost.jobs.environments import EnvironmentFailed
from tests.jobs.wheels import Place, definition, make_slow_package, make_wheel

ROOT = Path(__file__).parents[2]
HOUR = 3600.0


@pytest.fixture
def place(tmp_path: Path) -> Place:
    folder = tmp_path / "work"
    folder.mkdir()
    return Place(tmp_path / "cache", folder, tmp_path / "wheels")


def start(place: Place, wanted: dict[str, Any], **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.jobs.prepare_child", str(place.cache), str(place.folder), json.dumps(wanted)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | variables,
        cwd=ROOT,
    )


def wait_for(path: Path, process: subprocess.Popen[str] | None = None) -> None:
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until
        assert process is None or process.poll() is None, process.stdout and process.stdout.read()
        time.sleep(0.01)


@pytest.fixture
def slow(place: Place, tmp_path: Path) -> dict[str, str]:
    """A package in the source directory whose build waits for a gate to open."""
    make_slow_package(place.folder / "slowly")
    return {"TEST_GATE": str(tmp_path / "gate"), "TEST_BEGUN": str(tmp_path / "begun")}


SLOW = definition({"pip": ["--no-index", "./slowly"]})


def test_ten_that_ask_at_once_build_once_and_share_it(place: Place, slow: dict[str, str]) -> None:
    first = start(place, SLOW, **slow)
    wait_for(Path(slow["TEST_BEGUN"]), first)
    others = [start(place, SLOW, **slow) for _ in range(9)]
    waiting = [process.stdout.readline() + process.stdout.readline() for process in others if process.stdout]
    Path(slow["TEST_GATE"]).touch()
    outputs = [process.communicate(timeout=120)[0] for process in [first, *others]]
    found = [output.splitlines()[-1] for output in outputs]
    assert len(set(found)) == 1
    assert found[0].startswith("FOUND ")
    assert sum("+ slowly==1.0" in output for output in outputs) == 1
    assert all("Another run is building this same environment" in lines for lines in waiting)
    digest = json.loads(found[0].removeprefix("FOUND "))["digest"]
    assert len([each for each in (place.cache / digest).iterdir() if each.is_dir()]) == 1


def test_when_the_builder_is_killed_another_takes_over(place: Place, slow: dict[str, str]) -> None:
    first = start(place, SLOW, **slow)
    wait_for(Path(slow["TEST_BEGUN"]), first)
    second = start(place, SLOW, **slow)
    assert second.stdout is not None
    assert "Another run" in second.stdout.readline() + second.stdout.readline()
    Path(slow["TEST_BEGUN"]).unlink()
    first.send_signal(signal.SIGKILL)
    first.communicate()
    # uv, which the first has started, still runs and writes: it must not harm what the second builds.
    wait_for(Path(slow["TEST_BEGUN"]), second)
    Path(slow["TEST_GATE"]).touch()
    said = second.communicate(timeout=120)[0]
    assert said.splitlines()[-1].startswith("FOUND ")
    found = place.ready(SLOW)
    assert found is not None
    subprocess.run([found.path, "-c", "import slowly"], check=True)


def test_who_waited_for_a_build_that_failed_gets_its_error_and_its_log(place: Place, slow: dict[str, str]) -> None:
    backend = place.folder / "slowly" / "backend.py"
    backend.write_text(
        backend.read_text().replace('    name = "slowly', '    raise SystemExit("broken on purpose")\n    name = "')
    )
    first = start(place, SLOW, **slow)
    wait_for(Path(slow["TEST_BEGUN"]), first)
    second = start(place, SLOW, **slow)
    assert second.stdout is not None
    second.stdout.readline(), second.stdout.readline()
    Path(slow["TEST_BEGUN"]).unlink()
    Path(slow["TEST_GATE"]).touch()
    outputs = [each.communicate(timeout=120)[0] for each in (first, second)]
    assert all("\nFAILED " in output and "broken on purpose" in output for output in outputs)
    assert not Path(slow["TEST_BEGUN"]).exists()  # it was not built twice
    assert place.ready(SLOW) is None


def test_threads_of_one_process_build_once_too(place: Place) -> None:
    make_wheel(place.wheels, "alpha")
    wanted = definition(place.pip("alpha"))
    logs: list[list[str]] = [[] for _ in range(4)]
    found = []

    def prepare(log: list[str]) -> None:
        found.append(
            environments.prepare(
                wanted, cache=place.cache, submitter=sys.executable, folder=place.folder, log=log.append
            )
        )

    threads = [threading.Thread(target=prepare, args=(log,)) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len({each.path for each in found}) == 1
    assert sum(any("+ alpha==1.0" in line for line in log) for log in logs) == 1


@pytest.fixture
def built(place: Place) -> tuple[dict[str, Any], str]:
    wanted = definition({"pip": ["--no-index"]})
    digest = place.prepare(wanted).digest
    assert digest is not None
    return wanted, digest


def age(cache: Path, digest: str, seconds: float = 2 * HOUR) -> None:
    when = time.time() - seconds
    os.utime(cache / digest / READY, (when, when))


def test_an_environment_without_its_marker_is_built_anew(place: Place, built: tuple[dict[str, Any], str]) -> None:
    wanted, digest = built
    (place.cache / digest / READY).unlink()
    assert place.ready(wanted) is None
    place.prepare(wanted)
    assert place.ready(wanted) is not None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": 1}', '{"format": 1, "folder": "../..", "made": 1}'])
def test_a_damaged_marker_counts_as_none(place: Place, built: tuple[dict[str, Any], str], damage: str) -> None:
    wanted, digest = built
    (place.cache / digest / READY).write_text(damage)
    assert place.ready(wanted) is None
    place.prepare(wanted)
    assert place.ready(wanted) is not None


def test_an_environment_whose_python_was_removed_is_built_anew(place: Place, built: tuple[dict[str, Any], str]) -> None:
    wanted, _ = built
    found = place.ready(wanted)
    assert found is not None
    Path(found.path).unlink()
    Path(found.path).symlink_to("/gone/python")
    assert place.ready(wanted) is None
    assert place.prepare(wanted).path != found.path


def test_old_environments_are_pruned_and_young_ones_stay(place: Place, built: tuple[dict[str, Any], str]) -> None:
    wanted, digest = built
    assert environments.prune(place.cache, HOUR) == []
    age(place.cache, digest)
    assert environments.prune(place.cache, HOUR) == [digest]
    assert place.ready(wanted) is None
    assert not [each for each in place.cache.iterdir() if digest in each.name]
    place.prepare(wanted)
    assert place.ready(wanted) is not None


def test_asking_for_an_environment_keeps_it(place: Place, built: tuple[dict[str, Any], str]) -> None:
    wanted, digest = built
    age(place.cache, digest)
    assert place.ready(wanted) is not None
    assert environments.prune(place.cache, HOUR) == []


def test_an_environment_named_as_in_use_is_kept(place: Place, built: tuple[dict[str, Any], str]) -> None:
    _, digest = built
    age(place.cache, digest)
    assert environments.prune(place.cache, HOUR, in_use={digest}) == []


def test_an_environment_that_a_process_runs_in_is_kept(place: Place, built: tuple[dict[str, Any], str]) -> None:
    wanted, digest = built
    found = place.ready(wanted)
    assert found is not None
    age(place.cache, digest)
    with subprocess.Popen([found.path, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert environments.prune(place.cache, HOUR) == []
        process.communicate(b"\n")
    # A program that was started in it, and is not in it itself.
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=os.environ | found.variables
    ) as process:
        assert environments.prune(place.cache, HOUR) == []
        process.communicate(b"\n")
    assert environments.prune(place.cache, HOUR) == [digest]


def test_an_environment_that_is_being_built_is_not_pruned(place: Place, slow: dict[str, str]) -> None:
    process = start(place, SLOW, **slow)
    wait_for(Path(slow["TEST_BEGUN"]), process)
    assert environments.prune(place.cache, -HOUR) == []
    Path(slow["TEST_GATE"]).touch()
    assert "FOUND " in process.communicate(timeout=120)[0]
    assert place.ready(SLOW) is not None


def test_pruning_leaves_what_is_none_of_its_own(place: Place, built: tuple[dict[str, Any], str]) -> None:
    for name in ("code-0.1-abc", "interpreters.json", "x"):
        (place.cache / name).write_text("")
    age(place.cache, built[1])
    environments.prune(place.cache, HOUR)
    assert {"code-0.1-abc", "interpreters.json", "x"} <= {each.name for each in place.cache.iterdir()}


def test_pruning_a_cache_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert environments.prune(tmp_path / "none", HOUR) == []


def test_asking_and_pruning_at_the_same_time_never_gives_an_environment_that_is_gone(tmp_path: Path) -> None:
    digest = "0" * 32

    def build(folder: Path, log: Any) -> None:
        python = python_in(folder)
        python.parent.mkdir(parents=True)
        python.write_text("")
        python.chmod(0o755)

    stop = threading.Event()

    def prune() -> None:
        while not stop.is_set():
            environment_cache.prune(tmp_path, HOUR)

    pruner = threading.Thread(target=prune)
    pruner.start()
    try:
        for number in range(80):
            found = environment_cache.get(tmp_path, digest, build, lambda _: None)
            assert python_in(found.folder).exists()
            age(tmp_path, digest)  # from here on the pruner may take it
            time.sleep(0.002 * (number % 3))
    finally:
        stop.set()
        pruner.join()


def test_a_build_that_is_broken_off_leaves_nothing_that_counts(tmp_path: Path) -> None:
    def build(folder: Path, log: Any) -> None:
        folder.mkdir()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        environment_cache.get(tmp_path, "0" * 32, build, lambda _: None)
    assert environment_cache.find(tmp_path, "0" * 32) is None
    assert not [each for each in (tmp_path / ("0" * 32)).iterdir() if each.is_dir()]


def test_a_log_that_cannot_be_written_ends_the_build(place: Place) -> None:
    def full(_: str) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(EnvironmentFailed, match="No space left"):
        environments.prepare(
            definition({"pip": ["--no-index"]}),
            cache=place.cache,
            submitter=sys.executable,
            folder=place.folder,
            log=full,
        )
