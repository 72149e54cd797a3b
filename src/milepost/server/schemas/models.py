"""Models as the API tells them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from milepost.server.limits import TagNames, Tags, Text
from milepost.server.times import Answer, Moment


class ModelFileEntry(Answer):
    """A file of a model."""

    name: str = Field(description="With its folders.")
    size: int = Field(description="Bytes.")
    digest: str = Field(description="SHA-256 of the content, in hex.")
    content_type: str


class SourceRun(Answer):
    """The run that a model comes from, while it is there."""

    number: int
    name: str | None
    experiment: str


class ModelVersion(Answer):
    """One version of a model."""

    name: str
    version: int
    run_id: str | None = Field(description="The run that it comes from.")
    run: SourceRun | None = Field(description="Null where it comes from none, or from one that was deleted.")
    experiment: str | None
    description: str
    framework: str | None
    framework_version: str | None
    path: str = Field(description='The name of its file, or of its folder with a "/" at the end.')
    tags: dict[str, str | None]
    properties: dict[str, str]
    aliases: list[str] = Field(description="Names that mean this version now.")
    created: Moment
    updated: Moment
    files: list[ModelFileEntry]
    files_total: int = Field(description="How many files it has; lists of many models name only the first hundred.")
    bytes: int = Field(description="Of all its files together.")


class ModelEntry(Answer):
    """A model: its name, how many versions there are, the newest one, and what its aliases mean."""

    name: str
    versions: int
    latest: ModelVersion
    aliases: dict[str, int] = Field(description="Name -> the version that it means.")


class ModelList(Answer):
    """Models, the one with the newest version first."""

    models: list[ModelEntry]
    total: int


class ModelAnswer(Answer):
    """A model with its versions, the newest first."""

    name: str
    versions: list[ModelVersion]
    total: int


Aliases = Annotated[list[Annotated[str, Field(min_length=1, max_length=255)]], Field(max_length=100)]


class ModelChanges(BaseModel):
    """What is to be changed of a version; what is not given stays."""

    model_config = ConfigDict(extra="forbid")

    description: Text | None = None
    set_tags: Tags = Field(default_factory=dict)
    remove_tags: TagNames = Field(default_factory=list)
    set_aliases: Aliases = Field(default_factory=list, description="Another version that has one of them loses it.")
    remove_aliases: Aliases = Field(default_factory=list)
