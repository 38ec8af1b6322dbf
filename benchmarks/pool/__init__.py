"""What the GPU pool costs and how well it hands on, each beside a baseline in the same run."""
