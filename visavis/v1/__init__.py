"""The public contract over gRPC: `pictures.proto`, `looks.proto`, and what `make proto` generates from them."""
