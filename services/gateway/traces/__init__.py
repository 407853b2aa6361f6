"""The last traces: kept, searched, and shown as pages."""
