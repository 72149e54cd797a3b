"""A run's own log on disk: appended in about a microsecond, survives SIGKILL, read back by the drain."""
