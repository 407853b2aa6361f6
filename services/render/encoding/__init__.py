"""What makes coded pictures of drawn ones, by encoders of the CPU."""
