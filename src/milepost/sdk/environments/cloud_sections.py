"""The parts of an environment that Milepost keeps as they are and does not use: Spark, Databricks and R."""

from __future__ import annotations

from typing import Any

from milepost.sdk.section import Field, Section, flag, number_or_text, plain_list, text_or_none, texts


def _true() -> bool:
    return True


def _none() -> None:
    return None


class SparkSection(Section):
    """Spark's repositories and packages."""

    repositories: list[str]
    packages: list[Any]
    precache_packages: bool

    _fields = (
        Field("repositories", "repositories", list, texts),
        Field("packages", "packages", list, plain_list),
        Field("precache_packages", "precachePackages", _true, flag),
    )


class DatabricksSection(Section):
    """The libraries of a Databricks cluster."""

    maven_libraries: list[Any]
    pypi_libraries: list[Any]
    rcran_libraries: list[Any]
    jar_libraries: list[Any]
    egg_libraries: list[Any]

    _fields = (
        Field("maven_libraries", "mavenLibraries", list, plain_list),
        Field("pypi_libraries", "pypiLibraries", list, plain_list),
        Field("rcran_libraries", "rcranLibraries", list, plain_list),
        Field("jar_libraries", "jarLibraries", list, plain_list),
        Field("egg_libraries", "eggLibraries", list, plain_list),
    )


class RSection(Section):
    """An environment of the language R."""

    r_version: str | None
    user_managed: bool
    rscript_path: str | None
    snapshot_date: str | None
    cran_packages: list[Any]
    github_packages: list[Any]
    custom_url_packages: list[str]
    bioconductor_packages: list[str]

    _fields = (
        Field("r_version", "rVersion", _none, number_or_text),
        Field("user_managed", "userManaged", bool, flag),
        Field("rscript_path", "rscriptPath", _none, text_or_none),
        Field("snapshot_date", "snapshotDate", _none, text_or_none),
        Field("cran_packages", "cranPackages", list, plain_list),
        Field("github_packages", "githubPackages", list, plain_list),
        Field("custom_url_packages", "customUrlPackages", list, texts),
        Field("bioconductor_packages", "bioConductorPackages", list, texts),
    )
