"""What runs in the demuxing process of a fetched source: its way to the bytes, and coded packets for the parent."""
