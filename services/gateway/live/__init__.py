"""Live sessions as the gateway sees them, whatever protocol their client speaks."""
