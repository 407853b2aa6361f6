"""What runs in the confined processes that read hostile media: the fork server, and one task in each child of it."""
