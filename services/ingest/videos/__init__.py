"""What hostile videos hold: their facts, frames and packets, where they can be cut, and how parts are joined."""
