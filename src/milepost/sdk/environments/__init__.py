"""Environments: what a submitted script runs in."""
