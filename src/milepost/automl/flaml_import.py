"""Import FLAML, also where XGBoost is not installed."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from types import ModuleType
from typing import Any


def flaml() -> Any:
    """The module ``flaml.automl``.  Raises ImportError.

    FLAML imports XGBoost when it is imported, though only two of its learners use it, and XGBoost's package is far
    larger than all the others together.  Where it is not installed, something with its names stands in while FLAML is
    imported; those two learners are not used then.
    """
    stands_in = importlib.util.find_spec("xgboost") is None and "flaml.automl" not in sys.modules
    if stands_in:
        sys.modules["xgboost"] = _stand_in()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module("flaml.automl")
    finally:
        if stands_in:
            del sys.modules["xgboost"]


def _stand_in() -> ModuleType:
    from sklearn.base import BaseEstimator

    def unavailable(*_args: Any, **_keywords: Any) -> Any:
        raise ImportError("xgboost is not installed")

    module: Any = ModuleType("xgboost")
    module.__version__ = "2.0.0"
    members = {"__doc__": "XGBoost is not installed.", "fit": unavailable, "predict": unavailable}
    for name in ("XGBClassifier", "XGBRegressor"):
        setattr(module, name, type(name, (BaseEstimator,), members))
    return module  # type: ignore[no-any-return]
