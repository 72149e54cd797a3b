"""What git says of a source folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from milepost.jobs import git
from milepost.jobs.git import facts, without_secrets

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    settings = tmp_path / "gitconfig"
    settings.write_text("[user]\nname = A\nemail = a@example.com\n[init]\ndefaultBranch = main\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """With one commit of a.py and src/b.py."""
    folder = tmp_path / "repository"
    (folder / "src").mkdir(parents=True)
    run(folder, "init", "-q")
    (folder / "a.py").write_text("a = 1\n")
    (folder / "src" / "b.py").write_text("b = 1\n")
    run(folder, "add", ".")
    run(folder, "commit", "-qm", "first")
    return folder


def test_repository_branch_and_commit_are_told_under_both_names(repository: Path) -> None:
    run(repository, "remote", "add", "origin", "https://example.com/team/project.git")
    found = facts(repository)
    assert found is not None
    commit = run(repository, "rev-parse", "HEAD")
    assert found.properties == {
        "azureml.git.repository_uri": "https://example.com/team/project.git",
        "azureml.git.branch": "main",
        "azureml.git.commit": commit,
        "azureml.git.dirty": "False",
        "mlflow.source.git.repoURL": "https://example.com/team/project.git",
        "mlflow.source.git.branch": "main",
        "mlflow.source.git.commit": commit,
    }
    assert found.diff == ""


def test_a_folder_in_no_repository_has_no_facts(tmp_path: Path) -> None:
    assert facts(tmp_path) is None
    assert facts(tmp_path / "absent") is None


def test_without_git_there_are_no_facts(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert facts(repository) is None


def test_what_is_no_repository_for_git_has_no_facts(tmp_path: Path) -> None:
    (tmp_path / "x" / ".git").mkdir(parents=True)
    assert facts(tmp_path / "x") is None


def test_a_change_makes_it_dirty_and_is_in_the_diff(repository: Path) -> None:
    (repository / "a.py").write_text("a = 2\n")
    found = facts(repository)
    assert found is not None
    assert found.properties["azureml.git.dirty"] == "True"
    assert "-a = 1\n+a = 2\n" in found.diff


def test_what_is_staged_is_a_change_too(repository: Path) -> None:
    (repository / "a.py").write_text("a = 2\n")
    run(repository, "add", "a.py")
    found = facts(repository)
    assert found is not None
    assert found.properties["azureml.git.dirty"] == "True"
    assert "+a = 2\n" in found.diff


def test_a_new_file_makes_it_dirty_and_an_ignored_one_does_not(repository: Path) -> None:
    (repository / ".git" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "info" / "exclude").write_text("*.log\n")
    (repository / "x.log").touch()
    found = facts(repository)
    assert found is not None
    assert found.properties["azureml.git.dirty"] == "False"
    (repository / "new.py").touch()
    found = facts(repository)
    assert found is not None
    assert (found.properties["azureml.git.dirty"], found.diff) == ("True", "")


def test_only_the_folder_s_own_changes_count(repository: Path) -> None:
    (repository / "a.py").write_text("a = 2\n")
    found = facts(repository / "src")
    assert found is not None
    assert (found.properties["azureml.git.dirty"], found.diff) == ("False", "")
    (repository / "src" / "b.py").write_text("b = 2\n")
    found = facts(repository / "src")
    assert found is not None
    assert found.properties["azureml.git.dirty"] == "True"
    assert "+b = 2" in found.diff
    assert "+a = 2" not in found.diff


def test_a_repository_without_a_commit_has_a_branch(tmp_path: Path) -> None:
    run(tmp_path, "init", "-q", "fresh")
    found = facts(tmp_path / "fresh")
    assert found is not None
    assert found.properties == {
        "azureml.git.branch": "main",
        "azureml.git.dirty": "False",
        "mlflow.source.git.branch": "main",
    }


def test_a_detached_head_has_a_commit_and_no_branch(repository: Path) -> None:
    run(repository, "checkout", "-q", "--detach")
    found = facts(repository)
    assert found is not None
    assert "azureml.git.branch" not in found.properties
    assert found.properties["azureml.git.commit"] == run(repository, "rev-parse", "HEAD")


def test_the_repository_is_where_the_branch_comes_from(repository: Path) -> None:
    run(repository, "remote", "add", "first", "https://example.com/first.git")
    found = facts(repository)
    assert found is not None
    assert found.properties["azureml.git.repository_uri"] == "https://example.com/first.git"
    run(repository, "remote", "add", "origin", "https://example.com/origin.git")
    found = facts(repository)
    assert found is not None
    assert found.properties["azureml.git.repository_uri"] == "https://example.com/origin.git"
    run(repository, "config", "branch.main.remote", "first")
    found = facts(repository)
    assert found is not None
    assert found.properties["azureml.git.repository_uri"] == "https://example.com/first.git"


def test_a_long_diff_is_cut_and_says_so(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "a.py").write_text("".join(f"line {number}\n" for number in range(300_000)))
    found = facts(repository)
    assert found is not None
    assert found.properties["azureml.git.dirty"] == "True"
    assert git.MOST_DIFF - 200 < len(found.diff) < git.MOST_DIFF + 200
    assert found.diff.endswith("\n... cut here: the diff is longer than 1 MiB\n")


def test_bytes_that_are_no_text_do_not_break_the_diff(repository: Path) -> None:
    (repository / "a.py").write_bytes(b"latin = '\xe9\xff'\n")
    found = facts(repository)
    assert found is not None
    assert "latin = '\ufffd\ufffd'" in found.diff
    found.diff.encode()


@pytest.mark.skipif(os.name == "nt", reason="needs programs that are shell scripts")
def test_nothing_that_the_repository_is_set_up_with_is_run(repository: Path, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\n")
    program.chmod(0o755)
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    shutil.copy(program, hooks / "post-index-change")
    run(repository, "config", "core.fsmonitor", str(program))
    run(repository, "config", "diff.external", str(program))
    run(repository, "config", "core.pager", str(program))
    run(repository, "config", "diff.x.textconv", str(program))
    run(repository, "config", "diff.x.command", str(program))
    (repository / ".git" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "info" / "attributes").write_text("*.py diff=x\n")
    (repository / "a.py").write_text("a = 2\n")
    (tmp_path / "was-run").unlink(missing_ok=True)
    found = facts(repository)
    assert found is not None
    assert "+a = 2" in found.diff
    assert not (tmp_path / "was-run").exists()


def test_another_repository_s_variables_do_not_lead_astray(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, "init", "-q", "-b", "wrong", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
    found = facts(repository)
    assert found is not None
    assert found.properties["azureml.git.branch"] == "main"


def test_the_index_is_not_written(repository: Path) -> None:
    time.sleep(0.02)
    os.utime(repository / "a.py")  # now git would refresh its index
    before = (repository / ".git" / "index").read_bytes(), (repository / ".git" / "index").stat().st_mtime_ns
    facts(repository)
    assert ((repository / ".git" / "index").read_bytes(), (repository / ".git" / "index").stat().st_mtime_ns) == before


@pytest.mark.skipif(os.name == "nt", reason="needs a program that is a shell script")
def test_a_git_that_does_not_answer_is_not_waited_for(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.which("git")
    (tmp_path / "bin").mkdir()
    slow = tmp_path / "bin" / "git"
    slow.write_text(f'#!/bin/sh\ncase "$*" in *status*|*diff*) exec sleep 100;; esac\nexec {real} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(git, "TIMEOUT_S", 0.5)
    found = facts(repository)
    assert found is not None
    commit = run(repository, "rev-parse", "HEAD")
    assert found.properties == {"azureml.git.commit": commit, "mlflow.source.git.commit": commit}
    assert found.diff == ""


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://example.com/o/r.git", "https://example.com/o/r.git"),
        ("https://user:secret@example.com/o/r.git", "https://example.com/o/r.git"),
        ("https://token@example.com:8443/o/r.git", "https://example.com:8443/o/r.git"),
        ("https://user@corp:p@ss@example.com/r", "https://example.com/r"),
        ("https://example.com/r.git?private_token=secret#x", "https://example.com/r.git"),
        ("http://:secret@example.com/r", "http://example.com/r"),
        ("ssh://git:secret@example.com/r.git", "ssh://git@example.com/r.git"),
        ("git+ssh://git@example.com/r.git", "git+ssh://git@example.com/r.git"),
        ("git@github.com:o/r.git", "git@github.com:o/r.git"),
        ("/srv/git/r.git", "/srv/git/r.git"),
        ("../r", "../r"),
        ("C:\\code\\r", "C:\\code\\r"),
        ("file:///srv/r", "file:///srv/r"),
    ],
)
def test_addresses_are_told_without_secrets(address: str, shown: str) -> None:
    assert without_secrets(address) == shown


def test_the_properties_of_a_repository_have_no_secrets(repository: Path) -> None:
    run(repository, "remote", "add", "origin", "https://me:s3cret@example.com/r.git")
    found = facts(repository)
    assert found is not None
    assert "s3cret" not in str(found)
