"""Estimators, sweeps and automated ML."""
