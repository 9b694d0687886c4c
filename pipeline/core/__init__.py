"""Hold the contract that receivers, processors, exporters and the engine share."""
