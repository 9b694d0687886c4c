"""Take connections on a port, and answer in words those that speak what it does not."""
