"""The run of ``Run.get_context()`` outside a submitted run: what it prints, keeps and refuses."""

from __future__ import annotations

import inspect
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from azureml.core import Run
from azureml.core.run import _OfflineRun
from azureml.exceptions import (
    ActivityFailedException,
    RunEnvironmentException,
    UserErrorException,
)

from .conftest import Script

API = json.loads(Path(__file__).with_name("azureml-v1.json").read_text())["azureml.core"]["Run"]["members"]
REFERENCE = re.compile(r"aml://artifactId/ExperimentRun/dcid\.OfflineRun_[0-9a-f-]{36}/.+")


@pytest.fixture
def run(home: Path) -> _OfflineRun:
    return _OfflineRun()


def printed(capsys: pytest.CaptureFixture[str], call: Callable[[], Any]) -> str:
    capsys.readouterr()
    call()
    out: str = capsys.readouterr().out
    return out


# -- where it comes from


def test_get_context_gives_the_same_offline_run_in_every_call_and_stores_nothing(script: Script, home: Path) -> None:
    done = script("""
        from azureml.core import Run
        from azureml.core.run import _OfflineRun
        run = Run.get_context()
        assert run is Run.get_context() and isinstance(run, _OfflineRun)
        assert run.id.startswith("OfflineRun_")
        run.log("mse", 0.25)
        run.complete()
    """)
    assert done.stdout == "Attempted to log scalar metric mse:\n0.25\n"
    assert done.stderr == ""
    assert not home.exists()


def test_get_context_without_offline_runs_raises(script: Script) -> None:
    script("""
        from azureml.core import Run
        from azureml.exceptions import RunEnvironmentException
        Run.get_context()
        try:
            Run.get_context(allow_offline=False)
        except RunEnvironmentException as error:
            assert "start_logging" in error.message
        else:
            raise AssertionError("no exception")
    """)


def test_its_id_is_offline_run_and_a_uuid(run: _OfflineRun) -> None:
    assert re.fullmatch(r"OfflineRun_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", run.id)
    assert run.identity == run.name == run.id
    assert _OfflineRun().id != run.id


# -- what log calls print


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.1, "0.1"),
        (3, "3"),
        (True, "True"),
        ("text", "text"),
        (float("nan"), "nan"),
        (np.float64(0.5), "0.5"),
        (np.int32(7), "7"),
        (np.array(2.5), "2.5"),
        ("日本", "日本"),
    ],
)
def test_log_prints_the_kind_the_name_and_the_value(
    run: _OfflineRun, capsys: pytest.CaptureFixture[str], value: Any, shown: str
) -> None:
    out = printed(capsys, lambda: run.log("mse", value, "description", step=3))
    assert out == f"Attempted to log scalar metric mse:\n{shown}\n"


def test_log_list_prints_the_values_of_whatever_can_be_iterated(
    run: _OfflineRun, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in ([0.5, 2.0], (0.5, 2.0), np.array([0.5, 2.0]), (each for each in [0.5, 2.0])):
        assert printed(capsys, lambda value=value: run.log_list("l", value)) == (  # type: ignore[misc]
            "Attempted to log list metric l:\n[0.5, 2.0]\n"
        )
    assert printed(capsys, lambda: run.log_list("mixed", [1, "a", 2.5, False])).endswith(":\n[1, 'a', 2.5, False]\n")
    assert printed(capsys, lambda: run.log_list("empty", [])) == "Attempted to log list metric empty:\n[]\n"


def test_a_very_long_list_is_shown_in_part(run: _OfflineRun, capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, lambda: run.log_list("l", range(100_000)))
    assert out.startswith("Attempted to log list metric l:\n[0, 1, 2, ")
    assert out.endswith(", 999, ... (100,000 values)]\n")
    assert run.get_metrics()["l"] == list(range(100_000))


def test_rows_and_tables_print_their_columns(run: _OfflineRun, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, lambda: run.log_row("Y over X", x=1, y=0.4)) == (
        "Attempted to log row metric Y over X:\n{'x': 1, 'y': 0.4}\n"
    )
    assert printed(capsys, lambda: run.log_table("t", {"x": np.array([1, 2]), "y": 0.5})) == (
        "Attempted to log table metric t:\n{'x': [1, 2], 'y': 0.5}\n"
    )


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("log_accuracy_table", "accuracy table"),
        ("log_confusion_matrix", "confusion matrix"),
        ("log_predictions", "predictions"),
        ("log_residuals", "residuals"),
    ],
)
def test_structured_metrics_print_what_they_got(
    run: _OfflineRun, capsys: pytest.CaptureFixture[str], method: str, kind: str
) -> None:
    value = {"schema_type": kind.replace(" ", "_"), "schema_version": "1.0.0", "data": {"x": [1]}}
    assert printed(capsys, lambda: getattr(run, method)("m", value)) == f"Attempted to log {kind} metric m:\n{value}\n"
    assert REFERENCE.fullmatch(run.get_metrics()["m"])
    assert run.get_metrics(populate=True) == {"m": value}
    with pytest.raises(UserErrorException, match="schema_type"):
        getattr(run, method)("m", {})


