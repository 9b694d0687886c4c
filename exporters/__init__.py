"""Deliver event batches: to DuckDB and elsewhere."""
