"""Where runs are kept: schema, exactly-once batches, metric chunks, artifacts, queries."""