def test_log_image_keeps_the_file_and_prints_where(
    run: _OfflineRun, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    Path("plot.png").write_bytes(b"picture")
    out = printed(capsys, lambda: run.log_image("ROC", path="plot.png"))
    line, place = out.splitlines()
    assert line == "Attempted to log image metric ROC:"
    assert Path(place).read_bytes() == b"picture"
    assert Path(place).is_relative_to(home / "offline" / run.id)
    assert REFERENCE.fullmatch(run.get_metrics()["ROC"])


def test_a_plot_is_kept_as_png(run: _OfflineRun, capsys: pytest.CaptureFixture[str]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1, 1))
    place = printed(capsys, lambda: run.log_image("ROC", plot=figure)).splitlines()[1]
    assert Path(place).read_bytes().startswith(b"\x89PNG")


def test_text_that_the_terminal_cannot_show_does_not_stop_the_script(script: Script) -> None:
    done = script("""
        import io, sys
        sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="ascii")
        from azureml.core import Run
        Run.get_context().log("größe", "日本")
        sys.stdout = None
        Run.get_context().log("quiet", 1)
    """)
    assert done.stdout == "Attempted to log scalar metric gr\\xf6\\xdfe:\n\\u65e5\\u672c\n"


# -- what get_metrics gives back


def test_metrics_come_back_in_the_shapes_of_a_real_run(run: _OfflineRun, experiment: Any) -> None:
    def use(target: Any) -> None:
        target.log("once", 1)
        for value in (1, 2.5, "x", True, np.float32(0.5)):
            target.log("more", value)
        target.log_list("list", [1])
        target.log_list("none", [])
        target.log_list("extended", [1, 2])
        target.log_list("extended", np.array([3, 4]))
        target.log("extended", 5)
        target.log_row("row", x=1, y="a")
        target.log_row("rows", x=1, y=2)
        target.log_row("rows", x=3, z=4)
        target.log_row("rows", x=5, y=None)
        target.log_table("table", {"x": [1, 2, 3], "y": [0.5], "z": 7})
        target.log_table("tables", {"x": [1, 2], "y": 3})
        target.log_table("tables", {"x": [4]})

    real = experiment.start_logging()
    use(run)
    use(real)
    metrics = run.get_metrics()
    assert metrics == real.get_metrics()
    assert list(metrics) == ["once", "more", "list", "none", "extended", "row", "rows", "table", "tables"]
    assert metrics["rows"] == {"x": [1, 3, 5], "y": [2, None, None], "z": [None, 4, None]}
    assert run.get_metrics("once") == {"once": 1}
    assert run.get_metrics("absent") == {}


@pytest.mark.parametrize(
    "use",
    [
        lambda run: run.log("m", object()),
        lambda run: run.log("m", [1]),
        lambda run: run.log("", 1),
        lambda run: run.log("x" * 1025, 1),
        lambda run: run.log(7, 1),
        lambda run: run.log_list("m", 5),
        lambda run: run.log_list("m", [[1]]),
        lambda run: run.log_row("m"),
        lambda run: run.log_table("m", {"x": [{}]}),
        lambda run: run.log_image("m"),
        lambda run: run.log_image("m", path="gone.png"),
        lambda run: run.log_image("m", path="a.png", plot=object()),
        lambda run: (run.log("m", 1), run.log_row("m", x=1)),
    ],
)
def test_what_a_real_run_refuses_is_refused_and_the_run_goes_on(run: _OfflineRun, use: Callable[[Any], Any]) -> None:
    with pytest.raises(UserErrorException):
        use(run)
    run.log("after", 1)
    assert run.get_metrics("after") == {"after": 1}


# -- files


