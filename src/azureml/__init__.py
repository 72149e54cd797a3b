"""Azure ML SDK v1's import paths, answered by Milepost.  Names only; what they stand for is in ``milepost.sdk``."""
