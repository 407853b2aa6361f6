"""What is made of a live session's packets besides answers to its client."""
