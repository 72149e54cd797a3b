"""Submitted runs: snapshot, environment, queue, launch, watch, collect.  Knows nothing of the SDK."""
