"""Milepost records machine-learning training runs and manages them."""

__version__ = "0.1.0"
