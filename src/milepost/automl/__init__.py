"""Automated ML: many pipelines are tried, FLAML decides which, and what each of them gave is told to whoever records."""
