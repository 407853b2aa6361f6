"""The gRPC interface, over the same parts."""
