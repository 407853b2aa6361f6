"""Live sessions: one stream of frames through the lane, from the gateway's packets or a source."""
