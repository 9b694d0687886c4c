"""What session-scope processors have in common: cadence, groups of rows, turns; all pure."""
