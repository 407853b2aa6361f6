"""Videos that a card decodes: one process a lane takes coded packets and writes frames into the card's pool."""
