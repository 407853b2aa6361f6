"""NVIDIA cards: their memory, their kernels, and the pictures that lie on them. CuPy is imported by `card` alone."""
