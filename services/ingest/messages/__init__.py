"""What ingest and its child processes say to each other. What a child says is checked by whoever hears it."""
