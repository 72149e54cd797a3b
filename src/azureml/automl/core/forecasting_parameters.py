"""What a forecast is of."""

from milepost.sdk.automl.forecasting_parameters import ForecastingParameters

__all__ = [
    "ForecastingParameters",
]
