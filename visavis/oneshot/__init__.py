"""The cores of ingest, detect and render in one process, without bus and pool: for one picture, video or segment."""
