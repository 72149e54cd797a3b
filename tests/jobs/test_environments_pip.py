"""What the strings of a pip list become: lines for uv, and never a second line, an option of uv's, or a command."""

from __future__ import annotations

import string
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from milepost.jobs import masking, pip_configuration, pip_requirements, uv_program
from milepost.jobs.environments import EnvironmentFailed
from milepost.jobs.pip_requirements import PipRequirements


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def read(folder: Path, *strings: str) -> PipRequirements:
    return pip_requirements.read(strings, folder)


@pytest.mark.parametrize(
    "text",
    [
        "numpy",
        "numpy==1.2",
        "scikit-learn[extra]>=1,<2 ; python_version < '3.12'",
        "name @ https://example.org/name-1.0.tar.gz#sha256=aa",
        "https://example.org/name-1.0-py3-none-any.whl",
        "git+https://github.com/a/b.git@main#egg=b",
        "git+ssh://git@github.com/a/b.git",
    ],
)
def test_a_requirement_goes_on_as_it_is(folder: Path, text: str) -> None:
    assert read(folder, text).packages == [text]


def test_comments_and_empty_strings_are_nothing(folder: Path) -> None:
    assert read(folder, "", "  ", "# numpy", "numpy  # the best").packages == ["numpy"]


def test_options_are_understood_in_each_of_pips_spellings(folder: Path) -> None:
    (folder / "wheels").mkdir()
    found = read(
        folder,
        "-i https://a.example/simple",
        "--extra-index-url=https://b.example/simple",
        "--extra-index-url https://c.example/simple --pre",
        "-fwheels",
        "--find-links https://d.example/all.html numpy==1.0",
        "--trusted-host a.example:8080",
        "--only-binary :all:",
        "--no-binary=a,b",
        "--require-hashes",
        "torch --extra-index-url https://e.example/whl",
    )
    assert found.index_url == "https://a.example/simple"
    assert found.extra_index_urls == [
        f"https://{each}.example/{rest}" for each, rest in zip("bce", ("simple", "simple", "whl"), strict=True)
    ]
    assert found.find_links == [str(folder / "wheels"), "https://d.example/all.html"]
    assert found.trusted_hosts == ["a.example:8080"]
    assert found.binaries == ["--only-binary :all:", "--no-binary a,b"]
    assert found.prereleases
    assert found.require_hashes
    assert found.packages == ["numpy==1.0", "torch"]


def test_hashes_stay_with_their_package(folder: Path) -> None:
    one, two = "sha256:" + "a" * 64, "sha256:" + "b" * 64
    assert read(folder, f"six==1 --hash={one} --hash {two}").packages == [f"six==1 --hash={one} --hash={two}"]


def test_options_that_only_say_how_pip_works_are_left_out_with_a_note(folder: Path) -> None:
    found = read(folder, "--no-cache-dir", "--timeout 100", "numpy -U")
    assert found.packages == ["numpy"]
    assert len(found.notes) == 3


def test_packages_of_azures_sdk_are_left_out(folder: Path) -> None:
    names = [
        "azureml-defaults",
        "azureml_core==1.2",
        "AzureML-SDK[notebooks]",
        "azureml-train-automl>=1",
        "azureml-dataprep[pandas,fuse]",
    ]
    found = read(folder, *names, "milepost", "azure-storage-blob")
    assert found.packages == ["azure-storage-blob"]
    assert len(found.left_out) == 6


def test_azureml_mlflow_leaves_the_mlflow_that_it_would_have_brought(folder: Path) -> None:
    assert read(folder, "azureml-mlflow~=1.5").packages == ["mlflow-skinny"]


def test_variables_are_put_in_as_pip_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDEX_TOKEN", "t0ken")
    monkeypatch.delenv("NOT_SET", raising=False)
    assert read(folder, "-i https://u:${INDEX_TOKEN}@a.example/").index_url == "https://u:t0ken@a.example/"
    assert read(folder, "a @ https://e.example/$INDEX_TOKEN/${NOT_SET}").packages == [
        "a @ https://e.example/$INDEX_TOKEN/${NOT_SET}"
    ]


