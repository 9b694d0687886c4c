"""Decode OTLP bodies into flat Arrow columns, without sockets or state."""
