"""Featurizing: which purpose a column has, and what rows become that were never seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from milepost.automl.featurizing import BadData, featurizer, plan
from milepost.automl.settings import Featurizing

ROWS = 120


@pytest.fixture
def frame() -> Any:
    generator = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "age": np.where(generator.random(ROWS) < 0.1, np.nan, generator.random(ROWS) * 50),
            "is_member": generator.random(ROWS) < 0.5,
            "color": generator.choice(["red", "green", None], ROWS),
            "size": pd.Categorical(generator.choice([1, 2, 3], ROWS)),
            "joined": pd.date_range("2024-01-01", periods=ROWS, freq="D"),
            "seen": pd.date_range("2024-01-01", periods=ROWS, freq="h").strftime("%Y-%m-%dT%H:%M:%S"),
            "said": [f"the {word} number {at} is here" for at, word in enumerate(["blue", "old"] * 60)],
            "code": [f"id{at}" for at in range(ROWS)],
            "nothing": [None] * ROWS,
            "same": 1,
        }
    )


def test_what_columns_are_for_is_seen_by_their_values(frame: Any) -> None:
    found = plan(frame, Featurizing())
    assert found.purposes == {
        "age": "Numeric",
        "is_member": "Numeric",
        "color": "Categorical",
        "size": "Categorical",
        "joined": "DateTime",
        "seen": "DateTime",
        "said": "Text",
    }
    assert set(found.left_out) == {"code", "nothing", "same"}


def test_rows_with_values_that_were_never_seen_become_numbers(frame: Any) -> None:
    wanted = Featurizing(imputation={"age": ("median", None)}, drop=("seen",))
    made = featurizer(frame, plan(frame, wanted), wanted).fit(frame)
    row = frame.head(1).assign(color="violet", age=np.nan, said=None, joined=pd.NaT)
    numbers = made.transform(row)
    assert np.isfinite(numbers).all()
    assert numbers.shape[1] == made.transform(frame).shape[1]


def test_what_was_said_of_a_column_goes_before_what_is_seen(frame: Any) -> None:
    found = plan(frame, Featurizing(purposes={"code": "Categorical"}, drop=("age",)))
    assert found.purposes["code"] == "Categorical"
    assert "age" not in found.purposes


def test_without_featurizing_columns_are_numbers(frame: Any) -> None:
    numbers = frame[["is_member", "same"]]
    off = Featurizing(automatic=False)
    assert featurizer(numbers, plan(numbers, off), off).fit_transform(numbers).shape == (ROWS, 2)
    with pytest.raises(BadData, match=r"the column 'color' has .*featurization='auto'"):
        plan(frame[["color"]], off)


def test_a_column_that_is_not_there_is_told(frame: Any) -> None:
    with pytest.raises(BadData, match="'colour'"):
        plan(frame, Featurizing(drop=("colour",)))


def test_nothing_to_learn_from_is_told(frame: Any) -> None:
    with pytest.raises(BadData, match="'same': its values are all the same"):
        plan(frame[["same", "nothing"]], Featurizing())
