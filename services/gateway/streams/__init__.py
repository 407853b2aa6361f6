"""Live sources that the service fetches itself: which there are, who runs each, and what is wished of it."""
