"""Sweeps: which parameters each trial gets, which trials are stopped early, and the process that sees to it."""
