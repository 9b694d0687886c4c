"""Keep the log, and run pipelines over it."""
