"""Keep what session-scope processors need and make: changed sessions, their rows, their runs."""
