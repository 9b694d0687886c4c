"""Measure how fast telemetry becomes rows, against baselines taken in the same run."""
