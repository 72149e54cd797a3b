"""Automated ML: FLAML decides which pipelines are tried, and what each gave is told to whoever records."""
