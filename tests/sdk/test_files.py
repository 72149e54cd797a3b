"""Files of a run, and models made of them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from azureml.core import Experiment, Model, Run, Workspace
from azureml.exceptions import (
    ModelNotFoundException,
    ModelPathNotFoundException,
    UserErrorException,
    WebserviceException,
)


def write(name: str, content: bytes = b"content") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


class TestUploads:
    def test_a_file_and_a_stream(self, run: Run) -> None:
        write("model.pkl", b"model")
        artifact = run.upload_file("outputs/model.pkl", "model.pkl")
        run.upload_file("./notes.txt", io.BytesIO(b"notes"))
        assert (artifact.name, artifact.size) == ("outputs/model.pkl", 5)
        assert run.get_file_names() == ["notes.txt", "outputs/model.pkl"]
        run.download_file("outputs/model.pkl")
        assert Path("model.pkl").read_bytes() == b"model"
        run.download_file("notes.txt", "there/copy.txt")
        assert Path("there/copy.txt").read_bytes() == b"notes"
        run.download_file("notes.txt", "there")
        assert Path("there/notes.txt").read_bytes() == b"notes"

    def test_several_files_and_a_folder(self, run: Run) -> None:
        write("a.txt", b"a")
        write("folder/b.txt", b"b")
        write("folder/deep/c.txt", b"c")
        run.upload_files(["x/a.txt", "x/b.txt"], ["a.txt", "folder/b.txt"])
        run.upload_folder("data", "folder")
        assert run.get_file_names() == ["data/b.txt", "data/deep/c.txt", "x/a.txt", "x/b.txt"]
        run.download_files("data", "out")
        assert Path("out/data/deep/c.txt").read_bytes() == b"c"
        run.download_files("data/", "flat", append_prefix=False)
        assert Path("flat/deep/c.txt").read_bytes() == b"c"
        run.download_files()
        assert Path("x/a.txt").read_bytes() == b"a"

    def test_a_name_is_used_once(self, ws: Workspace, run: Run) -> None:
        write("f", b"1")
        run.upload_file("f", "f")
        for again in (run, ws.get_run(run.id)):
            with pytest.raises(UserErrorException, match="already"):
                again.upload_file("f", "f")
            with pytest.raises(UserErrorException, match="case only"):
                again.upload_file("F", "f")

    @pytest.mark.parametrize(
        "name",
        ["../x", "a/../../x", "/etc/passwd", "a\0b", "x" * 10_000, "", ".", "..", "C:\\x", "a//../b", "\\\\host\\x"],
    )
    def test_path_tricks_are_refused_and_nothing_is_lost(self, run: Run, name: str) -> None:
        write("f")
        run.upload_file("good", "f")
        with pytest.raises(UserErrorException) as caught:
            run.upload_file(name, "f")
        assert len(caught.value.message) < 1000
        assert "\0" not in caught.value.message
        assert run.get_file_names() == ["good"]

    def test_what_is_not_there_is_said(self, run: Run) -> None:
        write("dir/f")
        for call in (
            lambda: run.upload_file("x", "none.txt"),
            lambda: run.upload_file("x", "dir"),
            lambda: run.upload_file("x", 5),  # type: ignore[arg-type]
            lambda: run.upload_files(["x"], ["none.txt"]),
            lambda: run.upload_files(["x"], []),
            lambda: run.upload_folder("x", "none"),
            lambda: run.download_file("none"),
            lambda: run.download_file("../../etc/passwd"),
            lambda: run.download_files("none/"),
        ):
            with pytest.raises(UserErrorException):
                call()
        assert run.get_file_names() == []

    def test_links_out_of_a_folder_are_not_followed(self, run: Run, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("canary")
        write("folder/f")
        Path("folder/link").symlink_to(secret)
        Path("folder/up").symlink_to(tmp_path)
        run.upload_folder("data", "folder")
        assert run.get_file_names() == ["data/f"]

    def test_the_outputs_folder_is_kept_on_complete(self, experiment: Experiment) -> None:
        write("outputs/model.pkl", b"1")
        write("outputs/deep/more.txt", b"2")
        run = experiment.start_logging()
        run.upload_file("outputs/model.pkl", "outputs/model.pkl")
        run.complete()
        assert run.get_file_names() == ["outputs/deep/more.txt", "outputs/model.pkl"]

    def test_another_outputs_folder(self, experiment: Experiment) -> None:
        write("mine/x.txt")
        run = experiment.start_logging(outputs="mine")
        run.complete()
        assert run.get_file_names() == ["outputs/x.txt"]

    def test_one_content_is_stored_once(self, ws: Workspace, experiment: Experiment) -> None:
        write("big", b"x" * 100_000)
        for _ in range(3):
            experiment.start_logging().upload_file("big", "big")
        info = ws._recorder.fresh().info()
        assert (info.artifacts, info.artifact_bytes, info.blob_bytes) == (3, 300_000, 100_000)

    def test_logs_among_the_details(self, run: Run) -> None:
        run.upload_file("azureml-logs/70_driver_log.txt", io.BytesIO("zeile ü\n".encode()))
        assert run.get_details_with_logs()["logFiles"] == {"azureml-logs/70_driver_log.txt": "zeile ü\n"}
        (path,) = run.get_all_logs("logs-here")
        assert Path(path).read_text(encoding="utf-8") == "zeile ü\n"


class TestModels:
    @pytest.fixture
    def trained(self, run: Run) -> Run:
        run.upload_file("outputs/model.pkl", io.BytesIO(b"1"))
        run.upload_file("outputs/net/weights", io.BytesIO(b"22"))
        run.upload_file("outputs/net/config/x.json", io.BytesIO(b"{}"))
        return run

    def test_a_file_of_a_run(self, ws: Workspace, trained: Run) -> None:
        model = trained.register_model("ridge", "./outputs/model.pkl", tags={"a": "b"}, properties={"p": 1})  # type: ignore[dict-item]
        assert (model.name, model.version, model.id) == ("ridge", 1, "ridge:1")
        assert model.run_id == trained.id
        assert model.run == trained
        assert (model.tags, model.properties) == ({"a": "b"}, {"p": "1"})
        assert trained.register_model("ridge", "outputs/model.pkl").version == 2
        assert Model(ws, "ridge").version == 2
        assert Model(ws, name="ridge", version=1).tags == {"a": "b"}
        assert Model(ws, id="ridge:1").version == 1
        assert ws.models["ridge"].version == 2
        path = model.download("here")
        assert Path(path) == Path("here/model.pkl")
        assert Path(path).read_bytes() == b"1"
        with pytest.raises(WebserviceException, match="already"):
            model.download("here")
        model.download("here", exist_ok=True)

    def test_a_folder_of_a_run(self, trained: Run) -> None:
        model = trained.register_model("net", "outputs/net")
        path = Path(model.download("here"))
        assert path == Path("here/net")
        assert (path / "config/x.json").read_bytes() == b"{}"

    def test_a_path_that_the_run_has_not(self, trained: Run) -> None:
        with pytest.raises(ModelPathNotFoundException, match="outputs/model.pkl"):
            trained.register_model("model", "outputs/mod")

    def test_files_of_this_machine(self, ws: Workspace) -> None:
        write("m.pkl", b"m")
        write("dir/a", b"a")
        write("dir/b/c", b"c")
        assert Path(Model.register(ws, "m.pkl", "one").download("x")).read_bytes() == b"m"
        folder = Path(Model.register(ws, "dir", "two").download("y"))
        assert (folder / "b/c").read_bytes() == b"c"
        part = Model.register(ws, "dir", "two", child_paths=["a"])
        assert part.version == 2
        with pytest.raises(ModelPathNotFoundException):
            Model.register(ws, "none", "three")

    def test_listing_updating_deleting(self, ws: Workspace, trained: Run) -> None:
        for framework in ("a", "b"):
            trained.register_model("m", "outputs/model.pkl", tags={"f": framework}, model_framework=framework)
        trained.register_model("n", "outputs/model.pkl")
        assert [each.id for each in Model.list(ws, name="m")] == ["m:2", "m:1"]
        assert {each.id for each in Model.list(ws, latest=True)} == {"m:2", "n:1"}
        assert [each.id for each in Model.list(ws, tags=[["f", "a"]])] == ["m:1"]
        assert [each.id for each in Model.list(ws, model_framework="b")] == ["m:2"]
        model = Model(ws, "m")
        model.add_tags({"x": "y"})
        model.update(description="better")
        model.add_properties({"p": "1"})
        with pytest.raises(UserErrorException):
            model.add_properties({"p": "2"})
        model.remove_tags(["f"])
        again = Model(ws, "m")
        assert (again.tags, again.description, again.properties) == ({"x": "y"}, "better", {"p": "1"})
        model.delete()
        assert Model(ws, "m").version == 1
        assert trained.register_model("m", "outputs/model.pkl").version == 3
        with pytest.raises(WebserviceException, match="ModelNotFound"):
            Model(ws, "m", version=2)
        with pytest.raises(WebserviceException, match="ModelNotFound"):
            Model(ws, "none")

    def test_the_path_of_a_model_on_this_machine(self, ws: Workspace, trained: Run) -> None:
        trained.register_model("m", "outputs/model.pkl")
        with pytest.raises(ModelNotFoundException):
            Model.get_model_path("m")
        path = Model.get_model_path("m", _workspace=ws)
        assert Path(path).read_bytes() == b"1"
        assert Model.get_model_path("m") == path

    def test_a_model_outlives_its_run(self, ws: Workspace, trained: Run) -> None:
        model = trained.register_model("m", "outputs/model.pkl")
        trained.complete()
        store = ws._recorder.fresh()
        store.delete_run(trained.id)
        store.sweep(grace_s=0)
        assert Path(model.download("kept")).read_bytes() == b"1"
