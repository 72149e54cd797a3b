"""Azure's curated environments: images of its cloud, which scripts ask for by name and Milepost does not have.

For the families that are mostly packages of PyPI, Milepost has an environment that stands for the image: the same
packages, in the versions that fit here.  What of the image is not so is told by each run (jobs.specification.notes).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from milepost.sdk.environments.environment import Environment

_PACKAGES: Final = {
    "sklearn": "scikit-learn",
    "scikit-learn": "scikit-learn",
    "tensorflow": "tensorflow",
    "pytorch": "torch",
    "acpt": "torch",
    "lightgbm": "lightgbm",
    "xgboost": "xgboost",
    "responsibleai": "responsibleai",
    "chainer": "chainer",
    "pyspark": "pyspark",
    "vowpalwabbit": "vowpalwabbit",
}
"""Part of a curated environment's name -> the package that scripts want from it."""

_DATA: Final = ("joblib", "matplotlib", "numpy", "pandas", "scipy", "tqdm")
_SKLEARN: Final = (*_DATA, "psutil", "scikit-learn")
# Without torchaudio: its newest release belongs to an older torch, and its requirements do not say so.
_TORCH: Final = ("matplotlib", "numpy", "pandas", "pillow", "tensorboard", "torch", "torchvision", "tqdm")
_FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "minimal": (),
    "tutorial": (*_SKLEARN, "pyarrow"),
    "sklearn": _SKLEARN,
    "scikit-learn": _SKLEARN,
    "lightgbm": (*_SKLEARN, "lightgbm"),
    "xgboost": (*_SKLEARN, "xgboost"),
    "pytorch": _TORCH,
    "acpt-pytorch": _TORCH,
    "tensorflow": (*_DATA, "pillow", "scikit-learn", "tensorboard", "tensorflow"),
    "onnxruntime": ("numpy", "onnxruntime", "pandas", "pillow"),
    "designer": (*_SKLEARN, "pyarrow"),
    "designer-score": (*_SKLEARN, "pyarrow"),
}
"""What follows ``AzureML-`` in the name, in small letters -> the packages that stand for the image."""
# Versions of the framework, the system, Python and CUDA, and what the image was for.
_REST: Final = re.compile(
    r"(?:-(?:[0-9]+(?:\.(?:[0-9]+|x))*|ubuntu[0-9.]+|py(?:thon)?[0-9.]+|cuda[0-9.]*|cudnn[0-9.]*|cpu|gpu|inference))*",
    re.ASCII,
)
_PYTHONS: Final = {"tensorflow": "python>=3.10,<3.14"}
"""Families whose wheels come late for a new Python -> those that there are wheels for."""
_PREFIX: Final = "azureml-"


def stand_in(name: object) -> Environment | None:
    """The environment that stands for Azure's of that name; None where there is none."""
    lower = name.lower() if isinstance(name, str) else ""
    if not isinstance(name, str) or not lower.startswith(_PREFIX):
        return None
    rest = lower[len(_PREFIX) :]
    # The longest first: "designer-score" is not "designer" with something behind it.
    for family in sorted(_FAMILIES, key=len, reverse=True):
        if rest.startswith(family) and _REST.fullmatch(rest[len(family) :]):
            return _environment(name, family)
    return None


def _environment(name: str, family: str) -> Environment:
    from milepost.jobs.specification import STANDS_FOR
    from milepost.sdk.environments.conda_dependencies import DEFAULT_PYTHON, CondaDependencies
    from milepost.sdk.environments.environment import Environment

    made = Environment(name)
    # The SDK's own packages come first, as in Azure's; Milepost knows what came along with them.
    packages = ["azureml-defaults", "azureml-mlflow", *sorted(set(_FAMILIES[family]))]
    made.python.conda_dependencies = CondaDependencies(
        _underlying_structure={
            "name": f"{STANDS_FOR}{name}",
            "dependencies": [_PYTHONS.get(family, f"python={DEFAULT_PYTHON}"), {"pip": packages}],
            "channels": ["conda-forge"],
        }
    )
    return made


def advice(name: str) -> str | None:
    """What to do where an environment of that name is not there; None if it is not one of Azure's."""
    lower = name.lower()
    if not lower.startswith(_PREFIX):
        return None
    packages = sorted({package for part, package in _PACKAGES.items() if part in lower}) or ["scikit-learn"]
    return (
        "Azure's curated environments are images of its cloud, and Milepost has nothing in place of this one. Register "
        "one of that name with the packages that your script needs, once, and scripts find it: "
        f"env = Environment({name!r}); "
        f"env.python.conda_dependencies = CondaDependencies.create(pip_packages={packages!r}); "
        "env.register(workspace)"
    )


class ByName(dict[str, Any]):
    """The registered environments by name.  One of Azure's can be looked up too; it is not among the names."""

    def __missing__(self, name: object) -> Any:
        found = stand_in(name)
        if found is not None:
            return found
        raise KeyError(*filter(None, (name, advice(name) if isinstance(name, str) else None)))

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or stand_in(name) is not None

    def get(self, name: str, default: Any = None) -> Any:
        """The environment of that name, or ``default``."""
        found = super().get(name)
        if found is None:
            found = stand_in(name)
        return default if found is None else found
