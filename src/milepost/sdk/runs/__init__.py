"""Runs: what they log, keep, say of themselves, and how they end; also outside of any workspace."""
