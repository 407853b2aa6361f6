"""What is drawn on pictures that lie on a card: the CUDA form of each effect, equal to the one for the CPU."""
