"""Values that the services exchange. No input or output, no clock, no environment."""
