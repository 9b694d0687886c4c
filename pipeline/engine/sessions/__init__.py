"""Run session-scope processors on a store: which sessions, when, and what became of it."""
