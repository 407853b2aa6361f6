"""Jobs: videos that are cut into segments, whose parts come from any lane and are put together with the last one."""
