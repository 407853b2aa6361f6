"""The parent's end of decoders: processes that are made, spoken with, checked and ended."""
