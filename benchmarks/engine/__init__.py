"""What the engine costs."""
