"""The data of an automated ML run, from the forms in which scripts have it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from milepost.sdk.automl.automl_exceptions import ConfigException, DataException

_LABEL: Final = "y"
_FORMS: Final = "a pandas data frame, the path of a CSV, TSV or Parquet file, or an object with to_pandas_dataframe()"


@dataclass(frozen=True)
class Tables:
    """What is learned from."""

    training: Any
    """A pandas data frame with texts as columns' names."""
    validation: Any | None
    label: str
    named: bool
    """Whether the features' columns had names; else models take arrays, too."""

    def write(self, folder: Path) -> None:
        """Write the tables as Parquet.  Raises DataException for values that it cannot hold."""
        for name, table in (("training_data", self.training), ("validation_data", self.validation)):
            if table is None:
                continue
            try:
                table.to_parquet(folder / f"{name}.parquet", index=False)
            except (TypeError, ValueError, OverflowError) as error:  # pyarrow's own errors are ValueErrors, too
                raise DataException(
                    f"{name} cannot be kept as Parquet: {error}. Columns have values of one kind: numbers, texts, "
                    "dates, or True and False."
                ) from error


def tables_of(given: Mapping[str, Any]) -> Tables:
    """The tables of an AutoMLConfig's arguments.  Raises ConfigException, DataException."""
    if given["training_data"] is None:
        if given["X"] is None or given["y"] is None:
            raise ConfigException("AutoMLConfig needs training_data and label_column_name, or X and y.")
        for name in ("validation_data", "label_column_name"):
            if given[name] is not None:
                raise ConfigException(f"{name} goes with training_data, not with X and y.")
        training, label = _joined(given["X"], given["y"], "X", "y", None)
        validation = None
        if (given["X_valid"] is None) != (given["y_valid"] is None):
            raise ConfigException("X_valid and y_valid go together.")
        if given["X_valid"] is not None:
            validation, _ = _joined(given["X_valid"], given["y_valid"], "X_valid", "y_valid", label)
    else:
        if any(given[name] is not None for name in ("X", "y", "X_valid", "y_valid")):
            raise ConfigException("Give training_data and label_column_name, or X and y, not both.")
        label = given["label_column_name"]
        if label is None:
            raise ConfigException("training_data needs label_column_name, the column that is to be predicted.")
        training = _frame(given["training_data"], "training_data")
        validation = None
        if given["validation_data"] is not None:
            validation = _frame(given["validation_data"], "validation_data")
    return _checked(training, validation, label)


def _checked(training: Any, validation: Any | None, label: Any) -> Tables:
    for name, table in (("training_data", training), ("validation_data", validation)):
        if table is not None and label not in table.columns:
            raise ConfigException(f"label_column_name: {name} has no column {label!r:.80}.")
    features = [each for each in training.columns if each != label]
    if not features:
        raise DataException("There is no column beside the label to learn from.")
    named = all(isinstance(each, str) for each in features)
    if not named and any(isinstance(each, str) for each in features):
        raise DataException("Some columns are named by texts and others are not: name all of them by texts.")
    if validation is not None:
        missing = [each for each in features if each not in validation.columns]
        if missing:
            raise DataException(f"validation_data has no column {missing[0]!r:.80}, which training_data has.")
        validation = validation[[*features, label]]
    tables = []
    for table in (training[[*features, label]], validation):
        if table is not None:
            table = table.copy(deep=False)
            table.columns = [str(each) for each in table.columns]
            if table.columns.duplicated().any():
                raise DataException(f"Several columns are named {table.columns[table.columns.duplicated()][0]!r:.80}.")
        tables.append(table)
    return Tables(tables[0], tables[1], str(label), named)


def _frame(data: Any, name: str) -> Any:
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return data
    convert = getattr(data, "to_pandas_dataframe", None)
    if callable(convert):
        return convert()
    if isinstance(data, (str, os.PathLike)):
        path = Path(data)
        if not path.is_file():
            raise DataException(f"{name}: there is no file {str(path)!r:.300}. It takes {_FORMS}.")
        suffix = path.name.lower().removesuffix(".gz").rpartition(".")[2]
        try:
            if suffix in ("parquet", "pq"):
                return pd.read_parquet(path)
            if suffix in ("csv", "tsv", "txt"):
                return pd.read_csv(path, sep="\t" if suffix == "tsv" else ",")
        except (ValueError, OSError) as error:
            raise DataException(f"{name}: {str(path)!r:.300} cannot be read: {error}") from error
    raise ConfigException(f"{name} is {_FORMS}, not {type(data).__name__}: {str(data)!r:.80}.")


def _joined(features: Any, target: Any, x_name: str, y_name: str, label: Any) -> tuple[Any, Any]:
    """Features and target as one table, and the name of the target in it."""
    import numpy as np
    import pandas as pd

    convert = getattr(features, "to_pandas_dataframe", None)
    table = convert() if callable(convert) else features
    if not isinstance(table, pd.DataFrame):
        array = np.asarray(table)
        if array.ndim != 2:
            raise DataException(f"{x_name} is a table, with a row an example, not an array of shape {array.shape}.")
        table = pd.DataFrame(array)
    if callable(getattr(target, "to_pandas_dataframe", None)):
        target = target.to_pandas_dataframe()
    answers = np.asarray(target)
    if answers.ndim == 2 and answers.shape[1] == 1:
        answers = answers.ravel()
    if answers.ndim != 1 or len(answers) != len(table):
        raise DataException(
            f"{y_name} has one value for each of the {len(table)} rows of {x_name}, not {answers.shape}."
        )
    if label is None:
        label = getattr(target, "name", None)
        label = label if isinstance(label, str) and label not in table.columns else _LABEL
        while label in table.columns:
            label += "_"
    return table.assign(**{label: answers}), label