def test_a_variable_with_a_line_break_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVIL", "x\n--index-url https://evil.example/")
    with pytest.raises(EnvironmentFailed, match="control character"):
        read(folder, "a-${EVIL}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\nb", "control character"),
        ("a\r--pre", "control character"),
        ("a\0", "control character"),
        ("a\u2028b", "control character"),
        ("a\x1b[31m", "control character"),
        ("a \\", "backslash"),
        ("--target /", "'--target'"),
        ("--python=/bin/sh", "'--python'"),
        ("--config-file evil.toml", "'--config-file'"),
        ("numpy --config-settings=x", "'--config-settings'"),
        ("-", "'-'"),
        ("--", "'--'"),
        ("\u2014pre", "begins with"),
        (";a", "begins with"),
        ("$(touch x)", "begins with"),
        ("`touch x`", "begins with"),
        ("|sh", "begins with"),
        ("@ https://a.example", "begins with"),
        ("-r", "no value"),
        ("-r none.txt", "none.txt cannot be read"),
        ("-r https://a.example/r.txt", "on the network"),
        ("-e ./nowhere", "not there"),
        ("./nowhere", "not there"),
        ("-c none.txt", "none.txt cannot be read"),
        ("--index-url ftp://a.example", "neither https"),
        ("--index-url 'https://a.example b'", "space"),
        ("--find-links /nowhere/at/all", "not there"),
        ("--trusted-host 'a b'", "not of its form"),
        ("--trusted-host=--python", "not of its form"),
        ("--only-binary=--x", "not of its form"),
        ("--hash=sha256:" + "a" * 64, "no package"),
        ("six --hash=x", "not of its form"),
        ("-i 'https://a", "no end"),
        ("~nobody-of-this-name/x", "cannot be followed"),
        ("file:///nowhere/a.whl", "not there"),
    ],
)
def test_what_is_no_requirement_is_refused_by_name(folder: Path, text: str, message: str) -> None:
    with pytest.raises(EnvironmentFailed, match=message):
        read(folder, text)


def test_an_error_in_a_requirements_file_names_the_file_and_the_line(folder: Path) -> None:
    (folder / "r.txt").write_text("numpy\n\n--nonsense\n")
    with pytest.raises(EnvironmentFailed, match=r"r\.txt, line 3: .*--nonsense"):
        read(folder, "-r r.txt")


@pytest.mark.parametrize("data", [b"\xff\xfen\0u\0m\0p\0y\0", b"\xef\xbb\xbfnumpy", b"numpy\r\n", b"numpy\r"])
def test_requirements_files_of_other_systems_are_read(folder: Path, data: bytes) -> None:
    (folder / "r.txt").write_bytes(data)
    assert read(folder, "-r r.txt").packages == ["numpy"]


@pytest.mark.parametrize("data", [b"\x80abc", b"a\0b", b"x" * (pip_requirements.FILE_MAX + 1)])
def test_a_requirements_file_that_is_no_text_is_refused(folder: Path, data: bytes) -> None:
    (folder / "r.txt").write_bytes(data)
    with pytest.raises(EnvironmentFailed, match=r"r\.txt"):
        read(folder, "-r r.txt")


def test_files_that_include_each_other_are_read_once(folder: Path) -> None:
    (folder / "a.txt").write_text("one\n-r b.txt\n")
    (folder / "b.txt").write_text("two\n-r a.txt\n")
    assert read(folder, "-r a.txt").packages == ["one", "two"]


def test_files_without_end_are_refused(folder: Path) -> None:
    for number in range(12):
        (folder / f"{number}.txt").write_text(f"-r {number + 1}.txt\n-r {number + 1}.txt\n")
    (folder / "12.txt").write_text("")
    with pytest.raises(EnvironmentFailed, match="more than 100 requirements files"):
        read(folder, "-r 0.txt")


WORDS = "- -- -r -e --index-url $(x) `x` ; | & # ${HOME} numpy ==1 @ https://a.example/ git+ file: ../ /etc [x] = %0a"
SIGNS = ["\n", "\r", "\0", "\\", "'", '"', " ", "\t", "\x0b", "\x85", "\u2028", "é", "--hash=", "--pre "]
PIECES = st.sampled_from(WORDS.split() + SIGNS)
HOSTILE = st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=8).map("".join))


