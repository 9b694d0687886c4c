"""Turn bytes from senders into event batches."""
