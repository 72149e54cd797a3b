"""What an automated ML run is to do: a task, data, a metric, and how far to go."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from milepost.automl import names
from milepost.sdk.automl.automl_exceptions import ConfigException, OptionalDependencyMissingException
from milepost.sdk.automl.featurization_config import FeaturizationConfig
from milepost.sdk.automl.forecasting_parameters import ForecastingParameters, refuse_set
from milepost.sdk.submitting.run_configuration import target_name
from milepost.sdk.submitting.submit_registry import ExperimentSubmitRegistrar

if TYPE_CHECKING:
    from milepost.automl.settings import Featurizing, Settings
    from milepost.sdk.automl.automl_run import AutoMLRun
    from milepost.sdk.workspaces.workspace import Workspace

ITERATIONS: Final = 1_000
"""So many pipelines are tried, unless it is stopped before."""
_PACKAGES: Final = ("flaml", "lightgbm", "pandas", "pyarrow", "sklearn")
_OLD_NAMES: Final = {
    "blacklist_models": "blocked_models",
    "whitelist_models": "allowed_models",
    "max_horizon": "forecast_horizon",
    "grain_column_names": "time_series_id_column_names",
}
_FORECAST: Final = ("time_column_name", "forecast_horizon", "time_series_id_column_names")
_NOT_SET: Final = "it is not in this version of Milepost. Leave it out"


class AutoMLConfig:
    """An automated ML run, for ``Experiment.submit``.

    ``task``: classification, regression or forecasting.  ``training_data``: a pandas data frame, the path of a CSV or
    Parquet file, or what has ``to_pandas_dataframe()``, with the column ``label_column_name``; or ``X`` and ``y``.
    ``validation_data`` (or ``X_valid`` and ``y_valid``): rows by which pipelines are judged; else
    ``n_cross_validations`` folds, or ``validation_size`` of the rows (0 to 1).  ``primary_metric``: by which they are
    compared.  ``iterations``: so many pipelines are tried, ensembles not counted.  ``experiment_timeout_hours``,
    ``iteration_timeout_minutes``: after that the search, or an iteration, is ended.  ``experiment_exit_score``: the
    search ends when the primary metric is as good.  ``allowed_models``, ``blocked_models``: the algorithms' names.
    ``featurization``: "auto", "off" or a FeaturizationConfig.  ``max_cores_per_iteration``: threads; -1 for all.
    ``compute_target``: "local", or a pool in whose queue it waits.

    ``max_concurrent_iterations`` is the most at a time; Milepost does one after another.  ``path``, ``debug_log``,
    ``verbosity``, ``model_explainability``, ``num_classes``, ``enforce_time_on_windows`` and ``enable_local_managed``
    are taken, and have no effect: the run's log says so.  Whatever else Milepost does not do raises ConfigException
    when it is set, and so do unknown settings.  Raises OptionalDependencyMissingException where the packages of
    ``milepost[automl]`` are not installed.
    """

    def __init__(
        self,
        task: str,
        path: str | None = None,
        iterations: int | None = None,
        primary_metric: str | None = None,
        positive_label: Any = None,
        compute_target: Any = None,
        spark_context: Any = None,
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        X_valid: Any = None,
        y_valid: Any = None,
        sample_weight_valid: Any = None,
        cv_splits_indices: Any = None,
        validation_size: float | None = None,
        n_cross_validations: int | str | None = None,
        y_min: float | None = None,
        y_max: float | None = None,
        num_classes: int | None = None,
        featurization: str | FeaturizationConfig = "auto",
        max_cores_per_iteration: int = 1,
        max_concurrent_iterations: int = 1,
        iteration_timeout_minutes: float | None = None,
        mem_in_mb: int | None = None,
        enforce_time_on_windows: bool = True,
        experiment_timeout_hours: float | None = None,
        experiment_exit_score: float | None = None,
        enable_early_stopping: bool = True,
        blocked_models: list[str] | None = None,
        blacklist_models: list[str] | None = None,
        exclude_nan_labels: bool = True,
        verbosity: int = logging.INFO,
        enable_tf: bool = False,
        model_explainability: bool = True,
        allowed_models: list[str] | None = None,
        whitelist_models: list[str] | None = None,
        enable_onnx_compatible_models: bool = False,
        enable_voting_ensemble: bool = True,
        enable_stack_ensemble: bool | None = None,
        debug_log: str = "automl.log",
        training_data: Any = None,
        validation_data: Any = None,
        test_data: Any = None,
        test_size: float | None = None,
        label_column_name: str | None = None,
        weight_column_name: str | None = None,
        cv_split_column_names: list[str] | None = None,
        enable_local_managed: bool = False,
        enable_dnn: bool = False,
        forecasting_parameters: ForecastingParameters | None = None,
        **kwargs: Any,
    ) -> None:
        given = {**{name: value for name, value in locals().items() if name not in ("self", "kwargs")}, **kwargs}
        _refuse(given)
        _need_packages()
        self.user_settings: dict[str, Any] = given
        self.name: str | None = None if kwargs.get("name") is None else str(kwargs["name"])
        self.compute_target = target_name(compute_target)
        self.is_timeseries = task == names.FORECASTING
        self._settings, self._data = _understood(given)
        self._notes = _without_effect(given)

    def as_serializable_dict(self) -> dict[str, Any]:
        """The settings, without the data."""
        return self._settings.to_json()

    def __repr__(self) -> str:
        settings = self._settings
        return (
            f"AutoMLConfig(task={settings.task!r}, primary_metric={settings.primary_metric!r}, "
            f"label_column_name={settings.label!r})"
        )


def submit(config: AutoMLConfig, workspace: Workspace, experiment_name: str, **kwargs: Any) -> AutoMLRun:
    """What ``Experiment.submit`` calls."""
    from milepost.sdk.automl.automl_submission import submit_automl

    return submit_automl(
        config,
        workspace,
        experiment_name,
        tags=kwargs.get("tags"),
        display_name=kwargs.get("display_name"),
        parent_id=kwargs.get("parent_run_id"),
        run_id=kwargs.get("run_id"),
    )


ExperimentSubmitRegistrar.register_submit_function(AutoMLConfig, submit)


# -- what is refused ---------------------------------------------------------------------------------------------------

_KNOWN_KEYWORDS: Final = frozenset(
    {
        *_FORECAST,
        *_OLD_NAMES,
        "name",
        "experiment_timeout_minutes",
        "early_stopping_n_iters",
        "enable_ensembling",
        "drop_column_names",
        "preprocess",
    }
)
_UNSET: Final[dict[str, tuple[Any, ...]]] = {
    # What is given by default, which stands for "not set".
    "spark_context": (None,),
    "sample_weight": (None,),
    "sample_weight_valid": (None,),
    "cv_splits_indices": (None,),
    "mem_in_mb": (None,),
    "exclude_nan_labels": (True,),
    "enable_tf": (False,),
    "enable_onnx_compatible_models": (False,),
    "enable_dnn": (False,),
    "test_data": (None,),
    "test_size": (None, 0, 0.0),
    "weight_column_name": (None,),
    "cv_split_column_names": (None, []),
}
_ADVICE: Final = {
    "test_data": "judge the model that get_output() gives by it yourself",
    "test_size": "hold rows back, and judge the model that get_output() gives by them yourself",
    "exclude_nan_labels": "rows without a label are always left out",
    "mem_in_mb": "an iteration that asks for more memory than there is fails, and the next is tried",
}


def _refuse(given: dict[str, Any]) -> None:
    task = given["task"]
    if getattr(task, "value", task) not in names.TASKS:
        raise ConfigException(
            f"task is one of {', '.join(names.TASKS)}, not {task!r:.80}. Models of images and texts are not in "
            "Milepost."
        )
    for name, unset in _UNSET.items():
        value = given[name]
        if not any(value is each or (isinstance(value, (bool, int, float, list)) and value == each) for each in unset):
            advice = _ADVICE.get(name)
            raise ConfigException(f"AutoMLConfig({name}=...): {_NOT_SET}{f'; {advice}' if advice else ''}.")
    for name in given.keys() - _own_names() - _KNOWN_KEYWORDS:
        try:
            refuse_set(name, given[name])
        except ConfigException as error:
            if "no setting" in str(error):
                raise ConfigException(f"AutoMLConfig has no setting {name!r}.") from None
            raise


def _own_names() -> set[str]:
    import inspect

    return set(inspect.signature(AutoMLConfig.__init__).parameters) - {"self", "kwargs"}


def _need_packages() -> None:
    missing = [each for each in _PACKAGES if importlib.util.find_spec(each) is None]
    if missing:
        raise OptionalDependencyMissingException(
            f"Automated ML needs packages that are not installed ({', '.join(missing)}). Install them with: "
            "pip install 'milepost[automl]'"
        )


# -- what is understood ------------------------------------------------------------------------------------------------


def _understood(given: dict[str, Any]) -> tuple[Settings, Any]:
    """The settings, and the data as tables.  Raises ConfigException, DataException."""
    from milepost.automl.settings import Settings
    from milepost.sdk.automl.automl_data import tables_of

    task = str(getattr(given["task"], "value", given["task"]))
    metric = given["primary_metric"] or names.DEFAULT_METRIC[task]
    metric = getattr(metric, "value", metric)
    if metric not in names.PRIMARY_METRICS[task]:
        raise ConfigException(
            f"primary_metric of {task} is one of {', '.join(names.PRIMARY_METRICS[task])}, not {metric!r:.80}."
        )
    for old, new in _OLD_NAMES.items():
        if given.get(old) is not None:
            given[new] = given[old]
    data = tables_of(given)
    hours, minutes = given["experiment_timeout_hours"], given.get("experiment_timeout_minutes")
    if hours is not None and minutes is not None:
        raise ConfigException("Give experiment_timeout_hours or experiment_timeout_minutes, not both.")
    folds = _folds(given, has_validation=data.validation is not None)
    settings = Settings(
        task=task,
        primary_metric=metric,
        label=data.label,
        algorithms=_algorithms(task, given),
        iterations=_whole(given, "iterations") or ITERATIONS,
        folds=folds,
        validation_size=_between(given, "validation_size", 0, 1),
        timeout_s=_seconds(given, "experiment_timeout_hours", 3600.0)
        or _seconds(given, "experiment_timeout_minutes", 60.0),
        iteration_timeout_s=_seconds(given, "iteration_timeout_minutes", 60.0),
        exit_score=_number(given, "experiment_exit_score"),
        early_stopping=_flag(given, "enable_early_stopping"),
        early_stopping_n_iters=_whole(given, "early_stopping_n_iters") or 10,
        featurizing=_featurizing(given),
        voting=_flag(given, "enable_voting_ensemble") and given.get("enable_ensembling") is not False,
        stack=given["enable_stack_ensemble"] is not False and given.get("enable_ensembling") is not False,
        cores=_cores(given),
        positive_label=given["positive_label"],
        y_min=_number(given, "y_min"),
        y_max=_number(given, "y_max"),
        **_forecast(task, given),
    )
    _whole(given, "max_concurrent_iterations")
    if settings.validation_size is not None and (folds is not None or data.validation is not None):
        raise ConfigException("validation_size goes with neither n_cross_validations nor validation_data.")
    return settings, data


def _algorithms(task: str, given: dict[str, Any]) -> list[str]:
    allowed, blocked = given["allowed_models"], given["blocked_models"]
    for name, value in (("allowed_models", allowed), ("blocked_models", blocked)):
        if value is not None and not isinstance(value, (list, tuple, set)):
            raise ConfigException(f"{name} is a list of algorithms' names, not {value!r:.80}.")
    has_module = {"xgboost": importlib.util.find_spec("xgboost") is not None}
    try:
        return names.chosen(task, None if not allowed else list(allowed), list(blocked or ()), has_module)
    except names.UnknownModel as error:
        raise ConfigException(str(error)) from None


def _folds(given: dict[str, Any], *, has_validation: bool) -> int | None:
    value = given["n_cross_validations"]
    if value is None or value == "auto":
        return None
    if has_validation:
        raise ConfigException("n_cross_validations and validation data exclude each other: leave one of them out.")
    if isinstance(value, bool) or not isinstance(value, int) or not 2 <= value <= 100:
        raise ConfigException(f"n_cross_validations is a whole number from 2 to 100, or 'auto', not {value!r:.80}.")
    return value


def _featurizing(given: dict[str, Any]) -> Featurizing:
    from milepost.automl.settings import Featurizing

    value = given["featurization"]
    if given.get("preprocess") is False:
        value = "off"
    drop = given.get("drop_column_names") or ()
    drop = (drop,) if isinstance(drop, str) else tuple(drop)
    if isinstance(value, FeaturizationConfig):
        found = value._featurizing()
    elif value in ("auto", "off"):
        found = Featurizing(automatic=value == "auto")
    else:
        raise ConfigException(f"featurization is 'auto', 'off' or a FeaturizationConfig, not {value!r:.80}.")
    return Featurizing(found.automatic, (*found.drop, *drop), found.purposes, found.imputation)


def _forecast(task: str, given: dict[str, Any]) -> dict[str, Any]:
    parameters = given["forecasting_parameters"]
    loose = {name: given[name] for name in _FORECAST if given.get(name) is not None}
    if task != names.FORECASTING:
        if parameters is not None or loose:
            raise ConfigException(
                f"{next(iter(loose), 'forecasting_parameters')} belongs to task='forecasting', and the task is "
                f"{task!r}."
            )
        return {}
    if parameters is None:
        if loose.get("forecast_horizon") == "auto":
            raise ConfigException("forecast_horizon='auto' is not in this version of Milepost: give a whole number.")
        parameters = ForecastingParameters(**loose)
    elif loose:
        raise ConfigException(f"Give {next(iter(loose))} in forecasting_parameters, or beside it, not both.")
    if not isinstance(parameters, ForecastingParameters):
        raise ConfigException(f"forecasting_parameters is a ForecastingParameters, not {parameters!r:.80}.")
    return {
        "time_column": parameters.time_column_name,
        "series": tuple(parameters.time_series_id_column_names),
        "horizon": parameters.forecast_horizon,
    }


def _without_effect(given: dict[str, Any]) -> list[str]:
    """What was asked for and changes nothing, in words for the run's log."""
    found = []
    if (given["max_concurrent_iterations"] or 1) > 1:
        found.append(
            "max_concurrent_iterations is the most at a time: iterations are done one after another, each with "
            "max_cores_per_iteration threads"
        )
    told: list[tuple[str, Callable[[Any], bool], str]] = [
        ("path", lambda value: value is not None, "no files are taken from it or put there: all is in the run"),
        ("debug_log", lambda value: value != "automl.log", "no such file is written: what goes on is in this log"),
        ("num_classes", lambda value: value is not None, "the classes are those of the data"),
        ("model_explainability", bool, "no explanations of the model are made"),
    ]
    found += [f"{name}: {why}" for name, is_set, why in told if is_set(given[name])]
    return found


