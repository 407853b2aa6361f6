"""Jobs as the gateway sees them: accepted, watched, brought on when stuck, and removed."""
