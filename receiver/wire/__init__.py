"""Decode OTLP bodies into flat Arrow columns."""
