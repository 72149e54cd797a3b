"""The images of a run."""

from __future__ import annotations

from pathlib import Path

import httpx

from azureml.core import Run
from milepost.sdk.runs.run_metrics import RunMetrics

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf"
    "c0f01f0005000202000a7fd1d40000000049454e44ae426082"
)


def log(run: Run, name: str, path: Path) -> None:
    path.write_bytes(PIXEL)
    run.log_image(name, path=str(path))


def test_images_come_with_their_steps_and_addresses(client: httpx.Client, run: Run, tmp_path: Path) -> None:
    for number in range(3):
        log(run, "samples", tmp_path / f"s{number}.png")
    log(run, "a/ß #?", tmp_path / "other.png")
    run.flush()
    answer = client.get(f"/runs/{run.id}/images")
    assert answer.headers["x-total"] == "4"
    images = answer.json()
    assert [(each["metric"], each["step"]) for each in images] == [
        ("samples", 0),
        ("samples", 1),
        ("samples", 2),
        ("a/ß #?", 0),
    ]
    for each in images:
        assert (each["content_type"], each["size"], each["shown"]) == ("image/png", len(PIXEL), True)
        picture = client.get(each["url"].removeprefix("/api/v1"))
        assert picture.content == PIXEL
        assert picture.headers["content-type"] == "image/png"


def test_images_of_one_metric_page_by_page(client: httpx.Client, run: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        for number in range(3):
            log(run, name, tmp_path / f"{name}{number}.png")
    run.flush()

    def steps(**asked: object) -> list[tuple[str, int]]:
        found = client.get(f"/runs/{run.id}/images", params=asked).json()  # type: ignore[arg-type]
        return [(each["metric"], each["step"]) for each in found]

    assert steps(offset=2, limit=2) == [("a", 2), ("b", 0)]
    assert steps(metric="b") == [("b", 0), ("b", 1), ("b", 2)]
    assert steps(offset=6) == []
    assert steps(metric="c") == []


def test_an_svg_is_told_but_not_shown(client: httpx.Client, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "x.svg"
    path.write_text("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")
    run.log_image("drawing", path=str(path))
    run.flush()
    (image,) = client.get(f"/runs/{run.id}/images").json()
    assert image["shown"] is False
    answer = client.get(image["url"].removeprefix("/api/v1"))
    assert answer.headers["content-disposition"].startswith("attachment")


def test_references_to_elsewhere_have_no_address(client: httpx.Client, run: Run, tmp_path: Path) -> None:
    series = RunMetrics._named(run, "stray", "image", "")
    for reference in [
        "aml://artifactId/ExperimentRun/dcid.other/x.png",
        f"aml://artifactId/ExperimentRun/dcid.{run.id}/../../etc/passwd",
        "https://example.com/x.png",
        7,
        None,
    ]:
        RunMetrics._put_cells(run, series, {"": [reference]})
    run.flush()
    images = client.get(f"/runs/{run.id}/images").json()
    assert [each["url"] for each in images] == [None] * 5


def test_a_run_without_images_and_no_run(client: httpx.Client, run: Run) -> None:
    run.flush()
    assert client.get(f"/runs/{run.id}/images").json() == []
    assert client.get("/runs/nobody/images").status_code == 404
