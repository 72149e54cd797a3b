"""Reads conda's package specifications, and says what each is called on PyPI where it can be had there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from milepost.jobs.environment_errors import EnvironmentFailed
from milepost.jobs.pip_requirements import canonical, check_plain

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
_CHANNEL: Final = re.compile(r"(?:https?://)?[A-Za-z0-9][A-Za-z0-9_.:/@+~-]*", re.ASCII)
_CLAUSE: Final = re.compile(r"(==|=|>=|<=|>|<|!=|~=)?\s*([A-Za-z0-9_.+!-]*)(\*?)", re.ASCII)
_BUILD: Final = re.compile(r"[A-Za-z0-9_.+*-]+", re.ASCII)
_BRACKETS: Final = re.compile(r"\[([^\[\]]*)\]")
_FIELD: Final = re.compile(r"\s*([a-z_0-9]+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|([^,'\"\s]+))\s*(?:,|$)")

_PYPI_NAMES: Final = {
    "cudf": "cudf-cu12",
    "cupy": "cupy-cuda12x",
    "dask-core": "dask",
    "ipython_genutils": "ipython-genutils",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "numpy-base": "numpy",
    "opencv": "opencv-python-headless",
    "py-lightgbm": "lightgbm",
    "py-opencv": "opencv-python-headless",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "py-xgboost-gpu": "xgboost",
    "pyg": "torch-geometric",
    "pytables": "tables",
    "python-blosc": "blosc",
    "python-flatbuffers": "flatbuffers",
    "python-graphviz": "graphviz",
    "python-kaleido": "kaleido",
    "python-tzdata": "tzdata",
    "python-xxhash": "xxhash",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "seaborn-base": "seaborn",
    "tensorflow-base": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "tensorflow-gpu-base": "tensorflow",
    "tensorflow-mkl": "tensorflow",
    "torchtriton": "triton",
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Programs and libraries that are no Python packages, or whose name on PyPI is something else.
_NOT_ON_PYPI: Final = _words(
    """
    arrow-cpp bazel blender boost boost-cpp cairo clang clangxx compilers cuda cuda-toolkit cudatoolkit cudatoolkit-dev
    cudnn cutensor curl docker dotnet eigen ffmpeg fftw flex fortran-compiler freetype gcc gdal gdb geos gfortran git
    git-lfs glib gmp go graphviz gsl gxx hdf4 hdf5 htop icu imagemagick java-jdk julia jq krb5 leptonica libblas
    libboost libcblas libcurl libgdal libgfortran libiconv liblapack libopencv libpng libprotobuf libpq libsndfile
    libtiff libwebp libxgboost libxml2 lame llvm llvmdev make maven mesa mpi mpich nasm nccl nodejs openblas opencl
    openjdk openmpi pandoc perl pkg-config poppler postgresql proj qt r rust ruby sox subversion swig tesseract
    unixodbc unzip vim wget x264 yarn zip zsh
    """
)
_NOT_ON_PYPI_BEGINNINGS: Final = ("r-", "cuda-", "libcu", "gcc_", "gxx_", "gfortran_", "nvcc_", "magma-cuda", "perl-")
# What conda's Python stands on; the Python that uv finds or fetches has its own.
_PYTHONS_OWN: Final = _words(
    """
    _libgcc_mutex _openmp_mutex bzip2 ca-certificates expat ld_impl_linux-64 libedit libexpat libffi libgcc libgcc-ng
    libgomp liblzma libmpdec libnsl libsqlite libstdcxx libstdcxx-ng libuuid libxcrypt libzlib ncurses openssl
    python_abi readline sqlite tk ucrt vc vc14_runtime vs2015_runtime xz zlib zstd
    """
)
# Which of conda's builds of a package is meant; wheels have no such choice.
_BUILD_CHOICES: Final = _words("_py-xgboost-mutex blas libmkl mkl-include mkl-service mkl_fft mkl_random nomkl")
# A wheel of PyTorch has these inside.
_INSIDE_TORCH: Final = _words("cpuonly cuda-version cudatoolkit cudnn nccl pytorch-cuda pytorch-mutex")
_TORCH: Final = ("pytorch", "pytorch-cpu", "pytorch-gpu")


@dataclass(frozen=True, slots=True)
class CondaPackage:
    """One specification: ``clauses`` are (operator, version), all of which must hold; ``text`` is as it was written."""

    name: str
    clauses: tuple[tuple[str, str], ...]
    build: str
    channel: str
    text: str

    @property
    def version(self) -> str:
        """The version in conda's words; empty if any will do."""
        return ",".join(operator + version for operator, version in self.clauses)