# -- values ------------------------------------------------------------------------------------------------------------


def _number(given: dict[str, Any], name: str) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigException(f"{name} is a number, not {value!r:.80}.")
    return float(value)


def _seconds(given: dict[str, Any], name: str, unit_s: float) -> float | None:
    value = _number(given, name)
    if value is None:
        return None
    if not 0 < value * unit_s <= 366 * 86400:
        raise ConfigException(f"{name} is more than 0, and a year at most, not {value:g}.")
    return value * unit_s


def _between(given: dict[str, Any], name: str, low: float, high: float) -> float | None:
    value = _number(given, name)
    if value in (None, 0.0):
        return None
    if value is not None and not low < value < high:
        raise ConfigException(f"{name} is between {low:g} and {high:g}, not {value:g}.")
    return value


def _whole(given: dict[str, Any], name: str) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigException(f"{name} is a whole number from 1, not {value!r:.80}.")
    return value


def _cores(given: dict[str, Any]) -> int:
    value = given["max_cores_per_iteration"]
    if value in (None, -1):
        return -1
    return _whole(given, "max_cores_per_iteration") or -1


def _flag(given: dict[str, Any], name: str) -> bool:
    value = given[name]
    if not isinstance(value, bool):
        raise ConfigException(f"{name} is True or False, not {value!r:.80}.")
    return value
