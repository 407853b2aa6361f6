"""The families of models: each file composes a published model and its decoding into one graph."""