@dataclass(slots=True)
class PypiTranslation:
    """What pip is asked for in place of conda."""

    requirements: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Specifications that PyPI has nothing for."""


def read(text: str) -> CondaPackage:
    """Read a specification such as ``numpy``, ``numpy=1.2``, ``conda-forge::numpy>=1.2,<2`` or ``numpy 1.2 py38_0``.

    Raises:
        EnvironmentFailed: it is none.
    """
    check_plain(text, "The conda package")
    rest = re.sub(r"(^|\s)#.*$", "", text).strip()
    refused = EnvironmentFailed(
        f"The conda package {text[:200]!r} is not understood. "
        "Write it as name, name=1.2, name>=1.2,<2 or channel::name."
    )
    channel, colons, after = rest.partition("::")
    if colons:
        rest = after.strip()
        if not _CHANNEL.fullmatch(channel):
            raise refused
    else:
        channel = ""
    fields: dict[str, str] = {}
    brackets = _BRACKETS.search(rest)
    if brackets:
        fields = {key: one or two or three for key, one, two, three in _FIELD.findall(brackets[1])}
        rest = (rest[: brackets.start()] + rest[brackets.end() :]).strip()
    named = _NAME.match(rest)
    if not named:
        raise refused
    version, build = _parts(rest[named.end() :].strip(), refused)
    version = fields.get("version", version)
    build = fields.get("build", build)
    channel = fields.get("channel", channel)
    if (build and not _BUILD.fullmatch(build)) or (channel and not _CHANNEL.fullmatch(channel)):
        raise refused
    return CondaPackage(named[0].lower(), _clauses(version, refused), build, channel, text.strip())


def on_pypi(packages: Iterable[CondaPackage]) -> PypiTranslation:
    """What these packages are on PyPI."""
    packages = list(packages)
    found = PypiTranslation()
    torch = any(each.name in _TORCH for each in packages)
    builds = [each.text for each in packages if each.build]
    own = [each.name for each in packages if each.name in _PYTHONS_OWN]
    for each in packages:
        if each.name in _PYTHONS_OWN:
            continue
        if each.name in _BUILD_CHOICES:
            found.notes.append(f"{each.text}: chooses among conda's builds, and has no meaning for a wheel: left out")
        elif torch and each.name in _INSIDE_TORCH:
            found.notes.append(f"{each.text}: left out, the wheel of torch on PyPI brings what it needs")
        elif each.name in _NOT_ON_PYPI or each.name.startswith(_NOT_ON_PYPI_BEGINNINGS):
            found.missing.append(each.text)
        elif any("|" in version for _, version in each.clauses):
            found.missing.append(f"{each.text} (pip has no 'or' of versions)")
        else:
            name = _PYPI_NAMES.get(each.name, each.name)
            if canonical(name) != canonical(each.name):
                found.notes.append(f"{each.name} is {name} on PyPI")
            found.requirements.append(name + ",".join(_for_pip(*clause) for clause in each.clauses))
    if own:
        found.notes.append("left out, as Python brings them: " + ", ".join(own))
    if builds:
        found.notes.append("the builds that these name mean nothing on PyPI: " + ", ".join(builds))
    return found


def _parts(rest: str, refused: EnvironmentFailed) -> tuple[str, str]:
    """The version and the build after a name."""
    if not rest:
        return "", ""
    if rest[0] not in "=<>!~*|0123456789":
        raise refused
    words = rest.split()
    if any(each.startswith("-") for each in words):
        raise refused
    if rest[0].isdigit() or rest[0] == "*":  # "numpy 1.2 py38_0"
        if len(words) > 2:
            raise refused
        version = words[0]
        plain = version if re.search(r"[*,|<>=!]", version) else f"=={version}"
        return plain, words[1] if len(words) == 2 else ""
    rest = "".join(words)
    # "=1.2=py38_0": the last part after a "=" that follows a version is the build.
    found = re.fullmatch(r"(={1,2}[^=<>!~,]+)=([^=<>!~,]+)", rest)
    if found:
        return ("" if found[1].strip("=") == "*" else found[1]), found[2]
    return rest, ""


def _clauses(version: str, refused: EnvironmentFailed) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for part in version.replace(" ", "").split(","):
        if part in ("", "*", "=*", "==*", "="):
            continue
        if "|" in part:
            if any(not _CLAUSE.fullmatch(each) for each in part.split("|")):
                raise refused
            found.append(("", part))
            continue
        match = _CLAUSE.fullmatch(part)
        if not match or not match[2]:
            raise refused
        number = match[2].rstrip(".")
        if not number:
            raise refused
        operator = match[1] or ("=" if match[3] else "==")
        if match[3] and operator == "==":
            operator = "="
        found.append((operator, number + (".*" if match[3] and operator == "!=" else "")))
    return tuple(found)


def _for_pip(operator: str, version: str) -> str:
    if operator == "=":
        return f"=={version}.*"
    if operator == "~=" and "." not in version:
        return f">={version}"
    return operator + version


def is_channel(text: str) -> bool:
    """True if the text can name a channel: a short name, or an address."""
    return _CHANNEL.fullmatch(text) is not None
