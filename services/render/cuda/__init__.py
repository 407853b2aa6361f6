"""What draws on a card: kernels, and the records that they are told of faces by."""
