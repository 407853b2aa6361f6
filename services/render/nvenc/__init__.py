"""What makes coded pictures of those that lie on a card, there, if it can."""
