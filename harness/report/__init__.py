"""A run directory in, what people read out; no number is computed here, only shown."""
