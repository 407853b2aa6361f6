"""Assets as the gateway takes them in, and whose they are."""