@given(st.lists(HOSTILE, max_size=4))
@example(["numpy\\", "--index-url=https://evil.example"])
@example(["numpy \u0085--pre"])
def test_no_string_becomes_more_than_one_line_or_an_option(strings: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = pip_requirements.read(strings, Path(folder))
        except EnvironmentFailed:
            return
        for line in [*found.packages, *found.constraints]:
            assert len(f"a{line}b".splitlines()) == 1
            assert line[0] in string.ascii_letters + string.digits
            assert not line.endswith("\\")
            options = [word for word in line.split() if word.startswith("-")]
            assert all(word.startswith("--hash=") for word in options)
        for url in filter(None, [found.index_url, *found.extra_index_urls, *found.find_links]):
            assert not any(character.isspace() for character in url)
            assert url.startswith(("http://", "https://", "/"))
        for each in found.local:
            assert each.path.is_absolute()


@given(st.tuples(st.sampled_from(["", "numpy", "numpy ", "numpy @ ", "numpy[", "numpy ; "]), HOSTILE).map("".join))
def test_uv_sees_nothing_in_a_string_but_one_requirement(text: str) -> None:
    """The real uv, offline: whatever it makes of the line, it asks for one package at most and takes no option."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            found = pip_requirements.read([text], folder)
        except EnvironmentFailed:
            return
        if len(found.packages) != 1 or "${" in text:
            return
        (folder / "requirements.txt").write_text(f"{found.packages[0]}\n", encoding="utf-8")
        outcome = subprocess.run(
            [
                uv_program.find_uv(),
                "pip",
                "compile",
                "--offline",
                "--no-index",
                "--no-deps",
                "--quiet",
                "requirements.txt",
            ],
            cwd=folder,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        said = outcome.stderr.decode(errors="replace")
        assert outcome.returncode != 0
        assert "panicked" not in said
        assert "unexpected argument" not in said
        assert [each.name for each in folder.iterdir()] == ["requirements.txt"]


@given(st.text(string.ascii_letters + string.digits + "!$&*+-._~@:", min_size=1, max_size=30), st.booleans())
def test_the_user_part_of_an_address_is_never_shown(secret: str, as_password: bool) -> None:
    assume(as_password or secret not in ("git", "hg"))  # the users of public repositories, which are no secrets
    user = f"me:{secret}" if as_password else secret
    shown = masking.mask(f"looking at https://{user}@index.example/simple and 'more'")
    assert shown == "looking at https://****@index.example/simple and 'more'"


@given(HOSTILE)
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = masking.mask(text)
    assert masking.mask(once) == once


def test_addresses_without_secrets_stay_readable() -> None:
    for text in ("git+ssh://git@github.com/a/b", "https://a.example/x?page=2#egg=y", "numpy @ https://a.example/@x"):
        assert masking.mask(text) == text


def test_tokens_in_a_query_are_masked() -> None:
    assert masking.mask("https://a.example/x?sig=abc%3D&page=2") == "https://a.example/x?sig=****&page=2"
    assert (
        masking.mask("https://a.example/x?X-Amz-Security-Token=abc") == "https://a.example/x?X-Amz-Security-Token=****"
    )


def test_a_secret_is_taken_out_wherever_it_is_repeated() -> None:
    secrets = masking.secrets_in("https://me:p%40ssword@a.example/?token=abcdefgh")
    assert masking.mask("p@ssword p%40ssword abcdefgh", secrets) == "**** **** ****"


def test_the_index_that_pip_is_configured_with_is_found(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nindex-url = https://one.example/\nextra_index_url =\n  https://two.example/\n  https://three.example/\n"
    )
    none = {"XDG_CONFIG_DIRS": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PIP_CONFIG_FILE": str(file)}
    found = pip_configuration.read(none)
    assert found.index_url == "https://one.example/"
    assert found.extra_index_urls[-2:] == ("https://two.example/", "https://three.example/")
    assert (
        pip_configuration.read(none | {"PIP_INDEX_URL": "https://four.example/"}).index_url == "https://four.example/"
    )
    # Who has told uv itself is not helped.
    assert pip_configuration.read(none | {"UV_DEFAULT_INDEX": "https://five.example/"}).index_url is None


@pytest.mark.parametrize("text", ["", "no section", "[global]\nindex-url", "[global\n", "\udcff"])
def test_a_configuration_of_pip_that_is_broken_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "pip.conf").write_bytes(text.encode(errors="surrogateescape"))
    assert pip_configuration._read_file(tmp_path / "pip.conf") == {}
