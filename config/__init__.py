"""Build a service from what the user wrote."""
