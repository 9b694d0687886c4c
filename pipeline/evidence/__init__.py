"""What happened in sessions, as columns: errors, uses of tools, files and commands; all pure."""
