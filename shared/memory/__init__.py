"""The frame pool: pixels are written once, read in place, and handed on by reference."""
