"""Keep events in a DuckDB file."""
