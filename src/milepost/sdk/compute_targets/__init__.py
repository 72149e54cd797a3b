"""Compute targets: where submitted runs go."""
