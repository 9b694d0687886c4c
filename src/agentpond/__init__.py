"""Receive the telemetry of coding agents and keep it as normalised events."""
