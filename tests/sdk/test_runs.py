"""Runs: their life, tags, properties, children, and finding them again."""

from __future__ import annotations

import re
import uuid

import pytest

from azureml.core import Experiment, Run, Workspace
from azureml.exceptions import ActivityFailedException, RunEnvironmentException, ServiceException, UserErrorException


class TestLife:
    def test_an_interactive_run_is_running_until_completed(self, run: Run) -> None:
        assert run.get_status() == run.status == "Running"
        assert run.type is None
        assert uuid.UUID(run.id).version == 4
        run.complete()
        assert run.status == "Completed"

    def test_numbers_count_up_in_each_experiment(self, ws: Workspace, experiment: Experiment) -> None:
        assert [experiment.start_logging().number for _ in range(3)] == [1, 2, 3]
        assert Experiment(ws, "other").start_logging().number == 1

    def test_as_a_context_manager_it_completes(self, experiment: Experiment) -> None:
        with experiment.start_logging() as run:
            run.log("x", 1.0)
        assert run.status == "Completed"

    def test_an_exception_fails_it_with_the_traceback(self, experiment: Experiment) -> None:
        def train() -> None:
            raise ValueError("no such thing")

        with pytest.raises(ValueError, match="no such"), experiment.start_logging() as run:
            train()
        assert run.status == "Failed"
        error = run.get_details()["error"]["error"]
        assert error["code"] == "ValueError"
        assert error["message"] == "no such thing"
        assert "in train" in error["details"]

    @pytest.mark.parametrize(
        ("code", "status"), [(0, "Completed"), (None, "Completed"), (3, "Failed"), ("why", "Failed")]
    )
    def test_sys_exit_in_a_context_manager(self, experiment: Experiment, code: object, status: str) -> None:
        with pytest.raises(SystemExit), experiment.start_logging() as run:
            raise SystemExit(code)
        assert run.status == status

    def test_ctrl_c_in_a_context_manager_cancels(self, experiment: Experiment) -> None:
        with pytest.raises(KeyboardInterrupt), experiment.start_logging() as run:
            raise KeyboardInterrupt
        assert run.status == "Canceled"

    def test_fail_and_cancel(self, experiment: Experiment) -> None:
        failed = experiment.start_logging()
        failed.fail("out of data", error_code="NoData")
        assert failed.get_status() == "Failed"
        assert failed.get_details()["error"] == {"error": {"code": "NoData", "message": "out of data", "details": ""}}
        canceled = experiment.start_logging()
        canceled.cancel()
        assert canceled.get_status() == "Canceled"

    def test_a_run_that_has_ended_stays_as_it_ended(self, run: Run) -> None:
        run.complete()
        run.fail("late")
        assert run.get_status() == "Completed"
        assert "error" not in run.get_details()

    def test_what_is_logged_after_the_end_is_kept(self, run: Run) -> None:
        run.complete()
        run.log("late", 1.0)
        assert run.get_metrics() == {"late": 1.0}

    def test_wait_for_completion_gives_the_details_or_raises(
        self, experiment: Experiment, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run = experiment.start_logging()
        run.complete()
        assert run.wait_for_completion(show_output=True)["status"] == "Completed"
        printed = capsys.readouterr().out
        assert printed.startswith(f"RunId: {run.id}\nWeb View: {run.get_portal_url()}\n")
        assert "Execution Summary\n=================\nRunId: " in printed
        failed = experiment.start_logging()
        failed.fail("out of data")
        with pytest.raises(ActivityFailedException, match="out of data"):
            failed.wait_for_completion()
        assert failed.wait_for_completion(raise_on_error=False)["status"] == "Failed"


class TestDetails:
    def test_the_sdks_keys(self, run: Run) -> None:
        details = run.get_details()
        assert details["runId"] == run.id
        assert details["status"] == "Running"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", details["startTimeUtc"])
        assert details["endTimeUtc"] is None
        more = {"target", "properties", "inputDatasets", "outputDatasets", "runDefinition", "logFiles", "submittedBy"}
        assert more <= details.keys()
        run.complete()
        assert run.get_details()["endTimeUtc"] > details["startTimeUtc"]

    def test_names_and_descriptions_can_be_set(self, experiment: Experiment) -> None:
        run = experiment.start_logging(display_name="first", description="why")
        assert (run.name, run.display_name, run.description) == ("first", "first", "why")
        run.display_name = "second"
        run.description = "because"
        again = experiment.workspace.get_run(run.id)
        assert (again.name, again.description) == ("second", "because")
        assert experiment.start_logging().name != ""

    def test_repr_and_html_escape_what_they_show(self, ws: Workspace) -> None:
        run = Experiment(ws, "exp").start_logging(display_name="<script>alert(1)</script>")
        assert repr(run) == f"Run(Experiment: exp,\nId: {run.id},\nType: None,\nStatus: Running)"
        html = run._repr_html_()
        assert "<script>" not in html
        for label in ("Experiment", "Id", "Type", "Status", "Details Page", "Docs Page"):
            assert label in html
        assert run.get_portal_url() in html
        assert "Report Page" in run.experiment._repr_html_()

    def test_the_portals_address(self, run: Run) -> None:
        assert run.get_portal_url().endswith(f"/experiments/exp/runs/{run.id}")
        assert run.experiment.get_portal_url().endswith("/experiments/exp")


class TestTagsAndProperties:
    def test_tags_are_texts_and_can_change(self, run: Run) -> None:
        run.tag("selected", "yes")
        run.tag("valueless")
        run.set_tags({"lr": 0.1, "n": 3, "none": None})  # type: ignore[dict-item]
        assert run.get_tags() == {"selected": "yes", "valueless": None, "lr": "0.1", "n": "3", "none": None}
        run.tag("selected", "no")
        run.remove_tags(["lr", "n", "never set"])
        assert run.tags == {"selected": "no", "valueless": None, "none": None}

    def test_a_property_once_set_is_not_changed(self, run: Run) -> None:
        run.add_properties({"author": "me", "n": 1})  # type: ignore[dict-item]
        run.add_properties({"author": "me", "more": "x"})
        with pytest.raises(UserErrorException, match="author"):
            run.add_properties({"author": "you"})
        assert run.get_properties().items() >= {"author": "me", "n": "1", "more": "x"}.items()

    @pytest.mark.parametrize("tags", ["x", 3, {"": "x"}, {1: "x"}, {"a\0": "x"}, {"a": "\ud800"}, {"é" * 1025: "x"}])
    def test_bad_ones_are_refused(self, run: Run, tags: object) -> None:
        with pytest.raises(UserErrorException):
            run.set_tags(tags)  # type: ignore[arg-type]
        assert run.get_tags() == {}


class TestFinding:
    def test_by_id_from_the_workspace_and_the_experiment(self, ws: Workspace, experiment: Experiment, run: Run) -> None:
        for found in (ws.get_run(run.id), Run.get(ws, run.id), Run(experiment, run.id)):
            assert found.id == run.id
            assert found == run
            assert found.experiment.name == "exp"
            assert found.number == run.number

    def test_an_unknown_id_is_a_404(self, ws: Workspace, experiment: Experiment) -> None:
        for find in (lambda: ws.get_run("none"), lambda: Run(experiment, "none")):
            with pytest.raises(ServiceException) as caught:
                find()
            assert caught.value.status_code == 404
            assert "none" in caught.value.message

    def test_runs_newest_first_filtered(self, experiment: Experiment) -> None:
        runs = [experiment.start_logging() for _ in range(4)]
        runs[0].tag("stage", "prod")
        runs[1].tag("stage", "dev")
        runs[2].tag("stage")
        runs[3].add_properties({"p": "1"})
        runs[3].complete()

        def ids(**filters: object) -> list[int]:
            return [runs.index(each) for each in experiment.get_runs(**filters)]  # type: ignore[arg-type]

        assert ids() == [3, 2, 1, 0]
        assert ids(tags="stage") == [2, 1, 0]
        assert ids(tags={"stage": "prod"}) == [0]
        assert ids(tags={"stage": None}) == [2]
        assert ids(properties={"p": "1"}) == [3]
        assert ids(type="azureml.scriptrun") == []
        assert [runs.index(each) for each in Run.list(experiment, status="Completed")] == [3]

    def test_children_are_listed_only_when_asked_for(self, experiment: Experiment, run: Run) -> None:
        child = run.child_run()
        assert list(experiment.get_runs()) == [run]
        assert set(experiment.get_runs(include_children=True)) == {run, child}


class TestChildren:
    def test_a_child_is_a_context_manager_and_knows_its_parent(self, run: Run) -> None:
        with run.child_run("fold 1") as child:
            child.log("x", 1.0)
        assert child.status == "Completed"
        assert child.name == "fold 1"
        assert child.parent == run
        assert run.parent is None
        assert run.status == "Running"

    def test_create_children_by_count_and_by_tags(self, run: Run) -> None:
        assert len(run.create_children(3)) == 3
        tagged = run.create_children(tag_key="fold", tag_values=["a", "b"])
        assert [each.get_tags() for each in tagged] == [{"fold": "a"}, {"fold": "b"}]
        for arguments in ({}, {"count": 1, "tag_key": "x", "tag_values": ["y"]}, {"tag_key": "x"}):
            with pytest.raises(UserErrorException):
                run.create_children(**arguments)  # type: ignore[arg-type]

    def test_get_children_and_descendants(self, run: Run) -> None:
        first, second = run.create_children(2)
        third = second.child_run()
        second.tag("k", "v")
        second.complete()
        assert list(run.get_children()) == [second, first]
        assert set(run.get_children(recursive=True)) == {first, second, third}
        assert list(run.get_children(tags={"k": "v"})) == [second]
        assert list(run.get_children(status="Completed")) == [second]


class TestContext:
    def test_outside_a_submitted_run_it_is_offline_and_the_same_each_time(
        self, home: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(Run, "_context", None)
        run = Run.get_context()
        assert run is Run.get_context()
        assert run.id.startswith("OfflineRun_")
        run.log("alpha", 0.1)
        assert capsys.readouterr().out == "Attempted to log scalar metric alpha:\n0.1\n"
        with pytest.raises(RunEnvironmentException):
            Run.get_context(allow_offline=False)

    def test_inside_a_submitted_run_it_is_that_run(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Run, "_context", None)
        run.flush()
        monkeypatch.setenv("AZUREML_RUN_ID", run.id)
        monkeypatch.setenv("AZUREML_ARM_WORKSPACE_NAME", "test")
        context = Run.get_context()
        assert context == run
        assert Run.get_context() is context
        context.log("alpha", 0.1)
        assert run.get_metrics() == {"alpha": 0.1}


class TestExperiments:
    @pytest.mark.parametrize("name", ["", "-a", "_a", "a b", "a/b", "é", "x" * 256, None, 3, "a\n"])
    def test_bad_names_are_refused(self, ws: Workspace, name: object) -> None:
        with pytest.raises(UserErrorException, match="experiment"):
            Experiment(ws, name)  # type: ignore[arg-type]

    def test_making_one_makes_it_visible(self, ws: Workspace) -> None:
        made = [Experiment(ws, name) for name in ("b", "a-1_x", "x" * 255)]
        assert set(ws.experiments) == {each.name for each in made}
        assert ws.experiments["b"].id == made[0].id

    def test_tags_archive_and_reactivate(self, ws: Workspace, experiment: Experiment) -> None:
        experiment.set_tags({"a": "1", "b": "2"})
        experiment.tag("c")
        experiment.remove_tags(["b"])
        assert experiment.tags == {"a": "1", "c": None}
        assert [each.name for each in Experiment.list(ws, tags="a")] == ["exp"]
        assert Experiment.list(ws, tags={"a": "2"}) == []
        experiment.archive()
        assert experiment.archived_time is not None
        assert Experiment.list(ws) == []
        assert [each.name for each in Experiment.list(ws, view_type="ArchivedOnly")] == ["exp"]
        experiment.reactivate()
        assert experiment.archived_time is None
        assert [each.name for each in Experiment.list(ws)] == ["exp"]

    def test_deleting_one_deletes_its_runs_and_frees_its_name(
        self, ws: Workspace, experiment: Experiment, run: Run
    ) -> None:
        run.complete()
        Experiment.delete(ws, run.experiment.id)
        assert ws.experiments == {}
        with pytest.raises(ServiceException, match=run.id):
            ws.get_run(run.id)
        assert Experiment(ws, "exp").start_logging().number == 1


class TestWorkspaces:
    def test_from_config_finds_the_workspace_of_config_json_in_parents(self, ws: Workspace, tmp_path: object) -> None:
        ws.write_config()
        from pathlib import Path

        inner = Path("a/b")
        inner.mkdir(parents=True)
        found = Workspace.from_config(str(inner))
        assert found == ws
        assert found.name == "test"
        assert (found.resource_group, found.subscription_id) == (ws.resource_group, ws.subscription_id)

    @pytest.mark.only_here
    def test_with_no_config_it_is_the_default_one_and_says_so(
        self, home: object, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert Workspace.from_config().name == "default"
        told = capsys.readouterr().err
        assert "no config.json found" in told
        assert told.count("\n") == 1

    def test_create_refuses_one_that_is_there(self, ws: Workspace) -> None:
        from azureml.exceptions import WorkspaceException

        with pytest.raises(WorkspaceException, match="test"):
            Workspace.create("test")
        assert Workspace.create("test", exist_ok=True) == ws
        assert list(Workspace.list("any")) == ["test"]

    def test_delete_removes_all_of_it(self, home: object) -> None:
        workspace = Workspace.create("gone")
        Experiment(workspace, "e").start_logging().complete()
        workspace.delete()
        assert Workspace.list("any") == {}
        assert Workspace.create("gone").experiments == {}

    def test_what_belongs_to_azures_cloud_names_what_to_use_instead(self, ws: Workspace) -> None:
        for ask in (ws.get_default_keyvault, lambda: ws.webservices, ws.list_keys):
            with pytest.raises(UserErrorException) as caught:
                ask()
            assert isinstance(caught.value, NotImplementedError)
