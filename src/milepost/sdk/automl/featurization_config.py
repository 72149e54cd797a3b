"""How columns are to be featurized, where that is not to be guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from milepost.sdk.automl.automl_exceptions import ConfigException

if TYPE_CHECKING:
    from milepost.automl.settings import Featurizing

_PURPOSES: Final = {
    "Numeric": "Numeric",
    "Categorical": "Categorical",
    "CategoricalHash": "Categorical",
    "Text": "Text",
    "DateTime": "DateTime",
}
_IGNORED: Final = ("Ignore", "Hashes", "AllNan")
_STRATEGIES: Final = ("mean", "median", "most_frequent", "constant")
_IMPUTER: Final = "Imputer"


class FeaturizationConfig:
    """``column_purposes``: column -> Numeric, Categorical, CategoricalHash, Text, DateTime or Ignore.
    ``transformer_params``: ``{"Imputer": [(columns, {"strategy": "median"})]}``.  ``drop_columns``: columns that are
    not learned from.

    ``blocked_transformers``, ``dataset_language`` and ``prediction_transform_type`` raise ConfigException, as whatever
    else Milepost does not do.
    """

    def __init__(
        self,
        blocked_transformers: list[str] | None = None,
        column_purposes: dict[str, str] | None = None,
        transformer_params: dict[str, list[tuple[list[str], dict[str, Any]]]] | None = None,
        drop_columns: list[str] | None = None,
        dataset_language: str | None = None,
        prediction_transform_type: str | None = None,
    ) -> None:
        for name, value in (
            ("dataset_language", dataset_language),
            ("prediction_transform_type", prediction_transform_type),
        ):
            if value is not None:
                raise ConfigException(
                    f"FeaturizationConfig({name}=...) is not in this version of Milepost. Leave it out."
                )
        self._purposes: dict[str, str] = {}
        self._drop: list[str] = []
        self._imputation: dict[str, tuple[str, Any]] = {}
        self.add_blocked_transformers(blocked_transformers)
        for column, purpose in (column_purposes or {}).items():
            self.add_column_purpose(column, purpose)
        for transformer, entries in (transformer_params or {}).items():
            for columns, params in entries:
                self.add_transformer_params(transformer, list(columns), params)
        self.add_drop_columns(drop_columns or [])

    @property
    def column_purposes(self) -> dict[str, str]:
        """Column -> purpose, of those that were given."""
        return dict(self._purposes)

    @property
    def drop_columns(self) -> list[str]:
        """Columns that are not learned from."""
        return list(self._drop)

    @property
    def transformer_params(self) -> dict[str, list[tuple[list[str], dict[str, Any]]]]:
        """The settings of transformers that were given."""
        entries = [
            ([column], {"strategy": strategy, **({} if value is None else {"fill_value": value})})
            for column, (strategy, value) in self._imputation.items()
        ]
        return {_IMPUTER: entries} if entries else {}

    def add_column_purpose(self, column_name: str, feature_type: str) -> None:
        """Say what a column is for.  Raises ConfigException."""
        name, kind = _column(column_name), getattr(feature_type, "value", feature_type)
        if kind in _IGNORED:
            self.add_drop_columns(name)
        elif kind in _PURPOSES:
            self._purposes[name] = kind
        else:
            raise ConfigException(
                f"The purpose of the column {name!r} is one of {', '.join((*_PURPOSES, 'Ignore'))}, not {kind!r:.80}."
            )

    def remove_column_purpose(self, column_name: str) -> None:
        """Have the purpose of a column guessed again."""
        self._purposes.pop(column_name, None)

    def add_drop_columns(self, drop_columns: str | list[str]) -> None:
        """Columns that are not learned from."""
        self._drop += [_column(each) for each in ([drop_columns] if isinstance(drop_columns, str) else drop_columns)]

    def add_transformer_params(self, transformer: str, cols: list[str], params: dict[str, Any]) -> None:
        """Set how missing numbers of these columns are filled: the transformer "Imputer" alone can be set.

        Raises ConfigException.
        """
        if transformer != _IMPUTER:
            raise ConfigException(
                f"transformer_params sets {_IMPUTER!r} alone in this version of Milepost, not {transformer!r:.80}."
            )
        strategy, further = params.get("strategy"), set(params) - {"strategy", "fill_value"}
        if strategy not in _STRATEGIES or further:
            raise ConfigException(
                f"The Imputer takes strategy ({', '.join(_STRATEGIES)}) and fill_value, not {params!r:.120}."
            )
        if not cols:
            raise ConfigException("The Imputer's params are for columns: name them.")
        for each in cols:
            self._imputation[_column(each)] = (strategy, params.get("fill_value"))

    def get_transformer_params(self, transformer: str, cols: list[str]) -> dict[str, Any]:
        """The settings of a transformer for these columns."""
        found = self.transformer_params.get(transformer, [])
        return next((params for names, params in found if names == list(cols)), {})

    def add_blocked_transformers(self, transformers: str | list[str] | None) -> None:
        """Not in this version: raises ConfigException for any name."""
        if transformers:
            raise ConfigException(
                f"blocked_transformers ({transformers!r:.80}) is not in this version of Milepost. Give the columns "
                "their purposes in place of it, or featurization='off'."
            )

    def _featurizing(self) -> Featurizing:
        from milepost.automl.settings import Featurizing

        purposes = {name: _PURPOSES[kind] for name, kind in self._purposes.items()}
        return Featurizing(True, tuple(dict.fromkeys(self._drop)), purposes, dict(self._imputation))


def _column(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise ConfigException(f"A column is given by its name, not as {name!r:.80}.")
    return name
