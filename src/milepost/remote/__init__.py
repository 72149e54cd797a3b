"""A workspace on a server: the same store, reached over HTTP."""
