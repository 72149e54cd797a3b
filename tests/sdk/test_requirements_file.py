"""pip's requirements files: what they ask for, and where they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azureml.exceptions import UserErrorException
from milepost.sdk.environments.requirements_file import package_name, read_requirements


def test_comments_blank_lines_and_continuations_are_read_as_pip_does(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes(
        b"\xef\xbb\xbf# the packages\r\n\r\nnumpy==1.26 # pinned\r\nflask @ https://x.example/f.whl#sha256=ab\r\n"
        b"--index-url https://pypi.example/simple\r\n"
        b"joblib==1.3 \\\r\n    --hash=sha256:aa \\\r\n    --hash=sha256:bb\r\n  -e ./mine  \r\n"
        b"last; python_version>'3' \\"
    )
    assert read_requirements(path) == [
        "numpy==1.26",
        "flask @ https://x.example/f.whl#sha256=ab",
        "--index-url https://pypi.example/simple",
        "joblib==1.3     --hash=sha256:aa     --hash=sha256:bb",
        "-e ./mine",
        "last; python_version>'3'",
    ]


@pytest.mark.parametrize("option", ["-r {}", "-r{}", "--requirement {}", "--requirement={}", "-r '{}'"])
def test_included_files_are_read_from_beside_the_one_that_includes_them(tmp_path: Path, option: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt").write_text(f"a\n{option.format('sub/b.txt')}\nc\n-c constraints.txt\n")
    (tmp_path / "sub" / "b.txt").write_text("-r ../d.txt\nb\n")
    (tmp_path / "d.txt").write_text("d\n")
    assert read_requirements(tmp_path / "a.txt") == ["a", "d", "b", "c", "-c constraints.txt"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\n\n-r missing.txt\n", "line 3: there is no file .*missing.txt"),
        ("-r https://x.example/r.txt\n", "line 1: .* is not fetched"),
        ("-r requirements.txt\n", "includes itself"),
        ("-r ./other.txt\n", "includes itself"),
        ("a\nb\x00c\n", "line 2"),
        ("a\nb\x1bc\n", "line 2 must be one line"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "other.txt").write_text("-r requirements.txt")
    path = tmp_path / "requirements.txt"
    path.write_text(content)
    with pytest.raises(UserErrorException, match=message) as caught:
        read_requirements(path)
    assert str(tmp_path) in caught.value.message


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("numpy", "numpy"),
        ("Scikit_Learn[all]>=1", "scikit-learn"),
        ("ruamel.yaml ; x", "ruamel-yaml"),
        ("conda-forge::py-xgboost=0.9", "py-xgboost"),
        ("flask @ https://x.example/f.whl", "flask"),
        ("python 3.9", "python"),
        ("--pre", None),
        ("-e .", None),
        ("./here", None),
        ("https://x.example/f.whl", None),
        ("git+https://x.example/f", None),
        ("", None),
    ],
)
def test_a_requirement_names_its_package(requirement: str, name: str | None) -> None:
    assert package_name(requirement) == name


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30)))
def test_any_text_is_a_list_of_lines_or_an_error_of_the_sdk(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    path = tmp_path_factory.mktemp("any") / "requirements.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        found = read_requirements(path)
    except UserErrorException:
        return
    assert all(line and line == line.strip() and not line.startswith("#") for line in found)
    assert not any("\n" in line or "\r" in line or "\0" in line for line in found)
