"""What a forecast is of."""

from __future__ import annotations

from typing import Any, Final

from milepost.sdk.automl.automl_exceptions import ConfigException

_INSTEAD: Final = {
    "target_lags": "Milepost forecasts from the calendar and from columns that are known beforehand",
    "target_rolling_window_size": "Milepost forecasts from the calendar and from columns that are known beforehand",
    "feature_lags": "Make columns of the lagged values yourself",
    "group_column_names": "time_series_id_column_names names the series",
    "holiday_country": "Add a column that says which days are holidays",
    "country_or_region_for_holidays": "Add a column that says which days are holidays",
    "country_or_region": "Add a column that says which days are holidays",
    "use_stl": "",
    "seasonality": "The parts of the date are columns, which says the season",
    "freq": "The times of the data are taken as they are",
    "target_aggregation_function": "The times of the data are taken as they are",
    "short_series_handling_configuration": "Leave short series out of the data",
    "cv_step_size": "Origins are a horizon apart",
}
"""Settings that Milepost does not have, with what to do in place of each."""
AUTO: Final = ("auto", None)


class ForecastingParameters:
    """``time_column_name``: the column of the times.  ``forecast_horizon``: so many times ahead, a whole number.
    ``time_series_id_column_names``: columns that tell one series from another.

    Whatever else the SDK has here raises ConfigException where it is set.
    """

    def __init__(
        self,
        time_column_name: str | None = None,
        forecast_horizon: int = 1,
        time_series_id_column_names: str | list[str] | None = None,
        group_column_names: Any = None,
        target_lags: Any = None,
        feature_lags: Any = None,
        target_rolling_window_size: Any = None,
        holiday_country: Any = None,
        country_or_region_for_holidays: Any = None,
        use_stl: Any = None,
        seasonality: Any = "auto",
        short_series_handling_configuration: Any = "auto",
        freq: Any = None,
        target_aggregation_function: Any = None,
        cv_step_size: Any = None,
        validate_parameters: bool = True,
        **kwargs: Any,
    ) -> None:
        given = {
            "group_column_names": group_column_names,
            "target_lags": target_lags,
            "feature_lags": feature_lags,
            "target_rolling_window_size": target_rolling_window_size,
            "holiday_country": holiday_country,
            "country_or_region_for_holidays": country_or_region_for_holidays,
            "use_stl": use_stl,
            "seasonality": seasonality,
            "short_series_handling_configuration": short_series_handling_configuration,
            "freq": freq,
            "target_aggregation_function": target_aggregation_function,
            "cv_step_size": cv_step_size,
            **kwargs,
        }
        for name, value in given.items():
            refuse_set(name, value)
        if not isinstance(time_column_name, str) or not time_column_name:
            raise ConfigException(
                f"time_column_name is the name of the column of the times, not {time_column_name!r:.80}."
            )
        if isinstance(forecast_horizon, bool) or not isinstance(forecast_horizon, int) or forecast_horizon < 1:
            raise ConfigException(
                f"forecast_horizon is a whole number of times ahead, from 1, not {forecast_horizon!r:.80}."
            )
        names = time_series_id_column_names
        self.time_column_name = time_column_name
        self.forecast_horizon = forecast_horizon
        self.time_series_id_column_names = [names] if isinstance(names, str) else list(names or ())


def refuse_set(name: str, value: Any) -> None:
    """Raise ConfigException where a setting of forecasts that Milepost does not have is set."""
    if name not in _INSTEAD:
        raise ConfigException(f"There is no setting {name!r} of forecasts.")
    if value not in AUTO:
        instead = _INSTEAD[name]
        raise ConfigException(
            f"{name}={value!r:.80} is not in this version of Milepost. Leave it out{f'. {instead}' if instead else ''}."
        )
