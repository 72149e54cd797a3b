"""The REST API and the portal's pages, over the store.  Knows nothing of the SDK."""