def test_files_are_kept_on_the_local_disk_and_can_be_had_back(
    run: _OfflineRun, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    Path("model.pkl").write_bytes(b"model")
    line, place = printed(capsys, lambda: run.upload_file("./outputs/model.pkl", "model.pkl")).splitlines()
    assert line == "Attempted to upload file outputs/model.pkl:"
    assert Path(place).read_bytes() == b"model"
    run.upload_file("notes.txt", io.BytesIO(b"notes"))
    assert run.get_file_names() == ["notes.txt", "outputs/model.pkl"]
    run.download_file("outputs/model.pkl", str(tmp_path / "back.pkl"))
    assert (tmp_path / "back.pkl").read_bytes() == b"model"
    run.download_files("outputs", str(tmp_path / "out"))
    assert (tmp_path / "out/outputs/model.pkl").read_bytes() == b"model"


def test_several_files_and_folders_are_kept(run: _OfflineRun) -> None:
    folder = Path("folder/sub")
    folder.mkdir(parents=True)
    (folder / "a").write_text("a")
    run.upload_folder("f", "folder")
    run.upload_files(["x", "y"], [str(folder / "a"), folder / "a"])
    assert run.get_file_names() == ["f/sub/a", "x", "y"]


def test_upload_file_gives_a_description(run: _OfflineRun) -> None:
    artifact = run.upload_file("a.txt", io.BytesIO(b"abc"))
    assert artifact is not None
    assert (artifact.name, artifact.size, artifact.content_type) == ("a.txt", 3, "text/plain")
    assert artifact.digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a\0b", "", "a\\b", "x" * 2000])
def test_a_name_that_leads_out_is_refused(run: _OfflineRun, home: Path, name: str) -> None:
    with pytest.raises(UserErrorException):
        run.upload_file(name, io.BytesIO(b"x"))
    with pytest.raises(UserErrorException):
        run.download_file(name)
    assert not home.exists()


def test_a_name_is_used_once_and_a_missing_file_is_told(run: _OfflineRun) -> None:
    run.upload_file("a", io.BytesIO(b"x"))
    with pytest.raises(UserErrorException, match="already"):
        run.upload_file("a", io.BytesIO(b"x"))
    with pytest.raises(UserErrorException, match=r"no file 'b'.*'a'"):
        run.download_file("b")


def test_clean_removes_the_runs_files(run: _OfflineRun, home: Path) -> None:
    run.upload_file("a", io.BytesIO(b"x"))
    run.clean()
    assert list((home / "offline").iterdir()) == []
    assert run.get_file_names() == []
    run.upload_file("a", io.BytesIO(b"x"))


# -- tags and properties


def test_tags_and_properties_print_and_stay(run: _OfflineRun, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, lambda: run.tag("a", "1")) == "Attempted to set tag a:\n1\n"
    assert printed(capsys, lambda: run.tag("flag")) == "Attempted to set tag flag:\nNone\n"
    run.set_tags({"b": 2})
    assert run.get_tags() == run.tags == {"a": "1", "flag": None, "b": "2"}
    run.remove_tags(["a", "absent"])
    assert run.tags == {"flag": None, "b": "2"}
    assert printed(capsys, lambda: run.add_properties({"p": 1})) == "Attempted to add property p:\n1\n"
    run.add_properties({"p": "1"})
    with pytest.raises(UserErrorException, match="cannot be changed"):
        run.add_properties({"q": "new", "p": "2"})
    assert run.get_properties() == run.properties == {"p": "1"}


# -- from start to end


def test_as_a_context_manager_it_says_when_it_starts_and_stops(
    run: _OfflineRun, capsys: pytest.CaptureFixture[str]
) -> None:
    with run as same:
        assert same is run
        assert run.status == "Running"
    assert capsys.readouterr().out == f"[START] Run ID context {run.id}\n[STOP] Run ID context {run.id}\n"
    assert run.status == "Completed"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("no"), "Failed"),
        (KeyboardInterrupt(), "Canceled"),
        (SystemExit(3), "Failed"),
        (SystemExit(0), "Completed"),
    ],
)
def test_an_exception_passes_and_decides_the_status(run: _OfflineRun, error: BaseException, status: str) -> None:
    with pytest.raises(type(error)), run:
        raise error
    assert run.get_status() == status
    if status == "Failed":
        assert run.get_details()["error"]["error"]["message"]


def test_the_first_end_stays(run: _OfflineRun) -> None:
    run.fail("bad", error_code="E1")
    run.complete()
    run.cancel()
    assert run.get_detailed_status()["status"] == "Failed"
    assert run.get_details()["error"]["error"]["code"] == "E1"
    assert run.get_details()["endTimeUtc"] >= run.get_details()["startTimeUtc"]


def test_waiting_for_it_ends_at_once(run: _OfflineRun) -> None:
    assert run.wait_for_completion(show_output=True)["status"] == "Running"
    run.fail("bad")
    with pytest.raises(ActivityFailedException, match="bad"):
        run.wait_for_completion()
    assert run.wait_for_completion(raise_on_error=False)["status"] == "Failed"


# -- children


def test_children_carry_their_parents_id(run: _OfflineRun, capsys: pytest.CaptureFixture[str]) -> None:
    child = run.child_run("fold")
    assert child.id == f"{run.id}.fold"
    assert child.name == "fold"
    assert child.parent is run
    assert run.parent is None
    assert run.child_run().id == f"{run.id}.2"
    assert run.child_run(run_id="mine").id == "mine"
    with child:
        child.log("mse", 1)
    assert f"[START] Run ID context {child.id}\n" in capsys.readouterr().out


