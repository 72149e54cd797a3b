"""The container image of an environment.  This version runs no containers: what is said here is kept and shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk.constants import DEFAULT_CPU_IMAGE
from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.section import (
    Field,
    Section,
    flag,
    mapping,
    nested,
    number_or_text,
    stored,
    text,
    text_or_none,
    texts,
)

if TYPE_CHECKING:
    from milepost.sdk.workspaces.workspace import Workspace

_LONGEST_DOCKERFILE: Final = 1 << 20


def _never_kept(value: object, where: str) -> None:
    """A registry's password is not written into definitions: they are stored, shown and sent around."""
    text_or_none(value, where)


def _none() -> None:
    return None


class ContainerRegistry(Section):
    """Where images are fetched from.  The password stays in this object: no definition and no file has it."""

    address: str | None
    username: str | None
    password: str | None
    registry_identity: str | None

    _fields = (
        Field("address", "address", _none, text_or_none),
        Field("username", "username", _none, text_or_none),
        Field("password", "password", _none, _never_kept),
        Field("registry_identity", "registryIdentity", _none, text_or_none),
    )


class DockerImagePlatform(Section):
    """The operating system and processor that an image is for."""

    os: str
    architecture: str

    _fields = (
        Field("os", "os", lambda: "Linux", text),
        Field("architecture", "architecture", lambda: "amd64", text),
    )

    def __init__(self, os: str = "Linux", architecture: str = "amd64") -> None:
        super().__init__(os=os, architecture=architecture)


class DockerBuildContext(Section):
    """A folder with a Dockerfile in it."""

    location_type: str
    location: str | None
    dockerfile_path: str

    _fields = (
        Field("location_type", "locationType", lambda: "local", text),
        Field("location", "location", _none, text_or_none),
        Field("dockerfile_path", "dockerfilePath", lambda: "Dockerfile", text),
    )

    def __init__(
        self, location_type: str = "local", location: str | None = None, dockerfile_path: str = "Dockerfile"
    ) -> None:
        super().__init__(location_type=location_type, location=location, dockerfile_path=dockerfile_path)

    @staticmethod
    def from_local_directory(
        workspace: Workspace, path: str | os.PathLike[str], dockerfile_path: str = "Dockerfile"
    ) -> DockerBuildContext:
        """A folder of this machine.  Raises UserErrorException if it, or the Dockerfile in it, is not there."""
        folder = Path(path).absolute()
        if not (folder / dockerfile_path).is_file():
            raise UserErrorException(f"There is no {dockerfile_path!r} in {str(folder)!r} to build an image from.")
        return DockerBuildContext("local", str(folder), dockerfile_path)


class DockerSection(Section):
    """The image of an environment, and how a container of it is started."""

    _fields = (
        Field("enabled", "enabled", bool, flag),
        Field("base_image", "baseImage", lambda: DEFAULT_CPU_IMAGE, text_or_none),
        Field("base_dockerfile", "baseDockerfile", _none, text_or_none),
        Field("build_context", "buildContext", _none, *nested(DockerBuildContext, optional=True)),
        Field("shared_volumes", "sharedVolumes", lambda: True, flag),
        Field("shm_size", "shmSize", lambda: "2g", number_or_text),
        Field("arguments", "arguments", list, texts),
        Field("base_image_registry", "baseImageRegistry", ContainerRegistry, *nested(ContainerRegistry)),
        Field("platform", "platform", DockerImagePlatform, *nested(DockerImagePlatform)),
    )

    base_image_registry: ContainerRegistry
    platform: DockerImagePlatform

    enabled = stored("enabled", "Whether the script runs in a container (bool).  Not used: this version runs none.")
    base_image = stored("base_image", "The image's name (str or None).")
    build_context = stored("build_context", "A DockerBuildContext, or None.")
    shared_volumes = stored("shared_volumes", "Whether the container shares the machine's folders (bool).")
    shm_size = stored("shm_size", "The size of the container's shared memory, as '2g' (str or None).")
    gpu_support = stored("gpu_support", "Whether the container sees GPUs (bool).  Deprecated in the SDK, not used.")
    arguments = stored("arguments", "Further arguments of `docker run` (list of str).")

    @property
    def base_dockerfile(self) -> str | None:
        """The text of the Dockerfile that the image is built from, or None.  Can be set to a file's path too."""
        return self._base_dockerfile

    @base_dockerfile.setter
    def base_dockerfile(self, value: str | os.PathLike[str] | None) -> None:
        self._base_dockerfile: str | None = None if value is None else dockerfile_text(value)

    def __init__(self, **kwargs: Any) -> None:
        self.gpu_support = False
        super().__init__(**kwargs)

    def _take(self, definition: object, where: str) -> None:
        found = dict(mapping(definition, where))
        # Always text here: a path in a definition would have this machine's files read into it.
        dockerfile = text_or_none(found.pop("baseDockerfile", None), f"{where}.baseDockerfile")
        super()._take(found, where)
        self._base_dockerfile = dockerfile


class DockerEnvironment(DockerSection):
    """An older name of `DockerSection`."""


def dockerfile_text(given: str | os.PathLike[str]) -> str:
    """The text of a Dockerfile that is given as its text or its path.  Raises UserErrorException."""
    if isinstance(given, str) and ("\n" in given or " " in given.strip()):
        return given  # a Dockerfile's shortest line, FROM x, has a blank
    path = Path(text(given, "dockerfile"))
    try:
        if path.stat().st_size <= _LONGEST_DOCKERFILE:
            return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UserErrorException(
            f"The Dockerfile {str(path)!r} cannot be read (from {str(Path.cwd())!r}): {error}. "
            "Give its path or its text."
        ) from error
    raise UserErrorException(f"{str(path)!r} is too long for a Dockerfile.")
