"""Submitted runs: what their script finds, and what is known of them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from azureml.core import Environment, Experiment, Run, ScriptRunConfig, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.exceptions import ActivityFailedException, ModelPathNotFoundException, UserErrorException
from tests.sdk.conftest import Script, Submit
from tests.store.builders import event, say, snapshot


def _log(run: Run) -> str:
    return str(run.get_details_with_logs()["logFiles"]["azureml-logs/70_driver_log.txt"])


def test_a_script_logs_into_its_run_and_the_run_completes(submit: Submit) -> None:
    run = submit(
        """
        from azureml.core import Run
        run = Run.get_context()
        for value in (1.0, 2.0, 3.0):
            run.log("loss", value)
        run.tag("stage", "test")
        print("trained", run.id)
        """
    )
    details = run.wait_for_completion()
    assert details["status"] == run.get_status() == "Completed"
    assert run.get_metrics() == {"loss": [1.0, 2.0, 3.0]}
    assert run.get_tags() == {"stage": "test"}
    assert _log(run) == f"trained {run.id}\n"
    assert run.type == "azureml.scriptrun"
    assert run.number == 1


@pytest.mark.only_here  # a server is told by the script itself: others may wait to hear of it
def test_a_short_script_leaves_what_it_logged_to_its_supervisor(submit: Submit) -> None:
    # To load what opens a store takes longer than such a script does, and its supervisor has loaded it.
    run = submit(
        """
        import atexit, sys
        atexit.register(lambda: print("it has the store:", "milepost.store.store" in sys.modules))
        from azureml.core import Run
        run = Run.get_context()
        run.log("loss", 1.0)
        """
    )
    run.wait_for_completion()
    assert _log(run) == "it has the store: False\n"
    assert run.get_metrics() == {"loss": 1.0}


def test_a_script_that_has_runs_of_its_own_ends_them_itself(submit: Submit) -> None:
    run = submit(
        """
        from azureml.core import Run
        child = Run.get_context().child_run("of its own")
        child.log("loss", 1.0)
        """
    )
    run.wait_for_completion()
    (child,) = run.get_children()
    assert (child.get_status(), child.get_metrics()) == ("Completed", {"loss": 1.0})


def test_submit_gives_a_run_at_once_that_others_see(submit: Submit, ws: Workspace, experiment: Experiment) -> None:
    run = submit("import time; time.sleep(60)", tags={"who": "me"})
    assert run.id.startswith("exp_")
    assert run.get_status() in ("Preparing", "Queued", "Running")
    found = ws.get_run(run.id)
    assert type(found).__name__ == "ScriptRun"
    assert [each.id for each in experiment.get_runs(type="azureml.scriptrun", tags={"who": "me"})] == [run.id]
    run.cancel()
    run.wait_for_completion()
    assert found.get_status() == "Canceled"


def test_the_statuses_only_go_forward(submit: Submit, tmp_path: Path) -> None:
    go = tmp_path / "go"
    run = submit(f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.02)")
    seen = []
    while (status := run.get_status()) != "Completed":
        if status not in seen:
            seen.append(status)
        if status == "Running":
            go.touch()
        assert status not in ("Failed", "Canceled")
        time.sleep(0.02)
    order = ["NotStarted", "Preparing", "Queued", "Running", "Finalizing"]
    assert seen == sorted(seen, key=order.index)
    assert "Running" in seen


def test_the_script_works_in_a_copy_of_its_folder(submit: Submit, source: Path) -> None:
    (source / "data").mkdir()
    (source / "data" / "numbers.txt").write_text("1 2 3")
    (source / "mylib.py").write_text("ANSWER = 42")
    (source / ".amlignore").write_text("secret.txt\n")
    (source / "secret.txt").write_text("x")
    run = submit(
        """
        import os, mylib
        there = sorted(set(os.listdir(".")) - {"__pycache__"})
        print(mylib.ANSWER, open("data/numbers.txt").read(), os.path.exists("secret.txt"), there)
        open("data/numbers.txt", "w").write("changed")
        """
    )
    run.wait_for_completion()
    assert _log(run).startswith("42 1 2 3 False ['.amlignore', 'data', 'logs', 'mylib.py', 'outputs', 'train.py']")
    assert (source / "data" / "numbers.txt").read_text() == "1 2 3"


def test_arguments_reach_the_script_as_text(submit: Submit) -> None:
    run = submit(
        "import sys, json; print(json.dumps(sys.argv[1:]))",
        arguments=["--alpha", 0.5, "--name", "a b; $(rm -rf x) 'q' é", "--n", 3],
    )
    run.wait_for_completion()
    assert json.loads(_log(run)) == ["--alpha", "0.5", "--name", "a b; $(rm -rf x) 'q' é", "--n", "3"]


def test_the_script_finds_the_variables_that_scripts_look_for(submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_THE_SUBMITTER", "yes")
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    environment = Environment("mine")
    environment.python.user_managed_dependencies = True
    environment.environment_variables = {"FROM_THE_ENVIRONMENT": "too"}
    run = submit("import os, json; print(json.dumps(dict(os.environ)))", environment=environment)
    run.wait_for_completion()
    found = json.loads(_log(run))
    assert found["AZUREML_RUN_ID"] == run.id
    assert found["AZUREML_ARM_PROJECT_NAME"] == found["AZUREML_EXPERIMENT_ID"] == "exp"
    assert found["AZUREML_ARM_WORKSPACE_NAME"] == "test"
    assert {"AZUREML_ARM_SUBSCRIPTION", "AZUREML_ARM_RESOURCEGROUP", "AZUREML_SERVICE_ENDPOINT"} <= found.keys()
    assert (found["FROM_THE_SUBMITTER"], found["FROM_THE_ENVIRONMENT"]) == ("yes", "too")
    assert "MPLBACKEND" not in found


def test_outputs_and_logs_are_kept_by_themselves(submit: Submit, source: Path) -> None:
    (source / "outputs").mkdir()
    (source / "outputs" / "old.txt").write_text("of an earlier run")
    run = submit(
        """
        import os
        os.makedirs("outputs/deep/er", exist_ok=True)
        open("outputs/model.pkl", "w").write("model")
        open("outputs/deep/er/x.txt", "w").write("x")
        open("logs/train.log", "w").write("log")
        open("other.txt", "w").write("not kept")
        """
    )
    run.wait_for_completion()
    assert run.get_file_names() == [
        "azureml-logs/70_driver_log.txt",
        "logs/train.log",
        "outputs/deep/er/x.txt",
        "outputs/model.pkl",
    ]
    run.download_file("outputs/model.pkl")
    assert Path("model.pkl").read_text() == "model"


def test_outputs_are_there_while_the_script_runs_and_the_last_content_counts(submit: Submit) -> None:
    run = submit(
        """
        import os, time
        open("outputs/epoch.txt", "w").write("1")
        os.utime("outputs/epoch.txt", (time.time() - 60, time.time() - 60))
        while not os.path.exists("../go"):
            time.sleep(0.05)
        open("outputs/epoch.txt", "w").write("2")
        """
    )
    until = time.monotonic() + 60
    while "outputs/epoch.txt" not in run.get_file_names():
        assert time.monotonic() < until
        time.sleep(0.1)
    assert run.get_status() == "Running"
    (run._recorder.folder / "jobs" / run.id / "go").touch()
    run.wait_for_completion()
    run.download_file("outputs/epoch.txt")
    assert Path("epoch.txt").read_text() == "2"


def test_outputs_are_not_kept_where_that_is_not_wanted(submit: Submit) -> None:
    from azureml.core import RunConfiguration

    configuration = RunConfiguration()
    configuration.history.output_collection = False
    run = submit("open('outputs/m.txt', 'w').write('x')", run_config=configuration)
    run.wait_for_completion()
    assert run.get_file_names() == ["azureml-logs/70_driver_log.txt"]


def test_a_container_image_that_is_not_used_is_told(submit: Submit) -> None:
    with pytest.warns(RuntimeWarning, match="image"):
        run = submit("print(1)", environment=Environment.from_docker_image("img", "registry.example/x:1"))
    details = run.wait_for_completion()
    assert any("registry.example/x:1" in each["message"] for each in details["warnings"])


def test_a_run_whose_environment_was_built_before_has_a_build_log_too(submit: Submit) -> None:
    environment = Environment("few")
    environment.python.conda_dependencies = CondaDependencies.create(
        pip_packages=["--no-index", "azureml-core"], conda_packages=["nomkl"]
    )
    logs = []
    for _ in range(2):
        run = submit("print('hello')", environment=environment)
        run.wait_for_completion()
        logs.append(run.get_details_with_logs()["logFiles"]["azureml-logs/20_image_build_log.txt"])
    first, second = logs
    for each in logs:
        assert "left out, as Milepost provides it: azureml-core" in each
        assert "nomkl" in each
    assert "Using the environment built on" in second
    assert "Using the environment built on" not in first


def test_a_model_whose_file_is_not_collected_yet_is_told_to_be_uploaded_first(submit: Submit) -> None:
    run = submit(
        """
        from azureml.core import Run
        from azureml.exceptions import ModelPathNotFoundException
        run = Run.get_context()
        open("outputs/m.pkl", "wb").write(b"m")
        try:
            run.register_model("m", model_path="outputs/m.pkl")
        except ModelPathNotFoundException as error:
            print(error.message)
        run.upload_file("outputs/m.pkl", "outputs/m.pkl")
        print("version", run.register_model("m", model_path="outputs/m.pkl").version)
        """
    )
    run.wait_for_completion()
    log = _log(run)
    assert "only when it has ended" in log
    assert "run.upload_file('outputs/m.pkl', 'outputs/m.pkl') before run.register_model" in log
    assert "version 1" in log
    with pytest.raises(ModelPathNotFoundException) as caught:  # it has ended: what is not there will not come
        run.register_model("m", model_path="outputs/other.pkl")
    assert "upload_file" not in caught.value.message


def test_complete_within_the_script_does_not_end_the_run_before_its_files_are_kept(submit: Submit) -> None:
    run = submit(
        """
        from azureml.core import Run
        run = Run.get_context()
        run.log("a", 1)
        run.complete()
        open("outputs/late.txt", "w").write("late")
        """
    )
    run.wait_for_completion()
    assert run.get_status() == "Completed"
    assert "outputs/late.txt" in run.get_file_names()


def test_a_script_that_fails_fails_its_run_and_says_why(submit: Submit) -> None:
    run = submit(
        """
        from azureml.core import Run
        Run.get_context().log("before", 1)
        print("about to fail")
        raise ValueError("no such column: 'age'")
        """
    )
    with pytest.raises(ActivityFailedException) as caught:
        run.wait_for_completion()
    assert "no such column: 'age'" in caught.value.message
    assert "about to fail" in caught.value.message
    details = run.get_details()
    assert details["status"] == "Failed"
    assert "train.py" in details["error"]["error"]["message"]
    assert "ValueError: no such column: 'age'" in details["error"]["error"]["message"]
    assert run.get_metrics() == {"before": 1}
    assert run.wait_for_completion(raise_on_error=False)["status"] == "Failed"


def test_an_exit_code_and_a_signal_are_told_in_words(submit: Submit) -> None:
    exits = submit("import sys; sys.exit(7)").wait_for_completion(raise_on_error=False)
    assert "exit code 7" in exits["error"]["error"]["message"]
    dies = submit("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)").wait_for_completion(raise_on_error=False)
    assert "SIGSEGV" in dies["error"]["error"]["message"]


def test_show_output_streams_the_log_while_the_script_runs(submit: Submit, capsys: pytest.CaptureFixture[str]) -> None:
    run = submit(
        """
        import time
        for number in range(3):
            print("line", number)
            time.sleep(0.2)
        """
    )
    run.wait_for_completion(show_output=True)
    said = capsys.readouterr().out
    assert said.startswith(f"RunId: {run.id}\nWeb View: {run.get_portal_url()}\n\n")
    title = "Streaming azureml-logs/70_driver_log.txt"
    assert f"{title}\n{'=' * len(title)}\n\nline 0\nline 1\nline 2\n" in said
    assert f"\nExecution Summary\n=================\nRunId: {run.id}\nWeb View: {run.get_portal_url()}\n" in said


def test_the_log_can_be_read_while_it_grows(submit: Submit) -> None:
    run = submit("import time; print('first', flush=True); time.sleep(60)")
    until = time.monotonic() + 60
    while "first" not in run.get_details_with_logs()["logFiles"].get("azureml-logs/70_driver_log.txt", ""):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert run.get_status() in ("Preparing", "Running")  # what a run says takes a moment to arrive
    (path,) = run.get_all_logs("mine")
    assert Path(path).read_text() == "first\n"


def test_a_command_takes_the_place_of_the_script(submit: Submit) -> None:
    run = submit(command=["python", "-c", "import sys; print(sys.executable)"])
    run.wait_for_completion()
    assert Path(_log(run).strip()).samefile(sys.executable)
    shell = submit(command="echo one && echo two | tr a-z A-Z")
    shell.wait_for_completion()
    assert _log(shell) == "one\nTWO\n"


def test_the_snapshot_is_the_runs_and_can_be_had_back(submit: Submit, tmp_path: Path) -> None:
    run = submit("print('as submitted')")
    run.wait_for_completion()
    archive = run.restore_snapshot(path=str(tmp_path))
    assert Path(archive).name == f"{run.get_snapshot_id()}.zip"
    assert run.get_properties()["ContentSnapshotId"] == run.get_snapshot_id()
    with zipfile.ZipFile(archive) as found:
        assert found.read("train.py") == b"print('as submitted')"


def test_where_the_code_comes_from_is_recorded(submit: Submit, source: Path) -> None:
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
        done = subprocess.run(["git", *who, *arguments], cwd=source, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    (source / "train.py").write_text("print(1)")
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "first")
    run = submit("print(2)")
    run.wait_for_completion()
    properties = run.get_properties()
    assert properties["azureml.git.commit"] == git("rev-parse", "HEAD")
    assert properties["azureml.git.branch"] == "main"
    assert properties["azureml.git.dirty"] == "True"
    assert "+print(2)" in run._document("git_diff")


def test_the_run_tells_its_definition_its_packages_and_its_machine(submit: Submit) -> None:
    run = submit("import time; time.sleep(0.1)", arguments=["--x", 1], max_run_duration_seconds=600)
    run.wait_for_completion()
    definition = run.get_details()["runDefinition"]
    assert definition["script"] == "train.py"
    assert definition["arguments"] == ["--x", "1"]
    packages = {each["name"].lower() for each in run._document("packages")["packages"]}
    assert {"milepost", "numpy"} <= packages
    assert run._document("machine")["memory"]
    assert run.get_environment().python.user_managed_dependencies


def test_system_metrics_are_sampled_beside_the_scripts_own(submit: Submit) -> None:
    run = submit("import time; t = time.time()\nwhile time.time() - t < 8: pass")
    run.wait_for_completion()
    assert run.get_metrics() == {}
    sampled = run._recorder.fresh().metric_values(run.id, namespace="system")
    assert {"cpu_percent", "memory_bytes"} <= sampled.keys()


def test_a_child_is_submitted_from_within_and_belongs_to_its_parent(submit: Submit, source: Path) -> None:
    (source / "child.py").write_text("from azureml.core import Run; Run.get_context().log('from', 'child')")
    run = submit(
        """
        from azureml.core import Run, ScriptRunConfig
        run = Run.get_context()
        child = run.submit_child(ScriptRunConfig(source_directory=".", script="child.py"))
        child.wait_for_completion()
        with run.child_run("inner") as inner:
            inner.log("from", "inner")
        print(child.id)
        """
    )
    run.wait_for_completion()
    assert {each.name: each.status for each in run.get_children()} == {
        _log(run).strip(): "Completed",
        "inner": "Completed",
    }
    assert run.get_metrics(name="from", recursive=True).keys() >= {_log(run).strip()}


def test_a_run_is_run_again_with_all_that_it_was_run_with(submit: Submit, source: Path, ws: Workspace) -> None:
    from milepost.sdk.submitting.submission import rerun

    run = submit("import sys; print('said', sys.argv[1:])", arguments=["--a", 1], tags={"stage": "x"})
    run.wait_for_completion()
    (source / "train.py").write_text("print('changed since')")
    again = rerun(ws, run.id)
    again.wait_for_completion()
    assert _log(again) == _log(run) == "said ['--a', '1']\n"
    assert again.get_snapshot_id() == run.get_snapshot_id()
    assert again.get_tags() == {"stage": "x", "rerun_of": run.id}
    assert again.get_environment().name == run.get_environment().name


@pytest.mark.only_here  # the store is told here what others may tell a server
def test_what_others_say_of_a_run_does_not_change_what_running_it_again_does(submit: Submit, ws: Workspace) -> None:
    from milepost.sdk.submitting.submission import rerun

    run = submit("print('as it was')")
    run.wait_for_completion()
    store = ws._recorder.fresh()
    job = {**store.documents(run.id)["job"], "script": None, "command": "echo something else"}
    say(store, event("document", run.id, time.time_ns(), name="job", content=job), journal="somebody else's")
    snapshot(store, run.id, {"train.py": b"print('something else')"}, 0)
    again = rerun(ws, run.id)
    again.wait_for_completion()
    assert _log(again) == "as it was\n"


def test_an_interactive_run_cannot_be_run_again(ws: Workspace, experiment: Experiment) -> None:
    from milepost.sdk.submitting.submission import rerun

    run = experiment.start_logging(snapshot_directory=None)
    run.complete()
    with pytest.raises(UserErrorException, match="cannot be run again"):
        rerun(ws, run.id)


def test_an_interpreter_that_has_nothing_installed_can_log_too(submit: Submit, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    environment = Environment("bare")
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = str(tmp_path / "bare" / "bin" / "python")
    run = submit(
        """
        from azureml.core import Run
        run = Run.get_context()
        run.log("a", 1.5)
        run.tag("x", "y")
        try:
            import numpy
        except ImportError:
            print("no numpy")
        """,
        environment=environment,
    )
    run.wait_for_completion()
    assert "no numpy" in _log(run)
    assert run.get_metrics() == {"a": 1.5}
    assert run.get_tags() == {"x": "y"}


def test_the_ranks_of_a_distributed_run_find_each_other(submit: Submit) -> None:
    from azureml.core.runconfig import PyTorchConfiguration

    run = submit(
        """
        import os, socket, time
        rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        address = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        if rank == 0:
            server = socket.create_server(address)
            print(sorted(server.accept()[0].recv(10).decode() for _ in range(size - 1)))
        else:
            for _ in range(200):
                try:
                    connection = socket.create_connection(address)
                    break
                except OSError:
                    time.sleep(0.05)
            connection.sendall(os.environ["LOCAL_RANK"].encode())
            print("rank", rank)
        """,
        distributed_job_config=PyTorchConfiguration("Gloo", process_count=3, node_count=1),
    )
    run.wait_for_completion()
    assert _log(run) == "['1', '2']\n"
    assert "azureml-logs/70_driver_log_2.txt" in run.get_file_names()


def test_the_run_completes_though_its_submitter_is_killed_right_after(script: Script, ws: Workspace) -> None:
    done = script(
        """
        import os, signal, sys
        from azureml.core import Experiment, ScriptRunConfig, Workspace
        open("train.py", "w").write("from azureml.core import Run; Run.get_context().log('a', 1.5)")
        run = Experiment(Workspace.get("test"), "exp").submit(ScriptRunConfig(".", "train.py"))
        sys.stdout.write(run.id)
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        check=False,
    )
    run = ws.get_run(done.stdout)
    run.wait_for_completion()
    assert run.get_metrics() == {"a": 1.5}


def test_what_cannot_be_submitted_is_told_before_there_is_a_run(
    submit: Submit, experiment: Experiment, source: Path
) -> None:
    (source / "train.py").write_text("")
    with pytest.raises(UserErrorException, match=r"trian\.py"):
        submit(script="trian.py")
    (source / "a.py").write_text("")
    for name in ("b.py", "test.py"):  # like nothing that is there
        with pytest.raises(UserErrorException) as caught:
            submit(script=name)
        assert "Is it" not in caught.value.message
    with pytest.raises(UserErrorException, match=r"Is it 'train\.py'\?"):
        submit(script="trian.py")
    with pytest.raises(UserErrorException, match="no-such-folder"):
        experiment.submit(ScriptRunConfig("no-such-folder", "train.py"))
    with pytest.raises(UserErrorException, match="arguments"):
        submit(script="train.py", arguments="--alpha 1")
    assert list(experiment.get_runs()) == []


def test_an_interpreter_that_is_not_there_fails_the_run_by_name(submit: Submit) -> None:
    environment = Environment("mine")
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = "/no/such/python"
    details = submit("print(1)", environment=environment).wait_for_completion(raise_on_error=False)
    assert details["status"] == "Failed"
    assert "/no/such/python" in details["error"]["error"]["message"]
