"""Take accepted requests through processors to exporters."""
