"""What a forecast is of."""

from milepost.sdk.forecasting_parameters import ForecastingParameters

__all__ = [
    "ForecastingParameters",
]