def test_children_are_found_by_tag_status_and_depth(run: _OfflineRun) -> None:
    first, second = run.create_children(tag_key="fold", tag_values=["1", "2"])
    grandchild = first.child_run()
    second.complete()
    assert list(run.get_children()) == [second, first]
    assert set(run.get_children(recursive=True)) == {second, first, grandchild}
    assert list(run.get_children(tags={"fold": "1"})) == [first]
    assert list(run.get_children(tags="fold")) == [second, first]
    assert list(run.get_children(status="Completed")) == [second]
    assert list(run.get_children(type="azureml.scriptrun")) == []
    assert len(run.create_children(count=3)) == 3
    with pytest.raises(UserErrorException):
        run.create_children()


def test_metrics_of_all_descendants(run: _OfflineRun) -> None:
    child = run.child_run("a")
    child.log("x", 1)
    child.child_run("b").log("x", 2)
    assert run.get_metrics(recursive=True) == {f"{run.id}.a": {"x": 1}, f"{run.id}.a.b": {"x": 2}}


def test_children_with_names_of_paths_keep_their_files_apart(run: _OfflineRun, home: Path) -> None:
    for name in ("../../x", "../../x", "/etc"):
        run.child_run(name).upload_file("a", io.BytesIO(b"x"))
    assert len(list((home / "offline").iterdir())) == 3
    assert sorted(each.name for each in home.iterdir()) == ["offline"]


# -- what it has not


@pytest.mark.parametrize("name", ["experiment", "number", "portal_url"])
def test_scripts_may_ask_whether_it_has_an_experiment(run: _OfflineRun, name: str) -> None:
    assert not hasattr(run, name)
    with pytest.raises(RunEnvironmentException, match="An offline run has no"):
        getattr(run, name)
    with pytest.raises(AttributeError):
        getattr(run, name)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("get_portal_url", []),
        ("get_environment", []),
        ("get_secret", ["x"]),
        ("get_secrets", [["x"]]),
        ("get_snapshot_id", []),
        ("restore_snapshot", []),
        ("take_snapshot", ["."]),
        ("register_model", ["m", "outputs/m.pkl"]),
        ("submit_child", [None]),
        ("list_by_compute", [None]),
    ],
)
def test_what_needs_a_workspace_raises_with_what_to_do(run: _OfflineRun, name: str, arguments: list[Any]) -> None:
    with pytest.raises(RunEnvironmentException) as caught:
        getattr(run, name)(*arguments)
    assert caught.value.message.startswith("An offline run has no ")
    assert caught.value.message.endswith(".")


def test_every_public_member_of_a_run_is_there(run: _OfflineRun) -> None:
    for name, facts in API.items():
        if facts["kind"] == "attribute":
            continue
        found = inspect.getattr_static(run, name, None)
        assert found is not None, name
        if facts["kind"] == "property":
            assert isinstance(found, property)
            assert bool(found.fset) >= bool(facts.get("settable"))


@pytest.mark.parametrize(
    "name",
    [name for name, facts in API.items() if facts["kind"] == "method" and name in vars(_OfflineRun) | vars(Run)],
)
def test_its_methods_take_what_those_of_a_run_take(name: str) -> None:
    ours = inspect.signature(getattr(_OfflineRun, name)).parameters
    if any(each.kind is each.VAR_POSITIONAL for each in ours.values()):
        return  # takes anything, and refuses
    assert list(ours) == list(inspect.signature(getattr(Run, name)).parameters)


def test_what_concerns_no_run_in_particular_is_that_of_run(run: _OfflineRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "_context", None)
    assert run.get_docs_url() == Run.get_docs_url()
    assert run.get_context() is Run.get_context()


def test_names_and_descriptions_can_be_set(run: _OfflineRun) -> None:
    run.display_name = "mine"
    run.description = "what for"
    assert (run.name, run.display_name, run.description, run.type) == ("mine", "mine", "what for", None)


def test_it_shows_itself(run: _OfflineRun) -> None:
    assert repr(run) == f"Run(Experiment: None (offline),\nId: {run.id},\nType: None,\nStatus: Running)"
    child = run.child_run("<script>")
    assert "<script>" not in child._repr_html_()
    assert run.id in run._repr_html_()


def test_flushing_starting_and_logs_need_nothing(run: _OfflineRun) -> None:
    run.start()
    run.flush(timeout_seconds=1)
    assert run.get_all_logs() == []
    assert run.get_details_with_logs()["logFiles"] == {}
