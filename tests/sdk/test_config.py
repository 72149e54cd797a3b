"""config.json: where it is looked for, what it may hold, and what is said when it is wrong."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azureml.exceptions import UserErrorException
from milepost.sdk.workspaces.config import WorkspaceConfig, find_config, read_config, server_url, write_config

AZURE = {"subscription_id": "sub", "resource_group": "group", "workspace_name": "ws"}


def put(path: Path, content: Any = AZURE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(UserErrorException) as caught:
        find_config(path)
    return caught.value.message


# -- where it is looked for


@pytest.mark.parametrize("place", ["config.json", ".azureml/config.json", "aml_config/config.json"])
def test_it_is_found_in_the_folder_and_in_its_two_subfolders(tmp_path: Path, place: str) -> None:
    file = put(tmp_path / place)
    assert find_config(tmp_path) == WorkspaceConfig("ws", "sub", "group", None, file)


def test_it_is_found_in_the_current_directory_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = put(tmp_path / ".azureml/config.json")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    found = find_config()
    assert found is not None
    assert found.source == file


def test_the_nearest_one_is_taken(tmp_path: Path) -> None:
    put(tmp_path / "config.json", AZURE | {"workspace_name": "far"})
    near = put(tmp_path / "a/.azureml/config.json", AZURE | {"workspace_name": "near"})
    (tmp_path / "a/b").mkdir()
    found = find_config(tmp_path / "a/b")
    assert found is not None
    assert (found.name, found.source) == ("near", near)


def test_config_json_of_the_folder_itself_comes_before_its_subfolders(tmp_path: Path) -> None:
    put(tmp_path / ".azureml/config.json", AZURE | {"workspace_name": "second"})
    put(tmp_path / "config.json", AZURE | {"workspace_name": "first"})
    found = find_config(tmp_path)
    assert found is not None
    assert found.name == "first"


def test_a_path_may_name_the_file_itself_whatever_it_is_called(tmp_path: Path) -> None:
    file = put(tmp_path / "my settings.json")
    found = find_config(str(file))
    assert found is not None
    assert found.source == file


def test_another_file_name_may_be_looked_for(tmp_path: Path) -> None:
    file = put(tmp_path / ".azureml/team.json")
    assert find_config(tmp_path) is None
    found = find_config(tmp_path, "team.json")
    assert found is not None
    assert found.source == file


def test_none_at_all_is_none(tmp_path: Path) -> None:
    assert find_config(tmp_path) is None


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserErrorException, match="is not there"):
        find_config(tmp_path / "nowhere")


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000, "~no-such-user-here/x"])
def test_a_path_that_cannot_be_one_is_an_error(path: str) -> None:
    with pytest.raises(UserErrorException):
        find_config(path)


def test_a_config_json_of_another_program_is_passed_by(tmp_path: Path) -> None:
    put(tmp_path / "model/config.json", {"architectures": ["BertModel"]})
    put(tmp_path / ".azureml/config.json")
    found = find_config(tmp_path / "model")
    assert found is not None
    assert found.name == "ws"


def test_a_config_json_of_another_program_alone_is_an_error_that_names_it(tmp_path: Path) -> None:
    file = put(tmp_path / "config.json", {"architectures": ["BertModel"]})
    message = refusal(tmp_path)
    assert str(file) in message
    assert "does not give 'workspace_name'" in message


# -- what it may hold


def test_subscription_and_resource_group_may_be_left_out(tmp_path: Path) -> None:
    file = put(tmp_path / "config.json", {"workspace_name": "ws"})
    assert read_config(file) == WorkspaceConfig("ws", "", "", None, file)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_what_editors_on_windows_write_is_read(tmp_path: Path, encoding: str) -> None:
    file = put(tmp_path / "config.json", json.dumps(AZURE).encode(encoding))
    assert read_config(file).name == "ws"


def test_a_server_may_be_named_with_or_without_a_workspace(tmp_path: Path) -> None:
    file = put(tmp_path / "config.json", {"url": "https://milepost.example/team/"})
    assert (read_config(file).url, read_config(file).name) == ("https://milepost.example/team", "")
    put(file, {"url": "http://localhost:8765", "workspace_name": "ws"})
    assert (read_config(file).url, read_config(file).name) == ("http://localhost:8765", "ws")


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        (b"\xff\xfe\xff", "is not JSON"),
        (b"\x00\x01\x02", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "holds no JSON object"),
        ("null", "holds no JSON object"),
        ('"ws"', "holds no JSON object"),
        ("{}", "does not give 'workspace_name'"),
        ({"subscription_id": "s", "resource_group": "g"}, "does not give 'workspace_name'"),
        ({"workspace_name": ""}, "does not give 'workspace_name'"),
        ({"workspace_name": None}, "gives 'workspace_name' as NoneType"),
        ({"workspace_name": 7}, "gives 'workspace_name' as int"),
        ({"workspace_name": ["ws"]}, "gives 'workspace_name' as list"),
        (AZURE | {"subscription_id": 7}, "gives 'subscription_id' as int"),
        (AZURE | {"resource_group": {}}, "gives 'resource_group' as dict"),
        (AZURE | {"url": 7}, "gives 'url' as int"),
        ({"workspace_name": "../../etc"}, "cannot be one"),
        ({"workspace_name": "x" * 300}, "cannot be one"),
        (" " * (1 << 20) + "{}", "is larger than"),
    ],
)
def test_a_file_of_the_wrong_shape_is_named_with_its_trouble_and_the_fix(
    tmp_path: Path, content: Any, trouble: str
) -> None:
    file = put(tmp_path / "config.json", content)
    message = refusal(file)
    assert message.startswith(f"{file} ")
    assert trouble in message
    assert "write_config" in message
    assert len(message) < 2000


@pytest.mark.parametrize(
    "url", ["", "milepost.example", "ftp://x", "file:///etc/passwd", "http://", "http://x:port", "https://x/?q=1"]
)
def test_an_address_that_is_no_servers_is_refused(tmp_path: Path, url: str) -> None:
    file = put(tmp_path / "config.json", {"url": url})
    assert "not a server's address" in refusal(file)


def test_an_address_with_a_password_is_refused_and_not_repeated(tmp_path: Path) -> None:
    file = put(tmp_path / "config.json", {"url": "https://me:s3cret@milepost.example"})
    message = refusal(file)
    assert "user or password" in message
    assert "s3cret" not in message


def test_a_folder_in_the_files_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    assert "is a folder" in refusal(tmp_path)


def test_a_link_to_nowhere_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").symlink_to(tmp_path / "gone")
    assert "cannot be read" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.json")
    assert "is not a regular file" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_the_right_to_read_it_is_an_error(tmp_path: Path) -> None:
    put(tmp_path / "config.json").chmod(0)
    assert "cannot be read" in refusal(tmp_path)


@given(
    content=st.binary(max_size=300)
    | st.text(max_size=100).map(lambda text: json.dumps({"workspace_name": text}).encode())
)
def test_no_content_brings_anything_but_a_config_or_a_users_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.json"
    file.write_bytes(content)
    try:
        config = read_config(file)
    except UserErrorException as error:
        assert str(file) in error.message  # noqa: PT017
    else:
        assert config.name or config.url


# -- servers


def test_milepost_url_names_the_server_where_the_file_names_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MILEPOST_URL", raising=False)
    plain = read_config(put(tmp_path / "config.json"))
    own = read_config(put(tmp_path / "own.json", {"url": "https://own.example"}))
    assert (server_url(None), server_url(plain), server_url(own)) == (None, None, "https://own.example")
    monkeypatch.setenv("MILEPOST_URL", "https://env.example/")
    assert server_url(None) == server_url(plain) == "https://env.example"
    assert server_url(own) == "https://own.example"
    monkeypatch.setenv("MILEPOST_URL", "nonsense")
    with pytest.raises(UserErrorException, match="MILEPOST_URL"):
        server_url(None)


# -- writing


def test_what_is_written_is_found_again(tmp_path: Path) -> None:
    file = write_config(tmp_path, "ws", "sub", "group")
    assert file == tmp_path / ".azureml" / "config.json"
    assert json.loads(file.read_text()) == AZURE
    assert find_config(tmp_path) == WorkspaceConfig("ws", "sub", "group", None, file)


def test_the_folder_and_the_files_name_may_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert write_config(None, "ws", "", "") == tmp_path / ".azureml" / "config.json"
    assert write_config("new/folder", "ws", "", "", file_name="x.json") == tmp_path / "new/folder/.azureml/x.json"
    url = "https://milepost.example"
    assert read_config(write_config(None, "ws", "", "", url=url)).url == url


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "a\0b", "/etc/passwd"])
def test_a_file_name_that_is_a_path_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserErrorException, match="not a file's name"):
        write_config(tmp_path, "ws", "", "", file_name=name)
    with pytest.raises(UserErrorException, match="not a file's name"):
        find_config(tmp_path, name)


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    put(tmp_path / "file", "")
    with pytest.raises(UserErrorException, match="cannot be written"):
        write_config(tmp_path / "file", "ws", "", "")
    (tmp_path / ".azureml" / "config.json").mkdir(parents=True)
    with pytest.raises(UserErrorException, match="cannot be written"):
        write_config(tmp_path, "ws", "", "")
    assert [each.name for each in (tmp_path / ".azureml").iterdir()] == ["config.json"]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    write_config(tmp_path, "ws", "", "")
    done = threading.Event()

    def rewrite() -> None:
        while not done.is_set():
            write_config(tmp_path, "ws", "s" * 100_000, "")

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        for _ in range(200):
            found = find_config(tmp_path)
            assert found is not None
            assert found.name == "ws"
    finally:
        done.set()
        writer.join()
    assert stat.S_ISREG((tmp_path / ".azureml/config.json").stat().st_mode)
