"""Azure's curated environments: images of its cloud, which scripts ask for by name and Milepost does not have."""

from __future__ import annotations

from typing import Any, Final

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


def advice(name: str) -> str | None:
    """What to do where an environment of that name is not there; None if it is not one of Azure's."""
    lower = name.lower()
    if not lower.startswith("azureml-"):
        return None
    packages = sorted({package for part, package in _PACKAGES.items() if part in lower}) or ["scikit-learn"]
    return (
        "Azure's curated environments are images of its cloud, and Milepost has none of them. Register one of that "
        "name with the packages that your script needs, once, and scripts find it: "
        f"env = Environment({name!r}); "
        f"env.python.conda_dependencies = CondaDependencies.create(pip_packages={packages!r}); "
        "env.register(workspace)"
    )


class ByName(dict[str, Any]):
    """Environments by name, which say what to do where one of Azure's is looked for."""

    def __missing__(self, name: object) -> Any:
        raise KeyError(*filter(None, (name, advice(name) if isinstance(name, str) else None)))
