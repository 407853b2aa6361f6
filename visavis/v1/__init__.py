"""The public contract over gRPC: `pictures.proto` and what `make proto` generates from it."""
