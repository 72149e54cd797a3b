"""Models as the API tells them."""

from __future__ import annotations

from pydantic import Field

from milepost.server.times import Answer, Moment


class ModelFileEntry(Answer):
    """A file of a model."""

    name: str = Field(description="With its folders.")
    size: int = Field(description="Bytes.")
    digest: str = Field(description="SHA-256 of the content, in hex.")
    content_type: str


class ModelVersion(Answer):
    """One version of a model."""

    name: str
    version: int
    run_id: str | None = Field(description="The run that it comes from.")
    experiment: str | None
    description: str
    framework: str | None
    framework_version: str | None
    path: str = Field(description='The name of its file, or of its folder with a "/" at the end.')
    tags: dict[str, str | None]
    properties: dict[str, str]
    created: Moment
    updated: Moment
    files: list[ModelFileEntry]
    files_total: int = Field(description="How many files it has; lists of many models name only the first hundred.")
    bytes: int = Field(description="Of all its files together.")


class ModelEntry(Answer):
    """A model: its name, how many versions there are, and the newest one."""

    name: str
    versions: int
    latest: ModelVersion


class ModelList(Answer):
    """Models, the one with the newest version first."""

    models: list[ModelEntry]
    total: int


class ModelAnswer(Answer):
    """A model with its versions, the newest first."""

    name: str
    versions: list[ModelVersion]
    total: int
