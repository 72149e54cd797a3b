"""From raw columns to numbers: which purpose each column has, and the scikit-learn steps for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from milepost.automl.columns import DateParts, as_texts, filled_texts
from milepost.automl.settings import Featurizing

NUMERIC: Final = "Numeric"
CATEGORICAL: Final = "Categorical"
TEXT: Final = "Text"
DATE: Final = "DateTime"
PURPOSES: Final = (NUMERIC, CATEGORICAL, TEXT, DATE)
PREPROCESSOR: Final = "StandardScaler"
"""What the SDK's property ``run_preprocessor`` is called where columns are featurized."""
_CATEGORIES: Final = 50
"""Of a column get a number of their own; the rarer ones share one."""
_TEXT_PARTS: Final = 50
_WORDS: Final = 3.0
"""So many words a value on average make a text of a column whose values are nearly all different."""
_DIFFERENT: Final = 0.9


class BadData(ValueError):
    """The data cannot be learned from; the message says why."""


@dataclass(frozen=True)
class Plan:
    """What is done with each column."""

    purposes: dict[Any, str]
    """Of the columns that are used."""
    left_out: dict[Any, str]
    """Those that are not, with the reason."""


def plan(frame: Any, wanted: Featurizing) -> Plan:
    """Decide on each column of the features.  Raises BadData."""
    missing = [name for name in (*wanted.drop, *wanted.purposes, *wanted.imputation) if name not in frame.columns]
    if missing:
        raise BadData(f"featurization names columns that the data does not have: {', '.join(map(repr, missing))}")
    purposes: dict[Any, str] = {}
    left_out: dict[Any, str] = {}
    for name in frame.columns:
        column = frame[name]
        if name in wanted.drop:
            left_out[name] = "featurization drops it"
        elif not wanted.automatic:
            if not _is_number(column):
                raise BadData(
                    f"featurization='off' takes numbers only, and the column {name!r} has {column.dtype}; give "
                    "featurization='auto', or make numbers of it"
                )
            purposes[name] = NUMERIC
        elif name in wanted.purposes:
            purposes[name] = wanted.purposes[name]
        elif column.isna().all():
            left_out[name] = "it has no values"
        elif (found := _guessed(column)) is None:
            left_out[name] = "its values are all different, as those of an id are"
        elif column.nunique(dropna=False) == 1:
            left_out[name] = "its values are all the same"
        else:
            purposes[name] = found
    if not purposes:
        raise BadData("no column is left to learn from: " + "; ".join(f"{k!r}: {v}" for k, v in left_out.items()))
    return Plan(purposes, left_out)


def featurizer(frame: Any, decided: Plan, wanted: Featurizing, *, named: bool = True) -> Any:
    """An unfitted ColumnTransformer from the raw columns to numbers.

    ``named`` False: it takes arrays, whose columns have no names.
    """
    places = {name: (name if named else list(frame.columns).index(name)) for name in decided.purposes}
    if not wanted.automatic:
        return ColumnTransformer([("numbers", "passthrough", list(places.values()))])
    steps = []
    imputed = set(wanted.imputation)
    for strategy in dict.fromkeys([("mean", None), *wanted.imputation.values()]):
        group = [
            places[name]
            for name, purpose in decided.purposes.items()
            if purpose == NUMERIC
            and (wanted.imputation[name] == strategy if name in imputed else strategy == ("mean", None))
        ]
        if group:
            fill = SimpleImputer(strategy=strategy[0], fill_value=strategy[1], keep_empty_features=True)
            steps.append((f"numeric_{strategy[0]}", Pipeline([("fill", fill), ("scale", StandardScaler())]), group))
    steps += _other_steps(frame, decided, places)
    return ColumnTransformer(steps, sparse_threshold=0)


def _other_steps(frame: Any, decided: Plan, places: dict[Any, Any]) -> list[tuple[str, Any, Any]]:
    plain: list[Any] = []
    mixed: list[Any] = []
    steps: list[tuple[str, Any, Any]] = []
    dates = []
    for name, purpose in decided.purposes.items():
        if purpose == CATEGORICAL:
            (plain if _all_texts(frame[name]) else mixed).append(places[name])
        elif purpose == DATE:
            dates.append(places[name])
        elif purpose == TEXT:
            parts = Pipeline(
                [
                    ("fill", FunctionTransformer(filled_texts)),
                    ("tfidf", TfidfVectorizer(max_features=20_000, min_df=2)),
                    ("reduce", Reduced(_TEXT_PARTS)),
                    ("scale", StandardScaler()),
                ]
            )
            steps.append((f"text_{len(steps)}", parts, [places[name]]))
    if plain:
        steps.append(("categories", _one_hot(), plain))
    if mixed:
        texts = Pipeline([("texts", FunctionTransformer(as_texts)), ("one_hot", _one_hot())])
        steps.append(("categories_as_texts", texts, mixed))
    if dates:
        numbers = Pipeline([("parts", DateParts()), ("fill", SimpleImputer()), ("scale", StandardScaler())])
        steps.append(("dates", numbers, dates))
    return steps


class Reduced(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The counts of words as a few numbers: TruncatedSVD with at most ``most`` of them, fewer where words are few."""

    def __init__(self, most: int) -> None:
        self.most = most

    def fit(self, counts: Any, y: Any = None) -> Reduced:
        """Find the directions in which texts differ most."""
        parts = max(1, min(self.most, counts.shape[1] - 1, counts.shape[0] - 1))
        self.reducer_ = TruncatedSVD(parts).fit(counts)
        return self

    def transform(self, counts: Any) -> Any:
        """A row for each text."""
        return self.reducer_.transform(counts)


def _one_hot() -> Any:
    return OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=_CATEGORIES, sparse_output=False)


def _is_number(column: Any) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column))


def _all_texts(column: Any) -> bool:
    return all(isinstance(each, str) for each in column.dropna().unique())


def _guessed(column: Any) -> str | None:
    """What a column is for; None for one that says nothing."""
    if pd.api.types.is_bool_dtype(column):
        return NUMERIC
    if _is_number(column):
        return NUMERIC
    if pd.api.types.is_datetime64_any_dtype(column):
        return DATE
    values = column.dropna()
    if isinstance(column.dtype, pd.CategoricalDtype):
        return CATEGORICAL
    sample = values.head(200)
    texts = [each for each in sample if isinstance(each, str)]
    if len(texts) == len(sample) and not pd.to_numeric(sample, errors="coerce").notna().any():
        dates = pd.to_datetime(sample, format="ISO8601", errors="coerce")
        if dates.notna().all():
            return DATE
    different = values.astype(str).nunique() / len(values)
    if different > _DIFFERENT and len(values) > _CATEGORIES:
        words = sum(len(each.split()) for each in texts) / max(len(texts), 1)
        return TEXT if words >= _WORDS else None
    return CATEGORICAL
