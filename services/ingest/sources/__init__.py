"""Sources that ingest fetches: playlists, files and servers, as coded packets on one timeline."""
